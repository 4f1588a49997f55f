#!/usr/bin/env python3
"""Measures how fast training is on this machine, alone and beside other frameworks.

    tools/peers/bench.py              our own speed, as a share of a large matrix product's: two minutes
    tools/peers/bench.py --scaling    by batch size, width, threads and number of images: a quarter of an hour
    tools/peers/bench.py --convolutions  one step of the presets' convolutions, beside PyTorch: a quarter of an hour
    tools/peers/bench.py --peers      beside PyTorch, Keras, burn and candle: half an hour, and 7 GB the first time

The workload is the lab's: 40,000 images, 3072-512-256-128-10 (ELU, tanh, ELU, softmax), cross-entropy, Adam, batches of
64, all in f32, once with each set of vector instructions that the processor has. Every training is a process of its own;
the median of its epochs after the first counts. Close other programs first. With --peers and --scaling the medians go to
docs/bench.csv or docs/bench-scaling.csv, and charts beside them. `cargo lab data` fetches the data set. What
is built and installed is in .lab/peers; `cargo lab clean` removes it. --peers needs Linux on x86-64 and Python 3.11.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "tools/peers"
HOME = ROOT / ".lab/peers"
DOCS = ROOT / "docs"
DATA = ROOT / "data/cifar-10-batches-bin"
IMAGES, BATCH, EPOCHS = 40_000, 64, 3
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
YARDSTICKS = {"avx512": "yardstick", "neon": "yardstick", "avx2": "yardstick-avx2"}
PYTHON = {
    "PyTorch, eager": ("peer_torch.py", "eager"),
    "PyTorch, compiled": ("peer_torch.py", "compile"),
    "Keras on JAX": ("peer_keras.py", "jax"),
    "Keras on TensorFlow": ("peer_keras.py", "tensorflow"),
}
CONVOLUTIONS = (32, 64, 64), (64, 128, 128), (64, 256, 256)
# candle's first epoch is like its second, and each takes the better part of a minute.
RUST = {"burn": ("burn", EPOCHS), "candle": ("candle", 1)}


def say(text):
    print(text, flush=True)


def build(folder, binary):
    """Builds the Rust program in a folder of tools/peers, which stands outside of the workspace."""
    command = ["cargo", "build", "--release", "--locked", "--manifest-path", PEERS / folder / "Cargo.toml"]
    subprocess.run([*command, "--target-dir", HOME / "target"], check=True)
    return HOME / "target/release" / binary


def python():
    """The Python that has the other frameworks; what is unfinished has no stamp."""
    folder, packages = HOME / "venv", PEERS / "python/requirements.txt"
    stamp = folder / "stamp"
    if not stamp.exists() or stamp.read_bytes() != packages.read_bytes():
        say("The other frameworks are about 3 GB to fetch and 7 GB in .lab/peers")
        venv.create(folder, clear=True, with_pip=True)
        install = ["-m", "pip", "install", "--no-cache-dir", "--require-hashes", "--no-deps", "-r", packages]
        subprocess.run([folder / "bin/python", *install], check=True)
        stamp.write_bytes(packages.read_bytes())
    return folder / "bin/python"


class Run:
    """What one training showed: seconds to the end of the first epoch, of each epoch, and the largest resident set."""

    def __init__(self, command, **environment):
        begun = time.monotonic()
        self.epochs, self.first, self.memory = [], None, None
        words = [str(word) for word in command]
        with subprocess.Popen(words, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True) as child:
            for line in child.stdout:
                event = json.loads(line) if line.startswith("{") else {}
                if "seconds" in event:
                    self.first = self.first or time.monotonic() - begun
                    self.epochs.append(event["seconds"])
                self.memory = event.get("peak_memory_mb", self.memory)
        if child.returncode or not self.epochs or self.memory is None:
            sys.exit(f"{' '.join(words)}: ended with status {child.returncode}\n  what to do: run it by itself")

    def steady(self):
        """The epochs in which nothing is compiled or read any more; the first where there is no other."""
        return self.epochs[1:] or self.epochs


def median_epoch(runs):
    return statistics.median(seconds for run in runs for seconds in run.steady())


def step_ms(runs):
    return 1e3 * median_epoch(runs) / -(-IMAGES // BATCH)


def operations(width):
    """Floating-point operations of the matrix products for one image: each layer's forward pass and its two backward
    products, but for the gradient of the input, which nobody needs."""
    units = [3072, 512 * width, 256 * width, 128 * width, 10]
    products = [a * b for a, b in zip(units, units[1:])]
    return 2 * (3 * sum(products) - products[0])


def peak(yardstick, threads):
    """GFLOP/s of a 2048³ product."""
    return float(subprocess.run([yardstick, str(threads)], check=True, capture_output=True, text=True).stdout)


def chart(lab, kind, *words, rows):
    text = "".join(",".join(map(str, row)) + "\n" for row in rows)
    subprocess.run([lab, kind, *words], input=text, text=True, check=True)


def write(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header.split(","), *rows])
    say(f"written: {path.relative_to(ROOT)}")


def compare(lab, rounds, with_peers):
    paths = subprocess.run([lab, "paths"], check=True, capture_output=True, text=True).stdout.split()
    if with_peers:
        # The plain path is slow, and of no interest beside other frameworks.
        paths = [path for path in paths if path in YARDSTICKS]
    yardsticks = {path: build(YARDSTICKS[path], YARDSTICKS[path]) for path in paths if path in YARDSTICKS}
    # Name: the program before DATA EPOCHS BATCH, epochs, what comes after, the environment.
    systems = {f"this lab, {path}": ([lab], EPOCHS, [], {"LAB_INSTRUCTIONS": path}) for path in paths}
    if with_peers:
        interpreter = python()
        for name, (script, mode) in PYTHON.items():
            systems[name] = ([interpreter, PEERS / "python" / script], EPOCHS, [mode], {})
        for name, (folder, epochs) in RUST.items():
            systems[name] = ([build(folder, f"peer-{folder}")], epochs, [], {})
    peaks, runs = {path: [] for path in yardsticks}, {name: [] for name in systems}
    for number in range(1, rounds + 1):
        for path, yardstick in yardsticks.items():
            peaks[path].append(peak(yardstick, THREADS))
        for name, (program, epochs, after, environment) in systems.items():
            run = Run([*program, DATA, epochs, BATCH, *after], **environment)
            runs[name].append(run)
            say(f"Round {number} of {rounds}: {name} {step_ms([run]):.2f} ms a step, first epoch {run.first:.1f} s")
    for path in paths:
        ours = runs[f"this lab, {path}"]
        rate = operations(1) * BATCH / step_ms(ours) / 1e6
        say(f"\nthis lab, {path}, {THREADS} threads")
        if path in peaks:
            best = statistics.median(peaks[path])
            say(f"  matrix product 2048³  {best:.0f} GFLOP/s, of which a step reaches {100 * rate / best:.0f} %")
        say(f"  step at batch {BATCH}      {step_ms(ours):.2f} ms, {rate:.0f} GFLOP/s")
        say(f"  epoch of 625 steps    {median_epoch(ours):.2f} s")
        say(f"  start to first epoch  {statistics.median(run.first for run in ours):.2f} s")
        say(f"  peak memory           {statistics.median(run.memory for run in ours):.0f} MB")
    if with_peers:
        publish(lab, paths, runs)


def convolution_operations(widths):
    """Floating-point operations of a step for one image: six for each multiplication of the forward pass."""
    side, before, multiplications = 31, 24, 31 * 31 * 24 * 2 * 2 * 3
    for width in widths:
        multiplications += side**2 * 9 * before * width
        side //= 2
        multiplications += side**2 * 9 * width * width
        before = width
    return 6 * multiplications


def convolutions(lab, rounds):
    """A step of 500 images through the presets' convolutions, beside PyTorch with channels last."""
    paths = subprocess.run([lab, "paths"], check=True, capture_output=True, text=True).stdout.split()
    yardsticks = {path: build(YARDSTICKS[path], YARDSTICKS[path]) for path in paths if path in YARDSTICKS}
    torch = {"avx512": "AVX512_CORE", "avx2": "AVX2"}
    systems, rows = {}, []
    for path in yardsticks:
        ours = ([lab, "convolution"], {"LAB_INSTRUCTIONS": path})
        systems[f"this lab, {path}"] = (path, *ours)
        if path in torch:
            held = {"ONEDNN_MAX_CPU_ISA": torch[path], "ATEN_CPU_CAPABILITY": path}
            systems[f"PyTorch, {path}"] = (path, [python(), PEERS / "python/peer_convolution.py"], held)
    peaks, times = {path: [] for path in yardsticks}, {}
    for number in range(1, rounds + 1):
        for path, yardstick in yardsticks.items():
            peaks[path].append(peak(yardstick, THREADS))
        for widths in CONVOLUTIONS:
            words = [",".join(map(str, widths)), "relu"]
            for name, (_, program, environment) in systems.items():
                run = Run([*program, DATA, EPOCHS, 500, *words], **environment)
                times.setdefault((name, widths), []).extend(run.steady())
                say(f"Round {number} of {rounds}: {name} {words[0]}: {100 * min(run.steady()):.0f} ms a step")
    for (name, widths), seconds in times.items():
        step = statistics.median(seconds) / 10
        rate = 500 * convolution_operations(widths) / step / 1e9
        share = rate / statistics.median(peaks[systems[name][0]])
        rows.append((name, "-".join(map(str, widths)), f"{1e3 * step:.0f}", f"{rate:.0f}", f"{share:.3f}"))
        say(f"{name:<22}{rows[-1][1]:>12}{1e3 * step:>8.0f} ms{rate:>6.0f} GFLOP/s{share:>6.0%} of a 2048³ product")
    write(DOCS / "bench-convolutions.csv", "system,widths,ms_per_step,gflops,share_of_peak", rows)


