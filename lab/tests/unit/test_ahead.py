"""Builds before the virtual environment exists."""

from __future__ import annotations

import subprocess
import sys

from lab.paths import PROJECT


def test_it_needs_no_package() -> None:
    program = f"import sys; sys.path.insert(0, {str(PROJECT)!r}); import lab.ahead"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
