"""The profile of a stack: production or development."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from policies.resource import mapping
from policies.rule import PROFILES, Profile

OVERRIDE: Final = "policy:profile"
"""Key of a stack's config that decides the profile: `pulumi config set policy:profile dev`."""
PROTECT: Final = "airflow:protect"
CLOUD: Final = "airflow:cloud"
PRODUCTION_DATA: Final = "production_data"
_PRODUCTION_NAME: Final = re.compile(r"(^|[-_./])prod(uction)?($|[-_.])")


class ProfileError(Exception):
    """The config names a profile that does not exist. The message names key, value, rule and remedy."""


def profile_of(stack: str, config: Mapping[str, str]) -> Profile:
    """The profile of a stack: the first of these rules that applies.

    1. `policy:profile` in its config.
    2. prod, if its config has `airflow:protect: true` or `airflow:cloud.production_data: true`.
    3. prod, if its name is or has the word prod or production, such as eu-prod.
    4. dev.

    Args:
        stack: name of the stack, with or without organization and project.
        config: the stack's config by key, values as text as `pulumi config --json` and the engine give them.

    Raises:
        ProfileError: `policy:profile` is neither prod nor dev.
    """
    chosen = config.get(OVERRIDE)
    if chosen is not None:
        for profile in PROFILES:
            if chosen == profile:
                return profile
        raise ProfileError(f"{OVERRIDE}: {chosen!r} is not a profile; set it to prod or dev, or remove the key.")
    cloud = _object(config.get(CLOUD))
    holds_data = config.get(PROTECT) == "true" or cloud.get(PRODUCTION_DATA) in (True, "true")
    return "prod" if holds_data or _PRODUCTION_NAME.search(stack) else "dev"


def cloud_kind(config: Mapping[str, str]) -> str | None:
    """The cloud of a stack of this program (gcp, azure or existing); None if its config does not name one."""
    kind = _object(config.get(CLOUD)).get("kind")
    return kind if isinstance(kind, str) else None


def _object(text: str | None) -> Mapping[str, Any]:
    """The value of a key whose value is an object; empty if it is absent or another value."""
    try:
        return mapping(json.loads(text)) if text else {}
    except ValueError:
        return {}
