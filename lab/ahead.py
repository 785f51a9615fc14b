"""What is built while the virtual environment is being installed, which keeps one core busy: `python -m lab.ahead`.

Runs with any Python that the project takes, without a single package.
"""

from __future__ import annotations

import sys

from lab.errors import LabError
from lab.node.programs import ETCD
from lab.tools.go import machine_go


def main() -> int:
    """Build what takes about as long as the installation; nothing where Go is yet to be installed with it."""
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
