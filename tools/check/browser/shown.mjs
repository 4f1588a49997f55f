// What a reader sees, in JupyterLab and in the exported page, brought to one form.
import { need } from "./common.mjs";

// Stands in every page, before its own scripts.
export function helpers() {
  // JupyterLab alone draws live curves, and a page alone says where its runs are from.
  const never = "script, style, math, mjx-container, .MathJax, .anchor, .jp-InternalAnchorLink, .jp-OutputPrompt, .lab-live, .origin";
  const without = (apart) => (element) => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll(apart).forEach((part) => part.remove());
    return copy.textContent.trim();
  };
  const text = without(never), textBesideTables = without(`${never}, table`);
  const tables = (element) =>
    [...element.querySelectorAll("table")].map((table) => ({
      caption: table.caption ? text(table.caption) : "",
      rows: [...table.rows].map((row) => [...row.cells].map(text)),
    }));
  const formulas = (element) => element.querySelectorAll("math:not(mjx-container math), mjx-container").length;
  // Whether a picture that has come is of one colour all over.
  const isPlain = (image) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: image.naturalWidth, height: image.naturalHeight });
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const pixels = new Uint32Array(pen.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return pixels.every((pixel) => pixel === pixels[0]);
  };
  const isDrawn = async (image) => {
    image.loading = "eager";
    await image.decode().catch(() => {});
    return image.naturalWidth > 0;
  };
  const pictures = (element) =>
    Promise.all(
      [...element.querySelectorAll("img:not(.lab-live img)")].map(async (image) => {
        const drawn = await isDrawn(image);
        return { alt: image.alt.trim(), drawn, plain: drawn && isPlain(image), source: image.src };
      }),
    );
  const live = (element) =>
    Promise.all(
      [...element.querySelectorAll(".lab-live")].map(async (part) => {
        const image = part.querySelector("img");
        return { runs: part.dataset.live, drawn: image ? await isDrawn(image) : part.querySelector(".lab-live-chart path") !== null };
      }),
    );
  const shown = async (outputs) => ({
    text: outputs.map(textBesideTables).join("\n"),
    tables: outputs.flatMap(tables),
    formulas: outputs.map(formulas).reduce((sum, n) => sum + n, 0),
    pictures: (await Promise.all(outputs.map(pictures))).flat(),
    live: (await Promise.all(outputs.map(live))).flat(),
  });
  window.lab_check = { text, formulas, shown };
}

// To be evaluated in JupyterLab: the cells of the open notebook, and its prose.
export async function inLab() {
  const { shown, text, formulas } = window.lab_check;
  const notebook = document.querySelector(".jp-Notebook");
  const prose = [...notebook.querySelectorAll(".jp-MarkdownOutput")].filter((part) => part.closest(".jp-MarkdownCell"));
  const cells = [];
  for (const cell of notebook.querySelectorAll(".jp-CodeCell")) {
    const outputs = [...cell.querySelectorAll(".jp-OutputArea-output")];
    const of = (kind) => outputs.filter((output) => output.dataset.mimeType === `application/vnd.jupyter.${kind}`);
    cells.push({
      prompt: cell.querySelector(".jp-InputArea-prompt").textContent,
      errors: of("error").map(text),
      stderr: of("stderr").map(text),
      ...(await shown(outputs)),
    });
  }
  return { cells, prose: prose.map(text).join("\n"), formulas: prose.map(formulas).reduce((sum, n) => sum + n, 0) };
}

// To be evaluated in an exported page: the same of it.
export async function onPage() {
  const { shown, text, formulas } = window.lab_check;
  const main = document.querySelector("main");
  const prose = [...main.querySelectorAll(":scope > .prose:not(.notebooks)")];
  const cells = [];
  for (const cell of main.querySelectorAll(":scope > .cell")) {
    cells.push({
      prompt: `${cell.querySelector(".number")?.textContent}:`,
      source: cell.querySelector(".input .source")?.textContent,
      ...(await shown([...cell.querySelectorAll(":scope > .output")])),
    });
  }
  return { cells, prose: prose.map(text).join("\n"), formulas: prose.map(formulas).reduce((sum, n) => sum + n, 0) };
}

