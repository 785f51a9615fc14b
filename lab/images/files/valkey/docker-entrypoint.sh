#!/usr/bin/env bash
# Starts Valkey, as the user valkey when the container's is root.
set -euo pipefail

if [[ ${1:-} == -* || ${1:-} == *.conf ]]; then
    set -- valkey-server "$@"
fi

if [[ ${1:-} == valkey-server && $(id -u) == 0 ]]; then
    find . \! -user valkey -exec chown valkey:valkey '{}' +
    exec setpriv --reuid=valkey --regid=valkey --init-groups "$0" "$@"
fi

# What is written to the volume is for this user alone.
[[ $(umask) == 0022 ]] && umask 0077

# The official image is compiled without protected mode, which would refuse every other pod; a configuration of
# one's own decides for itself.
if [[ ${1:-} == valkey-server && ${2:-} != *.conf && " $* " != *" --protected-mode "* && " $* " != *" --version "* ]]; then
    set -- "$@" --protected-mode no
fi

exec "$@"
