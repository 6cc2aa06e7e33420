#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All tests in one run of node's test runner, so that one summary counts them all. Arguments choose files instead.
set -eu
cd "$(dirname "$0")/.."
ulimit -n "$(ulimit -Hn)"
command -v go >/dev/null || echo "test: Go is not here: tests against the newest runc and shim, and with Go clients of CRI, streaming and NRI, are left out"
[ $# -gt 0 ] || set -- 'src/**/*.test.ts' 'sdk/src/**/*.test.ts' 'tools/**/*.test.ts' 'test/**/*.test.ts'
exec node --disable-warning=ExperimentalWarning --test --test-concurrency=2 "$@"
