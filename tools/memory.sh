#!/usr/bin/env bash
# Runs the tests of the kernels under valgrind, which sees reads and writes outside of what was allocated and values that
# were never set; and, where a nightly toolchain is there, under the address sanitizer, and those of the thread pool under
# Miri, which also sees data races: tools/memory.sh [valgrind|sanitizer|miri]
#
# valgrind knows AVX2 but not AVX-512, so that the kernels take their plain and their AVX2 paths under it; the sanitizer
# sees all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

# Every file of `unsafe` code has its tests here; that of all small shapes takes too long under valgrind.
tests=(--skip on_all_small_shapes --skip side_by_side)

under_valgrind() {
  if ! command -v valgrind >/dev/null; then
    echo "SKIPPED: there is no valgrind here"
    return
  fi
  local program
  program=$(cargo test --quiet --package lab-kernels --lib --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
  valgrind --quiet --error-exitcode=9 --fair-sched=yes "$program" --test-threads=1 "${tests[@]}"
  echo "counted: 1 passes of the kernels under valgrind"
}

under_the_sanitizer() {
  local host
  host=$(rustc -vV | sed -n 's/^host: //p')
  if ! rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
    echo "SKIPPED: there is no nightly toolchain here"
    return
  fi
  RUSTFLAGS=-Zsanitizer=address cargo +nightly test --quiet --package lab-kernels --lib --target "$host" \
    --target-dir target/sanitizer
  echo "counted: 1 passes of the kernels under the address sanitizer"
}

under_miri() {
  if ! cargo +nightly miri --version >/dev/null 2>&1; then
    echo "SKIPPED: there is no Miri here (rustup +nightly component add miri)"
    return
  fi
  MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --quiet --package lab-kernels --lib --target-dir target/miri thread_pool
  echo "counted: 1 passes of the thread pool under Miri"
}

case ${1:-all} in
valgrind) under_valgrind ;;
sanitizer) under_the_sanitizer ;;
miri) under_miri ;;
all)
  under_valgrind
  under_the_sanitizer
  under_miri
  ;;
*)
  sed -n '2,7s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac
