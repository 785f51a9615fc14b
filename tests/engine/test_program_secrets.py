"""No secret is in plain text: not in state, outputs, or the output and events of any command."""

from __future__ import annotations

import json
from typing import Final

from tests.engine.program_stacks import Life, reported, secret_values

PASSWORDS: Final = {
    "changing": {"admin_password", "flower_password"},
    "other": {"admin_password"},
    "unlucky": {"admin_password", "flower_password"},
}
"""The outputs that are secret."""


def known_secrets(life: Life) -> dict[str, str]:
    """Every secret value that the stack ever had, and its path."""
    found = {value: place for live in life.live.values() for place, value in secret_values(live).items()}
    return found | {life.outputs[name]: f"output {name}" for name in PASSWORDS[life.name]}


def test_the_search_knows_the_secrets_that_it_looks_for(life: Life) -> None:
    """A search for nothing finds nothing."""
    values = secret_values(life.live["up"])
    assert len(values) >= 20
    assert min(len(value) for value in values.values()) >= 32
    assert {life.outputs[name] for name in PASSWORDS[life.name]} <= set(known_secrets(life))


def test_the_state_holds_no_secret_in_the_clear(life: Life) -> None:
    assert json.loads(life.exported)["deployment"]["resources"]
    assert [place for value, place in known_secrets(life).items() if value in life.exported] == []


def test_no_command_prints_a_secret(life: Life) -> None:
    printed = "\n".join(life.stack.printed)
    assert "$ pulumi destroy" in printed
    assert [place for value, place in known_secrets(life).items() if value in printed] == []


def test_no_event_of_the_engine_carries_a_secret(life: Life) -> None:
    """Logs of continuous integration are made of them."""
    told = reported(life)
    assert "resOutputsEvent" in told
    assert [place for value, place in known_secrets(life).items() if value in told] == []


def test_outputs_show_passwords_only_when_asked(life: Life) -> None:
    hidden = {name for name, value in life.shown.items() if value == "[secret]"}
    assert hidden == PASSWORDS[life.name]
    assert all(len(life.outputs[name]) == 32 for name in hidden)
    assert life.shown["admin_user"] == life.outputs["admin_user"] == "admin"
