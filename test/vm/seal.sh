#!/bin/bash
# A kernel with BPF among its security modules, as Debian's: nobody in a pod makes subvolumes past his limit.
. "$(dirname "$0")/lib.bash"

start_vm --limit 400 --disk nvme:2G node "$bed/seal-guest.ts"
wait_vm || { status=$?; tail -n 40 "$folder/errors"; exit $status; }
