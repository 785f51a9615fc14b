"""Lifetime of sessions in the UI and of tokens of the API."""

from __future__ import annotations

from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.settings.sections.options import Reserved

RESERVED: Final[Reserved] = {}
"""A stack may set the options itself where `airflow:auth.session_minutes` does not."""


def create_feature(context: InstanceContext) -> Feature:
    """The lifetime of the stack; empty without one."""
    minutes = context.settings.auth.session_minutes
    if minutes is None:
        return Feature()
    overlay = PodOverlay(
        workloads={"api-server"},
        default_options={
            ("fab", "session_lifetime_minutes"): str(minutes),
            # The UI keeps a token in a cookie beside the session.
            ("api_auth", "jwt_expiration_time"): str(minutes * 60),
        },
    )
    return Feature(overlays=[overlay])
