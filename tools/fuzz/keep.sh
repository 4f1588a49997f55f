#!/usr/bin/env bash
# Packs what fuzzing has found worth keeping into tools/fuzz/corpus, for `cargo test` to replay: tools/fuzz/keep.sh
#
# Of each reader at most 500 inputs of at most 3,000 bytes that together reach what all inputs so far reach.
set -euo pipefail
cd "$(dirname "$0")/../.."

kept=target/fuzz
program=$(find "$kept/build" -path '*/release/reader' -type f)
mkdir -p tools/fuzz/corpus
for folder in "$kept"/corpus/*/; do
  reader=$(basename "$folder")
  small=$(mktemp -d) merged=$(mktemp -d)
  find "$folder" -type f -size -3000c -exec cp -t "$small" {} +
  LAB_READER=$reader "$program" -merge=1 "$merged" "$small" "$kept/seeds/$reader" >/dev/null 2>&1
  # Evenly among those that there are, by their names, which are their hashes.
  find "$merged" -type f -printf '%f\n' | sort | awk '{ name[NR] = $0 }
    END { step = NR > 500 ? NR / 500 : 1; for (i = 1; i <= NR; i += step) print name[int(i)] }' |
    tar --create --directory "$merged" --files-from - --mtime=@0 --owner=0 --group=0 --numeric-owner |
    gzip -n9 >"tools/fuzz/corpus/$reader.tar.gz"
  echo "$reader: $(tar -tzf "tools/fuzz/corpus/$reader.tar.gz" | wc -l) inputs, $(stat -c %s "tools/fuzz/corpus/$reader.tar.gz") bytes"
  rm -r "$small" "$merged"
done
