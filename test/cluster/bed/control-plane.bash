# The control plane: plain processes on node1.
pki=$BED_STATE/pki

make_pki() {
  mkdir "$pki"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=kubernetes-ca \
    -keyout "$pki/ca.key" -out "$pki/ca.crt" 2>/dev/null
  cert apiserver /CN=kube-apiserver \
    "subjectAltName=IP:127.0.0.1,IP:$control_plane_ip,IP:$service_ip,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
  cert kubelet-client /O=system:masters/CN=apiserver-kubelet-client extendedKeyUsage=clientAuth
  openssl genrsa -out "$pki/sa.key" 2048 2>/dev/null
  openssl rsa -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2>/dev/null
  make_user admin admin system:masters
  make_user kube-controller-manager system:kube-controller-manager ''
  make_user kube-scheduler system:kube-scheduler ''
  make_user kube-proxy system:kube-proxy ''
  for NODE in $(nodes); do
    make_user "$NODE/kubelet" "system:node:$NODE" system:nodes
    kubelet_cert
  done
  NODE=node1
}

# usage: make_user KUBECONFIG USER GROUP   Writes $BED_STATE/KUBECONFIG.kubeconfig.
make_user() {
  local token
  token=$(openssl rand -hex 16)
  echo "$token,$2,$2,\"$3\"" >>"$pki/tokens.csv"
  cat >"$BED_STATE/$1.kubeconfig" <<END
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://$control_plane_ip:6443", certificate-authority: "$pki/ca.crt"}}]
users: [{name: u, user: {token: "$token"}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
END
}

start_api() {
  local client=http://127.0.0.1:2379 peer=http://127.0.0.1:2380 audit=''
  [ ! -e "$BED_STATE/audit.yaml" ] ||
    audit="--audit-policy-file=$BED_STATE/audit.yaml --audit-log-path=$BED_STATE/node1/log/audit.log"
  start etcd "$bin/etcd" --data-dir "$BED_STATE/node1/etcd" --unsafe-no-fsync --listen-client-urls $client --advertise-client-urls $client \
    --listen-peer-urls $peer --initial-advertise-peer-urls $peer --initial-cluster default=$peer
  # shellcheck disable=SC2086 # $audit is a list of words
  start kube-apiserver "$bin/kube-apiserver" --etcd-servers=$client --advertise-address=$control_plane_ip --secure-port=6443 \
    --service-cluster-ip-range=$service_cidr --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --client-ca-file="$pki/ca.crt" --token-auth-file="$pki/tokens.csv" --authorization-mode=Node,RBAC --allow-privileged=true \
    --enable-admission-plugins=NodeRestriction --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" \
    --kubelet-client-certificate="$pki/kubelet-client.crt" --kubelet-client-key="$pki/kubelet-client.key" \
    --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP $audit
  wait_for 'the API server' 120 kube get --raw /readyz
}

start_controllers() {
  start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig="$BED_STATE/kube-controller-manager.kubeconfig" \
    --bind-address=127.0.0.1 --leader-elect=false --use-service-account-credentials=true \
    --service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt"
  start kube-scheduler "$bin/kube-scheduler" --kubeconfig="$BED_STATE/kube-scheduler.kubeconfig" \
    --bind-address=127.0.0.1 --leader-elect=false
}

# A process behind the usual address. Names outside of the cluster do not exist: at SERVFAIL some resolvers give up
# instead of trying the next search domain.
start_dns() {
  cat >"$BED_STATE/Corefile" <<END
cluster.local in-addr.arpa {
  bind $control_plane_ip
  errors
  kubernetes {
    kubeconfig $BED_STATE/admin.kubeconfig
  }
  cache 5
}
. {
  bind $control_plane_ip
  template ANY ANY {
    rcode NXDOMAIN
  }
}
END
  start coredns "$bin/coredns" -conf "$BED_STATE/Corefile"
  kube apply -f - >/dev/null <<END
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec: {clusterIP: $dns_ip, ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
endpoints: [{addresses: ["$control_plane_ip"]}]
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
END
}

# What snapshots need beside a driver's sidecar. Called by tests, through ./call with this file.
start_snapshot_controller() {
  kube apply -f "$cache/snapshot-crds.yaml" >/dev/null &&
    kube wait --for=condition=Established --timeout=30s crd --all >/dev/null &&
    supervise snapshot-controller "$bin/snapshot-controller" --kubeconfig="$BED_STATE/admin.kubeconfig" --leader-election=false
}
