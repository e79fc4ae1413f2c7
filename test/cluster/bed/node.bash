# What a node consists of, in the order in which `up` makes it.

# Its namespaces. A process namespace of its own also makes /proc/1 the node's for whoever looks at the "host".
make_namespaces() {
  local dir holder
  dir=$(node_dir)
  mkdir -p "$dir"/{pids,log,cmd,run,containerd,cni,podlogs,volplugins,disks,kubelet,berth}
  unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private bash -ec '
    mount --make-rshared /
    for folder in /run /var/log; do mount -t tmpfs -o mode=755 tmpfs $folder; done
    # What others have in it is there, and what is made in it is gone with the node.
    mkdir /run/var-lib /run/var-lib/upper /run/var-lib/work
    mount -t overlay -o lowerdir=/var/lib,upperdir=/run/var-lib/upper,workdir=/run/var-lib/work overlay /var/lib
    for folder in kubelet berth; do
      mkdir -p /var/lib/$folder
      mount --bind "$0/$folder" /var/lib/$folder
      # Its own peer group, else every volume mount would show twice.
      mount --make-private /var/lib/$folder
      mount --make-shared /var/lib/$folder
    done
    echo 1 >/proc/sys/net/ipv4/ip_forward
    touch "$0/namespaces"
    exec catatonit -P' "$dir" >"$dir/log/namespaces.log" 2>&1 </dev/null &
  holder=$!
  disown
  wait_for "the namespaces of $NODE" 10 test -e "$dir/namespaces" || { cat "$dir/log/namespaces.log"; return 1; }
  ps -o pid= --ppid $holder | tr -d ' ' >"$dir/init"
}

make_cgroup() {
  local hierarchy folder controller
  if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
    mkdir -p "/sys/fs/cgroup$cgroup/$NODE"
    for folder in /sys/fs/cgroup "/sys/fs/cgroup$cgroup"; do # the kubelet wants every controller of the machine
      for controller in $(<"$folder/cgroup.controllers"); do
        echo "+$controller" >"$folder/cgroup.subtree_control" 2>/dev/null || true
      done
    done
    return
  fi
  for hierarchy in /sys/fs/cgroup/*; do
    mountpoint -q "$hierarchy" && [ "${hierarchy##*/}" != unified ] || continue
    for folder in "$hierarchy$cgroup" "$hierarchy$cgroup/$NODE"; do
      mkdir -p "$folder" || return
      [ ! -e "$folder/cpuset.cpus" ] || for controller in cpus mems; do
        cat "${folder%/*}/cpuset.$controller" >"$folder/cpuset.$controller" || return
      done
    done
  done
}

# Its disks: `disks/NAME` names the loop device over the sparse file disks/NAME.img.
# usage: attach_disks NAME:SIZE...
attach_disks() {
  local disk file
  for disk; do
    file=$(node_dir)/disks/${disk%:*}.img
    truncate -s "${disk#*:}" "$file" && losetup --find --show "$file" >"${file%.img}" || return
    # A device that was read-only at its last use still is.
    blockdev --setrw "$(<"${file%.img}")" || return
  done
}

start_containerd() {
  local dir archive no_oom=false
  dir=$(node_dir)
  # Without CAP_SYS_RESOURCE runc cannot lower oom_score_adj, and says "can't get final child's PID from pipe: EOF".
  (((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24) & 1)) || no_oom=true
  cat >"$dir/containerd.toml" <<END
version = 3
root = "$dir/containerd/root"
state = "$dir/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "$dir/run/containerd.sock"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "$pause_image"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = $no_oom
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "$dir/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
END
  # No ipMasq: the nodes route the pods' addresses, so that a server sees the pod's own.
  cat >"$dir/cni/10-bridge.conflist" <<END
{"cniVersion":"1.0.0","name":"bed","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"hairpinMode":true,
  "ipam":{"type":"host-local","dataDir":"$dir/cni/data","ranges":[[{"subnet":"$(pod_cidr)"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
END
  start containerd env PATH="$bin:$PATH" "$bin/containerd" --config "$dir/containerd.toml" &&
    wait_for "containerd on $NODE" 60 ctr version || return
  for archive in "$images"/base/*.tar "$BED_STATE"/images/*.tar; do
    [ -e "$archive" ] || continue
    ctr images import "$archive" >>"$dir/log/import.log" 2>&1 || { tail -n 3 "$dir/log/import.log"; return 1; }
  done
}

start_kubelet() {
  local dir
  dir=$(node_dir)
  # syncFrequency: an online expansion would take up to 83 s.
  cat >"$dir/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "$BED_STATE/pki/ca.crt"}}
authorization: {mode: Webhook}
tlsCertFile: $BED_STATE/pki/kubelet-$NODE.crt
tlsPrivateKeyFile: $BED_STATE/pki/kubelet-$NODE.key
cgroupDriver: cgroupfs
cgroupRoot: $cgroup/$NODE
failCgroupV1: false
failSwapOn: false
syncFrequency: 5s
containerRuntimeEndpoint: unix://$dir/run/containerd.sock
resolvConf: /dev/null
clusterDNS: [$dns_ip]
clusterDomain: cluster.local
podLogsDir: $dir/podlogs
volumePluginDir: $dir/volplugins
makeIPTablesUtilChains: false
evictionHard: {nodefs.available: "0%", imagefs.available: "0%", nodefs.inodesFree: "0%", memory.available: "50Mi"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
shutdownGracePeriod: 0s
END
  start kubelet "$bin/kubelet" --config="$dir/kubelet.yaml" --kubeconfig="$dir/kubelet.kubeconfig" --root-dir="$kubelet_root" \
    --cert-dir="$dir/pki-kubelet" --hostname-override="$NODE" --node-ip="$(node_ip)" \
    --node-labels="topology.kubernetes.io/region=r1,topology.kubernetes.io/zone=z${NODE#node}" --v=2
}

# Limits of connection tracking are the machine's, not the namespace's to set.
start_kube_proxy() {
  supervise kube-proxy "$bin/kube-proxy" --kubeconfig="$BED_STATE/kube-proxy.kubeconfig" --hostname-override="$NODE" \
    --proxy-mode=iptables --cluster-cidr="$pod_net.0.0/16" --conntrack-max-per-core=0
}

node_up() {
  start_containerd && start_kubelet && start_kube_proxy &&
    wait_for "$NODE to be Ready" 120 kube wait --for=condition=Ready --timeout=60s "node/$NODE"
}

# What a power failure is to the node: all that runs ends at once, with everything that was mounted, and it starts again with what
# is on its disks. The kernel is the machine's, so what it would forget is taken away by hand. Not for node1: the control
# plane is there.
reboot() {
  local dir
  dir=$(node_dir)
  kill -9 "$(cat "$dir/init")"
  wait_for "the end of $NODE" 30 is_down &&
    wait_for "the loop devices of $NODE to go" 30 detach_loops "$dir" $(cat $(find "$dir/disks" -type f ! -name '*.img')) &&
    wait_for "the control groups of $NODE to go" 30 remove_cgroups "$cgroup/$NODE" || return
  rm -rf "$dir/run" "$dir/namespaces" "$dir"/pids/*
  make_namespaces && wait_for "the cable of $NODE" 30 connect_node && set_pod_routes && make_cgroup && node_up
}
is_down() { [ ! -e "/proc/$(cat "$(node_dir)/init")" ]; }
