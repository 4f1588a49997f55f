#!/usr/bin/env bash
# Trains on 1, 2, 4, 8 and 16 ranks under MPI, on this machine's cores: tools/check/ranks.sh [--times]
#
# All numbers of ranks must end with the SHA-256 of one process without MPI; a rank that is killed or stopped must end the
# others with a message, and the training must go on from the checkpoint on another number of ranks; ranks with different
# data must be told so. With --times it measures instead what docs/cluster.md says about times.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
alone=$folder/lab-cluster
cargo build --quiet --release --package lab-cluster
cp target/release/lab-cluster "$alone"
cargo build --quiet --release --package lab-cluster --features mpi --bins --examples
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
# Each rank has one core, which several share: a rank starts as many threads as it has cores.
export OMPI_MCA_hwloc_base_binding_policy=core:overload-allowed

if [ "${1:-}" = --times ]; then
  target/release/examples/times
  for ranks in 2 4; do
    echo "the sum on $ranks ranks"
    mpirun -n "$ranks" target/release/examples/times
  done
  exit
fi

failed=0
check() {
  if [ "$2" = "$3" ]; then echo "ok     $1"; else
    echo "FAILED $1: found $2, expected $3"
    failed=1
  fi
}
says() {
  if grep --quiet --fixed-strings "$3" "$2"; then echo "ok     $1"; else
    echo "FAILED $1: no '$3' in:"
    cat "$2"
    failed=1
  fi
}
sum_of() { sed -n 's/^SHA-256 of the weights: //p' "$1"; }

program=target/release/lab-cluster
options=(--data sample --layers 64:elu,32:relu --dropout 0.3 --batch-norm --augment flip,rotate=10
  --schedule exponential=0.9 --batch-size 256)
"$alone" "${options[@]}" --epochs 6 >"$folder/0"
expected=$(sum_of "$folder/0")
check "a SHA-256 has 64 digits" "${#expected}" 64
for ranks in 1 2 4 8 16; do
  mpirun -n "$ranks" "$program" "${options[@]}" --epochs 6 >"$folder/$ranks"
  check "$ranks ranks" "$(sum_of "$folder/$ranks")" "$expected"
done
check "convolutions on 4 ranks" \
  "$(mpirun -n 4 "$program" --data sample --preset coffee --epochs 1 --batch-size 256 | sed -n 's/^SHA.*: //p')" \
  "$("$alone" --data sample --preset coffee --epochs 1 --batch-size 256 | sed -n 's/^SHA.*: //p')"

# Begins on 4 ranks, waits until two epochs are done, sends a signal to one rank, and waits for the end.
interrupt() {
  rm -f "$folder/checkpoint"
  mpirun -n 4 "$program" "${options[@]}" --epochs 100000 --checkpoint "$folder/checkpoint" "${@:2}" >"$folder/out" 2>&1 &
  local run=$! status=0
  until grep --quiet '^epoch 2 ' "$folder/out"; do
    kill -0 "$run"
    sleep 0.2
  done
  local rank
  rank=$(pgrep --parent "$run" | tail -n 1)
  kill "$1" "$rank"
  wait "$run" || status=$?
  kill -9 "$rank" 2>/dev/null || true
  check "a rank that gets $1 ends the others with an error" "$((status != 0))" 1
}
interrupt -KILL
says "its end is said" "$folder/out" "signal 9 (Killed)"
epochs=$(($(grep --count ', step 3 of 3' "$folder/out") + 3))
mpirun -n 2 "$program" "${options[@]}" --epochs "$epochs" --checkpoint "$folder/checkpoint" --resume >"$folder/resumed"
check "it did not begin again" "$(grep --count '^epoch 1 ' "$folder/resumed" || true)" 0
"$alone" "${options[@]}" --epochs "$epochs" >"$folder/whole"
check "the checkpoint of 4 ranks goes on on 2 to the same bits" "$(sum_of "$folder/resumed")" "$(sum_of "$folder/whole")"
interrupt -STOP --timeout 3
says "a rank that hangs is named" "$folder/out" "has said nothing for 3 s"

refused() {
  local status=0
  mpirun "${@:3}" >"$folder/out" 2>&1 || status=$?
  check "$1 is refused" "$((status != 0))" 1
  says "and said" "$folder/out" "$2"
}
sample=("$program" --data sample)
refused "another network on rank 1" "rank 1: found a different network" \
  -n 1 "${sample[@]}" --layers 64:relu : -n 1 "${sample[@]}" --layers 32:relu
if [ -d data/cifar-10-batches-bin ]; then
  refused "another data set on rank 1" "rank 1: found a different data set" \
    -n 1 "${sample[@]}" : -n 1 "$program" --data data
fi
refused "a rank without its data" "none of the data set's files" -n 1 "${sample[@]}" : -n 1 "$program" --data "$folder"
refused "3 ranks" "ranks: found 3, expected 1, 2, 4, 8 or 16" -n 3 "${sample[@]}"
refused "a batch size of 100" "batch size: found 100, expected a multiple of 16" -n 2 "${sample[@]}" --batch-size 100
exit "$failed"
