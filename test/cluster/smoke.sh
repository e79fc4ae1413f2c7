#!/bin/bash
# The bed itself: pods, Services and DNS on two nodes, a node that moves, and nothing left behind.
. "$(dirname "$0")/lib.bash"
prepare
run smoke.ts
