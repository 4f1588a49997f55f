"""The networks of a report as parts of its page: their weights, the module that computes with them, and images to try.

A network is what `lab_web::network::Network::read` takes: a line of JSON, then floats, and 16-bit integers for kernels. Its
bytes are split into the even and the odd ones before they are deflated: half of them are the high ones, which are much
alike, and packed together they take a fifth less room. In base85 five letters stand for four bytes.
"""

import base64
import hashlib
import json
import math
import os
import shutil
import struct
import subprocess
import zlib
from array import array
from pathlib import Path

from album import album, curves

ROOT = Path(__file__).resolve().parents[3]
TARGET = "wasm32-unknown-unknown"
# A page with its networks stays below this many bytes; more than four networks are hard to compare.
LARGEST, MOST = 6_000_000, 4
# Steps in the root mean square of a kernel's weights: fine enough for probabilities that agree to a thousandth.
FINENESS = 1200
# Of these the pictures of the data set take at most so many.
ALBUM = 560_000
# What networks of the page take: pictures, or the features that notebook 6 makes of them.
SHAPE, FEATURES = [32, 32, 3], [8, 8, 12]
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
# Test images to click on, of each class.
EACH = 2
# No page asks anything of any host, and none runs a script that is not the one whose hash it names.
POLICY = "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


# The scripts of these parts, in order.
SCRIPTS = ["tools", "try", "drawing", "nearest", "matrix", "curves", "start"]


class Missing(Exception):
    """Why a page is without networks, as a sentence for its reader."""


def deflate(data):
    """Bytes as they stand in a page, in letters that JSON and HTML leave as they are."""
    return base64.b85encode(zlib.compress(data, 9)).decode().replace("<", ",")


def pack(data):
    """The same of an even number of bytes that are pairs."""
    return deflate(data[0::2] + data[1::2])


def named_first(value):
    """An architecture as the module reads it: {"layer": "dense", …} becomes {"dense": {…}}."""
    if isinstance(value, list):
        return [named_first(item) for item in value]
    if not isinstance(value, dict):
        return value
    options = {key: named_first(item) for key, item in value.items() if key != "layer"}
    return {value["layer"]: options} if "layer" in value else options


def steps(floats):
    """A kernel as a step and 16-bit integers that count steps: evenly spaced, they pack better than 16-bit floats do."""
    spread = math.sqrt(sum(value * value for value in floats) / len(floats))
    step = max(spread / FINENESS, max(map(abs, floats)) / 32767) or 1.0
    [step] = struct.unpack("<f", struct.pack("<f", step * (1 + 1e-6)))
    return struct.pack(f"<f{len(floats)}h", step, *(round(value / step) for value in floats))


