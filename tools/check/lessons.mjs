// Uses the figures in the notebooks' pages as a reader does, and compares their numbers with this machine's:
// node lessons.mjs FOLDER [SCREENSHOTS]
//
// FOLDER holds the pages (outputs or outputs/sample). With SCREENSHOTS each figure is drawn there: wide and as on a
// telephone, light and dark. The browser is /usr/bin/chromium or $CHROMIUM.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inflateSync } from "node:zlib";
import axe from "axe-core";
import { LABORATORY, need, openBrowser, results, sleep, step, until } from "./browser/common.mjs";

const [folder, screenshots] = process.argv.slice(2).map((path) => resolve(path));
if (!folder) {
  console.error("usage: node lessons.mjs FOLDER [SCREENSHOTS]");
  process.exit(2);
}
const PAGES = { "02-architecture.html": ["playground", "layers"], "04-optimizer.html": ["valley"] };
const ACTIVATIONS = ["linear", "relu", "elu", "gelu", "tanh", "sigmoid"];
// The module has no fused multiply-add: the last digits differ from this machine's, and a training carries them on.
const NEAR = 1e-3, LATER = 0.1;
// Of a move of a slider that the reader does not notice, in milliseconds.
const SLOWEST = 150 * Number(process.env.LAB_SLOW ?? 1);

// The answers of this machine to questions, one after another; what was asked before is not computed again.
const known = new Map();
function native(questions) {
  const key = JSON.stringify(questions);
  if (!known.has(key)) known.set(key, answersTo(questions));
  return known.get(key);
}
function answersTo(questions) {
  const command = ["run", "--quiet", "--release", "--package", "lab-lessons", "--example", "answers"];
  const input = questions.map((question) => `${question.join(" ")}\n`).join("");
  const { status, stdout, stderr } = spawnSync("cargo", command, { cwd: LABORATORY, input, maxBuffer: 1 << 28, encoding: "utf8" });
  need(status === 0, `cargo ${command.join(" ")}: ${stderr}`);
  return stdout.split("\n").map((line) => line.split(" ").filter(Boolean).map(Number));
}
// How far two numbers are apart, as a share of the larger, or of `least`.
const apart = (a, b, least = 1e-6) => Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b), least);
function compare(found, expected, near, what) {
  need(found.length === expected.length, `${what}: ${found.length} numbers, and natively ${expected.length}`);
  const most = found.reduce((most, value, at) => Math.max(most, apart(value, expected[at])), 0);
  need(most <= near, `${what}: numbers differ by ${(100 * most).toFixed(2)} %`);
  return most;
}

// The module of a page in this process.
async function moduleOf(name) {
  const html = readFileSync(join(folder, name), "utf8");
  const text = html.match(/<script type="application\/json" id="lessons">"(.*?)"<\/script>/s)?.[1];
  need(text, `${name} has no figures that move: ${html.match(/In this page the figure stands still[^<]*/)?.[0]}`);
  const code = inflateSync(Buffer.from(text, "base64"));
  const { instance } = await WebAssembly.instantiate(code, {});
  const lab = instance.exports, names = ["valley", "layers", "begin", "points", "train", "units"];
  const ask = (question, ...numbers) => {
    const room = lab.room(numbers.length);
    new Float32Array(lab.memory.buffer, room, numbers.length).set(numbers);
    const count = lab.answer(names.indexOf(question));
    return [...new Float32Array(lab.memory.buffer, lab.results(), count)];
  };
  return { ask, bytes: code.length, size: text.length };
}

