#!/bin/sh
# Makes every golden file anew with the pinned versions, in a virtual environment under target/, and prints the sizes.
set -eu
cd "$(dirname "$0")/../.."
venv=target/golden-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --requirement tools/golden/requirements.txt
for name in activations losses batchnorm layers images optimizers trajectory; do
    "$venv/bin/python" "tools/golden/$name.py"
done
KERAS_BACKEND=jax "$venv/bin/python" tools/golden/augmentation.py
"$venv/bin/python" tools/golden/metrics.py lab-core/tests/golden/metrics.json
wc -c lab-core/tests/golden/*.json
