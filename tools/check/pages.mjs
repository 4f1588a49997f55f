// Opens the report's pages in a browser that reaches no network: node pages.mjs FOLDER [SCREENSHOTS]
//
// FOLDER holds the pages (outputs or outputs/sample). With SCREENSHOTS each page is drawn there: light, dark, as on a
// telephone, and as printed. The browser is /usr/bin/chromium or $CHROMIUM.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { openBrowser } from "./browser/common.mjs";

const LARGEST = { "report.html": 6_000_000, other: 8_000_000 };
const WIDTHS = [1280, 390];

const [folder, screenshots] = process.argv.slice(2).map((path) => resolve(path));
if (!folder) {
  console.error("usage: node pages.mjs FOLDER [SCREENSHOTS]");
  process.exit(2);
}
const pages = readdirSync(folder).filter((name) => name.endsWith(".html")).sort();
const problems = [];

// What is wrong with the page at hand, found in the page itself.
async function inspect() {
  const problems = [];
  const need = (holds, text) => holds || problems.push(text);
  const all = (selector) => [...document.querySelectorAll(selector)];
  need(document.documentElement.lang, "no language");
  need(document.title.trim(), "no title");
  need(document.querySelector('meta[name="viewport"]'), "no viewport");
  need(document.querySelector('meta[name="description"]')?.content.trim(), "no description");
  need(all("h1").length === 1, `${all("h1").length} headings of the first level`);
  need(all("h2").length >= 2, "fewer than two sections");
  let last = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6")) {
    const level = Number(heading.tagName[1]);
    need(level <= last + 1, `heading “${heading.textContent.trim()}” skips a level`);
    need(heading.textContent.trim(), "an empty heading");
    last = level;
  }
  const names = all("[id]").map((element) => element.id);
  need(new Set(names).size === names.length, "two elements with one id");
  for (const image of all("img")) {
    // Pictures that wait until they are near are asked to come now.
    image.loading = "eager";
    await image.decode().catch(() => {});
    need(image.naturalWidth > 0, `a picture that cannot be drawn: ${image.alt}`);
    need(image.alt.trim().length > 3, "a picture without a description");
  }
  need(all(".untranslated").length === 0, `a formula that MathML cannot show: ${all(".untranslated")[0]?.textContent}`);
  const scripts = all("script:not([type='application/json'])").map((script) => script.textContent);
  need(all("script[src]").length === 0, "a script from elsewhere");
  // What only printing shows stays away from the screen: leftovers of LaTeX or Markdown in the text.
  for (const text of all(".prose p, .prose li")) {
    need(!/\$\$|\\(frac|sum|text)\b/.test(text.textContent), `LaTeX in the text: ${text.textContent.slice(0, 60)}`);
  }
  return { problems, links: all("a[href]").map((link) => link.getAttribute("href")), names, scripts };
}

function check(page, holds, text) {
  if (!holds) problems.push(`${page}: ${text}`);
}

// Nothing is allowed but what the page itself holds, and no script but one of ours whose hash the policy names.
function checkPolicy(page, policy, scripts) {
  const rules = new Map(policy.split("; ").map((rule) => [rule.split(" ")[0], rule.split(" ").slice(1).join(" ")]));
  const digests = scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  check(page, rules.get("default-src") === "'none'", "a policy that allows more than the page needs, or none");
  for (const [rule, sources] of rules) check(page, !/[a-z]+:\/\/|\*|https?:/.test(sources), `a policy that allows others: ${rule} ${sources}`);
  check(page, scripts.length <= 1, `${scripts.length} scripts`);
  const allowed = [...digests, "'wasm-unsafe-eval'"].join(" ");
  check(page, (rules.get("script-src") ?? "") === (scripts.length > 0 ? allowed : ""), "a policy that allows other scripts than the page's");
}

const browser = await openBrowser();
check(folder, pages.includes("report.html"), "no report.html");
const links = new Map();
for (const name of pages) {
  const file = join(folder, name);
  const [size, largest] = [statSync(file).size, LARGEST[name] ?? LARGEST.other];
  check(name, size <= largest, `${(size / 1e6).toFixed(1)} MB, more than ${largest / 1e6}`);
  const policy = readFileSync(file, "utf8").match(/<meta http-equiv="Content-Security-Policy" content="([^"]*)">/)?.[1] ?? "";
  // Once with scripts allowed, so that the page can be asked; then without, as it must be readable too.
  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ javaScriptEnabled, offline: false });
    await context.route(/^(?!file:|data:)/, (route) => {
      problems.push(`${name}: asks for ${route.request().url().slice(0, 100)}`);
      return route.abort();
    });
    const page = await context.newPage();
    page.on("requestfailed", (request) => check(name, false, `a request failed: ${request.url().slice(0, 100)}`));
    page.on("console", (message) => check(name, !["error", "warning"].includes(message.type()), message.text()));
    page.on("pageerror", (error) => check(name, false, error.message));
    await page.goto(pathToFileURL(file).href);
    if (!javaScriptEnabled) {
      const text = await page.locator("main").innerText();
      check(name, text.length > 200, "hardly any text without scripts");
      await context.close();
      continue;
    }
    const found = await page.evaluate(inspect);
    found.problems.forEach((problem) => check(name, false, problem));
    checkPolicy(name, policy, found.scripts);
    links.set(name, found);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const across = await page.evaluate(() => document.documentElement.scrollWidth);
      check(name, across <= width, `${across} pixels across in a window of ${width}`);
      // A wide figure scrolls in its card rather than shrink until its text cannot be read.
      const widths = await page.locator(".figure.wide img").evaluateAll((all) => all.map((image) => image.width));
      check(name, widths.every((figure) => figure >= 560), `a figure of ${Math.min(...widths)} pixels in a window of ${width}`);
    }
    if (screenshots) await draw(page, basename(name, ".html"));
    await context.close();
  }
}
for (const [name, { links: targets, names }] of links) {
  for (const target of targets) {
    if (/^(https?|mailto):/.test(target)) continue;
    const [path, part] = target.split("#");
    const there = path === "" ? names : links.get(path)?.names;
    check(name, path === "" || existsSync(join(folder, path)), `the link ${target} leads nowhere`);
    if (part) check(name, there?.includes(decodeURIComponent(part)), `the link ${target} leads to no part of a page`);
  }
  if (name !== "report.html") {
    check("report.html", links.get("report.html")?.links.includes(name), `no link to ${name}`);
  }
}
await browser.close();

async function draw(page, name) {
  mkdirSync(screenshots, { recursive: true });
  const shoot = (kind) => page.screenshot({ path: join(screenshots, `${name}-${kind}.png`), fullPage: true });
  for (const [kind, width, colorScheme] of [["light", 1280, "light"], ["dark", 1280, "dark"], ["phone", 390, "light"]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await shoot(kind);
  }
  await page.pdf({ path: join(screenshots, `${name}.pdf`), format: "A4", preferCSSPageSize: true });
  await page.setViewportSize({ width: 794, height: 1123 });
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await shoot("print");
}

for (const problem of problems) console.error(problem);
console.log(`${pages.length} pages in ${folder}: ${problems.length === 0 ? "all in order" : `${problems.length} problems`}`);
process.exit(problems.length === 0 ? 0 : 1);