async function agreement() {
  const { ask, bytes, size } = await moduleOf("04-optimizer.html");
  await step("the size", () => {
    need(bytes <= 300 * 1024, `the module has ${bytes} bytes`);
    return `module ${(bytes / 1024).toFixed(0)} KB, ${(size / 1024).toFixed(0)} KB in the page`;
  });
  const say = (most) => `largest difference ${most.toExponential(1)}`;
  await step("paths in valleys are as natively", () => {
    const questions = [0, 1, 2, 3].flatMap((optimizer) => [0.004, 0.04].flatMap((rate) => [[4, 0], [25, 45], [80, 20]].map(([steep, angle]) => ["valley", optimizer, Math.fround(rate), steep, angle, 7, -3, 30])));
    const expected = native(questions);
    return say(Math.max(...questions.map((question, at) => compare(ask(...question), expected[at], NEAR, question.join(" ")))));
  });
  await step("signals and gradients in ten layers are as natively", () => {
    const questions = ACTIVATIONS.flatMap((_, activation) => [[2, 0.5], [3, 1.5]].map(([initial, scale]) => ["layers", activation, initial, scale, 3]));
    const expected = native(questions);
    return say(Math.max(...questions.map((question, at) => compare(ask(...question).slice(0, 20), expected[at].slice(0, 20), NEAR, question.join(" ")))));
  });
  await step("a training is as natively, for ten epochs", () => {
    const points = Array.from({ length: 60 }, (_, at) => [(37 * at) % 256, (91 * at) % 256, Number((37 * at) % 256 > 120)]).flat();
    const questions = [["begin", 2, 6, 4, Math.fround(0.01), 1], ["points", ...points], ["train", 10], ["units", 2, 8], ["units", 0, 8]];
    const expected = native(questions);
    return say(Math.max(...questions.map((question, at) => compare(ask(...question), expected[at], 1e-2, question[0]))));
  });
}

const browser = await openBrowser();
async function open(name, width, colorScheme, options = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, offline: true, reducedMotion: "reduce", ...options });
  const page = await context.newPage(), complaints = [];
  page.on("request", (request) => /^(file|data|blob):/.test(request.url()) || complaints.push(`asks for ${request.url().slice(0, 100)}`));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(pathToFileURL(join(folder, name)).href);
  return { context, page, complaints };
}
async function figure(page, name) {
  const root = page.locator(`[data-lesson=${name}]`);
  await root.scrollIntoViewIfNeeded();
  await root.locator(".moving").waitFor({ state: "visible" });
  await until(`the figure ${name}`, 10, () => root.evaluate((one) => one.classList.contains("moves")));
  await root.scrollIntoViewIfNeeded();
  return root;
}
// Two frames: what a control changes is drawn by then.
const drawn = (root) => root.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
async function press(root, control, ...keys) {
  await control.focus();
  for (const key of keys) await control.press(key);
  await drawn(root);
}
const value = async (control) => Number(await control.inputValue());
async function moves(root, picture, what, action) {
  const look = () => root.locator(picture).evaluate((one) => one.outerHTML + (one.toDataURL?.() ?? ""));
  const before = await look();
  await action();
  await drawn(root);
  need(before !== (await look()), `${what} changes nothing`);
}