def publish(lab, paths, runs):
    """docs/bench.csv and its chart; the first system is ours, with the widest instructions."""
    rows = [
        (name, step_ms(those), statistics.median(run.first for run in those), statistics.median(run.memory for run in those))
        for name, those in runs.items()
    ]
    ours = rows[0]
    rows.sort(key=lambda row: row[1])
    say(f"\n{'':<22}{'ms/step':>9}{'ours is':>10}{'first epoch s':>14}{'ours is':>10}{'peak MB':>10}")
    for name, ms, first, memory in rows:
        say(f"{name:<22}{ms:>9.2f}{ours[1] / ms:>9.2f}×{first:>14.1f}{ours[2] / first:>9.2f}×{memory:>10.0f}")
    header = "system,ms_per_step,our_share,first_epoch_seconds,our_share_of_first_epoch,peak_memory_mb"
    table = [
        (name, f"{ms:.3f}", f"{ours[1] / ms:.3f}", f"{first:.2f}", f"{ours[2] / first:.3f}", f"{memory:.0f}")
        for name, ms, first, memory in rows
    ]
    write(DOCS / "bench.csv", header, table)
    rounds = len(next(iter(runs.values())))
    axis = f"milliseconds, median of {rounds} runs ({paths[0]}, {THREADS} threads)"
    title = f"One step of the lab's training at batch {BATCH}"
    chart(lab, "bars", title, axis, DOCS / "bench.png", rows=[(row[0], round(row[1], 2)) for row in rows])


