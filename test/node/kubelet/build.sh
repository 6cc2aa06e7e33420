#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the kubelet from the Go modules of go.mod into a cache, in three minutes, and prints the directory; at
# once when it is there already. Exit 3, with the reason on standard error, where Go is missing.
set -eu

module=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's,^require k8s.io/kubernetes ,,p' "$module/go.mod")
cache=${BERTH_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/berth/peers}
directory=$cache/kubelet-$version

if [ ! -x "$directory/kubelet" ]; then
  if ! command -v go >/dev/null; then
    echo "no Go on PATH to build the kubelet $version with (it needs 1.26)" >&2
    exit 3
  fi
  echo "building the kubelet $version, once, into $directory" >&2
  mkdir -p "$directory"
  # Into a folder of its own first: a build that is cut off leaves nothing that looks finished.
  fresh=$(mktemp -d "$directory/build.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  cd "$module"
  export GOFLAGS="-mod=readonly -buildvcs=false"
  # It would call itself v0.0.0 otherwise.
  nice go build -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" \
    -o "$fresh/" k8s.io/kubernetes/cmd/kubelet >&2
  mv "$fresh/kubelet" "$directory/"
fi
echo "$directory"