// How long things took is another number each time: in a text, in a column or row of a table, in a chart of seconds.
const withoutTimes = (text) => text.replace(/\d[\d,.]*\s?(ns|µs|us|ms|s|min|seconds|minutes)\b/g, "TIME");
const squeeze = (text) => withoutTimes(text).replace(/\s+/g, "");
const isTime = (heading) => /^(seconds|times the plain)$|\b(seconds|ms) an? \w+$/.test(heading);

function cellsOf({ caption, rows }) {
  const times = rows[0].map(isTime);
  const plain = rows.map((row, index) => row.map((cell, column) => (index > 0 && (times[column] || isTime(row[0])) ? "TIME" : cell)));
  return [caption, ...plain.map((row) => row.join(" | "))].join("\n");
}

function pictureTexts({ pictures }) {
  const alts = pictures.map(({ alt }) => (/\bseconds\b/.test(alt) ? alt.replace(/ [\d.,]+(?=,|$)/g, " TIME") : alt));
  return `${alts.length} pictures: ${alts.join(" | ")}`;
}

// What is wrong with a notebook that has run to its end: nothing, it is hoped.
export function faults({ cells }, sources) {
  const found = [];
  cells.forEach((cell, index) => {
    const say = (what) => found.push(`cell ${index + 1} ${cell.prompt} ${what}`);
    if (sources[index].trim() && !/\d/.test(cell.prompt)) say("has no number");
    cell.errors.forEach((text) => say(`failed: ${text.slice(0, 200)}`));
    cell.stderr.forEach((text) => say(`wrote to stderr: ${text.slice(0, 200)}`));
    for (const picture of cell.pictures) {
      if (!picture.drawn) say(`has a picture that is not drawn: ${picture.alt}`);
      if (picture.plain) say(`has a picture of one colour: ${picture.alt}`);
      if (picture.alt.length < 4) say("has a picture without a description");
    }
    for (const { runs, drawn } of cell.live) if (!drawn) say(`has live curves that are not drawn: ${runs}`);
  });
  return found;
}

function difference(what, ours, theirs) {
  const [a, b] = [squeeze(ours), squeeze(theirs)];
  if (a === b) return [];
  let at = 0;
  while (a[at] === b[at]) at += 1;
  const near = (text) => text.slice(Math.max(0, at - 40), at + 40);
  return [`${what}: in JupyterLab “…${near(a)}”, on the page “…${near(b)}”`];
}

// How an exported page differs from what JupyterLab shows of the same notebook.
export function differences(lab, page, sources) {
  const found = difference("the text between the cells", lab.prose, page.prose);
  if (lab.formulas !== page.formulas) found.push(`${lab.formulas} formulas in JupyterLab, ${page.formulas} on the page`);
  const numbered = new Map(page.cells.map((cell) => [cell.prompt, cell]));
  lab.cells.forEach((cell, index) => {
    const other = numbered.get(cell.prompt), where = `cell ${cell.prompt}`;
    if (!other) return /\d/.test(cell.prompt) && found.push(`${where} is not on the page`);
    numbered.delete(cell.prompt);
    found.push(...difference(`${where} source`, sources[index], other.source ?? ""));
    found.push(...difference(`${where} text`, cell.text, other.text));
    const tables = (side) => `${side.tables.length} tables: ${side.tables.map(cellsOf).join("\n")}`;
    found.push(...difference(`${where} tables`, tables(cell), tables(other)));
    found.push(...difference(`${where} pictures`, pictureTexts(cell), pictureTexts(other)));
    // A page leaves curves out that only a server can move.
    other.live.forEach(({ runs }) => found.push(`${where}: live curves of ${runs} on the page`));
    if (cell.formulas !== other.formulas) found.push(`${where}: ${cell.formulas} formulas, on the page ${other.formulas}`);
  });
  numbered.forEach((_, prompt) => found.push(`cell ${prompt} is only on the page`));
  return found;
}

export function allHold(found) {
  need(found.length === 0, found.slice(0, 8).join("\n       ") + (found.length > 8 ? `\n       and ${found.length - 8} more` : ""));
}
