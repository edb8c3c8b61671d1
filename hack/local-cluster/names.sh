# Sourced by hack/cluster: what a cluster of one name owns on this machine, and nothing else does.
# shellcheck shell=bash

name="${HEADGATE_CLUSTER:-headgate}"
[[ "$name" =~ ^[a-z][a-z0-9-]{0,30}$ ]] || {
  echo "HEADGATE_CLUSTER: '$name' is not a name of small letters, digits and dashes" >&2
  exit 2
}

# Outside of the checkout: sockets need short paths, and a fresh clone must find what another one left.
state="/var/lib/headgate-clusters/$name"
netns="headgate-cluster-$name"
cgroup="headgate-cluster-$name"
node="$name-node"
kubeconfig="$cache/cluster/$name/kubeconfig"
kubernetes="$cache/kubernetes/kubernetes"

pod_range=10.88.0.0/16
service_range=10.96.0.0/16
api_service=10.96.0.1
dns_service=10.96.0.10

# The machine's HTTP proxy knows nothing of the cluster.
directly() {
  env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY -u all_proxy -u ALL_PROXY "$@"
}

kubectl() {
  KUBECONFIG="$kubeconfig" directly "$kubernetes" kubectl "$@"
}

has_docker() {
  have docker && docker info >/dev/null 2>&1
}

# until_true SECONDS WHAT COMMAND…: for what cannot be watched because nobody answers yet.
until_true() {
  local deadline=$((SECONDS + $1)) what="$2"
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      echo "$what: still not there, see $state/log" >&2
      return 1
    fi
    sleep 0.1
  done
}
