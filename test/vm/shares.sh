#!/bin/bash
# Shared volumes through CSI, with a kernel that has an NFS client: two node daemons on one machine.
. "$(dirname "$0")/lib.bash"
start_vm --limit 400 --net --disk none node "$bed/shares-guest.ts"
wait_vm || { status=$?; tail -n 40 "$folder/errors"; exit $status; }
