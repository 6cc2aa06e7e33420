#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command in a private mount namespace, where what a kubelet writes without asking goes nowhere: links below
# /var/log, and a socket for devices below /var/lib, beside which it leaves no other. Mounts are shared again inside.
# With HIDE, the second version of cgroups, which crun refuses beside the first, is not there either.
set -eu

if [ "${1:-}" != --inside ]; then
  exec unshare --mount -- "$0" --inside "$@"
fi
shift

[ -z "${HIDE:-}" ] || umount "$HIDE"
mount -t tmpfs -o mode=755 node-test /var/log
mkdir /var/log/lib /var/log/work
mount -t overlay -o lowerdir=/var/lib,upperdir=/var/log/lib,workdir=/var/log/work node-test /var/lib
mount --make-rshared /
exec "$@"
