#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Brings a bare Debian machine to where berth can be built, tested and run. Does only what is missing; says in one line
# what it cannot do and how to get it.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "setup: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "must be root, because containers need mounts and namespaces: run it with sudo"
command -v apt-get >/dev/null || fail "no apt-get here: install the packages that tools/packages.txt names with your own package manager"

missing=
while read -r package _; do
  case $package in ''|'#'*) continue ;; esac
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done < tools/packages.txt

if [ -n "$missing" ]; then
  echo "setup: installing Debian packages:$missing"
  log=$(mktemp)
  policy=/usr/sbin/policy-rc.d
  # The packages bring services; nothing here needs them started.
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
  fi
  # shellcheck disable=SC2086
  if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install$missing: check the network and /etc/apt/sources.list"
  fi
  rm -f "$log"
fi

command -v npm >/dev/null || fail "no npm here: install Node.js 20 or newer with npm (apt-get install nodejs npm)"
mkdir -p build
if ! cmp -s package-lock.json build/installed-lock.json; then
  echo "setup: installing npm packages"
  log=$(mktemp)
  # No package needs an install script: native code comes in packages of its own.
  if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    rm -f "$log"
    fail "npm could not install the packages of package-lock.json: check the network and 'npm config get registry'"
  fi
  rm -f "$log"
  cp package-lock.json build/installed-lock.json
fi

make --no-print-directory -s -C native/init
# Bundles are made anew when a source is newer than they are.
if [ ! -f dist/cli.mjs ] || [ -n "$(find src sdk tools/build.ts package.json -newer dist/cli.mjs -type f -print -quit)" ]; then
  tools/with-node.sh node tools/build.ts || fail "the build failed"
fi
