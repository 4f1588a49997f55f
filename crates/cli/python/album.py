"""What a report's page shows beside its networks: pictures of the data set with what the networks say of them, and the
curves of all runs.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MEASURES = {
    "val_accuracy": "validation accuracy",
    "val_loss": "validation loss",
    "accuracy": "training accuracy",
    "loss": "training loss",
}
TITLES = {
    "01": "First networks (notebook 1)",
    "02": "Architectures (notebook 2)",
    "03": "Losses (notebook 3)",
    "04": "Optimizers (notebook 4)",
    "05": "Evaluation (notebook 5)",
    "06": "Improvements (notebook 6)",
    "07": "The ladder (notebook 7)",
}


def album(models, sample):
    """The album of `album.rs` for these networks, as (its JSON, the sheet of training images, that of test images).

    None where the program that makes it cannot be compiled or finds no data.
    """
    cargo = os.environ.get("CARGO") or shutil.which("cargo") or "cargo"
    data = "sample" if sample else ROOT / "data"
    program = [cargo, "run", "--offline", "--locked", "--quiet", "--release", "--package", "lab-web", "--example", "album"]
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run([*program, "--", folder, data, *models], cwd=ROOT, capture_output=True)
        if made.returncode != 0:
            return None
        sheets = [Path(folder, name).read_bytes() for name in ("train.jpg", "test.jpg")]
        return json.loads(Path(folder, "album.json").read_text(encoding="utf-8")), *sheets


def settings(record):
    """What tells a training from another one, seeds aside; the last digit of its name is its seed."""
    training = {key: value for key, value in record["training"].items() if key != "seed"}
    base = re.sub(r"-\d$", "", record["run"])
    return json.dumps([base, record["data"], record["network"], training], sort_keys=True)


def curves(outputs):
    """The curves of the runs of the notebooks, by notebook; runs that differ in their seed alone are one series."""
    runs, history = outputs / "runs.jsonl", outputs / "history.csv"
    if not (runs.is_file() and history.is_file()):
        return None
    epochs = {}
    with open(history, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            epochs.setdefault(row["run"], []).append(row)
    series = {}
    for line in runs.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["run"] in epochs and record["run"][:2] in TITLES:
            series.setdefault(settings(record), []).append(record["run"])
    notebooks = {}
    for names in series.values():
        name = re.sub(r"-\d$", "", names[0]) if len(names) > 1 else names[0].removesuffix("-0")
        seeds = [[[number(row[measure]) for row in epochs[run]] for measure in MEASURES] for run in names]
        notebooks.setdefault(names[0][:2], []).append({"name": name[3:], "seeds": seeds})
    shown = [{"title": TITLES[key], "series": notebooks[key]} for key in sorted(notebooks)]
    return {"measures": list(MEASURES.values()), "notebooks": shown} if shown else None


def number(text):
    """A value with the digits that a picture shows; None for one that is not finite."""
    value = float(text or "nan")
    return float(f"{value:.4g}") if abs(value) < 1e9 else None
