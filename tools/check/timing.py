"""Measures what a reader of the notebooks waits for, and prints it beside what was promised: timing.py

The first cell with nothing compiled (the kernel's build folders are put aside meanwhile, and back afterwards) and with
everything compiled; the other cells that do not train, in the notebooks on the sample; a training in a cell beside the
same training with `cargo lab train`. Set-up must have been done, and target/release/lab be built. Close JupyterLab first.
It takes ten minutes or so. The status is 1 when a promise is not kept.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("LAB_PYTHON", str(CLONE / ".lab/venv/bin/python"))
LAB = CLONE / "target/release/lab"
BUILDS = CLONE / ".lab/evcxr"
FIRST = ':dep lab-notebook = { path = "../crates/notebook" }\nuse lab_notebook::prelude::*;'
# What is trained on both sides, and how often each image is seen: enough that a step is measured and not a start.
FULL = (CLONE / "data/cifar-10-batches-bin").is_dir()
DATA, EPOCHS = ('Cifar10::open("../data")?', 3) if FULL else ("Cifar10::sample()", 100)
TRAINING = f"""let cifar = {DATA};
let (train, validation) = cifar.train.hold_out_last(0.2)?;
let mut model = Sequential::new([32, 32, 3])
    .flatten()
    .dense(512, Activation::Elu)
    .dropout(0.5)
    .dense(256, Activation::Tanh)
    .dropout(0.5)
    .dense(128, Activation::Elu)
    .dense(10, Activation::Softmax)
    .build(Seed(0))?;
let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
    .schedule("exponential=0.95".parse::<Schedule>()?)
    .epochs({EPOCHS})
    .batch_size(64)
    .fit(&mut model, &train, &validation)?;
println!("{{}}", history.seconds() * 1000.0 / ({EPOCHS} * train.len().div_ceil(64)) as f64);"""


def notebook_of(cells, path):
    code = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None, "outputs": [], "source": cell}
        for i, cell in enumerate(cells)
    ]
    metadata = {"kernelspec": {"display_name": "Rust", "language": "rust", "name": "rust"}}
    path.write_text(json.dumps({"cells": code, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))


def run(notebook, executed):
    """Runs a notebook as the report does; the seconds of each of its cells."""
    jupyter = CLONE / ".lab/jupyter"
    environment = os.environ | {
        "LAB_SCALE": "sample",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "JUPYTER_CONFIG_DIR": str(jupyter / "config"),
        "JUPYTER_RUNTIME_DIR": str(jupyter / "runtime"),
    }
    program = subprocess.Popen(
        [PYTHON, CLONE / "crates/cli/python/run.py", notebook, executed],
        cwd=CLONE / "notebooks",
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    seconds = []
    for line in program.stdout:
        event = json.loads(line)
        if event["event"] == "end":
            seconds.append(event["seconds"])
        elif event["event"] == "failed":
            sys.exit(f"{notebook.name}, cell [{event['number']}]: " + "\n".join(event["message"]))
    program.stdin.close()
    program.wait()
    return seconds


def code_of(path):
    cells = json.loads(path.read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [source for source in sources if source.strip()]


def cells_that_train(sources):
    """Whether each cell fits a model, itself or through a function that another cell has defined."""
    defined = {name for s in sources if ".fit(" in s for name in re.findall(r"\bfn (\w+)", s)}
    calls = re.compile(r"(?<!fn )\b(" + "|".join(["range_test", *map(re.escape, defined)]) + r")\b\s*\(")
    return [(".fit(" in s and "fn " not in s) or bool(calls.search(re.sub(r"\bfn \w+", "", s))) for s in sources]


def first_cells(folder):
    notebook = folder / "first.ipynb"
    notebook_of([FIRST, "let one = 1;"], notebook)
    aside = BUILDS.with_name("evcxr-aside")
    if BUILDS.exists():
        BUILDS.rename(aside)
    try:
        cold = run(notebook, str(folder / "out.ipynb"))[0]
        warm = [run(notebook, str(folder / "out.ipynb"))[0] for _ in range(3)]
    finally:
        if aside.exists():
            subprocess.run(["rm", "-rf", BUILDS], check=True)
            aside.rename(BUILDS)
    return cold, statistics.median(warm)


def other_cells(folder):
    """(seconds, notebook, first line) of each cell but the first ones that does not train."""
    found = []
    for path in sorted((CLONE / "notebooks").glob("[0-9][0-9]-*.ipynb")):
        sources = code_of(path)
        seconds = run(path, str(folder / "out.ipynb"))
        for source, trains, time in list(zip(sources, cells_that_train(sources), seconds))[1:]:
            if not trains:
                found.append((time, path.stem, source.splitlines()[0]))
    return sorted(found)


def steps(folder):
    """Milliseconds of a training step in a cell, and in `cargo lab train`: the best of three each, taken in turn."""
    notebook = folder / "training.ipynb"
    notebook_of([FIRST, TRAINING], notebook)
    cells, commands = [], []
    for _ in range(3):
        run(notebook, str(folder / "out.ipynb"))
        outputs = json.loads((folder / "out.ipynb").read_text())["cells"][1]["outputs"]
        cells.append(float("".join(outputs[0]["text"]).splitlines()[-1]))
        out = folder / "run"
        data = str(CLONE / "data") if FULL else "sample"
        command = [LAB, "train", "--data", data, "--epochs", str(EPOCHS), "--no-early-stopping", "--out", out]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=CLONE)
        metrics = json.loads((out / "metrics.json").read_text())
        images = 40_000 if FULL else 800
        commands.append(metrics["seconds"] * 1000 / (EPOCHS * -(-images // 64)))
    return min(cells), min(commands)


def main():
    kept = True

    def say(name, value, unit, limit=None):
        nonlocal kept
        good = limit is None or value <= limit
        kept &= good
        bound = f"{limit:.2f} {unit}" if limit is not None else ""
        print(f"{name:<76}{f'{value:.2f} {unit}':>12}{bound:>12}{'' if good else '  too slow'}", flush=True)

    print(f"{'':<76}{'measured':>12}{'at most':>12}", flush=True)
    with tempfile.TemporaryDirectory(prefix="lab-timing-") as name:
        folder = Path(name)
        cold, warm = first_cells(folder)
        say("first cell, nothing compiled", cold, "s", 90)
        say("first cell, everything compiled", warm, "s", 6)
        if others := other_cells(folder):
            say("other cells that do not train, median", statistics.median(o[0] for o in others), "s", 1)
            worst = others[-1]
            say(f"… the slowest of {len(others)}: {worst[1]}, {worst[2][:40]}", worst[0], "s")
        cell, command = steps(folder)
        say("a training step in cargo lab train", command, "ms")
        say("a training step in a cell", cell, "ms", command * 1.05)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
