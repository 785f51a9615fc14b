"""Runs a module of the lab as a plugin, with the engine's protocol but without the rest of the Pulumi SDK.

The messages live inside the SDK, whose import takes longer than everything else a plugin needs (0.1 s of 0.3 s), and
three plugins start for every operation.
"""

from __future__ import annotations

import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def leave_out_sdk() -> None:
    """Make `pulumi.runtime.proto` importable without running the SDK's own packages above it."""
    if "pulumi" in sys.modules:
        # A preloaded Python has done it.
        return
    spec = find_spec("pulumi")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent
    for name, path in (("pulumi", folder), ("pulumi.runtime", folder / "runtime")):
        package = ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package


if __name__ == "__main__":
    # Here and not by PYTHONPATH: the language host hands its variables on to the program, as they came from the user.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    leave_out_sdk()
    sys.argv.pop(0)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
