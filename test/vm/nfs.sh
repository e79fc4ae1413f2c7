#!/bin/bash
# The NFS server of dev mode and the Linux client: what programs do, then again while the server is killed.
# NFS_VERIFY_SECONDS=600 bash test/vm/nfs.sh verifies data for so long; SERVER=ganesha: see nfs-server.bash.
. "$(dirname "$0")/lib.bash"
. "$bed/nfs-server.bash"
trap 'stop_server; stop_vm; rm -rf "$folder"' EXIT
seconds=${NFS_VERIFY_SECONDS:-30}

git init -q "$share/origin"
cp -r "$repo/src" "$share/origin"
git -C "$share/origin" add .
git -C "$share/origin" -c user.name=vm -c user.email=vm@example.org -c commit.gpgsign=false commit -qm Source

first_server
start_vm --limit $((400 + seconds)) --net --disk none bash "$bed/nfs-guest.bash" "$port" "$repo" "$seconds"
wait_for test -e "$share/restarts" || exit 1
loaded() { [ -e "$share/restarts" ] && kill -0 "$vm" 2>/dev/null; }
pause=15
# Its grace period lasts ten seconds each time.
[ "${SERVER:-berth}" = berth ] || pause=25
kill_server_while $pause loaded
wait_vm || { status=$?; tail -n 40 "$folder/errors"; tail -n 20 "$folder/server.log"; exit $status; }
was_killed
