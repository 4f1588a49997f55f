// An exercise answered in JupyterLab: first wrong, then right.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LABORATORY, need, step } from "./common.mjs";

export const ANSWERED = "02-architecture";
// The weights without the biases: the mistake that most make.
const WRONG = "let answer_1: usize = 3072 * 256 + 256 * 256 + 256 * 64 + 64 * 10;";
const HINT = /hint:?\s.*\bbias/s;

function solution(name) {
  const file = join(LABORATORY, "notebooks/solutions", `${name}.ipynb`);
  need(existsSync(file), `${file} is missing`);
  const cell = JSON.parse(readFileSync(file, "utf8")).cells.find((cell) => cell.id === "exercise-1");
  need(cell, `no cell “exercise-1” in ${file}`);
  return [cell.source].flat().join("");
}

// The first exercise of a notebook that has run to its end.
export async function answers(notebook) {
  const answer = async (text) => {
    await notebook.write("exercise-1", text);
    await notebook.run("exercise-1", 60);
    return notebook.run("check-1", 60);
  };
  await step(`${notebook.name}: a wrong answer is “not yet” and gets a hint`, async () => {
    const verdict = await answer(WRONG);
    need(/not yet/.test(verdict) && HINT.test(verdict) && !/\bright\b/.test(verdict), `the check says: ${verdict}`);
    await notebook.screenshot("wrong", notebook.cell("check-1"));
    return verdict.match(HINT)[0].replace(/\s+/g, " ").slice(0, 100);
  });
  await step(`${notebook.name}: the solution is “right”`, async () => {
    const verdict = await answer(solution(notebook.name));
    need(/: right\b/.test(verdict) && !/not yet/.test(verdict), `the check says: ${verdict}`);
    await notebook.screenshot("right", notebook.cell("check-1"));
  });
}
