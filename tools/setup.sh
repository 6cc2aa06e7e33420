#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Brings a bare Debian machine to where berth can be built, tested and run. Does only what is missing; says in one line
# what it cannot do and how to get it.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "setup: $*" >&2; exit 1; }

# The line of a log that says most: the first that the tool itself calls an error.
reason() { grep -m 1 -E "$1" "$log" | cut -c 1-200 || tail -n 1 "$log"; }

[ "$(id -u)" = 0 ] || fail "must be root, because containers need mounts and namespaces: run it with sudo"
command -v apt-get >/dev/null || fail "no apt-get here: this sets up Debian and its like; elsewhere install what tools/packages.txt names, then see CONTRIBUTING.md"

log=$(mktemp)
policy=
trap 'rm -f "$log" $policy' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

missing=
while read -r package _; do
  case $package in ''|'#'*) continue ;; esac
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done < tools/packages.txt

if [ -n "$missing" ]; then
  echo "setup: installing Debian packages:$missing"
  # The packages bring services; nothing here needs them started.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
  fi
  # shellcheck disable=SC2086
  { apt-get -qq -o Acquire::Retries=2 update &&
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $missing
  } >"$log" 2>&1 </dev/null ||
    fail "apt-get could not install$missing ($(reason '^[EW]:')): check the network and /etc/apt/sources.list"
fi

command -v npm >/dev/null || fail "no npm here: install Node.js 20 or newer with npm (apt-get install npm)"
# Inside node_modules, so that whoever removes that gets it back.
installed=node_modules/.installed-lock.json
if ! cmp -s package-lock.json $installed; then
  echo "setup: installing npm packages, Node 24 among them"
  # Not npm ci: npm 11 refuses a lock that lacks packages for other platforms, which a mirror may not have. No package
  # needs an install script: native code comes in packages of its own.
  npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=3 \
    --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 >"$log" 2>&1 </dev/null ||
    fail "npm could not install the packages of package-lock.json ($(reason 'npm (ERR!|error) (code|network|[^ ]*[a-z] )')): check the network and 'npm config get registry'"
  cp package-lock.json $installed
fi

for program in init keeper pause userns; do
  make --no-print-directory -s -C "native/$program" || fail "native/$program could not be built: see above"
done
# Bundles are made anew when a source is newer than they are.
if [ ! -f dist/cli.blob ] || [ -n "$(find src sdk tools/build.ts package.json -newer dist/cli.blob -type f -print -quit)" ]; then
  echo "setup: building berth"
  tools/with-node.sh node tools/build.ts || fail "the bundles could not be built: see above"
fi
