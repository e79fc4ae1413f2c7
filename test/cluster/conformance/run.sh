#!/bin/bash
# Kubernetes' own suite for storage drivers, External.Storage, on two nodes with Berth's chart.
# usage: run.sh [DRIVER...]     btrfs and image unless given; FOCUS is a further regular expression, PROCESSES how many at once
. "$(dirname "$0")/../lib.bash"
prepare e2e
BED_BIN=$(. "$cluster/bed/cache.bash" && echo "$bin")
export BED_BIN
run conformance/run.ts "${@:-}"
