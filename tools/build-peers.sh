#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the newest containerd shim and runc from Go modules into a cache and prints the directory; at once when they are
# there already. Exit 3, with the reason on standard error, where Go is missing.
set -eu

shim_version=v2.4.2
runc_version=v1.5.2
cache=${BERTH_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/berth/peers}
directory=$cache/shim-$shim_version-runc-$runc_version

if [ ! -x "$directory/containerd-shim-runc-v2" ] || [ ! -x "$directory/runc" ]; then
  if ! command -v go >/dev/null; then
    echo "no Go on PATH to build containerd-shim-runc-v2 $shim_version and runc $runc_version with" >&2
    exit 3
  fi
  # runc without seccomp would refuse every container that has a profile.
  if ! pkg-config --exists libseccomp 2>/dev/null; then
    apt-get install -qq -y libseccomp-dev pkg-config >&2
  fi
  mkdir -p "$directory"
  # Into a folder of its own first: a build that is cut off leaves nothing that looks finished.
  fresh=$(mktemp -d "$directory/build.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  export GOFLAGS=-mod=mod GOBIN="$fresh"
  go install "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2@$shim_version" >&2
  go install -tags seccomp "github.com/opencontainers/runc@$runc_version" >&2
  mv "$fresh/containerd-shim-runc-v2" "$fresh/runc" "$directory/"
fi
echo "$directory"
