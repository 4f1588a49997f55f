// Uses the networks in a report's page as a reader does, and compares their answers with this machine's:
// node report.mjs FOLDER [SCREENSHOTS]
//
// FOLDER holds report.html and the runs that it was made of (outputs or outputs/sample). With SCREENSHOTS the part of the
// page is drawn there: wide and as on a telephone, light and dark. The browser is /usr/bin/chromium or $CHROMIUM.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inflateSync } from "node:zlib";
import axe from "axe-core";
import { LABORATORY, need, openBrowser, results, step, until } from "./browser/common.mjs";
import { explore } from "./report/explore.mjs";

const [folder, screenshots] = process.argv.slice(2).map((path) => resolve(path));
if (!folder) {
  console.error("usage: node report.mjs FOLDER [SCREENSHOTS]");
  process.exit(2);
}
const FILE = join(folder, "report.html");
const PIXELS = 32 * 32 * 3;
// What 16-bit weights and another order of rounding may change in a probability.
const NEAR = 1e-3;
const SLOWEST = 30 * Number(process.env.LAB_SLOW ?? 1);

const html = readFileSync(FILE, "utf8");
const embedded = JSON.parse(html.match(/<script type="application\/json" id="networks">(.*?)<\/script>/s)?.[1] ?? "null");
need(embedded, `${FILE} has no networks: ${html.match(/In this page no network[^<]*/)?.[0]}`);
const names = embedded.networks.map(({ name }) => name);
const runs = names.map((name) => JSON.parse(readFileSync(join(folder, "runs", name, "metrics.json"))));

// The probabilities of a kept network for RGB pictures, one after another, as the command line computes them; or the outputs
// of a layer.
function native(name, pictures, ...layer) {
  const model = join(folder, "runs", name, "model.safetensors");
  const command = ["run", "--quiet", "--release", "--package", "lab-web", "--example", "answers", "--", model, ...layer.map(String)];
  const { status, stdout, stderr } = spawnSync("cargo", command, { cwd: LABORATORY, input: pictures, maxBuffer: 1 << 28 });
  need(status === 0, `cargo ${command.join(" ")}: ${stderr}`);
  return new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length));
}
const furthest = (a, b) => a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at])), 0);

// Test images as RGB pictures: those of the data set, or those of the built-in sample where its report or no other is there.
function testImages() {
  const all = join(LABORATORY, "data/cifar-10-batches-bin/test_batch.bin");
  const sample = runs.some(({ data }) => data.set === "sample") || !existsSync(all);
  const records = readFileSync(sample ? join(LABORATORY, "lab-core/assets/sample_test.bin") : all);
  const count = records.length / (PIXELS + 1), pictures = Buffer.alloc(count * PIXELS), labels = [];
  for (let image = 0; image < count; image += 1) {
    const from = image * (PIXELS + 1);
    labels.push(records[from]);
    for (let at = 0; at < PIXELS; at += 1) pictures[image * PIXELS + at] = records[from + 1 + (at % 3) * 1024 + Math.floor(at / 3)];
  }
  return { count, pictures, labels };
}

// The page's module with its networks, in this process; networks.py says how they are packed.
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~";
function inflate(text) {
  const whole = text.padEnd(5 * Math.ceil(text.length / 5), "~"), bytes = Buffer.alloc((4 * whole.length) / 5);
  for (let at = 0; at < whole.length; at += 5) {
    const number = [...whole.slice(at, at + 5)].reduce((sum, letter) => 85 * sum + LETTERS.indexOf(letter), 0);
    bytes.writeUInt32BE(number % 2 ** 32, (4 * at) / 5);
  }
  return inflateSync(bytes.subarray(0, Math.floor((4 * text.length) / 5)));
}
async function moduleOfPage() {
  const { instance } = await WebAssembly.instantiate(inflate(embedded.module), {});
  const lab = instance.exports;
  const ask = (bytes, name, ...numbers) => {
    const room = lab.room(bytes.length);
    new Uint8Array(lab.memory.buffer, room, bytes.length).set(bytes);
    const count = lab[name](...numbers);
    need(count >= 0, `${name} fails`);
    return new Float32Array(lab.memory.buffer, lab.results(), count).slice();
  };
  for (const { weights } of embedded.networks) {
    const parts = inflate(weights), half = parts.length / 2;
    ask(parts.map((_, at) => parts[(at % 2) * half + (at >> 1)]), "load");
  }
  return { ask, bytes: inflate(embedded.module).length };
}

