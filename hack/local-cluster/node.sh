# Sourced by hack/cluster: containerd, kubelet and kube-proxy, with everything they keep below $state.
# shellcheck shell=bash

# The pods' part of every control group hierarchy; kubelet wants it to be there.
make_cgroups() {
  local hierarchy file
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p "/sys/fs/cgroup/$cgroup"
    return
  fi
  for hierarchy in /sys/fs/cgroup/*/; do
    mkdir -p "$hierarchy$cgroup" 2>/dev/null || continue
  done
  # A new cpuset has no processor until it is given some.
  for file in cpuset.cpus cpuset.mems; do
    cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset/$cgroup/$file"
  done
}

remove_cgroups() {
  find /sys/fs/cgroup -depth -type d \( -name "$cgroup" -o -path "*/$cgroup/*" \) \
    -exec rmdir {} + 2>/dev/null || true
}

write_container_network() {
  mkdir -p "$state/cni"
  cat >"$state/cni/10-$name.conflist" <<JSON
{
  "cniVersion": "1.0.0",
  "name": "$netns",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "ipam": {
        "type": "host-local",
        "dataDir": "$state/ipam",
        "ranges": [[{ "subnet": "$pod_range" }]],
        "routes": [{ "dst": "0.0.0.0/0" }]
      }
    }
  ]
}
JSON
}

# restrict_oom_score_adj: in a sandbox without CAP_SYS_RESOURCE runc dies of the attempt to lower it.
write_containerd_config() {
  cat >"$state/containerd.toml" <<TOML
version = 2
root = "$state/containerd/root"
state = "$state/containerd/state"
[grpc]
  address = "$state/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$state/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/headgate-cluster-pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$state/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "$state/runc"
TOML
}

# Images are not collected: nobody could pull them again. Secrets reach pods within seconds.
write_kubelet_config() {
  cat >"$state/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
failSwapOn: false
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $state/pki/ca.crt}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix://$state/containerd.sock
localStorageCapacityIsolation: false
enforceNodeAllocatable: []
evictionHard: {memory.available: 50Mi}
imageGCHighThresholdPercent: 100
syncFrequency: 5s
maxPods: 250
podLogsDir: $state/pod-logs
clusterDNS: [$dns_service]
clusterDomain: cluster.local
resolvConf: $state/resolv.conf
YAML
  echo 'nameserver 127.0.0.1' >"$state/resolv.conf"
}

start_containerd() {
  write_container_network
  write_containerd_config
  start containerd containerd --config "$state/containerd.toml"
  until_true 30 containerd ctr --address "$state/containerd.sock" version
}

start_node() {
  make_cgroups
  write_kubelet_config
  write_proxy_config
  start kubelet "$state/bin/kubernetes" kubelet --config "$state/kubelet.yaml" \
    --kubeconfig "$state/kubelet.kubeconfig" --hostname-override "$node" --node-ip "$address" \
    --root-dir "$state/kubelet" --cert-dir "$state/kubelet/pki"
  start kube-proxy "$state/bin/kubernetes" kube-proxy --config "$state/kube-proxy.yaml" \
    --hostname-override "$node"
}

# minSyncPeriod: a Service follows its pods sooner than the usual second.
write_proxy_config() {
  cat >"$state/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: $pod_range
nftables: {minSyncPeriod: 100ms}
conntrack: {maxPerCore: 0}
clientConnection: {kubeconfig: $state/kube-proxy.kubeconfig}
YAML
}

# What the runtime keeps in places that cannot be chosen.
remove_traces() {
  local file
  find "$state/containerd/state" -name address -exec cat {} + 2>/dev/null |
    grep -oE '/run/containerd/s/[0-9a-f]+' | xargs -r rm -f || true
  for file in /var/log/containers/*.log; do
    if [[ "$(readlink "$file")" == "$state/"* ]]; then rm -f "$file"; fi
  done
  grep -rlsF "$state/" /var/lib/cni/results | xargs -r rm -f || true
}

unmount_all() {
  local mounted
  awk -v below="$state/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | sort -r |
    while read -r mounted; do umount --lazy "$mounted"; done
}
