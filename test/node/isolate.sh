#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command in a private mount namespace, in which a kubelet cannot change what is the machine's: it would set kernel
# parameters and put links below /var/log, and has no option against either. Mounts are shared again inside.
# With HIDE, the second version of cgroups, which crun refuses beside the first, is not there either.
set -eu

if [ "${1:-}" != --inside ]; then
  exec unshare --mount -- "$0" --inside "$@"
fi
shift

[ -z "${HIDE:-}" ] || umount "$HIDE"
mount -t tmpfs -o mode=755 node-test /var/log
values=/var/log/values
mkdir "$values"
# What the kubelet would write: it leaves alone what is so already.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=$values/$(echo "${setting%=*}" | tr / -)
  echo "${setting#*=}" >"$file"
  mount --bind "$file" "/proc/sys/${setting%=*}"
done
mount --make-rshared /
exec "$@"