// What this machine answers to all test images, once for each network.
const { count, pictures, labels } = testImages();
const allExpected = names.map((name) => native(name, pictures));

async function agreement() {
  const { ask, bytes } = await moduleOfPage();
  await step("the sizes", () => {
    need(bytes <= 300 * 1024, `the module has ${bytes} bytes`);
    need(html.length <= 6_000_000, `the page has ${html.length} bytes`);
    return `page ${(html.length / 1e6).toFixed(2)} MB; module ${(bytes / 1024).toFixed(0)} KB, ${(embedded.module.length / 1024).toFixed(0)} KB in the page`;
  });
  for (const [number, name] of names.entries()) {
    await step(`${name} answers ${count} test images as natively`, () => {
      const expected = allExpected[number];
      let other = 0, most = 0, right = 0, slow = 0;
      for (let image = 0; image < count; image += 1) {
        const own = expected.subarray(10 * image, 10 * image + 10), best = own.indexOf(Math.max(...own));
        const begun = performance.now();
        const found = ask(pictures.subarray(image * PIXELS, (image + 1) * PIXELS), "predict", number);
        slow += performance.now() - begun;
        const answer = found.indexOf(Math.max(...found));
        most = Math.max(most, furthest(own, found));
        right += answer === labels[image];
        other += answer !== best;
        need(answer === best || own[best] - own[answer] < NEAR, `image ${image}: ${answer} instead of ${best}, which is no tie`);
      }
      const recorded = runs[number].test?.accuracy ?? right / count;
      need(Math.abs(right / count - recorded) <= 1 / 500, `${right} of ${count} right, and ${recorded} by its record`);
      need(most <= NEAR, `a probability differs by ${most}`);
      return `${other} other answers (at ties); largest difference of a probability ${most.toExponential(1)}; ` +
        `${((100 * right) / count).toFixed(2)} % right; ${(slow / count).toFixed(1)} ms an answer`;
    });
  }
}

// What the page shows: the picture that the networks see, their probabilities, and the sentence.
const shown = (page) => page.evaluate(() => {
  const canvas = document.getElementById("try-seen");
  const { data } = canvas.getContext("2d").getImageData(0, 0, 32, 32);
  const rows = [...document.querySelectorAll("#try-table tbody tr")].filter((row) => row.querySelector(".bar-of"));
  const networks = rows[0].cells.length - 1;
  const probabilities = Array.from({ length: networks }, (_, at) => rows.map((row) => Number(row.cells[at + 1].dataset.probability)));
  return { pixels: [...data].filter((_, at) => at % 4 < 3), probabilities, verdict: document.getElementById("try-verdict").textContent };
});

// Waits until the networks see something else than `before`.
const change = (page, what, before) => until(what, 10, async () => furthest(before, (await shown(page)).pixels) > 0);

// Does something and compares what the page then shows with what this machine says of the same pixels.
async function compared(page, sentence, action) {
  await action();
  await page.waitForFunction((text) => document.getElementById("try-verdict").textContent.startsWith(text), sentence);
  const { pixels, probabilities } = await shown(page);
  names.forEach((name, at) => {
    const most = furthest(native(name, Buffer.from(pixels)), probabilities[at]);
    need(most <= NEAR, `${name}: a probability differs by ${most}`);
  });
  return pixels;
}

// A picture as a file, made in the page: its size, and how far it is from one colour.
const png = async (page, width, height) => {
  const url = await page.evaluate(([width, height]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height }), pen = canvas.getContext("2d");
    const sky = pen.createLinearGradient(0, 0, width, height);
    ["#39c", "#fff", "#c63", "#241"].forEach((colour, at) => sky.addColorStop(at / 3, colour));
    pen.fillStyle = sky;
    pen.fillRect(0, 0, width, height);
    return canvas.toDataURL();
  }, [width, height]);
  return Buffer.from(url.split(",")[1], "base64");
};

// Hands a file to the page by an event that carries one, as pasting and dropping do.
const hand = (page, kind, bytes, type) => page.evaluate(([kind, bytes, type]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, { type }));
  const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.getElementById("try").dispatchEvent(event);
  if (!event.defaultPrevented) throw new Error(`${kind} is left to the browser`);
}, [kind, [...bytes], type]);

