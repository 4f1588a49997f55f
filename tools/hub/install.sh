#!/usr/bin/env bash
# Installs the laboratory for many users on Debian 13, or into an image.
#
#   tools/hub/install.sh            all of it, as root, in a clone that every user can read
#   tools/hub/install.sh PART …     some parts of it:
#
#   system    the distribution's packages, and Rust
#   lab       the kernel, the crates, and a first cell, so that nobody's first cell has to compile them
#   jupyter   JupyterHub, the servers that it starts, and nbgrader, in .lab/hub
#   proxy     JupyterHub's proxy, in .lab/hub too (as root: Node.js comes with it)
#
# What is there already is kept, so a second time takes seconds. The data set is a step of its own: cargo lab data.
set -euo pipefail
umask 022
cd "$(dirname "$0")/../.."
# Where every user finds the toolchain and the kernel.
export RUSTUP_HOME=${RUSTUP_HOME:-/usr/local/lib/rustup} LAB_CACHE=${LAB_CACHE:-/usr/local/lib}
rust=1.95.0

install_system() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -qy --no-install-recommends build-essential ca-certificates git python3 python3-venv rustup
  rustup toolchain install "$rust" --profile minimal --component rust-src
  rustup default "$rust"
}

install_lab() {
  cargo lab setup --sample
  .lab/venv/bin/python tools/hub/first_cell.py
}

install_jupyter() {
  python3 -m venv .lab/hub
  .lab/hub/bin/pip install --disable-pip-version-check --no-cache-dir --quiet --no-deps -r tools/hub/requirements.txt
  .lab/hub/bin/pip check
}

install_proxy() {
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends nodejs npm
  cp tools/hub/package.json tools/hub/package-lock.json .lab/hub/
  (cd .lab/hub && npm ci --no-audit --no-fund)
}

for part in "${@:-system lab jupyter proxy}"; do
  for name in $part; do
    [[ $(type -t "install_$name") == function ]] || { sed -n '2,/^set/{/^#/s/^# \?//p}' "$0"; exit 2; }
    echo "== $name"
    SECONDS=0
    "install_$name"
    echo "== $name: $SECONDS s"
  done
done
