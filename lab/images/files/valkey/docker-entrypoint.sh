#!/usr/bin/env bash
# Starts Valkey, as the user valkey if the container's user is root.
set -euo pipefail

if [[ ${1:-} == -* || ${1:-} == *.conf ]]; then
    set -- valkey-server "$@"
fi

if [[ ${1:-} == valkey-server && $(id -u) == 0 ]]; then
    find . \! -user valkey -exec chown valkey:valkey '{}' +
    exec setpriv --reuid=valkey --regid=valkey --init-groups "$0" "$@"
fi

# Only this user may read the files written to the volume.
[[ $(umask) == 0022 ]] && umask 0077

# The official image is compiled without protected mode, which would refuse clients in other pods; a custom
# configuration sets this itself.
if [[ ${1:-} == valkey-server && ${2:-} != *.conf && " $* " != *" --protected-mode "* && " $* " != *" --version "* ]]; then
    set -- "$@" --protected-mode no
fi

exec "$@"
