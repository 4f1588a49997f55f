#!/usr/bin/env bash
# Trains a little with the callback TensorBoard, and has the real TensorBoard read what it wrote: its own reader of
# files, and its server on this computer.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=target/tensorboard-venv
wanted=tools/check/tensorboard-requirements.txt
if ! cmp --silent "$wanted" "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$wanted"
  cp "$wanted" "$venv/requirements.txt"
fi

out=target/tensorboard
rm -rf "$out"
for run in first second; do
  cargo run --quiet --release --package lab-core --features tensorboard --example tensorboard -- "$out/$run" >/dev/null
done
"$venv/bin/python" tools/check/read_events.py "$out"
