"""Runs a module of the lab as a plugin, with the protobuf messages of the Pulumi SDK but without the rest of the SDK.

The messages are part of the SDK, whose import is the most expensive part of a plugin's start (0.1 s of 0.3 s), and
three plugins start for every operation.
"""

from __future__ import annotations

import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def leave_out_sdk() -> None:
    """Make `pulumi.runtime.proto` importable without running the packages `pulumi` and `pulumi.runtime`."""
    if "pulumi" in sys.modules:
        # Already done by a preloaded Python.
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
    # Not by PYTHONPATH: the language host passes the user's variables to the program unchanged.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    leave_out_sdk()
    sys.argv.pop(0)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
