#!/bin/sh
# What the laboratory promises of the real data set: the final network over five seeds, and the loss comparison over three.
# Takes a quarter of an hour on two cores; the runs are left in target/accuracy.
set -eu
cd "$(dirname "$0")/.."
out=target/accuracy
cargo build --quiet --release --package lab-cli
for seed in 0 1 2 3 4; do
    target/release/lab train --seed "$seed" --out "$out/final-$seed" >/dev/null
done
for loss in categorical_crossentropy sparse_categorical_crossentropy kl_divergence; do
    for seed in 0 1 2; do
        target/release/lab train --loss "$loss" --seed "$seed" --split random --dropout 0 --schedule constant \
            --no-early-stopping --epochs 10 --out "$out/$loss-$seed" >/dev/null
    done
done
python3 - "$out" <<'PYTHON'
import json
import pathlib
import statistics
import sys

out = pathlib.Path(sys.argv[1])


def accuracies(name, seeds):
    found = [json.loads((out / f"{name}-{seed}" / "metrics.json").read_text())["test"]["accuracy"] for seed in seeds]
    print(f"{name:34}", *found, f"mean {statistics.mean(found):.4f}")
    return found


final = accuracies("final", range(5))
assert statistics.mean(final) >= 0.475 and min(final) >= 0.465
losses = ["categorical_crossentropy", "sparse_categorical_crossentropy", "kl_divergence"]
for loss in losses:
    assert 0.42 <= statistics.mean(accuracies(loss, range(3))) <= 0.47
for seed in range(3):
    networks = {(out / f"{loss}-{seed}" / "model.safetensors").read_bytes() for loss in losses}
    assert len(networks) == 1, "the three losses are one for one-hot targets, bit for bit"
PYTHON