def scaling(lab, rounds):
    """Our own speed by batch size, width, threads and number of images."""
    path = subprocess.run([lab, "paths"], check=True, capture_output=True, text=True).stdout.split()[0]
    yardstick = build(YARDSTICKS[path], YARDSTICKS[path]) if path in YARDSTICKS else None
    teams = sorted({1, THREADS})
    cases = [(batch, width, threads, 10_000) for width in (1, 2, 4) for batch in (16, 64, 256, 1024) for threads in teams]
    cases += [(BATCH, 1, THREADS, images) for images in (20_000, 40_000, 50_000)]
    peaks, seconds = {threads: [] for threads in teams}, {case: [] for case in cases}
    for number in range(1, rounds + 1):
        for threads in teams:
            peaks[threads].append(peak(yardstick, threads) if yardstick else float("nan"))
        for batch, width, threads, images in cases:
            run = Run([lab, DATA, 2, batch, width, threads, images])
            seconds[batch, width, threads, images] += run.steady()
            say(f"Round {number} of {rounds}: batch {batch}, width ×{width}, threads {threads}, {images} images")
    rows = []
    for batch, width, threads, images in cases:
        microseconds = 1e6 * statistics.median(seconds[batch, width, threads, images]) / images
        rate = operations(width) / microseconds / 1e3
        rows.append((batch, width, threads, images, microseconds, rate, rate / statistics.median(peaks[threads])))
        say(f"batch {batch:>5}  ×{width}  {threads} threads  {images} images {microseconds:>8.1f} µs {rate:>6.0f} GFLOP/s {rows[-1][6]:>5.0%}")
    header = "batch,width,threads,images,microseconds_per_image,gflops,share_of_peak"
    write(DOCS / "bench-scaling.csv", header, [(*row[:4], f"{row[4]:.2f}", f"{row[5]:.1f}", f"{row[6]:.3f}") for row in rows])
    team = {threads: f"{threads} thread{'s' if threads > 1 else ''}" for threads in teams}
    small = sorted((row for row in rows if row[3] == 10_000), key=lambda row: (row[2], row[1], row[0]))
    shares = [(f"width ×{width}, {team[threads]}", batch, 100 * share) for batch, width, threads, _, _, _, share in small]
    times = [(team[threads], batch, microseconds) for batch, width, threads, _, microseconds, _, _ in small if width == 1]
    title, axis = "How much of the machine training uses", "% of a large matrix product's speed"
    chart(lab, "lines", title, "images in a batch", axis, DOCS / "bench-scaling.png", rows=shares)
    title = "Time of training for one image, the lab's network"
    chart(lab, "lines", title, "images in a batch", "microseconds", DOCS / "bench-batch.png", rows=times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--peers", action="store_true", help="train in the other frameworks too, in turn with ours")
    what.add_argument("--convolutions", action="store_true", help="a step of the presets' convolutions, beside PyTorch")
    what.add_argument("--scaling", action="store_true", help="vary batch size, width, threads and the number of images")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured; medians count")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA}: found no data set\n  what to do: run `cargo lab data`")
    lab = build("lab", "peer-lab")
    if arguments.convolutions:
        convolutions(lab, arguments.rounds)
    elif arguments.scaling:
        scaling(lab, arguments.rounds)
    else:
        compare(lab, arguments.rounds, arguments.peers)


if __name__ == "__main__":
    main()
