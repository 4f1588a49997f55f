// What all parts share: lines of results, waiting with a limit, and where things lie.
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

export const LABORATORY = resolve(import.meta.dirname, "../../..");
// What the test keeps, and under it the folder that it works in and removes again.
export const KEPT = join(LABORATORY, "target/browser");
// How much slower than two idle cores this machine may be.
export const SLOW = Number(process.env.LAB_SLOW ?? 1);

export const results = { held: 0, failed: 0, stopped: false, onFailure: async () => {} };

function line(holds, what, started, more) {
  // After Ctrl-C nothing that fails says anything.
  if (results.stopped) return;
  results[holds ? "held" : "failed"] += 1;
  const seconds = `(${((Date.now() - started) / 1000).toFixed(1)} s)`;
  console.log(`${holds ? "ok    " : "FAILED"} ${what} ${seconds}${more ? `: ${more}` : ""}`);
}

// Does one thing and says how it went; `work` throws what is wrong, or gives back what is worth saying.
export async function step(what, work) {
  const started = Date.now();
  try {
    const more = await work();
    line(true, what, started, typeof more === "string" ? more : "");
    return true;
  } catch (error) {
    // Playwright adds a log of many lines that repeats the first.
    line(false, what, started, error.message.split("\nCall log")[0]);
    await results.onFailure().catch(() => {});
    return false;
  }
}

// The browser that the pages are looked at with; `options` are playwright's.
export const openBrowser = (options = {}) =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-lcd-text"],
    ...options,
  });

export function need(holds, message) {
  if (!holds) throw new Error(message);
}

export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Asks until there is an answer; `what` did not come otherwise.
export async function until(what, seconds, ask) {
  const end = Date.now() + seconds * SLOW * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    need(Date.now() < end, `${typeof what === "string" ? what : what()} did not come within ${seconds * SLOW} s`);
    await sleep(200);
  }
}
