#!/usr/bin/env bash
# Starts a user's server, as that user, in a laboratory of their own: ~/cifar10-lab has the notebooks, which are theirs,
# and links to the code and the data, which everybody shares.
set -euo pipefail
shared=$(realpath "$(dirname "$0")/../..")
umask 077
chmod 700 ~
mkdir -p ~/cifar10-lab/{notebooks,outputs}
cd ~/cifar10-lab
for name in Cargo.toml Cargo.lock README.md crates data docs lab-core notebooks/evcxr.toml; do
  [[ -e $shared/$name && ! -e $name ]] && ln -sfn "$shared/$name" "$name"
done
for file in "$shared"/notebooks/*.ipynb "$shared"/outputs/{runs.jsonl,history.csv}; do
  copy=${file#"$shared"/}
  [[ -e $copy ]] || cp "$file" "$copy"
done
exec jupyterhub-singleuser "$@"
