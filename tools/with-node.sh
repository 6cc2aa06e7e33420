#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command with the pinned Node 24 and the development tools first on PATH.
PATH=$(cd "$(dirname "$0")/.." && pwd)/node_modules/.bin:$PATH
export PATH
exec "$@"
