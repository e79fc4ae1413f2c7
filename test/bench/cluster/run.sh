#!/bin/bash
# Figures of Berth in a cluster of two nodes; what they mean is in docs/performance.md.
# usage: run.sh [--quick]     fewer replicas and rounds
. "$(dirname "$0")/../../cluster/lib.bash"
prepare
run ../bench/cluster/main.ts "$@"
