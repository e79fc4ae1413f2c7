#!/bin/bash
# I/O limits of volumes on the control groups of pods, which a machine with cgroup v1 cannot show.
. "$(dirname "$0")/lib.bash"

start_vm --limit 400 --disk nvme:2G --disk nvme:1G node "$bed/io-limits-guest.ts"
wait_vm || { status=$?; tail -n 40 "$folder/errors"; exit $status; }
