#!/usr/bin/env bash
# Fuzzes readers of foreign files with libFuzzer: tools/fuzz/run.sh [SECONDS] [READER...]
#
# Each reader gets SECONDS (600 where nothing is said), with its corpus in tools/fuzz/corpus, and more than 1 GB of memory
# or 10 seconds for one input count as failures. It needs a C++ compiler and nothing but the stable toolchain. New inputs are
# kept in target/fuzz, so that a later run goes on; what fails stays in target/fuzz/failures. On standard output comes one
# line a reader: its name, the inputs tried, and the failures.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-600}
readers=("${@:2}")
if ((${#readers[@]} == 0)); then
  readers=(batch archive package sheet picture network checkpoint history config record)
fi

kept=target/fuzz
mkdir -p "$kept/failures"
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
RUSTFLAGS="$coverage -Cdebug-assertions -Coverflow-checks" cargo build --quiet --release --manifest-path tools/fuzz/Cargo.toml \
  --target-dir "$kept/build" --target "$(rustc -vV | sed -n 's/^host: //p')" >&2
program=$(find "$kept/build" -path '*/release/reader' -type f)
LAB_SEEDS="$PWD/$kept/seeds" cargo test --quiet --package lab-cli --test corpus every_reader_has_a_good_file >/dev/null

# Fuzzes one reader and says in a line what came of it.
fuzz() {
  local reader=$1 log=$kept/$1.log tried failures
  mkdir -p "$kept/corpus/$reader"
  tar -xzf "tools/fuzz/corpus/$reader.tar.gz" -C "$kept/corpus/$reader"
  LAB_READER=$reader "$program" "$kept/corpus/$reader" "$kept/seeds/$reader" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=1024 -max_len=65536 \
    -artifact_prefix="$kept/failures/$reader-" -print_final_stats=1 >"$log" 2>&1 || true
  tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  failures=$(find "$kept/failures" -name "$reader-*" | wc -l)
  echo "$reader: ${tried:-0} inputs, $failures failures"
  if ((failures > 0)) || [ -z "$tried" ]; then
    tail -n 20 "$log" >&2
    return 1
  fi
}
export -f fuzz
export kept program seconds

# One for each core.
printf '%s\n' "${readers[@]}" | xargs -P "$(nproc)" -I{} bash -c 'fuzz {}'
