// Curves that move while a later cell trains, also after the page was loaded again and the kernel restarted.
import { allHold } from "./shown.mjs";
import { SLOW, need, sleep, step, until } from "./common.mjs";
import { Notebook } from "./notebook.mjs";
import { PREFIX, writeNotebook } from "./server.mjs";

const NAME = "live-curves";
const RUN = `${PREFIX}live`;
const MOST_LINES = 15;
const EPOCHS = 250;
const CELLS = {
  open: `:dep lab-notebook = { path = "../crates/notebook" }
use lab_notebook::prelude::*;
let lab = Lab::open()?;
let cifar = lab.cifar10()?;
let (train, validation) = cifar.train.split(0.8, Seed(42))?;`,
  curves: `LiveCurves::show("${RUN}")?;`,
  training: `let mut model = Sequential::new([32, 32, 3])
    .flatten()
    .dense(512, Activation::Elu)
    .dense(10, Activation::Softmax)
    .build(Seed(0))?;
let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-5)).epochs(${EPOCHS}).batch_size(32);
trainer.log_to(lab.run("${RUN}"))?.fit(&mut model, &train, &validation)?;`,
};

// What the page shows of the run now.
function look() {
  const status = document.querySelector(".lab-live-status");
  const training = [...document.querySelectorAll(".jp-Notebook .jp-CodeCell")].at(-1);
  return {
    waits: training?.querySelector(".jp-InputArea-prompt").textContent.includes("*"),
    state: status?.dataset.state,
    epoch: Number(status?.dataset.epoch ?? NaN),
    path: document.querySelector(".lab-live-chart path")?.getAttribute("d") ?? "",
    text: status?.textContent,
  };
}

// Looks again and again until `enough` says so of all that was seen; each different sight once.
async function watch(page, what, seconds, enough) {
  const seen = [];
  await until(() => `${what}; the last was ${JSON.stringify(seen.at(-1), null, 1).slice(0, 400)}`, seconds, async () => {
    const now = await page.evaluate(look);
    if (JSON.stringify(now) !== JSON.stringify(seen.at(-1))) seen.push(now);
    return enough(seen);
  });
  return seen;
}

function moves(seen) {
  const epochs = seen.map(({ epoch }) => epoch).filter(Number.isFinite);
  const grown = epochs.filter((epoch, index) => index > 0 && epoch > epochs[index - 1]).length;
  const found = [];
  if (grown < 3) found.push(`data-epoch grew ${grown} times: ${epochs.join(" ")}`);
  if (epochs.every(Number.isInteger)) found.push(`data-epoch moves by whole epochs only: ${epochs.join(" ")}`);
  if (new Set(seen.map(({ path }) => path)).size < 3) found.push("the curve keeps its shape");
  allHold(found);
  return `${grown} steps, epoch ${epochs[0].toFixed(1)} to ${epochs.at(-1).toFixed(1)}`;
}

const isTraining = ({ state, epoch }) => state === "training" && epoch > 0;
const isFinished = (seen) => seen.at(-1).state === "finished";

export async function liveCurves(context, origin) {
  let notebook;
  const opened = await step("live curves: shown, and waiting for a training", async () => {
    writeNotebook(NAME, CELLS);
    notebook = await Notebook.open(context, origin, NAME);
    await notebook.run("open", 180);
    await notebook.run("curves", 60);
    await watch(notebook.page, "curves that wait", 10, (seen) => seen.at(-1).state === "waiting");
  });
  if (!opened) return;
  const { page } = notebook;

  await step("live curves: move while the cell's prompt says [*]", async () => {
    await notebook.begin("training");
    const begun = await watch(page, "a training half done", 90, (seen) => isFinished(seen) || seen.at(-1).epoch > EPOCHS / 2);
    await notebook.screenshot("middle", page.locator(".lab-live"));
    const moved = moves(begun.filter(({ waits }) => waits).filter(isTraining));
    const [end] = (await watch(page, "a training that is finished", 90, isFinished)).slice(-1);
    need(end.epoch === EPOCHS, `it ends at ${end.epoch}`);
    await notebook.ended("training", 30);
    return moved;
  });
  await step(`live curves: the training prints at most ${MOST_LINES} lines`, async () => {
    const lines = (await notebook.output("training")).trim().split("\n");
    need(lines.length <= MOST_LINES, `it prints ${lines.length}`);
    await notebook.screenshot("end", page.locator(".lab-live"));
    return `${lines.length}`;
  });

  await step("live curves: go on when the page is loaded again in the middle", async () => {
    await notebook.begin("training");
    await watch(page, "a second training", 60, (seen) => isTraining(seen.at(-1)));
    await notebook.save();
    const before = (await page.evaluate(look)).epoch;
    await page.reload();
    const seen = await watch(page, "curves that go on", 60, (seen) => isFinished(seen) || seen.filter(isTraining).length > 5);
    await notebook.screenshot("loaded-again", page.locator(".lab-live"));
    need(seen.find(isTraining)?.epoch >= before, `they go back from ${before} to ${seen.find(isTraining)?.epoch}`);
    const moved = moves(seen.filter(isTraining));
    await watch(page, "a training that is finished", 90, isFinished);
    return `left at ${before.toFixed(1)}; ${moved}`;
  });
  await step("live curves: are still there when the kernel was restarted", async () => {
    await notebook.idle(60);
    await notebook.restart();
    await sleep(3000 * SLOW);
    const now = await page.evaluate(look);
    need(now.state === "finished" && now.epoch === EPOCHS && now.path.length > 100, `they show ${JSON.stringify(now)}`);
    await notebook.screenshot("restarted", page.locator(".lab-live"));
  });
  await step("live curves: closed with the kernel", () => notebook.close());
}
