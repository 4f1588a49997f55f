"""Checks with TensorBoard itself what lab-core/examples/tensorboard.rs wrote; tensorboard.sh runs it.

    target/tensorboard-venv/bin/python tools/check/read_events.py FOLDER

FOLDER has a folder for each training, with train/, validation/ and history.csv in it.
"""

import csv
import io
import json
import logging
import re
import struct
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
from PIL import Image  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from tensorboard.util import tb_logging  # noqa: E402

CURVES = {
    "train": {"epoch_loss": "loss", "epoch_accuracy": "accuracy", "epoch_learning_rate": "learning_rate"},
    "validation": {"epoch_loss": "val_loss", "epoch_accuracy": "val_accuracy"},
}
WEIGHTS = [f"{layer}/{array}/histogram" for layer in ("dense", "dense_1") for array in ("bias", "kernel")]
# What TensorBoard says whatever it reads.
ALWAYS = re.compile(
    r"^\s*$|TensorFlow installation not found|^TensorBoard 2\.\S+ at http|^TensorBoard caught SIGTERM"
    r"|^NOTE: Using experimental fast data loading|--load_fast=false|tensorboard/issues/4784$"
)

complaints = io.StringIO()
failures = 0


def check(what, holds, more=""):
    global failures
    failures += not holds
    print(f"{'ok    ' if holds else 'FAILED'} {what}{': ' if more else ''}{more}", flush=True)


def near(found, wanted):
    """The same numbers, in 32 bits."""
    return found == [struct.unpack("f", struct.pack("f", number))[0] for number in wanted]


def read_files(run, rows):
    for part, curves in CURVES.items():
        events = EventAccumulator(str(run / part), size_guidance={"images": 0, "scalars": 0, "histograms": 0}).Reload()
        tags = events.Tags()
        check(f"{run.name}/{part}: the curves are {', '.join(curves)}", sorted(tags["scalars"]) == sorted(curves), str(tags["scalars"]))
        for tag, column in curves.items():
            found = events.Scalars(tag)
            steps = [event.step for event in found]
            same = near([event.value for event in found], [float(row[column]) for row in rows])
            check(f"{run.name}/{part}/{tag}: a point an epoch, as in the history", steps == list(range(len(rows))) and same)
        if part == "train":
            check(f"{run.name}: a histogram for each array of weights", sorted(tags["histograms"]) == WEIGHTS, str(tags["histograms"]))
            kernels = events.Histograms("dense/kernel/histogram")
            counts = [(event.histogram_value.num, sum(event.histogram_value.bucket)) for event in kernels]
            check(f"{run.name}: they count all weights in each epoch", counts == [(3072 * 64, 3072 * 64)] * len(rows), str(counts[:1]))
        else:
            pictures = [events.Images(tag)[0] for tag in sorted(tags["images"])]
            opened = [Image.open(io.BytesIO(picture.encoded_image_string)) for picture in pictures]
            whole = all(image.size == (128, 128) and len(image.convert("RGB").getcolors(65536) or [0] * 99) > 10 for image in opened)
            check(f"{run.name}: sixteen pictures of mistakes", len(opened) == 16 and whole, sorted(tags["images"])[0] if opened else "none")


def ask_the_server(folder, runs, rows):
    program = [sys.executable, "-W", "ignore", "-m", "tensorboard.main", "--logdir", str(folder), "--host", "127.0.0.1", "--port", "0"]
    with open(folder / "server.log", "w+") as log:
        server = subprocess.Popen(program, stdout=log, stderr=subprocess.STDOUT)
        try:
            def said():
                return (folder / "server.log").read_text()

            until = time.time() + 60
            while not (at := re.search(r"http://(127\.0\.0\.1|localhost):(\d+)/", said())) and time.time() < until:
                time.sleep(0.2)
            if not at:
                return check("the server starts", False, said())

            def get(path, **query):
                url = f"http://127.0.0.1:{at[2]}/data/{path}?{urllib.parse.urlencode(query)}"
                with urllib.request.urlopen(url, timeout=30) as answer:
                    return answer.read()

            wanted = sorted(f"{run}/{part}" for run in runs for part in CURVES)
            while sorted(found := json.loads(get("runs"))) != wanted and time.time() < until:
                time.sleep(0.5)
            check("the server lists the trainings", sorted(found) == wanted, str(found))
            for run in runs:
                for part, curves in CURVES.items():
                    for tag, column in curves.items():
                        points = json.loads(get("plugin/scalars/scalars", run=f"{run}/{part}", tag=tag))
                        same = near([value for _, _, value in points], [float(row[column]) for row in rows[run]])
                        check(f"the server's {run}/{part}/{tag}", same, f"{len(points)} points")
            bars = json.loads(get("plugin/histograms/histograms", run=f"{runs[0]}/train", tag="dense/kernel/histogram"))
            check("the server's histograms", len(bars) == len(rows[runs[0]]) and len(bars[0][2]) == 30, f"{len(bars)} epochs")
            tags = json.loads(get("plugin/images/tags"))[f"{runs[0]}/validation"]
            tag = sorted(tags)[0]
            listed = json.loads(get("plugin/images/images", run=f"{runs[0]}/validation", tag=tag, sample=0))
            picture = urllib.parse.parse_qs(listed[0]["query"])
            picture = get("plugin/images/individualImage", **{key: value[0] for key, value in picture.items()})
            check("the server's picture of a mistake", Image.open(io.BytesIO(picture)).size == (128, 128), tag)
        finally:
            server.terminate()
            server.wait(timeout=20)
    strange = [line for line in said().splitlines() if not ALWAYS.search(line)]
    check("the server has no complaint about the files", not strange, "\n".join(strange))


if __name__ == "__main__":
    tb_logging.get_logger().addHandler(logging.StreamHandler(complaints))
    folder = Path(sys.argv[1])
    runs = sorted(path.name for path in folder.iterdir() if path.is_dir())
    rows = {run: list(csv.DictReader(open(folder / run / "history.csv"))) for run in runs}
    check("there are two trainings of five epochs", [len(rows[run]) for run in runs] == [5, 5])
    for run in runs:
        read_files(folder / run, rows[run])
    check("the reader of files has no complaint", not complaints.getvalue(), complaints.getvalue())
    ask_the_server(folder, runs, rows)
    print(f"{failures} failed" if failures else "all hold")
    sys.exit(failures > 0)
