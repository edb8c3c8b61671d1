# Sourced by hack/cluster and hack/preflight.sh: what is built from Go modules, once per machine.
# shellcheck shell=bash

kubernetes_version=v1.36.3
kubernetes_flags="-X k8s.io/component-base/version.gitVersion=$kubernetes_version \
-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"

# build_binary MODULE BINARY EXPECTATION [LINKER-FLAGS]: .cache/kubernetes/BINARY is a link to what was built.
build_binary() {
  local module="$root/hack/local-cluster/$1" binary="$2" expectation="$3" flags="-s -w ${4:-}"
  local key built
  key="$( (cd "$module" && cat ./*.go go.*; go version; echo "$flags") | sha256sum | cut -c1-16)"
  built="${XDG_CACHE_HOME:-$HOME/.cache}/headgate/$binary-$key"
  if [ ! -x "$built" ]; then
    mkdir -p "${built%/*}"
    echo "building $binary ($expectation)"
    (
      # Whoever comes second finds it built.
      flock 9
      [ -x "$built" ] || go_build "$module" "$built" "$flags"
    ) 9>"$built.lock"
  fi
  mkdir -p "$cache/kubernetes"
  ln -sfn "$built" "$cache/kubernetes/$binary"
}

go_build() {
  local module="$1" built="$2" flags="$3" log="$2.log"
  (cd "$module" && CGO_ENABLED=0 go build -v -trimpath -ldflags "$flags" -o "$built.new" . 2>&1) |
    tee "$log" | awk '/^go: downloading/ { got++; if (got % 50 == 0) print "  " got " modules fetched" }
      !/^go:/ { made++; if (made % 200 == 0) print "  " made " packages compiled" }
      { fflush() }' || {
    tail -20 "$log" >&2
    missing "a Go that can build hack/local-cluster/${module##*/}: go build failed, see above"
  }
  mv "$built.new" "$built"
}

# Control plane, node programs and kubectl; tests start their own API server from it.
build_kubernetes() {
  have go || missing 'go 1.26 or later (https://go.dev/dl)'
  build_binary kubernetes kubernetes '5 minutes on two cores, then never again' "$kubernetes_flags"
}

build_node_images() {
  build_binary dns coredns 'a minute'
  build_binary pause pause 'a second'
}
