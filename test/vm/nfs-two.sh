#!/bin/bash
# Two machines with one export of dev mode's NFS server: locks between them, SQLite, the server killed, one of them cut off.
# SERVER=ganesha: see nfs-server.bash.
. "$(dirname "$0")/lib.bash"
. "$bed/nfs-server.bash"
. "$bed/two-guests.bash"
trap 'stop_server; stop_guests; rm -rf "$folder"' EXIT

first_server
for name in one two; do
  start_guest $name --mem 1024 --limit 300 --net python3 "$bed/nfs-two-guest.py" $name "$port"
done
wait_for_guests restarts
loaded() { [ -e "$share/restarts" ] && both_run; }
kill_server_while 8 loaded
cut_off_two net
wait_for_end || { tail -n 20 "$folder/server.log"; exit 1; }
was_killed
