# Sourced by hack/cluster: assembles images without an engine and gives containerd what it lacks.
# shellcheck shell=bash

images="$cache/images"

# load_images SET: `system` is what the cluster itself needs, `test` what tests run.
load_images() {
  local image digest directory loaded kept
  need_packages
  exec 8>"$images.lock"
  flock 8
  loaded="$(in_containerd images ls)"
  # Layers that it has need not be given again: an edit then costs the layer of dist/ only.
  kept="$(in_containerd content ls --quiet | sed 's/^sha256:/--exclude=/')"
  node "$root/hack/local-cluster/images.ts" "$1" "$images" "$cache" >"$images-$1.list" || return
  while read -r image digest directory; do
    if [[ "$loaded" == *"$image "*"$digest"* ]]; then continue; fi
    # shellcheck disable=SC2086
    import_image "$directory" $kept 2>/dev/null || import_image "$directory" || return
    echo "loaded $image"
  done <"$images-$1.list"
  exec 8>&-
}

# import_image DIRECTORY TAR-OPTION…
import_image() {
  local directory="$1"
  shift
  tar -C "$directory" "$@" -cf - . | in_containerd images import - >/dev/null
}

in_containerd() {
  ctr --address "$state/containerd.sock" --namespace k8s.io "$@"
}

local_load_images() {
  is_running containerd || missing 'a cluster: run hack/cluster up'
  need_python_packages
  load_images test
}
