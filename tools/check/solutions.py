"""Checks the exercises: that the notebooks ask them, and that the solutions answer them.

    python3 tools/check/solutions.py [--notebooks-only] [NAME …]

runs each notebook of notebooks/solutions in a real kernel, on the sample. Every check must say "right", and there must be
as many as in the notebook of the same name; there the cells must be unsolved, and their checks say so. A challenge's entry must reach its goal. It needs what
`cargo lab setup` installs, prints one line for each notebook, and exits 1 when something does not hold.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
NOTEBOOKS = CLONE / "notebooks"
SOLUTIONS = NOTEBOOKS / "solutions"
# The cell that puts an entry on the scoreboard of a challenge.
BOARD = "challenge-board"


def text_of(value):
    return "".join(value) if isinstance(value, list) else value


def cells_of(path):
    """The cells of a notebook, by their ids and in their order."""
    return {cell["id"]: cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]}


def shown(cell):
    """What a cell shows as text."""
    outputs = cell.get("outputs", [])
    return "\n".join(text_of(o.get("text", "")) + text_of(o.get("data", {}).get("text/plain", "")) for o in outputs)


def checks_of(cells):
    return [name for name in cells if re.fullmatch(r"check-\d+", name)]


def exercises(path):
    """The number of exercises in a notebook, and what is wrong with them."""
    cells = cells_of(path)
    count = len(checks_of(cells))
    triples = [[f"exercise-{n}-text", f"exercise-{n}", f"check-{n}"] for n in range(1, count + 1)]
    challenge = ["challenge-text", "challenge", BOARD] if BOARD in cells else []
    wanted = ["exercises", *sum(triples, []), *challenge, "further-questions"]
    found = [name for name in cells if name in wanted]
    problems = []
    if count == 0 or found != wanted:
        problems.append(f"the cells {', '.join(found) or 'of exercises'}, expected {', '.join(wanted)}")
    problems += [f"{name} has no tag" for name in found if "exercise" not in cells[name]["metadata"].get("tags", [])]
    for number, name in enumerate(checks_of(cells), 1):
        if f"Exercise {number}: not answered yet." not in shown(cells[name]):
            problems.append(f"{name} does not say that it is not answered yet")
    if challenge and "No entry yet" not in shown(cells[BOARD]):
        problems.append(f"{BOARD} does not say that there is no entry yet")
    return count, problems


def execute(path, executed):
    """Runs a notebook in a kernel; gives back what failed, if anything did."""
    python = CLONE / ".lab" / "venv" / "bin" / "python"
    if not python.exists():
        return ["there is no kernel here: run `cargo lab setup` first"]
    program = [python, CLONE / "crates" / "cli" / "python" / "run.py", path, executed]
    environment = {**os.environ, "LAB_SCALE": "sample", "LAB_AUTHOR": "the solution"}
    # It ends with whoever holds the other end of its standard input.
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    problems = []
    warnings = executed.with_suffix(".txt")
    with (
        open(warnings, "w", encoding="utf-8") as file,
        subprocess.Popen(program, cwd=SOLUTIONS, env=environment, text=True, stderr=file, **pipes) as runner,
    ):
        for line in runner.stdout:
            event = json.loads(line)
            if event["event"] == "failed":
                problems.append("\n    ".join([f"cell {event['number']}: {event['kind']}", *event["message"]]))
        runner.stdin.close()
    if not problems and not executed.exists():
        problems.append(f"it did not run:\n{warnings.read_text(encoding='utf-8')}")
    return problems


def solve(path, count, folder):
    """What is wrong with the solutions to so many exercises."""
    problems = [f"{name} has outputs" for name, cell in cells_of(path).items() if cell.get("outputs")]
    executed = folder / path.name
    problems += execute(path, executed)
    if not executed.exists():
        return problems
    cells = cells_of(executed)
    names = checks_of(cells)
    if len(names) != count:
        problems.append(f"{len(names)} checks, and {count} in the notebook")
    for number, name in enumerate(names, 1):
        if f"Exercise {number}: right." not in shown(cells[name]):
            problems.append(f"{name} says: {shown(cells[name]) or 'nothing'}")
    if BOARD in cells_of(NOTEBOOKS / path.name) and "the goal is reached" not in shown(cells.get(BOARD, {})):
        problems.append(f"{BOARD} says: {shown(cells.get(BOARD, {})) or 'nothing'}")
    return problems


def main(arguments):
    only = "--notebooks-only" in arguments
    wanted = [name.removesuffix(".ipynb") for name in arguments if not name.startswith("--")]
    paths = [path for path in sorted(SOLUTIONS.glob("*.ipynb")) if not wanted or path.stem in wanted]
    bad = 0 if paths else 1
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            begin = time.monotonic()
            notebook = NOTEBOOKS / path.name
            count, problems = exercises(notebook) if notebook.exists() else (0, ["there is no notebook of this name"])
            if not only:
                problems += [f"solutions: {problem}" for problem in solve(path, count, Path(folder))]
            says = f"{len(problems)} problems" if problems else f"{count} exercises, {'asked' if only else 'solved'}"
            print(f"{path.stem}: {says}, {time.monotonic() - begin:.0f} s", flush=True)
            print("".join(f"  {problem}\n" for problem in problems), end="")
            bad += len(problems)
    settings = [folder / "evcxr.toml" for folder in (NOTEBOOKS, SOLUTIONS)]
    if len({file.read_bytes() for file in settings}) != 1:
        print("the kernel's settings beside the solutions are not those beside the notebooks")
        bad += 1
    if not paths:
        print("no solutions")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
