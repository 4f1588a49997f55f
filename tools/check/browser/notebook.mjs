// One notebook in JupyterLab, used with mouse and keyboard as a reader does.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { KEPT, SLOW, need, until } from "./common.mjs";
import { address, copy } from "./server.mjs";

// One window after the other: of two that start at the same moment JupyterLab may take one for a copy of the other, and
// leave it empty.
let opening = Promise.resolve();
const oneByOne = (work) => (opening = opening.catch(() => {}).then(work));

export class Notebook {
  static async open(context, origin, name) {
    const notebook = new Notebook();
    notebook.name = name;
    // Read once: JupyterLab writes the file again and again from now on.
    notebook.cells = JSON.parse(readFileSync(copy(name), "utf8")).cells;
    notebook.page = await context.newPage();
    // To leave a page with changes that are not saved.
    notebook.page.on("dialog", (dialog) => dialog.accept());
    await oneByOne(async () => {
      await notebook.page.goto(origin + address(name));
      await notebook.page.locator(".jp-NotebookPanel").first().waitFor({ timeout: 60_000 * SLOW });
    });
    await notebook.idle(60);
    // JupyterLab puts the cells of a long notebook into the page little by little.
    const cells = notebook.page.locator(".jp-Notebook .jp-Cell");
    await until("all cells", 60, async () => (await cells.count()) === notebook.cells.length);
    return notebook;
  }

  // What stood in its code cells when it was opened, in their order.
  sources() {
    return this.cells.filter((cell) => cell.cell_type === "code").map((cell) => [cell.source].flat().join(""));
  }

  // The cell with this id, of which the page knows only the place.
  cell(id) {
    const index = this.cells.findIndex((cell) => cell.id === id);
    need(index >= 0, `no cell “${id}” in ${this.name}`);
    return this.page.locator(".jp-Notebook .jp-Cell").nth(index);
  }

  async kernel() {
    return (await this.page.locator(".jp-NotebookPanel .jp-KernelName, .jp-NotebookPanel .jp-Toolbar-kernelName").first().innerText()).trim();
  }

  // Until the kernel waits for work. The sign beside its name says so of no kernel at all, too.
  async idle(seconds) {
    const status = this.page.locator("#jp-main-statusbar", { hasText: "Rust | Idle" });
    await until("a kernel that is idle", seconds, async () => (await status.count()) > 0);
  }

  // Clicks through the menus: menu("Run", "Run All Cells").
  async menu(...words) {
    const [first, ...rest] = words;
    await this.page.locator(".lm-MenuBar-item", { hasText: new RegExp(`^${first}$`) }).click();
    for (const word of rest) {
      const item = this.page.locator(".lm-Menu-item:not(.lm-mod-disabled)", { hasText: new RegExp(`^${word}`) });
      await item.first().click();
    }
  }

  prompts() {
    return this.page.locator(".jp-Notebook .jp-CodeCell .jp-InputArea-prompt").allTextContents();
  }

  // Runs all cells from the menu and waits until the last has its number and none is waiting.
  async runAll(seconds) {
    const last = this.sources().findLastIndex((source) => source.trim());
    const failed = this.page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]');
    let prompts = [];
    const asked = async (enough) => enough((prompts = await this.prompts()));
    await this.menu("Run", "Run All Cells");
    // The copy shows what was committed, with numbers, until its cells are sent.
    await until("a last cell that waits", 20, () => asked(() => prompts[last]?.includes("*")));
    await until(() => `the last cell's number (now ${prompts.join(" ")})`, seconds, async () => {
      need((await failed.count()) === 0, `a cell failed: ${(await failed.allTextContents()).join("").slice(0, 300)}`);
      return asked(() => /\d/.test(prompts[last]) && !prompts.some((prompt) => prompt.includes("*")));
    });
    await this.idle(20);
  }

  // Selects all in a cell's editor and writes over it.
  async write(id, text) {
    const editor = this.cell(id).locator(".cm-content");
    await editor.scrollIntoViewIfNeeded();
    await editor.click();
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.insertText(text);
  }

  // Starts one cell, and stays in it.
  async begin(id) {
    const editor = this.cell(id).locator(".cm-content");
    await editor.scrollIntoViewIfNeeded();
    await editor.click();
    const before = await this.prompt(id);
    await this.page.keyboard.press("Control+Enter");
    await until(`the start of the cell “${id}”`, 20, async () => (await this.prompt(id)) !== before);
  }

  prompt(id) {
    return this.cell(id).locator(".jp-InputArea-prompt").textContent();
  }

  async ended(id, seconds) {
    await until(`the end of the cell “${id}”`, seconds, async () => /\d/.test(await this.prompt(id)));
  }

  async output(id) {
    return (await this.cell(id).locator(".jp-OutputArea-output").allTextContents()).join("\n");
  }

  // Runs one cell; gives back the text of its outputs.
  async run(id, seconds) {
    await this.begin(id);
    await this.ended(id, seconds);
    return this.output(id);
  }

  async save() {
    await this.menu("File", "Save Notebook");
    await until("a notebook that is saved", 20, async () => !(await this.page.title()).startsWith("*"));
  }

  async restart() {
    await this.menu("Kernel", "Restart Kernel…");
    await this.page.locator(".jp-Dialog .jp-mod-accept").click();
    await until("a restart", 20, async () => (await this.page.locator("#jp-main-statusbar", { hasText: "Rust | Idle" }).count()) === 0);
    await this.idle(60);
  }

  // A picture of the window, with an element in it where one is given.
  async screenshot(kind, element) {
    await element?.evaluate((element) => element.scrollIntoView({ block: "center" }));
    await this.page.waitForTimeout(300);
    await this.page.screenshot({ path: join(KEPT, `${this.name}-${kind}.png`) });
  }

  // Closes it, and its kernel with it.
  async close() {
    await this.menu("File", "Close and Shut Down Notebook");
    const button = this.page.locator(".jp-Dialog .jp-mod-accept");
    await button.click();
    await until("a closed notebook", 20, async () => (await this.page.locator(".jp-Notebook").count()) === 0);
    await this.page.close();
  }
}
