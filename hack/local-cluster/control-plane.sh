# Sourced by hack/cluster: certificates, identities, etcd, the API server and its controllers.
# shellcheck shell=bash

# certificate NAME SUBJECT EXTENSIONS: signed by the cluster's own authority.
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" \
    -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf '%s\n' "$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 \
    -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}

make_certificates() (
  umask 077
  mkdir -p "$state/pki"
  cd "$state/pki" || exit
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj '/CN=headgate test cluster' -keyout ca.key -out ca.crt 2>/dev/null
  certificate apiserver /CN=kube-apiserver "subjectAltName=IP:$address,IP:127.0.0.1,IP:$api_service,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  certificate apiserver-to-kubelet /O=system:masters/CN=kube-apiserver extendedKeyUsage=clientAuth
  openssl ecparam -name prime256v1 -genkey -noout -out service-accounts.key
  openssl ec -in service-accounts.key -pubout -out service-accounts.pub 2>/dev/null
)

# identity NAME USER [GROUP]: a token for it, and a kubeconfig.
identity() (
  umask 077
  token="$(openssl rand -hex 24)"
  echo "$token,$2,$2${3:+,\"$3\"}" >>"$state/pki/tokens.csv"
  cat >"$state/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: $name
  cluster:
    server: https://$address:6443
    certificate-authority-data: $(base64 -w0 <"$state/pki/ca.crt")
users:
- {name: $2, user: {token: $token}}
contexts:
- {name: $name, context: {cluster: $name, user: $2}}
current-context: $name
YAML
)

make_identities() {
  identity admin admin system:masters
  identity kube-controller-manager system:kube-controller-manager
  identity kube-scheduler system:kube-scheduler
  identity kube-proxy system:kube-proxy
  identity kubelet "system:node:$node" system:nodes
}

start_control_plane() {
  local pki="$state/pki"
  start etcd "$state/bin/kubernetes" etcd --data-dir "$state/etcd" \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync --log-level warn
  start kube-apiserver "$state/bin/kubernetes" kube-apiserver \
    --etcd-servers http://127.0.0.1:2379 --secure-port 6443 --bind-address 0.0.0.0 \
    --advertise-address "$address" --service-cluster-ip-range "$service_range" \
    --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
    --client-ca-file "$pki/ca.crt" --token-auth-file "$pki/tokens.csv" \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$pki/service-accounts.pub" \
    --service-account-signing-key-file "$pki/service-accounts.key" \
    --kubelet-client-certificate "$pki/apiserver-to-kubelet.crt" \
    --kubelet-client-key "$pki/apiserver-to-kubelet.key" \
    --kubelet-preferred-address-types InternalIP --allow-privileged
}

start_controllers() {
  start kube-controller-manager "$state/bin/kubernetes" kube-controller-manager \
    --kubeconfig "$state/kube-controller-manager.kubeconfig" --leader-elect=false \
    --use-service-account-credentials --root-ca-file "$state/pki/ca.crt" \
    --service-account-private-key-file "$state/pki/service-accounts.key" \
    --bind-address 127.0.0.1
  start kube-scheduler "$state/bin/kubernetes" kube-scheduler \
    --kubeconfig "$state/kube-scheduler.kubeconfig" --leader-elect=false --bind-address 127.0.0.1
}