const USES = {
  async valley(page, root, check) {
    const sliders = root.locator(".rates input[type=range]"), part = (name) => root.locator(`[name=${name}]`);
    const shown = () => root.locator(".loss").evaluateAll((all) => all.map((one) => Number(one.dataset.loss)));
    async function asNatively() {
      const steep = Number(await part("steep").getAttribute("aria-valuetext")), [angle, steps] = [await value(part("angle")), await value(part("steps"))];
      const start = JSON.parse(await root.locator(".plot").getAttribute("data-start"));
      const rates = await sliders.evaluateAll((all) => all.map((one) => Math.fround(1e-4 * 1e5 ** (one.value / 100))));
      const paths = native(rates.map((rate, optimizer) => ["valley", optimizer, rate, steep, angle, ...start, 100]));
      const expected = [0, 1, 2, 3].map((optimizer) => paths[optimizer][3 * steps + 2] ?? Infinity);
      (await shown()).forEach((loss, optimizer) => need(loss === expected[optimizer] || apart(loss, expected[optimizer], 1e-3) < LATER, `optimizer ${optimizer}: loss ${loss}, natively ${expected[optimizer]}`));
    }
    await check("it begins with the cell's valley", asNatively);
    await check("learning rates, angle and curvature, by keyboard", async () => {
      for (const slider of await sliders.all()) await moves(root, ".losses", "a learning rate", () => press(root, slider, "ArrowRight", "ArrowRight", "ArrowRight"));
      await moves(root, ".plot", "the angle", () => press(root, part("angle"), "Home"));
      await moves(root, ".plot", "the curvature", () => press(root, part("steep"), "ArrowUp", "ArrowUp"));
      await asNatively();
      await press(root, sliders.first(), "End");
      need((await shown())[0] === Infinity, "a rate of 10 does not diverge");
    });
    await check("the best rates are better than others", async () => {
      const before = await shown();
      await part("best").click();
      (await shown()).forEach((loss, optimizer) => need(loss <= before[optimizer], `optimizer ${optimizer}: ${loss} after ${before[optimizer]}`));
      await asNatively();
    });
    await check("Adam notices a turn of the valley, momentum does not", async () => {
      // As in the notebook's table: curvatures 1 and 400.
      await press(root, part("steep"), "End");
      await press(root, part("angle"), "Home");
      await part("best").click();
      const along = await shown();
      for (let at = 0; at < 9; at += 1) await part("angle").press("ArrowRight");
      await part("best").click();
      const turned = await shown();
      need(apart(along[1], turned[1]) < 0.5 && turned[3] > 10 * along[3], `momentum ${along[1]} and ${turned[1]}, Adam ${along[3]} and ${turned[3]}`);
    });
    await check("steps, one by one and to the end", async () => {
      await part("back").click();
      need((await value(part("steps"))) === 0, "not at the start");
      for (let at = 1; at <= 3; at += 1) {
        await part("step").click();
        need((await value(part("steps"))) === at, `not at step ${at}`);
      }
      await asNatively();
      need((await part("play").textContent()) === "To the end", "it would play for somebody who wants no motion");
      await part("play").click();
      need((await value(part("steps"))) === 100, "not at the end");
      await press(root, part("steps"), "ArrowLeft");
      need((await value(part("steps"))) === 99, "the slider does not go back");
      await press(root, part("steps"), "End");
    });
    await check("paths can be hidden", async () => {
      const count = () => root.locator(".plot .end").count();
      need((await count()) === 4, "not four paths");
      await root.getByLabel("RMSprop").first().uncheck();
      need((await count()) === 3, "the path is still there");
      await root.getByLabel("RMSprop").first().check();
    });
    await check("the start is dragged, put, and moved with arrow keys", async () => {
      const plot = root.locator(".plot"), handle = root.locator(".handle"), knob = root.locator(".knob");
      await plot.scrollIntoViewIfNeeded();
      const [box, own] = [await plot.boundingBox(), await knob.boundingBox()];
      await page.mouse.move(own.x + own.width / 2, own.y + own.height / 2);
      await page.mouse.down();
      await page.mouse.move(box.x + 0.3 * box.width, box.y + 0.2 * box.height, { steps: 5 });
      await page.mouse.up();
      const start = async () => JSON.parse(await plot.getAttribute("data-start"));
      const near = (found, wanted) => need(Math.hypot(found[0] - wanted[0], found[1] - wanted[1]) < 0.3, `the start is at ${found}, not at ${wanted}`);
      near(await start(), [-0.4 * 12, 0.6 * 12]);
      await plot.click({ position: { x: 0.75 * box.width, y: 0.75 * box.height } });
      near(await start(), [6, -6]);
      await press(root, handle, "ArrowUp", "Shift+ArrowLeft");
      near(await start(), [4, -5.5]);
      need((await handle.getAttribute("aria-valuetext")).includes("second weight −5.5"), await handle.getAttribute("aria-valuetext"));
      await asNatively();
    });
  },

  async layers(page, root, check) {
    const part = (name) => root.locator(`[name=${name}]`);
    const sizes = async () => (await root.locator(".chart").evaluateAll((all) => all.map((one) => JSON.parse(one.dataset.sizes)))).flat();
    const question = async () => {
      const chosen = (name) => part(name).evaluate((one) => one.selectedIndex);
      return ["layers", await chosen("activation"), await chosen("initial"), Math.fround(10 ** ((await value(part("scale"))) / 66)), Number(await root.locator(".chart").first().getAttribute("data-seed"))];
    };
    const asked = [], answers = [];
    const note = async () => {
      asked.push(await question());
      answers.push(await sizes());
    };
    await check("every activation with all initial weights", async () => {
      for (const activation of ACTIVATIONS) {
        await part("activation").selectOption(activation);
        for (const initial of ["all 0", "all 1", "Glorot", "He"]) {
          await part("initial").selectOption(initial);
          await note();
        }
      }
    });
    await check("the scale by keyboard, and another draw", async () => {
      await part("activation").selectOption("relu");
      for (const key of ["Home", "End", "ArrowLeft"]) {
        await moves(root, ".violins >> nth=0", `the scale with ${key}`, () => press(root, part("scale"), key));
        await note();
      }
      await moves(root, ".chart >> nth=0", "another draw", () => part("again").click());
      await note();
      for (let at = 0; at < 39; at += 1) await part("scale").press("ArrowLeft");
      await drawn(root);
      need((await part("scale").getAttribute("aria-valuetext")) === "1.00", "the scale does not say its value");
    });
    await check("all of it is as natively", () => {
      const expected = native(asked);
      asked.forEach((one, at) => compare(answers[at], expected[at].slice(0, 20), NEAR, one.join(" ")));
      return `${asked.length} networks`;
    });
    await check("it says what is left", async () => {
      await part("initial").selectOption("Glorot");
      need(/the signal has 0\.0\d+ of its size, a factor of 0\.[67]\d* in each/.test(await root.locator(".verdict").textContent()), await root.locator(".verdict").textContent());
    });
    await check("a move in time", async () => {
      const took = await root.evaluate(async (one) => {
        // The fastest of some: others may be at work on this machine.
        const select = one.querySelector("[name=activation]"), times = [];
        for (let at = 0; at < 8; at += 1) {
          const begun = performance.now();
          select.dispatchEvent(new Event("change"));
          times.push(performance.now() - begun);
        }
        return Math.min(...times);
      });
      need(took < SLOWEST, `${took.toFixed(0)} ms`);
      return `${took.toFixed(0)} ms`;
    });
  },

  async playground(page, root, check) {
    const part = (name) => root.locator(`[name=${name}]`), plot = root.locator(".plot");
    const numbers = () => root.locator(".numbers").evaluate(({ dataset }) => ({ epochs: Number(dataset.epochs), loss: Number(dataset.loss), right: Number(dataset.right) }));
    const points = async () => JSON.parse(await plot.getAttribute("data-points"));
    async function asNatively(near, seed = 0) {
      const { epochs, loss } = await numbers();
      const activation = ACTIVATIONS.indexOf(await part("activation").inputValue()), rate = Math.fround(1e-3 * 10 ** ((await value(part("rate"))) / 20));
      const begin = ["begin", await value(part("layers")), await value(part("units")), activation, rate, seed];
      const history = native([begin, ["points", ...(await points()).flat()], ["train", epochs]])[2];
      need(apart(loss, history[2 * epochs - 2], 0.01) < near, `loss ${loss} after ${epochs} epochs, natively ${history[2 * epochs - 2]}`);
    }
    await check("nothing is trained before it is asked for", async () => {
      await sleep(500);
      need((await numbers()).epochs === 0, "it trains by itself");
    });
    await check("an epoch is as natively, and so are a hundred", async () => {
      await moves(root, ".surface", "an epoch", () => part("once").click());
      await asNatively(NEAR);
      need((await part("train").textContent()) === "Train 100 epochs", "it would play for somebody who wants no motion");
      await part("train").click();
      need((await numbers()).epochs === 101, "not 101 epochs");
      await asNatively(LATER);
      need((await numbers()).right > 0.9, "two moons are not learnt");
    });
    await check("every kind of points", async () => {
      for (const preset of ["two clouds", "rings", "four corners (XOR)", "two spirals", "none", "two moons"]) {
        await part("preset").selectOption(preset);
        await part("once").click();
        const { epochs } = await numbers(), count = (await points()).length;
        need(count === (preset === "none" ? 0 : 120) && epochs === Number(preset !== "none"), `${preset}: ${count} points, ${epochs} epochs`);
      }
    });
    await check("layers, units, activation and learning rate begin again", async () => {
      await part("preset").selectOption("rings");
      const controls = [["layers", "ArrowRight"], ["units", "End"], ["rate", "ArrowLeft"]];
      for (const [name, key] of controls) {
        await part("once").click();
        await moves(root, ".surface", name, () => press(root, part(name), key));
        need((await numbers()).epochs === 0, `${name} does not begin again`);
      }
      need((await root.locator(".tiles canvas").count()) === 24, "not 24 hidden units");
      for (const activation of ACTIVATIONS) {
        await part("activation").selectOption(activation);
        await part("once").click();
        await asNatively(NEAR);
      }
      await part("activation").selectOption("tanh");
      await press(root, part("layers"), "Home");
      await part("train").click();
      need((await root.locator(".tiles canvas").count()) === 0 && (await numbers()).right < 0.8, "rings are learnt without a hidden layer");
      await press(root, part("layers"), "ArrowRight");
      await part("train").click();
      need((await numbers()).right > 0.95, "rings are not learnt with one");
      await moves(root, ".surface", "other weights", () => part("fresh").click());
      await part("once").click();
      await asNatively(NEAR, 1);
    });
    await check("points are added and removed, by click and keyboard", async () => {
      await part("train").click();
      const { epochs } = await numbers(), [before, box] = [await points(), await plot.boundingBox()];
      const clickAt = (x, y) => plot.click({ position: { x: (x * box.width) / 256, y: (y * box.height) / 256 } });
      await clickAt(20, 30);
      await root.getByRole("radio", { name: "adds orange" }).check();
      await clickAt(230, 200);
      const added = (await points()).slice(before.length);
      need(added.length === 2 && added[0][2] === 0 && added[1][2] === 1, `added ${JSON.stringify(added)}`);
      need(Math.hypot(added[0][0] - 20, added[0][1] - 30) < 3, `added at ${added[0]}`);
      await press(root, plot, "ArrowRight", "ArrowUp", "Enter");
      need(JSON.stringify((await points()).at(-1)) === "[134,122,1]", `Enter adds ${JSON.stringify((await points()).at(-1))}`);
      await part("once").click();
      need((await numbers()).epochs === epochs + 1, "the training does not go on");
      await root.getByRole("radio", { name: "removes" }).check();
      await press(root, plot, "Space");
      await clickAt(20, 30);
      need((await points()).length === before.length + 1, "they are not removed");
      await root.getByRole("radio", { name: "adds blue" }).check();
    });
  },
};

