"""What every test of the program relies on.

An Output that is used like a plain value raises instead of misleading, and no example of a property has a deadline.
"""

from __future__ import annotations

import os
import sys

import hypothesis
import pulumi

# Its 200 ms for an example measure how busy the machine is, not the program.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

# An Output in an f-string becomes a sentence of advice; with this it raises.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"


def _refuse(_: object) -> bool:
    # The SDK asks one whether it is there at all, in `depends_on` of a question to a provider.
    if sys._getframe(1).f_globals["__name__"] == "pulumi.runtime.invoke":
        return True
    raise TypeError("an Output has no truth value: decide from plain settings, or inside apply")


# `if output`, `output or x` and `not output` are silently true without this.
pulumi.Output.__bool__ = _refuse
