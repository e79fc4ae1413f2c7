# The functions of a running bed; its folder is $BED_STATE. Tests call them through ./call.
#
# A node is one private mount, network and process namespace: killing its first process ends all of it. Inside, the
# folders that kubelet, containerd and Berth use at fixed paths are the node's own. What is not namespaced is shared by
# all nodes and with the machine: loop devices, /dev, control groups (all of a node's are beneath $cgroup/NODE), kernel.
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/cache.bash"
: "${BED_STATE:?is to name the folder of the bed}"
: "${NODE:=node1}" # the node that the functions act on; node1 has the control plane
export NODE

cgroup=/${BED_STATE##*/}
control_plane_ip=10.77.0.1 # nodeN has .N until it is readdressed
pod_net=10.78              # the pods of nodeN: $pod_net.(N-1).0/24
service_cidr=10.96.0.0/16 service_ip=10.96.0.1 dns_ip=10.96.0.10
kubelet_root=/var/lib/kubelet
pause_image=registry.k8s.io/pause:3.10.2

# --- nodes

nodes() { cat "$BED_STATE/nodes"; }

# usage: on NODE COMMAND...
on() {
  local -x NODE=$1
  shift
  "$@"
}

# usage: each COMMAND...   On every node, until one fails.
each() {
  local node
  for node in $(nodes); do on "$node" "$@" || return; done
}

node_dir() { echo "$BED_STATE/$NODE"; }
node_ip() { cat "$BED_STATE/$NODE/ip"; }
pod_cidr() { echo "$pod_net.$((${NODE#node} - 1)).0/24"; }

# usage: in_node COMMAND...
in_node() { nsenter -t "$(cat "$BED_STATE/$NODE/init")" -m -n -p -- "$@"; }

# --- processes of a node: pids/NAME holds the process's id in the node, log/NAME.log what it says, cmd/NAME how to restart it

# usage: start NAME COMMAND...
start() {
  local name=$1 dir
  dir=$(node_dir)
  shift
  printf '%q ' "$@" >"$dir/cmd/$name"
  in_node setsid bash -c 'echo $$ >"$0"; exec "$@"' "$dir/pids/$name" "$@" >>"$dir/log/$name.log" 2>&1 </dev/null &
  disown
  wait_for "$name on $NODE to start" 10 test -s "$dir/pids/$name"
}

# For what exits on purpose: kube-proxy when the address of its node changes, sidecars when their driver goes away.
# usage: supervise NAME COMMAND...
supervise() {
  local name=$1
  shift
  start "$name" bash -c 'while :; do "$@"; echo "exited with status $?"; sleep 1; done' supervise "$@"
}

# Ends a process and what is in its group. At SIGTERM the API server waits up to a minute for what is asked of it.
# usage: stop NAME [SIGNAL]
stop() {
  local file pid
  file=$(node_dir)/pids/$1
  pid=$(cat "$file")
  in_node bash -c "kill -${2:-TERM} -- -$pid"
  wait_for "the end of $1 on $NODE" 100 is_over "$pid" && rm "$file"
}
is_over() { ! in_node test -e "/proc/$1"; }

# Starts it as before, when it has been stopped, too.
# usage: restart NAME [SIGNAL]
restart() {
  [ ! -e "$(node_dir)/pids/$1" ] || stop "$@" || return
  eval "start $1 $(cat "$(node_dir)/cmd/$1")"
}

# --- what the kernel keeps when processes end

# Loop devices over files in the folder, or over files on file systems on such.
# usage: loops FOLDER
loops() {
  losetup -n -O NAME,MAJ:MIN,BACK-MAJ:MIN,BACK-FILE | awk -v folder="$1/" '
    { name[$2] = $1; on[$2] = $3; own[$2] = index($4, folder) == 1 }
    END {
      do { more = 0; for (id in on) if (!own[id] && own[on[id]]) own[id] = more = 1 } while (more)
      for (id in own) if (own[id]) print name[id]
    }'
}

# usage: detach_loops FOLDER [LOOP...]   All of them but those named.
detach_loops() {
  local loop folder=$1 kept
  shift
  kept=$(printf '%s\n' "$@")
  for loop in $(loops "$folder" | grep -vxF "$kept"); do losetup -d "$loop"; done
  [ ! "$(loops "$folder" | grep -vxF "$kept")" ]
}

# usage: cgroups PATH   Its folder in every hierarchy.
cgroups() { find /sys/fs/cgroup -maxdepth 3 -path "*$1" -prune; }
remove_cgroups() {
  local folder
  for folder in $(cgroups "$1"); do find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null; done
  [ ! "$(cgroups "$1")" ]
}

# --- the cluster

kube() { on node1 in_node "$kubectl" --kubeconfig "$BED_STATE/admin.kubeconfig" "$@"; }
kubectl=$bin/kubectl

ctr() { in_node "$bin/ctr" -a "$(node_dir)/run/containerd.sock" -n k8s.io "$@"; }

# usage: import_image ARCHIVE   Into every node.
import_image() { each ctr images import "$(readlink -f "$1")"; }

# Resident memory of the node's processes, in kB, by name; a group counts as one.
memory() {
  local file
  for file in "$(node_dir)"/pids/*; do
    printf '%s %s\n' "${file##*/}" "$(in_node ps -o rss= -g "$(cat "$file")" | awk '{ sum += $1 } END { print sum + 0 }')"
  done
}

# --- waiting

# usage: wait_for WHAT SECONDS COMMAND...
wait_for() {
  local what=$1 end=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "in vain: waiting for $what" >&2; return 1; }
    sleep 0.1
  done
}
