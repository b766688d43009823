#!/bin/sh
# Train the paper's network for some minutes, where a machine is lent for no longer. The same
# command goes on where the last piece stopped, until nothing is left to do:
#
#   scripts/train_a_piece.sh MINUTES RUN [flags of training.main] DIR
#
# RUN is the run's folder: what to bring back and to take along. The first lines tell how many
# samples a second the machine does, and how long all of it will take. At most an epoch is lost.
set -eu
if [ $# -lt 3 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
minutes=$1 run=$2
shift 2
if [ -e "$run/last.ckpt" ]; then
    set -- --resume "$run" "$@"
fi
status=0
timeout --signal INT "${minutes}m" "${PYTHON:-python3}" -m training.main --log-dir "$run" "$@" ||
    status=$?
if [ "$status" -eq 124 ]; then
    echo "A piece is done. The same command goes on."
    exit 0
fi
exit "$status"
