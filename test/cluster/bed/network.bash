# The nodes' network. Their cables meet at a bridge in a network namespace of its own: in a node's, that node's rules for
# Services would see the frames that pass between other nodes. Nothing leads out of it.

# usage: in_switch COMMAND...
in_switch() { nsenter -t "$(cat "$BED_STATE/switch")" -n -- "$@"; }

switch_up() {
  unshare --net sh -ec 'ip link add br0 type bridge; ip link set br0 up; exec sleep infinity' \
    >"$BED_STATE/switch.log" 2>&1 </dev/null &
  echo $! >"$BED_STATE/switch"
  disown
  wait_for 'the switch' 10 grep -qx sleep "/proc/$!/comm"
}

# usage: connect_node   Lays the cable; the node's first address is .N.
connect_node() {
  echo "${control_plane_ip%.*}.${NODE#node}" >"$(node_dir)/ip"
  in_switch ip link add "$NODE" type veth peer name node0 netns "$(cat "$(node_dir)/init")" &&
    in_switch ip link set "$NODE" master br0 up &&
    in_node ip link set lo up &&
    in_node ip link set node0 up &&
    set_address
}

# Needed once all nodes have their addresses, and when one changes.
set_pod_routes() {
  local node
  for node in $(nodes); do
    [ "$node" = "$NODE" ] || in_node ip route replace "$(on "$node" pod_cidr)" via "$(on "$node" node_ip)" || return
  done
}

set_address() {
  in_node sh -ec "ip addr flush dev node0; ip addr add $(node_ip)/24 dev node0; ip route replace default dev node0"
}

# Cuts the node off from all others, until `plug`.
unplug() { in_switch ip link set "$NODE" down; }
plug() { in_switch ip link set "$NODE" up; }

# A certificate signed by the cluster's authority.
# usage: cert NAME SUBJECT EXTENSION
cert() {
  local file=$BED_STATE/pki/$1
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$2" -keyout "$file.key" -out "$file.csr" 2>/dev/null &&
    openssl x509 -req -in "$file.csr" -CA "$BED_STATE/pki/ca.crt" -CAkey "$BED_STATE/pki/ca.key" -CAcreateserial -days 365 \
      -extfile <(echo "$3") -out "$file.crt" 2>/dev/null
}

kubelet_cert() { cert "kubelet-$NODE" "/O=system:nodes/CN=system:node:$NODE" "subjectAltName=IP:$(node_ip),DNS:$NODE"; }

# Gives the running node another address of the network; its pods keep theirs. Not node1: the API server listens there.
# usage: readdress ADDRESS
readdress() {
  local old
  old=$(node_ip)
  echo "$1" >"$(node_dir)/ip"
  kubelet_cert && set_address && each set_pod_routes || return
  sed -i "s/--node-ip=$old /--node-ip=$1 /" "$(node_dir)/cmd/kubelet"
  restart kubelet && wait_for "$NODE to be at $1" 60 has_address "$1"
}
has_address() {
  kube get node "$NODE" -o 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}' | grep -qx "$1"
}
