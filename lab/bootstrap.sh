#!/bin/sh
# Create the virtual environment. Usage: bootstrap.sh PYTHON FOLDER
set -eu
python=$1
folder=$2

fail() {
    echo "error: $*" >&2
    exit 1
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "$python is not Python 3.11 or newer. Install one, or name it: make setup PYTHON=python3.12"

# Debian ships Python without the module that creates virtual environments.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
        fail "$python has no venv module. Install it, on Debian with: apt-get install python3-venv"
    echo "• Install python3-venv …" >&2
    apt-get -q update >/dev/null && apt-get -q install -y --no-install-recommends python3-venv >/dev/null ||
        fail "python3-venv could not be installed. Try: apt-get install python3-venv"
fi

# An environment whose Python was removed or replaced cannot be repaired, so create it again.
"$folder/bin/python" -c 'import pip' 2>/dev/null || rm -rf "$folder"
[ -d "$folder" ] || "$python" -m venv "$folder"
echo "• Install the packages of requirements-dev.txt into $folder …" >&2
# Modules are compiled at their import: the clouds' SDKs have thousands of modules that no stack loads.
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --requirement requirements-dev.txt
echo "✓ $folder is ready" >&2
