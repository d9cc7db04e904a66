#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sextant and PyTorch beside each other on one GPU, network by network: ours, the peer, ours again; then a table of ratios.
#
#   benchmarks/cuda/run.sh [--train] [NETWORK...]
#
# Variables: SEXTANT the command (./sextant), BATCHES (1,8,128), PRECISIONS (bf16), MODES of the peer (eager,graph; for training
# eager), SECONDS_EACH (0.5), JSON where the measurements are added (cuda-bench.jsonl), NO_PEER=1 for ours alone.
set -u
here=$(cd "$(dirname "$0")" && pwd)
sextant=${SEXTANT:-$here/../../sextant}
results=${JSON:-cuda-bench.jsonl}
each=${SECONDS_EACH:-0.5}
failed=0
said=$(mktemp)
trap 'rm -f "$said"' EXIT
if [ "${1:-}" = --train ]; then
    shift
    train=--train; resident=; batches=${BATCHES:-128}; modes=${MODES:-eager}
    [ $# -gt 0 ] || set -- resnet20 resnet50 vgg16
else
    train=; resident=--resident; batches=${BATCHES:-1,8,128}; modes=${MODES:-eager,graph}
    [ $# -gt 0 ] || set -- lenet5 alexnet vgg16 googlenet resnet18 resnet50 densenet121
fi

ours() {
    for precision in $(echo "${PRECISIONS:-bf16}" | tr , ' '); do
        "$sextant" bench "$1" --batch "$batches" --device cuda --precision "$precision" $resident $train --seconds "$each" --json \
            >> "$results" || { echo "run.sh: $1 in $precision failed" >&2; failed=1; }
    done
}

for network in "$@"; do
    ours "$network"
    [ -z "${NO_PEER:-}" ] || continue
    python3 "$here/torch_peer.py" --networks "$network" --batches "$batches" --precision "${PRECISIONS:-bf16}" --modes "$modes" \
        --seconds "$each" $train >> "$results" 2> "$said" || { tail -3 "$said" >&2; failed=1; }
    ours "$network"
done
python3 "$here/table.py" "$results" || failed=1
exit $failed
