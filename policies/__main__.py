"""Entry point of the policy pack: `pulumi preview --policy-pack policies`."""

from __future__ import annotations

import sys
from pathlib import Path

# The engine runs this folder as a program, so that its modules are not yet a package.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from policies.pack import serve  # noqa: E402

serve()
