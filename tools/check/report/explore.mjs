// Uses what a report's page shows beside the answers, as a reader does: the nearest training images, the confusion matrix with
// its images and mistakes, and the curves of all runs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { need, until } from "../browser/common.mjs";

// Some of the training images in the page may be as near as others, but for the rounding of 16-bit weights.
const TIE = 0.01;

// The RGB pictures of a sheet, as this browser reads them.
async function picturesOf(page, sheet, count, across) {
  const letters = await page.evaluate(async ([bytes, count, across]) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))]));
    const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(bitmap, 0, 0);
    const parts = [];
    for (let at = 0; at < count; at += 1) {
      const { data } = pen.getImageData(32 * (at % across), 32 * Math.floor(at / across), 32, 32);
      parts.push(String.fromCharCode(...data.filter((_, byte) => byte % 4 < 3)));
    }
    return btoa(parts.join(""));
  }, [Buffer.from(sheet).toString("base64"), count, across]);
  return Buffer.from(letters, "base64");
}

// The numbers and the distances of all training images, nearest first, by this machine's features.
function nearestNatively(native, name, layer, pixels, train) {
  const features = native(name, Buffer.concat([Buffer.from(pixels), train]), layer);
  const width = features.length / (train.length / 3072 + 1);
  const row = (at) => features.subarray(at * width, (at + 1) * width), own = row(0);
  const all = Array.from({ length: train.length / 3072 }, (_, number) =>
    ({ number, distance: Math.hypot(...row(number + 1).map((value, at) => value - own[at])) }));
  return all.sort((a, b) => a.distance - b.distance);
}

async function nearest({ page, check, embedded, runs, native, shown, inflate }) {
  const { album, networks } = embedded;
  await check("the nearest training images are those that this machine finds", async () => {
    need(!(await page.locator(".nearest").first().isVisible()), "shown before they are asked for");
    await page.locator("#try-nearest").check();
    await until("the nearest images", 120, async () => (await page.locator(".nearest").count()) === networks.length);
    const train = await picturesOf(page, inflate(album.trainSheet), album.train.length, album.across);
    for (const image of [0, 6]) {
      await page.locator("#try-samples button").nth(image).click();
      const { pixels } = await shown(page);
      const numbers = await until(`the nearest images of ${image}`, 20, () => page.evaluate(() =>
        Array.from(document.querySelectorAll(".nearest"), (cell) => Array.from(cell.children, (one) => Number(one.dataset.number)))));
      networks.forEach(({ name }, at) => {
        const layers = runs[at].network.layers, layer = layers.findLastIndex((one) => one.layer === "dense") - 1;
        const all = nearestNatively(native, name, layer, pixels, train);
        numbers[at].forEach((number, rank) => {
          const { distance } = all.find((one) => one.number === number);
          need(Math.abs(distance - all[rank].distance) <= TIE * all[rank].distance, `${name}: image ${number} is not number ${rank} in nearness`);
        });
      });
    }
    await page.locator("#try-nearest").uncheck();
    need(!(await page.locator(".nearest").first().isVisible()), "still shown");
  });
}

// For each network the answers of this machine to all test images, as {label, answer, probability}.
const answersOf = (expected, labels) => expected.map((all) => labels.map((label, at) => {
  const row = all.subarray(10 * at, 10 * at + 10), probability = Math.max(...row);
  return { label, answer: row.indexOf(probability), probability };
}));

async function matrix({ page, check, embedded, runs, expected, labels }) {
  const { album, networks, classes } = embedded, all = answersOf(expected, labels);
  const cell = (label, answer) => page.locator("#matrix-table tbody tr").nth(label).locator("button").nth(answer);
  const images = () => page.locator("#matrix-gallery button").evaluateAll((buttons) => buttons.map((one) => [Number(one.dataset.number), one.textContent.trim()]));
  const sure = (words) => Number(words.match(/([\d.]+) %/)[1]);
  await check("the confusion matrix counts what this machine answers", async () => {
    for (const [number, { name }] of networks.entries()) {
      await page.locator("#matrix-network").selectOption(name);
      const found = await page.locator("#matrix-table tbody tr").evaluateAll((rows) =>
        rows.map((row) => Array.from(row.querySelectorAll("button"), (button) => Number(button.textContent))));
      const counted = classes.map((_, label) => classes.map((_, answer) => all[number].filter((one) => one.label === label && one.answer === answer).length));
      need(JSON.stringify(found) === JSON.stringify(counted), `${name}: ${found} instead of ${counted}`);
      const recorded = runs[number].test?.confusion_matrix;
      need(!recorded || runs[number].data.set === "sample" || JSON.stringify(recorded) === JSON.stringify(counted), `${name}: its record counts otherwise`);
    }
  });
  await check("the mistakes come in the order of their probabilities", async () => {
    await page.locator("#matrix-network").selectOption(networks[0].name);
    const wrong = all[0].filter(({ label, answer }) => label !== answer).sort((a, b) => b.probability - a.probability);
    const most = (await images()).map(([, words]) => sure(words));
    most.forEach((value, at) => need(Math.abs(value - 100 * wrong[at].probability) < 0.06, `mistake ${at} at ${value} %, not ${100 * wrong[at].probability}`));
    await page.locator("#matrix-more").click();
    need((await images()).length > most.length, "no more are shown");
    await page.locator("#matrix-order").selectOption("least");
    const least = (await images()).map(([, words]) => sure(words));
    need(least.every((value, at) => at === 0 || value >= least[at - 1]) && least[0] < most[0], `the least certain first: ${least}`);
    await page.locator("#matrix-order").selectOption("class");
    const order = (await images()).map(([number]) => album.test[number]);
    need(order.every((label, at) => at === 0 || label >= order[at - 1]), `not by class: ${order}`);
    await page.locator("#matrix-order").selectOption("most");
  });
  await check("a cell shows its images, by hand and with the keyboard", async () => {
    const [label, answer] = [3, 5];
    await cell(label, answer).click();
    const own = await images();
    need(own.length > 0 && own.every(([number, words]) => album.test[number] === label && words.startsWith("dog ") && words.endsWith("is cat")), `${own}`);
    need((await page.locator("#matrix-sentence").textContent()).startsWith("Cat taken for dog: "), "not said");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    need((await cell(4, 4).getAttribute("aria-pressed")) === "true", "the arrow keys lead elsewhere");
    need((await page.locator("#matrix-sentence").textContent()).startsWith("Deer recognized: "), "not said");
    await page.keyboard.press("Enter");
    need((await page.locator("#matrix-sentence").textContent()).startsWith("Mistakes: "), "the mistakes do not come back");
  });
  await check("an image of a cell can be tried", async () => {
    const [[number]] = await images();
    await page.locator("#matrix-gallery button").first().click();
    const words = `A test image of the class ${classes[album.test[number]]} (a compressed copy)`;
    need((await page.locator("#try-verdict").textContent()).startsWith(words), "it is not shown");
    need(await page.locator("#try-verdict").evaluate((own) => own === document.activeElement), "the reader is not led there");
  });
}

