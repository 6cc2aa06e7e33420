#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds critest, crictl and ginkgo from the Go modules of critest/go.mod into a cache and prints the directory; at once
# when they are there already. Exit 3, with the reason on standard error, where Go is missing.
# With the argument "containerd" it is containerd, for a run that compares.
set -eu

module=$(cd "$(dirname "$0")" && pwd)/critest
critest_version=$(sed -n 's,^require sigs.k8s.io/cri-tools ,,p' "$module/go.mod")
containerd_version=v2.4.2
cache=${BERTH_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/berth/peers}

case ${1:-critest} in
  critest) directory=$cache/critest-$critest_version programs="critest crictl ginkgo" ;;
  containerd) directory=$cache/containerd-$containerd_version programs="containerd ctr" ;;
  *) echo "nothing is known of $1" >&2; exit 2 ;;
esac

missing=
for program in $programs; do
  [ -x "$directory/$program" ] || missing=1
done
if [ -n "$missing" ]; then
  if ! command -v go >/dev/null; then
    echo "no Go on PATH to build $programs with (${directory##*/} needs 1.26)" >&2
    exit 3
  fi
  echo "building $programs, once, into $directory" >&2
  mkdir -p "$directory"
  # Into a folder of its own first: a build that is cut off leaves nothing that looks finished.
  fresh=$(mktemp -d "$directory/build.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  case $programs in
    critest*)
      cd "$module"
      export GOFLAGS="-mod=readonly -buildvcs=false"
      # critest is a test binary: its package has no main.
      go test -c -o "$fresh/critest" sigs.k8s.io/cri-tools/cmd/critest >&2
      go build -o "$fresh/" sigs.k8s.io/cri-tools/cmd/crictl github.com/onsi/ginkgo/v2/ginkgo >&2
      ;;
    containerd*)
      export GOFLAGS=-mod=mod GOBIN="$fresh"
      go install "github.com/containerd/containerd/v2/cmd/containerd@$containerd_version" \
        "github.com/containerd/containerd/v2/cmd/ctr@$containerd_version" >&2
      ;;
  esac
  for program in $programs; do mv "$fresh/$program" "$directory/"; done
fi
echo "$directory"
