"""Events of the engine for tests, in the form of its stream (apitype.EngineEvent, v3.274.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

SECRET: Final = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "ciphertext": "[secret]",
}
"""A secret as the stream has it."""
DATABASE: Final = "gcp:sql/databaseInstance:DatabaseInstance"
DEPLOYMENT: Final = "kubernetes:apps/v1:Deployment"


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::airflow::airflow:airflow:Airflow${type_}::{name}"


def step(
    op: str,
    type_: str = DEPLOYMENT,
    name: str = "worker",
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    diff: Mapping[str, str] | None = None,
    input_diff: bool = True,
    **metadata: Any,
) -> dict[str, Any]:
    """A step before its execution; `old` and `new` are inputs."""
    return {
        "resourcePreEvent": {
            "metadata": {
                "op": op,
                "urn": urn(type_, name),
                "type": type_,
                "old": None if old is None else {"inputs": old, "outputs": old},
                "new": None if new is None else {"inputs": new, "outputs": {}},
                "detailedDiff": None
                if diff is None
                else {path: {"diffKind": kind, "inputDiff": input_diff} for path, kind in diff.items()},
                **metadata,
            },
            "planning": True,
        }
    }


def outputs(op: str, type_: str, name: str, **metadata: Any) -> dict[str, Any]:
    """The result of a step."""
    return {"resOutputsEvent": {"metadata": {"op": op, "urn": urn(type_, name), "type": type_, **metadata}}}


def policy(level: str, *, name: str = "tls", message: str = "TLS is off.", resource: str = "", **rest: Any) -> Any:
    found = {"policyName": name, "policyPackName": "airflow", "message": message, "enforcementLevel": level, **rest}
    if resource:
        found["resourceUrn"] = urn(DATABASE, resource)
    return {"policyEvent": found}


def message(text: str, severity: str = "error", **rest: Any) -> Any:
    return {"diagnosticEvent": {"message": text, "severity": severity, "color": "never", **rest}}


def summary(result: str = "succeeded", packs: Mapping[str, str] | None = None) -> Any:
    return {"summaryEvent": {"resourceChanges": {}, "PolicyPacks": packs or {}, "result": result, "isPreview": True}}


def stream(*events: Mapping[str, Any]) -> str:
    """The events as the command writes them, one a line."""
    return "".join(f"{json.dumps({**event, 'sequence': n, 'timestamp': 0})}\n" for n, event in enumerate(events))
