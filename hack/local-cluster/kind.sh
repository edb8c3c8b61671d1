# Sourced by hack/cluster: the same verbs where a Docker engine answers.
# shellcheck shell=bash

need_kind() {
  have kind || missing 'kind (https://kind.sigs.k8s.io), or stop Docker to use the cluster built from packages'
}

kind_up() {
  need_kind
  need_packages
  build_kubernetes
  mkdir -p "${kubeconfig%/*}"
  if ! kind get clusters 2>/dev/null | grep -qx "$name"; then
    kind create cluster --name "$name" --kubeconfig "$kubeconfig" --wait 180s
  fi
  (umask 077 && kind get kubeconfig --name "$name" >"$kubeconfig")
  echo "cluster $name is ready: export KUBECONFIG=$kubeconfig"
}

kind_down() {
  need_kind
  kind delete cluster --name "$name" --kubeconfig "$kubeconfig"
  rm -rf "${kubeconfig%/*}"
}

kind_status() {
  kubectl get nodes,pods --all-namespaces
}

kind_load_images() {
  need_kind
  docker build --tag headgate:0.1.0 "$root"
  docker build --tag headgate-test:1 --target test-tools "$root"
  docker pull --quiet nats:2.15.1
  kind load docker-image --name "$name" headgate:0.1.0 headgate-test:1 nats:2.15.1
}

kind_restart() {
  docker exec "$name-control-plane" pkill -KILL -x "${1:?which program?}"
}
