# Sourced by hack/cluster: a network namespace for the node, joined to the machine by one link.
# shellcheck shell=bash

# The first 10.77.N.0/24 that nobody has an address in.
free_subnet() {
  local n taken
  taken="$(ip -4 -oneline address)"
  for n in $(seq 0 254); do
    [[ "$taken" == *" 10.77.$n."* ]] || { echo "$n"; return; }
  done
  echo "10.77.0.0/16: every /24 of it is taken" >&2
  return 1
}

in_node() {
  nsenter --net="/run/netns/$netns" -- "$@"
}

make_network() {
  local n link
  n="$(free_subnet)"
  link="hgc$n"
  echo "10.77.$n.2" >"$state/address"
  ip netns add "$netns"
  ip link add "$link" type veth peer name eth0 netns "$netns"
  ip address add "10.77.$n.1/24" dev "$link"
  ip link set "$link" up
  ip -n "$netns" address add "10.77.$n.2/24" dev eth0
  ip -n "$netns" link set eth0 up
  ip -n "$netns" link set lo up
  ip -n "$netns" route add default via "10.77.$n.1"
  in_node sysctl -qw net.ipv4.ip_forward=1
  # The machine knows no way back to pods.
  in_node nft -f - <<NFT
table ip headgate-cluster {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr $pod_range oifname "eth0" masquerade
  }
}
NFT
}

# The machine's end of the link goes with the namespace.
remove_network() {
  [ ! -e "/run/netns/$netns" ] || ip netns delete "$netns"
}