async function curves({ page, check, embedded, folder }) {
  const [head, ...rows] = readFileSync(join(folder, "history.csv"), "utf8").trim().split("\n").map((line) => line.split(","));
  const column = (name) => head.indexOf(name);
  const legend = () => page.locator("#curves-legend button").evaluateAll((buttons) => buttons.map((own) => ({
    name: own.querySelector("span").textContent, shown: own.getAttribute("aria-pressed") === "true",
    mean: own.dataset.mean && Number(own.dataset.mean), text: own.querySelector("output").textContent,
  })));
  const lines = () => page.locator("#curves-plot path.series:not(.band)").count();
  const range = page.locator("#curves-epoch");
  await check("the curves have the values of the histories", async () => {
    const columns = ["val_accuracy", "val_loss", "accuracy", "loss"];
    let compared = 0;
    for (const [at, { title, series }] of embedded.curves.notebooks.entries()) {
      await page.locator("#curves-notebook").selectOption(title);
      await page.locator("#curves-all").click();
      await page.locator("#curves-measure").selectOption({ index: at % 4 });
      await range.fill("2");
      for (const [number, { mean, text }] of (await legend()).entries()) {
        const { name, seeds } = series[number], notebook = title.match(/notebook (\d)/)[1];
        const is = (run) => run === `0${notebook}-${name}` || (run.startsWith(`0${notebook}-${name}-`) && /^\d$/.test(run.slice(name.length + 4)));
        const own = rows.filter((row) => is(row[0]) && row[1] === "2").map((row) => Number(row[column(columns[at % 4])]));
        const finite = own.filter(Number.isFinite), expected = finite.reduce((sum, value) => sum + value, 0) / finite.length;
        need(own.length === 0 || own.length === seeds.length, `${name}: ${seeds.length} seeds instead of ${own.length}`);
        if (finite.length === 0 || Math.abs(expected) > 1e8) continue;
        need(Math.abs(mean - expected) <= 1e-3 * Math.abs(expected), `${title}, ${name}: ${mean} instead of ${expected}`);
        need(finite.length === 1 || text.includes(`${finite.length} seeds`), `${name}: ${text}`);
        compared += 1;
      }
    }
    need(compared > 0, "nothing to compare");
    await page.locator("#curves-measure").selectOption({ index: 0 });
    return `${compared} values`;
  });
  await check("series are hidden and shown, and the pointer and the keyboard choose the epoch", async () => {
    const all = await legend();
    need((await lines()) === all.length, `${await lines()} lines of ${all.length}`);
    await page.locator("#curves-legend button").first().click();
    need((await lines()) === all.length - 1 && (await legend())[0].text === "", "it is still there");
    await page.locator("#curves-hide").click();
    need((await lines()) === 0 && (await page.locator("#curves-none").isVisible()), "some are still there");
    await page.locator("#curves-notebook").selectOption({ index: 0 });
    const plot = page.locator("#curves-plot svg");
    await plot.scrollIntoViewIfNeeded();
    const { width, height } = await plot.boundingBox();
    await plot.hover({ position: { x: width - 13, y: height / 2 } });
    const last = Number(await range.inputValue());
    need(last === embedded.curves.notebooks[0].series[0].seeds[0][0].length, `epoch ${last} at the right`);
    await plot.hover({ position: { x: 47, y: height / 2 } });
    need((await range.inputValue()) === "1" && (await page.locator("#curves-at").textContent()) === "epoch 1", "not the first at the left");
    await range.focus();
    await page.keyboard.press("ArrowRight");
    need(last === 1 || (await page.locator("#curves-at").textContent()) === "epoch 2", "the arrow keys do not move it");
  });
}

// All of it: what of it the page has.
export async function explore(report) {
  if (report.embedded.album) {
    await report.page.locator("#matrix-part").waitFor({ state: "visible" });
    await nearest(report);
    await matrix(report);
  }
  if (report.embedded.curves) await curves(report);
}
