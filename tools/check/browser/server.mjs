// JupyterLab as `cargo lab notebook` starts it, and the copies of the notebooks that are opened in it.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { KEPT, LABORATORY, need, until } from "./common.mjs";

const NOTEBOOKS = join(LABORATORY, "notebooks");
const SAMPLE = join(LABORATORY, "outputs/sample");
const JUPYTER = join(LABORATORY, ".lab/jupyter");
const WORKSPACES = join(JUPYTER, "config/lab/workspaces");
// A reader's windows, which the address that is printed opens: as they were before.
let layouts;
// JupyterLab saves what it opens, so it gets copies. From them `../crates` leads where it always does,
// and the names are none of a reader's, because JupyterLab keeps its own files by name.
const DESK = join(KEPT, "desk");
export const PREFIX = "tried-";

export const names = () => readdirSync(NOTEBOOKS).filter((name) => name.endsWith(".ipynb")).map((name) => name.slice(0, -6)).sort();
export const original = (name) => join(NOTEBOOKS, `${name}.ipynb`);
export const copy = (name) => join(DESK, "notebooks", `${PREFIX}${name}.ipynb`);
// A workspace of its own for each, beside the one in which a reader's notebooks are open.
export const address = (name) => `/lab/workspaces/${PREFIX}${name}/tree/${relative(LABORATORY, copy(name))}`;

export function layOut() {
  clear();
  layouts = new Map(inFolder(WORKSPACES).map((name) => [name, readFileSync(join(WORKSPACES, name))]));
  mkdirSync(join(DESK, "notebooks"), { recursive: true });
  symlinkSync(join(LABORATORY, "crates"), join(DESK, "crates"));
  for (const name of names()) {
    // JupyterLab gives a cell whose code is hidden no prompt to look at, so all code is shown.
    const notebook = JSON.parse(readFileSync(original(name), "utf8"));
    for (const cell of notebook.cells) delete cell.metadata.jupyter;
    writeFileSync(copy(name), JSON.stringify(notebook));
  }
}

// A notebook of the test's own, from the sources of its cells by their ids.
export function writeNotebook(name, sources) {
  const cells = Object.entries(sources).map(([id, source]) => ({
    cell_type: "code", id, metadata: {}, source, execution_count: null, outputs: [],
  }));
  const kernelspec = { display_name: "Rust", language: "rust", name: "rust" };
  writeFileSync(copy(name), JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }));
}

// Removes the copies, what JupyterLab has kept of them, and what they have made.
export function clear() {
  rmSync(DESK, { recursive: true, force: true });
  for (const folder of [WORKSPACES, join(JUPYTER, "checkpoints"), join(SAMPLE, "runs"), join(SAMPLE, "live")]) {
    const ours = inFolder(folder).filter((name) => name.replace(/^\./, "").startsWith(PREFIX));
    ours.forEach((name) => rmSync(join(folder, name), { recursive: true }));
  }
  if (!layouts) return;
  inFolder(WORKSPACES).filter((name) => !layouts.has(name)).forEach((name) => rmSync(join(WORKSPACES, name)));
  layouts.forEach((layout, name) => writeFileSync(join(WORKSPACES, name), layout));
}

const inFolder = (folder) => (existsSync(folder) ? readdirSync(folder) : []);

// All processes that live, as [process, parent].
function processes() {
  const table = execFileSync("ps", ["-eo", "pid=,ppid=,stat="], { encoding: "utf8" }).trim().split("\n");
  return table.map((row) => row.trim().split(/\s+/)).filter(([, , state]) => !state.startsWith("Z")).map(([pid, parent]) => [Number(pid), Number(parent)]);
}

function family(parent) {
  const pairs = processes(), found = [parent];
  for (const one of found) found.push(...pairs.filter(([, above]) => above === one).map(([pid]) => pid));
  return found;
}

export class Server {
  // Starts it on a port and reads the address that it prints.
  static start(port) {
    const server = new Server();
    server.output = server.errors = "";
    // In a group of its own: Ctrl-C in the terminal is ours, and we pass it on.
    server.process = spawn("cargo", ["lab", "notebook", "--no-browser", "--port", String(port)], {
      cwd: LABORATORY, env: { ...process.env, LAB_SCALE: "sample" }, detached: true, stdio: ["ignore", "pipe", "pipe"],
    });
    server.process.stdout.on("data", (data) => (server.output += data));
    server.process.stderr.on("data", (data) => (server.errors += data));
    server.process.on("error", (error) => (server.errors += error.message));
    server.ended = new Promise((done) => server.process.on("close", (status, signal) => done(signal ?? status)));
    return server;
  }

  async ready() {
    const found = await until(() => `the address of JupyterLab\n${this.output}${this.errors}`, 120, () => {
      need(this.process.exitCode === null, `it ended with ${this.process.exitCode}\n${this.output}${this.errors}`);
      return this.output.match(/JupyterLab: (http:\S+\?token=\w+)/);
    });
    this.address = found[1];
    this.origin = new URL(this.address).origin;
    return this.origin;
  }

  // Ctrl-C, as a reader does; nothing that it started may be left.
  async stop() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const used = family(this.process.pid);
    process.kill(this.process.pid, "SIGINT");
    const left = () => {
      const alive = new Set(processes().map(([pid]) => pid));
      return used.filter((pid) => alive.has(pid));
    };
    try {
      await until(() => `the end of ${left().length} of ${used.length} processes`, 20, () => left().length === 0);
    } finally {
      left().forEach((pid) => process.kill(pid, "SIGKILL"));
    }
    const status = await this.ended;
    need(status === 0, `it ended with ${status}`);
    return `${used.length} processes`;
  }
}
