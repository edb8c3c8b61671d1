# Sourced by hack/cluster: starts programs in the node's network, finds them again and ends them.
# shellcheck shell=bash

# start PROGRAM COMMAND…: remembers the command, so that `restart_program` can repeat it.
start() {
  local program="$1"
  shift
  printf '%q ' "$@" >"$state/run/$program.command"
  start_again "$program"
}

start_again() {
  local program="$1" command
  eval "command=($(cat "$state/run/$program.command"))"
  # 9 is the lock of whoever brings the cluster up.
  (cd "$state" && exec setsid nsenter --net="/run/netns/$netns" -- \
    env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY -u all_proxy -u ALL_PROXY \
    "${command[@]}" </dev/null >>"$state/log/$program" 2>&1 9>&-) &
  echo $! >"$state/run/$program.pid"
}

# A number may belong to somebody else by now; only what runs in our network is ours.
is_running() {
  local pid
  pid="$(cat "$state/run/$1.pid" 2>/dev/null)" && [[ " $(node_processes) " == *" $pid "* ]]
}

node_processes() {
  [ -e "/run/netns/$netns" ] || return 0
  ip netns pids "$netns" | tr '\n' ' '
}

pod_processes() {
  find /sys/fs/cgroup -path "*/$cgroup/*" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un
}

none_left() {
  [ -z "$("$1" | tr -d '[:space:]')" ]
}

# Pods first: the process that started a container is still there to reap it.
end_processes() {
  end_all kubelet_processes KILL
  end_all pod_processes KILL
  end_all node_processes TERM 3 || end_all node_processes KILL
}

kubelet_processes() {
  if is_running kubelet; then cat "$state/run/kubelet.pid"; fi
}

# end_all LISTING SIGNAL [SECONDS]
end_all() {
  local pids
  pids="$("$1")"
  # shellcheck disable=SC2086
  [ -z "${pids// /}" ] || kill "-$2" $pids 2>/dev/null || true
  until_true "${3:-20}" "the end of all ${1//_/ }" none_left "$1" 2>/dev/null
}

restart_program() {
  local program="$1" pid
  [ -f "$state/run/$program.command" ] || {
    echo "no program $program in this cluster; there are: ${programs[*]}" >&2
    exit 2
  }
  if is_running "$program"; then
    pid="$(cat "$state/run/$program.pid")"
    kill -KILL "$pid"
    until_true 20 "the end of $program" eval "! is_running $program"
  fi
  start_again "$program"
}