async function everyControl(page, where) {
  const check = (what, work) => step(`${where}: ${what}`, work);
  await check("every test image", async () => {
    for (const [at, label] of embedded.labels.entries()) {
      const button = page.locator("#try-samples button").nth(at);
      const words = `A test image of the class ${embedded.classes[label]}`;
      if (at % 7 === 0) await compared(page, words, () => button.click());
      else await button.click();
      need((await shown(page)).verdict.startsWith(words), `image ${at} is not shown`);
      need((await button.getAttribute("aria-pressed")) === "true", `image ${at} is not marked`);
    }
  });
  await check("what the answer depends on", async () => {
    const heat = () => page.evaluate(() => document.querySelector("#try-table canvas").toDataURL());
    need(!(await page.locator("#try-table canvas").first().isVisible()), "shown before it is asked for");
    await page.locator("#try-saliency").check();
    need(await page.locator("#try-table canvas").first().isVisible(), "not shown");
    const own = await heat();
    await page.locator("#try-class").selectOption("ship");
    need(own !== (await heat()), "the same for another class");
    await page.locator("#try-class").selectOption("its answer");
    need(own === (await heat()), "not the same again");
  });
  const choose = (name, mimeType, buffer) => page.locator("#try-file").setInputFiles({ name, mimeType, buffer });
  await check("pictures of any size", async () => {
    for (const [width, height] of [[1, 1], [31, 500], [600, 400], [5000, 3000]]) {
      const name = `${width}x${height}.png`, bytes = await png(page, width, height);
      await compared(page, `Your picture ${name}`, () => choose(name, "image/png", bytes));
    }
  });
  await check("what is no picture is refused kindly", async () => {
    const good = await png(page, 300, 200), before = (await shown(page)).pixels;
    const broken = [["cut.png", good.subarray(0, 40)], ["empty.png", Buffer.alloc(0)], ["notes.pdf", Buffer.from("%PDF-1.4")],
      ["noise.jpg", Buffer.from(good.map((byte) => byte ^ 0x5a))]];
    for (const [name, bytes] of broken) {
      await choose(name, "image/png", bytes);
      await page.waitForFunction((text) => document.getElementById("try-verdict").textContent.startsWith(text), `“${name}” is no picture`);
    }
    need(furthest(before, (await shown(page)).pixels) === 0, "the picture before is gone");
  });
  await check("pasting and dropping", async () => {
    for (const kind of ["paste", "drop"]) {
      const bytes = await png(page, kind === "paste" ? 120 : 90, 90);
      await compared(page, `Your picture ${kind}.png`, () => hand(page, kind, bytes, "image/png"));
    }
  });
  await check("drawing by hand and with the keyboard", async () => {
    const before = (await shown(page)).pixels;
    await page.locator("#try-draw").click();
    await change(page, "a blank sheet", before);
    const paper = page.locator("#try-paper"), blank = (await shown(page)).pixels;
    await paper.scrollIntoViewIfNeeded();
    const box = await paper.boundingBox();
    const drawn = await compared(page, "Your drawing", async () => {
      await page.mouse.move(box.x + 60, box.y + 80);
      await page.mouse.down();
      for (let at = 0; at < 12; at += 1) await page.mouse.move(box.x + 60 + 15 * at, box.y + 80 + 8 * at);
      await page.mouse.up();
      await change(page, "a line by hand", blank);
    });
    await paper.focus();
    await compared(page, "Your drawing", async () => {
      for (const key of ["ArrowDown", "Shift+ArrowDown", "Shift+ArrowLeft", "Shift+ArrowLeft"]) await page.keyboard.press(key);
      await change(page, "a line with the keyboard", drawn);
    });
    await page.locator("#try-colour").fill("#aa3311");
    await page.locator("#try-fill").click();
    await until("filling", 10, async () => (await shown(page)).pixels.slice(0, 3).join() === "170,51,17");
  });
  await explore({ page, check, embedded, runs, native, shown, inflate, folder, expected: allExpected, labels });
  await check("every control can be reached and is seen to be", async () => {
    const controls = ".networks :is(button, input, select, canvas[tabindex])";
    const isStop = (all) => all.filter((one) => one.checkVisibility() && one.tabIndex >= 0).length;
    const count = await page.locator(controls).evaluateAll(isStop);
    await page.locator("#try-file").focus();
    const reached = new Set();
    for (let at = 0; at < count + 3; at += 1) {
      const outlined = await page.evaluate(() => {
        const own = document.activeElement, label = own.closest("label");
        const seen = [own, label].some((one) => one && getComputedStyle(one).outlineStyle !== "none");
        return [own.id || own.getAttribute("aria-label") || own.textContent || own.tagName, seen];
      });
      need(outlined[1], `no focus to be seen at ${outlined[0]}`);
      reached.add(outlined[0]);
      await page.keyboard.press("Tab");
    }
    need(reached.size >= count, `${reached.size} of ${count} controls: ${[...reached].join(", ")}`);
  });
  await check("nothing that axe finds", async () => {
    await page.evaluate(axe.source);
    const { violations, passes } = await page.evaluate(() => window.axe.run(document));
    need(passes.length > 20, `axe looked at ${passes.length} rules only`);
    need(violations.length === 0, violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`).join("\n       "));
  });
}

const browser = await openBrowser();
async function open(width, colorScheme, options = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, offline: true, reducedMotion: "reduce", ...options });
  const page = await context.newPage(), complaints = [];
  page.on("request", (request) => /^(file|data|blob):/.test(request.url()) || complaints.push(`asks for ${request.url().slice(0, 100)}`));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(pathToFileURL(FILE).href);
  return { context, page, complaints };
}

await agreement();
for (const width of [1280, 390]) {
  for (const colorScheme of ["light", "dark"]) {
    const where = `${width} pixels, ${colorScheme}`;
    const { context, page, complaints } = await open(width, colorScheme);
    await step(`${where}: the networks are there`, async () => {
      const paint = await page.evaluate(() => performance.getEntriesByName("first-paint")[0]?.startTime);
      await page.locator("#try-it").scrollIntoViewIfNeeded();
      await page.locator("#try").waitFor({ state: "visible" });
      return `first paint after ${paint?.toFixed(0)} ms`;
    });
    await everyControl(page, where);
    await step(`${where}: an answer in time, nothing too wide, no complaint`, async () => {
      const across = await page.evaluate(() => document.documentElement.scrollWidth);
      need(across <= width, `${across} pixels across`);
      need(complaints.length === 0, complaints.join("\n       "));
      const took = await page.evaluate(() => {
        const button = document.querySelector("#try-samples button"), begun = performance.now();
        document.getElementById("try-saliency").checked = false;
        for (let at = 0; at < 10; at += 1) button.click();
        return (performance.now() - begun) / 10;
      });
      need(took < SLOWEST * names.length, `${took.toFixed(0)} ms`);
      return `${took.toFixed(1)} ms from click to answers`;
    });
    if (screenshots) {
      mkdirSync(screenshots, { recursive: true });
      await page.locator("#try-samples button").nth(3).click();
      await page.locator("#try-saliency").check();
      for (const [at, section] of (await page.locator("section.networks").all()).entries()) {
        await section.screenshot({ path: join(screenshots, `networks-${at}-${width}-${colorScheme}.png`) });
      }
    }
    await context.close();
  }
}
await step("a finger draws too", async () => {
  const { context, page } = await open(390, "light", { hasTouch: true, isMobile: true });
  await page.locator("#try-it").scrollIntoViewIfNeeded();
  await page.locator("#try").waitFor({ state: "visible" });
  const before = (await shown(page)).pixels;
  await page.locator("#try-draw").tap();
  await change(page, "a blank sheet", before);
  const blank = (await shown(page)).pixels;
  await page.locator("#try-paper").tap({ position: { x: 100, y: 100 } });
  await change(page, "the mark of a tap", blank);
  await context.close();
});
await step("without JavaScript the page says so", async () => {
  const { context, page } = await open(1280, "light", { javaScriptEnabled: false });
  for (const state of await page.getByText("This part needs JavaScript.").all()) need(await state.isVisible(), "a part says nothing");
  for (const name of ["try", "matrix-part", "curves-part"]) need(!(await page.locator(`#${name}`).isVisible()), `${name} is shown, and does nothing`);
  await context.close();
});
await browser.close();
console.log(`${results.held} hold, ${results.failed} failed`);
process.exit(results.failed === 0 ? 0 : 1);
