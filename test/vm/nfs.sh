#!/bin/bash
# The NFS server of dev mode and the Linux client: what programs do, then again while the server is killed.
. "$(dirname "$0")/lib.bash"
repo=$(readlink -f "$bed/../..") server=''
stop_server() {
  [ "$server" ] || return 0
  kill -KILL "$server" 2>/dev/null
  wait "$server" 2>/dev/null
  server=''
}
trap 'stop_server; stop_vm; rm -rf "$folder"' EXIT
start_server() {
  "$repo/node_modules/.bin/node" "$repo/test/nfs/serve.ts" "${1:-0}" "$folder/data" "$folder/state" >"$folder/port" 2>>"$folder/server.log" & server=$!
}

start_server
until port=$(cat "$folder/port") && [ "$port" ]; do kill -0 "$server" || { cat "$folder/server.log"; exit 1; }; sleep 0.1; done
start_vm --limit 400 --net --disk none bash "$bed/nfs-guest.bash" "$port" "$repo"
wait_for test -e "$share/restarts" || exit 1
kills=0
while [ -e "$share/restarts" ] && kill -0 "$vm" 2>/dev/null; do
  for _ in {1..80}; do
    [ -e "$share/restarts" ] && kill -0 "$vm" 2>/dev/null || break 2
    sleep 0.1
  done
  stop_server
  kills=$((kills + 1))
  start_server "$port"
done
wait_vm || { status=$?; tail -n 40 "$folder/errors"; tail -n 20 "$folder/server.log"; exit $status; }
[ $kills -gt 2 ] || { echo "not ok the server was killed $kills times"; exit 1; }
echo "ok the server was killed $kills times"
