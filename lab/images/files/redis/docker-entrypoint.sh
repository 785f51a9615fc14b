#!/usr/bin/env bash
# Starts Redis, as the user redis when the container's is root.
set -euo pipefail

if [[ ${1:-} == -* || ${1:-} == *.conf ]]; then
    set -- redis-server "$@"
fi

if [[ ${1:-} == redis-server && $(id -u) == 0 ]]; then
    find . \! -user redis -exec chown redis:redis '{}' +
    exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
fi

# What is written to the volume is for this user alone.
[[ $(umask) == 0022 ]] && umask 0077

# The official image is compiled without protected mode, which would refuse every other pod; a configuration of
# one's own decides for itself.
if [[ ${1:-} == redis-server && ${2:-} != *.conf && " $* " != *" --protected-mode "* && " $* " != *" --version "* ]]; then
    set -- "$@" --protected-mode no
fi

exec "$@"
