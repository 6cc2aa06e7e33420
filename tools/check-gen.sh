#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Says whether src/gen is what buf generate makes of proto/: exit 0 when it is, 1 with the differing files when not.
set -eu

cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

# The template's output path is relative to --output.
buf generate --output "$fresh"
if ! difference=$(diff -rq src/gen "$fresh/src/gen" 2>&1); then
  echo "$difference"
  echo "src/gen differs from proto/: run npm run gen and commit the result" >&2
  exit 1
fi
