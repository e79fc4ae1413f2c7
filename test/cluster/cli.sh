#!/bin/bash
# The command line in a cluster: nodes, pools and volumes of all nodes, one node by way of the API server, and why claims
# are pending.
. "$(dirname "$0")/lib.bash"
prepare
run cli.ts