async function reachable(page, root) {
  const controls = ".moving :is(button, input, select, [tabindex])";
  const count = await root.locator(controls).evaluateAll((all) => all.filter((one) => one.checkVisibility() && !(one.type === "radio" && !one.checked)).length);
  await root.locator(controls).first().focus();
  const reached = new Set();
  for (let at = 0; at < count; at += 1) {
    const [name, seen, inside] = await page.evaluate(() => {
      const own = document.activeElement, style = getComputedStyle(own), reach = own.querySelector(".reach");
      const label = own.getAttribute("aria-label") ?? own.labels?.[0]?.textContent ?? own.textContent;
      return [label.trim(), style.outlineStyle !== "none" || (reach && getComputedStyle(reach).stroke !== "none"), Boolean(own.closest(".moving"))];
    });
    need(seen, `no focus to be seen at ${name}`);
    need(name, "a control without a name");
    if (inside) reached.add(name);
    await page.keyboard.press("Tab");
  }
  need(reached.size === count, `${reached.size} of ${count} controls: ${[...reached].join(", ")}`);
}

await agreement();
for (const [name, lessons] of Object.entries(PAGES)) {
  for (const width of [1280, 390]) {
    for (const colorScheme of ["light", "dark"]) {
      // A colour changes nothing of what a control does.
      const uses = (width === 1280) === (colorScheme === "light");
      const where = `${name}, ${width} pixels, ${colorScheme}`, { context, page, complaints } = await open(name, width, colorScheme);
      for (const lesson of lessons) {
        const check = (what, work) => step(`${where}: ${lesson}: ${what}`, work);
        let root;
        await check("it is there", async () => {
          root = await figure(page, lesson);
          need(!(await root.locator(".still").isVisible()), "its still text is there too");
        });
        if (uses) await USES[lesson](page, root, check);
        if (uses) await check("every control is reached with the keyboard, and seen to be", () => reachable(page, root));
        if (screenshots) {
          mkdirSync(screenshots, { recursive: true });
          await root.locator("input, select").first().blur();
          await root.screenshot({ path: join(screenshots, `lesson-${lesson}-${width}-${colorScheme}.png`) });
        }
      }
      await step(`${where}: nothing that axe finds, nothing too wide, no complaint`, async () => {
        await page.evaluate(axe.source);
        const { violations, passes } = await page.evaluate(() => window.axe.run("[data-lesson]"));
        need(passes.length > 10, `axe looked at ${passes.length} rules only`);
        need(violations.length === 0, violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`).join("\n       "));
        const across = await page.evaluate(() => document.documentElement.scrollWidth);
        need(across <= width, `${across} pixels across`);
        need(complaints.length === 0, complaints.join("\n       "));
      });
      await context.close();
    }
  }
}

await step("where motion is welcome, a button plays and pauses", async () => {
  for (const [name, lesson, button, counter] of [["04-optimizer.html", "valley", "play", "[name=steps]"], ["02-architecture.html", "playground", "train", ".numbers"]]) {
    const { context, page, complaints } = await open(name, 1280, "light", { reducedMotion: "no-preference" });
    const root = await figure(page, lesson), play = root.locator(`[name=${button}]`);
    const at = () => root.locator(counter).evaluate((one) => Number(one.value ?? one.dataset.epochs));
    const before = await at();
    await play.click();
    await until(`${lesson} to play`, 10, async () => (await at()) > 3 && (await at()) !== before);
    await play.click();
    const paused = await at();
    await sleep(400);
    need((await at()) === paused && paused !== 100, `${lesson} does not pause`);
    need(complaints.length === 0, complaints.join());
    await context.close();
  }
});
await step("a finger does it too", async () => {
  const { context, page } = await open("02-architecture.html", 390, "light", { hasTouch: true, isMobile: true });
  const root = await figure(page, "playground"), plot = root.locator(".plot");
  const count = async () => JSON.parse(await plot.getAttribute("data-points")).length, before = await count();
  await plot.tap({ position: { x: 40, y: 40 } });
  need((await count()) === before + 1, "a tap adds no point");
  await root.locator("[name=once]").tap();
  need(/epoch 1:/.test(await root.locator(".numbers").textContent()), "a tap does not train");
  await context.close();
});
await step("without JavaScript and on paper the text stands there", async () => {
  for (const name of Object.keys(PAGES)) {
    const { context, page } = await open(name, 1280, "light", { javaScriptEnabled: false });
    for (const root of await page.locator("[data-lesson]").all()) {
      need(await root.locator(".still").isVisible(), "no text");
      need(!(await root.locator(".moving").isVisible()), "controls that do nothing are shown");
    }
    await context.close();
    const printed = await open(name, 1280, "light");
    const root = await figure(printed.page, PAGES[name][0]);
    await printed.page.emulateMedia({ media: "print" });
    need((await root.locator(".still").isVisible()) && !(await root.locator(".moving").isVisible()), "controls are printed");
    await printed.context.close();
  }
});
await browser.close();
console.log(`${results.held} hold, ${results.failed} failed`);
process.exit(results.failed === 0 ? 0 : 1);
