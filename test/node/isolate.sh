#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command in a private mount namespace, where /var/log, below which a kubelet puts links without asking, is an empty
# one, and mounts are shared again. With HIDE, the second version of cgroups, which crun refuses beside the first, is not
# there either.
set -eu

if [ "${1:-}" != --inside ]; then
  exec unshare --mount -- "$0" --inside "$@"
fi
shift

[ -z "${HIDE:-}" ] || umount "$HIDE"
mount -t tmpfs -o mode=755 node-test /var/log
mount --make-rshared /
exec "$@"
