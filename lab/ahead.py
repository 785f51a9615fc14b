"""Builds programs during the installation of the virtual environment, which uses only one core: `python -m lab.ahead`.

Runs with any Python version that the project supports, without any package.
"""

from __future__ import annotations

import sys

from lab.errors import LabError
from lab.node.programs import ETCD
from lab.tools.go import machine_go


def main() -> int:
    """Build etcd, which takes about as long as the installation. Build nothing if Go is still to be installed."""
    if machine_go() is None:
        return 0
    try:
        ETCD.build()
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
