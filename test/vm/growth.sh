#!/bin/bash
# Volumes of an image pool grow under a writer, also ext4, which a machine without CAP_SYS_RESOURCE cannot show.
. "$(dirname "$0")/lib.bash"

start_vm --limit 400 --disk nvme:4G node "$bed/growth-guest.ts"
wait_vm || { status=$?; tail -n 40 "$folder/errors"; exit $status; }
