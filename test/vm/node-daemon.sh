#!/bin/bash
# The node daemon on a real NVMe disk: the disk is pulled and put back, then the power is cut.
. "$(dirname "$0")/lib.bash"

ACKNOWLEDGED=20
boot() { start_vm --limit 400 --disk nvme:4G node "$bed/node-daemon-guest.ts" "$1"; }
acknowledged() { [ "$(wc -l <"$share/acknowledged")" -ge $ACKNOWLEDGED ]; } 2>/dev/null

boot first
for step in unplug plug; do
  wait_for test -e "$share/$step" || exit 1
  qmp $step nvme0 || exit 1
  rm "$share/$step"
done
wait_for acknowledged || exit 1
qmp kill || exit 1
wait_vm
status=$?
[ $status = 125 ] || { echo "not ok the power is cut: ./vm returned $status"; exit 1; }
echo "ok the power is cut after $(wc -l <"$share/acknowledged") acknowledged volumes"

boot second
wait_vm || { status=$?; tail -n 40 "$folder/errors"; exit $status; }
