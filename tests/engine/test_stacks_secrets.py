"""No secret of a stack on a cloud is in plain text: not in state, outputs, events, or the cloud's files."""

from __future__ import annotations

import json
from typing import Final

from tests.engine.cloud_stacks import CloudLife
from tests.engine.program_stacks import reported, secret_values

PUBLIC: Final = "azurestorageaccountname"
"""The driver requires the name and the key of an account in one Secret."""


def known_secrets(life: CloudLife) -> dict[str, str]:
    """Every secret value of the stack, and its path."""
    found = {value: place for place, value in secret_values(life.live["up"]).items() if value}
    hidden = {name for name, value in life.shown.items() if value == "[secret]"}
    opened = {str(life.outputs[name]): f"output {name}" for name in hidden if name.endswith("password")}
    return {value: place for value, place in {**found, **opened}.items() if PUBLIC not in place}


def test_a_stack_on_a_cloud_has_secrets_to_look_for(cloud_life: CloudLife) -> None:
    """A search for nothing finds nothing."""
    values = known_secrets(cloud_life)
    assert len(values) >= 15
    assert min(len(value) for value in values) >= 16


def test_neither_state_nor_outputs_nor_reports_hold_a_secret(cloud_life: CloudLife) -> None:
    assert json.loads(cloud_life.exported)["deployment"]["resources"]
    places = {
        "state": cloud_life.exported,
        "outputs": json.dumps(cloud_life.shown),
        "terminal": "\n".join(cloud_life.stack.printed),
        "events": reported(cloud_life),
    }
    assert min(map(len, places.values())) > 100
    found = [
        f"{secret} in {where}"
        for where, text in places.items()
        for value, secret in known_secrets(cloud_life).items()
        if value in text
    ]
    assert found == []


def test_the_clouds_journal_holds_no_secret(cloud_life: CloudLife) -> None:
    """A provider masks inputs that it knows as secrets: others would also be in its log."""
    assert '"op": "create"' in cloud_life.told
    assert [place for value, place in known_secrets(cloud_life).items() if value in cloud_life.told] == []


def test_the_kubeconfig_logs_in_by_a_program_and_holds_no_token(cloud_life: CloudLife) -> None:
    assert cloud_life.shown["kubeconfig"] == "[secret]"
    config = cloud_life.outputs["kubeconfig"]
    config = json.loads(config) if isinstance(config, str) else config
    [user] = config["users"]
    assert set(user["user"]) == {"exec"}
