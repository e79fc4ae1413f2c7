#!/bin/bash
# usage: bash test/vm/nfs-figures.bash   A table of what the Linux client gets from dev mode's NFS server and from nfs-ganesha (packages
# nfs-ganesha, nfs-ganesha-vfs), in turns. No test: the emulated machine takes most of the time.
. "$(dirname "$0")/lib.bash"
. "$bed/nfs-server.bash"
top=$folder servers=()
stop_servers() { kill -KILL "${servers[@]}"; wait "${servers[@]}"; } 2>/dev/null
trap 'stop_servers; stop_vm; rm -rf "$top"' EXIT
declare -A ports
for SERVER in berth ganesha; do
  folder=$top/$SERVER port=''
  mkdir "$folder"
  first_server
  ports[$SERVER]=$port servers+=("$server")
done
folder=$top
start_vm --limit 1200 --net --disk none python3 "$bed/nfs-figures-guest.py" "${ports[berth]}" "${ports[ganesha]}"
wait_vm || { status=$?; tail -n 40 "$folder/errors"; exit $status; }
