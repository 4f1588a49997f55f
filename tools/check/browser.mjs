// Opens the laboratory in a browser as a reader does, on the built-in sample: node browser.mjs [NOTEBOOK…] [live]
//
// JupyterLab is started by `cargo lab notebook`, each notebook is run from its menu, and what it shows is compared with
// the exported pages in outputs/sample, which `cargo lab report --sample` has made. Screenshots are kept in
// target/browser. The browser is /usr/bin/chromium or $CHROMIUM; LAB_SLOW=2 doubles all limits of time.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { KEPT, LABORATORY, SLOW, need, openBrowser, results, step, until } from "./browser/common.mjs";
import { Notebook } from "./browser/notebook.mjs";
import { liveCurves } from "./browser/live.mjs";
import { Server, clear, layOut, names } from "./browser/server.mjs";
import { allHold, differences, faults, helpers, inLab, onPage } from "./browser/shown.mjs";
import { ANSWERED, answers } from "./browser/answers.mjs";

const MINUTES = 10;
const PORT = 8950;

// For who works on one part: the names of notebooks, or `live`.
const asked = process.argv.slice(2);
const live = asked.length === 0 || asked.includes("live");
const wanted = names().filter((name) => asked.length === 0 || asked.includes(name));

let server, browser;
const elsewhere = new Set();
const complaints = new Set();

// Ends all that was started and removes all but the screenshots.
async function end(status) {
  if (results.stopped) return;
  results.stopped = true;
  await browser?.close().catch(() => {});
  await server?.stop().catch(() => {});
  clear();
  process.exit(status);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(130));
setTimeout(() => {
  console.log(`FAILED not done after ${MINUTES * SLOW} minutes`);
  end(1);
}, MINUTES * 60_000 * SLOW).unref();

async function newContext(allowed) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(30_000 * SLOW);
  await context.addInitScript(helpers);
  await context.route((url) => !["data:", "blob:"].includes(url.protocol) && !allowed(url), (route) => {
    elsewhere.add(route.request().url().slice(0, 100));
    return route.abort();
  });
  context.on("page", (page) => {
    page.on("websocket", (socket) => allowed(new URL(socket.url().replace(/^ws/, "http"))) || elsewhere.add(socket.url()));
    page.on("pageerror", (error) => complaints.add(error.message.slice(0, 200)));
    page.on("console", (message) => message.type() === "error" && complain(message));
  });
  return context;
}

function complain(message) {
  const { url } = message.location();
  // Live curves ask for a file that is not there before the training begins.
  if (/\/live\/[^/]*\.csv/.test(url) && /404/.test(message.text())) return;
  // JupyterLab itself, when it is open in two windows.
  if (message.text().startsWith("Window name candidate")) return;
  complaints.add(`${message.text().slice(0, 200)} ${url}`);
}

// Runs one notebook to its end and looks at it; with its tab, what it shows, and whether it ran.
async function tried(context, name) {
  let notebook, shown;
  const opened = await step(`${name}: opened, with the Rust kernel`, async () => {
    notebook = await Notebook.open(context, server.origin, name);
    const kernel = await notebook.kernel();
    need(kernel === "Rust", `the kernel is “${kernel}”`);
  });
  const ran = opened && (await step(`${name}: run from the menu to its end`, () => notebook.runAll(300)));
  if (opened) {
    const sources = notebook.sources();
    await step(`${name}: no errors, every cell numbered, every picture drawn`, async () => {
      shown = await notebook.page.evaluate(inLab);
      allHold(faults(shown, sources));
      const pictures = shown.cells.flatMap((cell) => cell.pictures).length;
      need(pictures > 0, "no pictures");
      return `${shown.cells.length} cells, ${pictures} pictures`;
    });
    await step(`${name}: screenshots`, async () => {
      await notebook.screenshot("top", notebook.page.locator(".jp-Notebook .jp-Cell").first());
      await notebook.screenshot("picture", notebook.page.locator(".jp-OutputArea-output img").first());
    });
    if (ran && shown) await step(`${name}: the exported page says the same`, () => compare(name, shown, sources));
    if (ran && name === ANSWERED) await answers(notebook);
  }
  return notebook;
}

async function compare(name, shown, sources) {
  const file = join(LABORATORY, "outputs/sample", `${name}.html`);
  need(existsSync(file), `${file} is missing: \`cargo lab report --sample\` makes it`);
  const context = await newContext((url) => url.protocol === "file:");
  const page = await context.newPage();
  await page.goto(pathToFileURL(file).href);
  const exported = await page.evaluate(onPage);
  await context.close();
  allHold(differences(shown, exported, sources));
  return `${exported.cells.length} cells`;
}

// Two notebooks at a time, as far as one does not need what others leave behind; the last needs all.
async function runNotebooks(context) {
  const [last, ...others] = [...wanted].reverse();
  // The longest first, so that both end at about the same time.
  const waiting = others.sort((a, b) => Number(b.startsWith("05")) - Number(a.startsWith("05")) || a.localeCompare(b));
  const lane = async () => {
    for (let name; (name = waiting.shift()); ) {
      const notebook = await tried(context, name);
      if (notebook) await step(`${name}: closed with its kernel`, () => notebook.close());
    }
  };
  await Promise.all([lane(), lane()]);
  // Training and what follows it are best watched beside another notebook, as people have them. The last tab stays open:
  // Ctrl-C must end its kernel too.
  await Promise.all([last && tried(context, last), live && liveCurves(context, server.origin)]);
}

async function everything() {
  const started = Date.now();
  mkdirSync(KEPT, { recursive: true });
  readdirSync(KEPT).filter((name) => name.endsWith(".png")).forEach((name) => rmSync(join(KEPT, name)));
  layOut();
  browser = await openBrowser({ handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false });
  server = Server.start(PORT);
  if (await step("cargo lab notebook prints its address", () => server.ready())) {
    const context = await newContext((url) => url.host === new URL(server.origin).host);
    // What was to be seen when something failed.
    results.onFailure = async () => {
      for (const [index, page] of context.pages().entries()) await page.screenshot({ path: join(KEPT, `failed-${results.failed}-${index}.png`) });
    };
    await step("the address opens at the seven notebooks", async () => {
      const page = await context.newPage();
      await page.goto(server.address);
      const listed = page.locator(".jp-DirListing-item .jp-DirListing-itemName");
      const expected = names().map((name) => `${name}.ipynb`);
      await until("the list of the notebooks", 60, async () => {
        const found = await listed.allInnerTexts();
        return expected.every((name) => found.includes(name));
      });
      await page.screenshot({ path: join(KEPT, "list.png") });
      await page.close();
    });
    await runNotebooks(context);
    await step("nothing is asked of another host", () => allHold([...elsewhere]));
    await step("no errors in the browser's console", () => allHold([...complaints]));
  }
  await browser.close();
  await step("Ctrl-C ends JupyterLab and its kernels", () => server.stop());
  console.log(`${results.held} hold, ${results.failed} failed, in ${((Date.now() - started) / 1000).toFixed(0)} s; screenshots in ${KEPT}`);
}

await everything().catch((error) => {
  results.failed += 1;
  console.log(`FAILED ${error.stack}`);
});
await end(results.failed === 0 ? 0 : 1);
