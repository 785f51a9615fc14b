#!/bin/sh
# Refuse an unfit machine before anything is installed. Usage: require.sh PYTHON [CLUSTER]
#
# Without CLUSTER the machine must be able to run the lab's node; with it, the tools for that cluster must be there.
# Writes nothing.
set -eu
python=$1
cluster=${2-}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "error: $python is not Python 3.11 or newer. Install one, or name it: make demo PYTHON=python3.12" >&2
    exit 1
}
if [ -n "$cluster" ]; then
    exec "$python" -B -m lab.own_cluster "$cluster"
fi
exec "$python" -B -m lab.machine
