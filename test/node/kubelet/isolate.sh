#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a kubelet, which sets kernel parameters without asking, where it sees those values already and so leaves the
# machine's alone. What it mounts elsewhere is seen by all. Not for the engine: where a part of /proc is hidden, nobody can
# mount a new one in a user namespace.
set -eu

if [ "${1:-}" != --inside ]; then
  exec unshare --mount --propagation unchanged -- "$0" --inside "$@"
fi
shift

values=$1
shift
mkdir -p "$values"
mount --make-private /proc
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=$values/$(echo "${setting%=*}" | tr / -)
  echo "${setting#*=}" >"$file"
  mount --bind "$file" "/proc/sys/${setting%=*}"
done
exec "$@"
