#!/bin/bash
# Two machines with one export of dev mode's NFS server: locks between them, SQLite, the server killed, one of them cut off.
# SERVER=ganesha: see nfs-server.bash.
. "$(dirname "$0")/lib.bash"
. "$bed/nfs-server.bash"
declare -A guests
stop_guests() { kill "${guests[@]}" 2>/dev/null; wait "${guests[@]}" 2>/dev/null; }
trap 'stop_server; stop_guests; rm -rf "$folder"' EXIT
start_guest() {
  "$bed/vm" --keep "$folder/$1" --rw "$share" --mem 1024 --limit 300 --net --disk none python3 "$bed/nfs-two-guest.py" "$1" "$port" 2>"$folder/$1.errors" &
  guests[$1]=$!
}
both_run() { kill -0 "${guests[one]}" 2>/dev/null && kill -0 "${guests[two]}" 2>/dev/null; }
# usage: wait_for_guests NAME   Until they have made /host/NAME, or one of them has ended.
wait_for_guests() { until [ -e "$share/$1" ] || ! both_run; do sleep 0.1; done; }
set_link() { "$bed/qmp" "$folder/two/qmp.sock" "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"net\",\"up\":$1}}" >"$folder/qmp"; }

first_server
start_guest one
start_guest two

wait_for_guests restarts
loaded() { [ -e "$share/restarts" ] && both_run; }
kill_server_while 8 loaded

wait_for_guests cut
if both_run; then set_link false && touch "$share/is-cut"; fi
wait_for_guests heal
if both_run; then set_link true && touch "$share/is-healed"; fi

failed=0
for guest in one two; do
  wait "${guests[$guest]}" || { failed=$?; echo "not ok the guest $guest: exit status $failed"; tail -n 40 "$folder/$guest.errors"; }
done
[ $failed = 0 ] || { tail -n 20 "$folder/server.log"; exit 1; }
was_killed
