# For nfs*.sh: the NFS server on this machine, killed and started again. Berth's; SERVER=ganesha has Debian's nfs-ganesha
# in its place (packages nfs-ganesha, nfs-ganesha-vfs), to see what another server does.
repo=$(readlink -f "$bed/../..") server='' port='' kills=0

berth_server() {
  exec "$repo/node_modules/.bin/node" "$repo/test/nfs/serve.ts" "${port:-0}" "$folder/data" "$folder/state" >"$folder/port"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
ganesha_server() {
  mkdir -p "$folder/data" "$folder/state"
  cat >"$folder/ganesha.conf" <<C
NFS_CORE_PARAM { Protocols = 4; NFS_Port = ${port:-$(free_port)}; Bind_Addr = 127.0.0.1; Enable_NLM = false; Enable_RQUOTA = false; fsid_device = false; }
NFSv4 { Minor_Versions = 1; Lease_Lifetime = 10; Grace_Period = 10; Only_Numeric_Owners = true; RecoveryBackend = fs; RecoveryRoot = $folder/state; }
EXPORT { Export_Id = 1; Path = $folder/data; Pseudo = /data; Protocols = 4; Access_Type = RW; Squash = No_Root_Squash; SecType = sys; FSAL { Name = VFS; } }
C
  sed -n 's/.*NFS_Port = \([0-9]*\).*/\1/p' "$folder/ganesha.conf" >"$folder/port"
  exec ganesha.nfsd -F -f "$folder/ganesha.conf" -p "$folder/ganesha.pid" -L "$folder/server.log" -N EVENT
}

start_server() { "${SERVER:-berth}_server" 2>>"$folder/server.log" & server=$!; }
stop_server() {
  [ "$server" ] || return 0
  kill -KILL "$server" 2>/dev/null
  wait "$server" 2>/dev/null
  server=''
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
# usage: first_server   Sets $port.
first_server() {
  start_server
  until port=$(cat "$folder/port" 2>/dev/null) && [ "$port" ] && listens; do
    kill -0 "$server" 2>/dev/null || { cat "$folder/server.log"; exit 1; }
    sleep 0.1
  done
}

# usage: kill_server_while SECONDS CONDITION...   Kills and restarts it so often.
kill_server_while() {
  local pause=$1 i
  shift
  while "$@"; do
    for ((i = 0; i < pause * 10; i++)); do
      "$@" || return 0
      sleep 0.1
    done
    stop_server
    kills=$((kills + 1))
    start_server
  done
}
was_killed() {
  [ $kills -gt 2 ] || { echo "not ok the server was killed $kills times"; exit 1; }
  echo "ok the server was killed $kills times"
}
