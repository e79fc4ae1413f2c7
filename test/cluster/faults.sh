#!/bin/bash
# What goes wrong in a cluster: full nodes, a controller that is killed, an API server that is away, a node that moves, pods
# that are deleted by force.
. "$(dirname "$0")/lib.bash"
prepare
run faults.ts
