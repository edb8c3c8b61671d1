# Sourced by hack/cluster: the one-node cluster as a whole.
# shellcheck shell=bash

programs=(etcd kube-apiserver containerd kube-controller-manager kube-scheduler kubelet kube-proxy)

need_node_packages() {
  need_program openssl openssl
  need_program ip iproute2
  need_program nft nftables
  need_program conntrack conntrack
  need_program containerd containerd
  need_program runc runc
  [ -x /usr/lib/cni/ptp ] || install_debian_package containernetworking-plugins ||
    missing '/usr/lib/cni/ptp (Debian and Ubuntu: apt-get install containernetworking-plugins)'
}

# One at a time: two clusters must not choose the same subnet.
lock_clusters() {
  mkdir -p "${state%/*}"
  exec 9>"${state%/*}/lock"
  flock 9
}

# A cluster that another checkout or an older one started is not what this one would start.
ingredients() {
  cat "$root/hack/local-cluster/"*.{sh,yaml} | sha256sum
  readlink "$cache/kubernetes/"{kubernetes,coredns,pause}
}

is_made_of_these() {
  [ "$(ingredients)" = "$(cat "$state/ingredients" 2>/dev/null)" ]
}

all_running() {
  local program
  for program in "${programs[@]}"; do is_running "$program" || return 1; done
}

is_serving() {
  kubectl get --raw=/readyz --request-timeout=5s
}

local_up() {
  [ "$(id -u)" = 0 ] || missing 'root, or Docker: a cluster needs one of them'
  need_node_packages
  need_packages
  build_kubernetes
  build_node_images
  lock_clusters
  if is_made_of_these && all_running && write_kubeconfig && is_serving >/dev/null 2>&1; then
    echo "cluster $name runs: export KUBECONFIG=$kubeconfig"
    return
  fi
  remove_everything
  echo "starting cluster $name"
  trap did_not_start EXIT
  bring_up
  trap - EXIT
  echo "cluster $name is ready after $SECONDS s: export KUBECONFIG=$kubeconfig"
}

did_not_start() {
  local program
  for program in "${programs[@]}"; do
    [ ! -f "$state/run/$program.pid" ] || is_running "$program" || {
      echo "$program has ended:"
      tail -n 3 "$state/log/$program"
    }
  done >&2
  echo "cluster $name did not start; its logs: $state/log" >&2
}

bring_up() {
  mkdir -p "$state/run" "$state/log" "$state/bin"
  # Its own name for it: a rebuilt binary must not change what runs.
  cp --reflink=auto -L "$kubernetes" "$state/bin/kubernetes"
  make_network
  address="$(cat "$state/address")"
  make_certificates
  make_identities
  write_kubeconfig
  start_control_plane
  start_containerd
  load_images system
  until_true 60 'the API server' is_serving
  start_controllers
  start_node
  kubectl apply --server-side -f "$root/hack/local-cluster/coredns.yaml" >/dev/null
  kubectl wait --for=create "node/$node" --timeout=120s >/dev/null
  kubectl wait --for=condition=Ready "node/$node" --timeout=120s >/dev/null
  kubectl rollout status -n kube-system deployment/coredns --timeout=120s >/dev/null
  ingredients >"$state/ingredients"
}

write_kubeconfig() {
  mkdir -p "${kubeconfig%/*}"
  install -m 0600 "$state/admin.kubeconfig" "$kubeconfig"
}

local_status() {
  local program ended=0
  for program in "${programs[@]}"; do
    if is_running "$program"; then
      echo "$program runs ($(cat "$state/run/$program.pid"))"
    else
      echo "$program does not run"
      ended=1
    fi
  done
  [ "$ended" = 0 ] && kubectl get nodes,pods --all-namespaces
}

local_restart() {
  restart_program "${1:?which program?}"
  [ "$1" != kube-apiserver ] || until_true 120 'the API server' serves_again || {
    tail -n 20 "$state/log/kube-apiserver" >&2
    return 1
  }
}

# As a kubelet does with static pods: what ended meanwhile (its port still taken by the threads of
# the one that was killed, etcd late) is started once more.
serves_again() {
  local program
  for program in etcd kube-apiserver; do
    is_running "$program" || start_again "$program"
  done
  is_serving
}

local_down() {
  lock_clusters
  remove_everything
  rm -rf "${kubeconfig%/*}"
  echo "cluster $name is gone"
}

remove_everything() {
  end_processes
  unmount_all
  remove_cgroups
  remove_network
  remove_traces
  rm -rf --one-file-system "$state"
}
