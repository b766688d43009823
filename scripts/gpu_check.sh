#!/bin/sh
# One command for a GPU that is at hand for minutes: does everything run on it, and how fast?
#
#   scripts/gpu_check.sh [--minutes 9] [--device cuda] [--out out/gpu_check]
#
# Checks parity with the paper's code, gradients and the localiser on the device, times every stage
# there and on the processor, prints the table for docs/performance.md, and trains weights for any
# map until its minutes are over. It wants PyTorch, NumPy and OpenCV, and nothing else. The same
# command goes on with the training; OUT/any_map.pt is what to bring back and to take along.
set -eu
cd "$(dirname "$0")/.."
exec "${PYTHON:-python3}" -m experiments.gpu_check "$@"