def weights(path):
    """A file of `Sequential::save` as the module reads it; None where a weight is not finite."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    arrays = json.loads(data[8:start])
    architecture = json.loads(arrays.pop("__metadata__")["architecture"])
    line = json.dumps(named_first(architecture))
    # An even length, so that a float's bytes go different ways.
    parts = [(line + " " * (len(line.encode()) % 2 == 0) + "\n").encode()]
    for name in sorted(arrays):
        first, end = arrays[name]["data_offsets"]
        floats = array("f", data[start + first : start + end])
        if not all(map(math.isfinite, floats)):
            return None
        parts.append(steps(floats) if len(arrays[name]["shape"]) > 1 else struct.pack(f"<{len(floats)}f", *floats))
    return b"".join(parts)


def kept(outputs):
    """The runs of pictures whose weights were kept, as (name, record): those of the notebooks first, the last one foremost."""
    runs = []
    for path in sorted((outputs / "runs").glob("[!.]*/model.safetensors")):
        metrics = path.with_name("metrics.json")
        record = json.loads(metrics.read_text(encoding="utf-8")) if metrics.is_file() else {}
        if record.get("network", {}).get("input_shape") in (SHAPE, FEATURES):
            runs.append((path.parent.name, record))
    notebooks = [run for run in runs if run[0][:2].isdigit()]
    return notebooks[::-1] + [run for run in runs if run not in notebooks]


def module(package="lab-web"):
    """The bytes of the library for browsers, compiled where that is possible."""
    cargo = os.environ.get("CARGO") or shutil.which("cargo") or "cargo"
    rustc = [os.environ.get("RUSTC") or "rustc", "--print", "target-libdir", "--target", TARGET]
    found = subprocess.run(rustc, cwd=ROOT, capture_output=True, text=True)
    if found.returncode != 0 or not Path(found.stdout.strip()).is_dir():
        raise Missing(f"Rust’s target for browsers is not installed: run “rustup target add {TARGET}”, then the report again")
    build = [cargo, "build", "--offline", "--locked", "--quiet", "--target", TARGET, "--package", package, "--profile", "web"]
    # Messages of libraries name the files that they come from: without the folder of whoever builds this.
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    folders = [Path(found.stdout.strip()).parents[1] / "src/rust", *sorted((home / "registry/src").glob("*"))]
    flags = [f"--remap-path-prefix={folder}=" for folder in folders]
    build += ["--config", f"target.{TARGET}.rustflags={json.dumps(flags)}"]
    message = [*build, "--message-format", "json-render-diagnostics"]
    built = subprocess.run(message, cwd=ROOT, capture_output=True, text=True)
    if built.returncode != 0:
        raise Missing(f"the library could not be compiled for browsers: “{' '.join(build)}” says why")
    artifacts = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    files = [file for artifact in artifacts for file in artifact.get("filenames", []) if file.endswith(".wasm")]
    return Path(files[-1]).read_bytes()


def images():
    """The first test images of each class of the built-in sample, as their classes and their RGB bytes."""
    record = 1 + math.prod(SHAPE)
    data = (ROOT / "lab-core/assets/sample_test.bin").read_bytes()
    records = [data[at : at + record] for at in range(0, len(data), record)]
    chosen = [[r for r in records if r[0] == label][nth] for nth in range(EACH) for label in range(len(CLASSES))]
    # Planes of red, green and blue become pixels.
    pixels = [b"".join(bytes(pixel) for pixel in zip(r[1:1025], r[1025:2049], r[2049:])) for r in chosen]
    return [r[0] for r in chosen], b"".join(pixels)


def parts(outputs, saved, room):
    """What the page shows of networks: `json`, which its script reads, and which of the other parts there are.

    `room` is what they may take. Raises Missing where there are no networks.
    """
    if saved:
        raise Missing("it was made from saved notebooks: “cargo lab report” trains the networks and puts them in the page")
    runs = kept(outputs)
    if not runs:
        raise Missing("no run of a network for pictures has kept its weights: notebook 5 does")
    labels, pixels = images()
    page = {"module": deflate(module()), "classes": CLASSES, "labels": labels, "images": pack(pixels), "networks": []}
    page["curves"] = curves(outputs)
    room -= len(json.dumps(page)) + ALBUM
    chosen = []
    for name, record in runs:
        path = outputs / "runs" / name / "model.safetensors"
        data = weights(path)
        packed = pack(data) if data else ""
        if 0 < len(packed) < room and len(chosen) < MOST:
            accuracy = (record.get("test") or {}).get("accuracy")
            page["networks"].append({"name": name, "accuracy": accuracy, "weights": packed})
            chosen.append(path)
            room -= len(packed)
    if not chosen:
        raise Missing("the networks that were kept are too large for a page")
    sample = any(record.get("data", {}).get("set") == "sample" for _, record in runs)
    if made := album(chosen, sample):
        page["album"], *sheets = made
        page["album"]["trainSheet"], page["album"]["testSheet"] = map(deflate, sheets)
    # Nothing in it ends the element that it stands in.
    text = json.dumps(page, separators=(",", ":")).replace("<", "\\u003c")
    return {"json": text, "album": "album" in page, "curves": page["curves"] is not None}


def script(template):
    """The one script of the page, whose names are seen nowhere else."""
    files = [(template / "networks" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return "\n".join(['"use strict";', "{", *files, "}"])


def policy(script):
    """The content security policy of a page with this script, or with none."""
    if not script:
        return POLICY
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"{POLICY}; script-src 'sha256-{digest}' 'wasm-unsafe-eval'"
