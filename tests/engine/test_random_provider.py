"""The random plugin as a program sees it: drawn once, kept, secret, replaced when an input says so."""

from __future__ import annotations

import base64
from collections.abc import Callable

from lab.engine.stack import Stack

ALL = """
import pulumi
import pulumi_random as random

password = random.RandomPassword("password", length=24, min_special=4, min_numeric=3, override_special="-_")
text = random.RandomString("text", length=12, special=False, upper=False)
identifier = random.RandomId("identifier", byte_length=4, prefix="run-")
octets = random.RandomBytes("octets", length=32)
pulumi.export("password", password.result)
pulumi.export("hash", password.bcrypt_hash)
pulumi.export("text", text.result)
pulumi.export("identifier", identifier.hex)
pulumi.export("octets", octets.base64)
"""


def test_results_are_drawn_once_and_survive_a_second_up_and_a_refresh(project: Callable[..., Stack]) -> None:
    stack = project(ALL)
    preview = stack.preview()
    assert preview.changes() == {"create": {"password", "text", "identifier", "octets"}}
    stack.up()
    drawn = stack.outputs()
    assert stack.up("--expect-no-changes").changes() == {}
    stack.refresh("--expect-no-changes")
    assert stack.outputs() == drawn
    assert len(base64.b64decode(drawn["octets"])) == 32
