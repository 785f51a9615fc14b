"""Policies of a subscription about tags, set by tests: they require tags or add them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lab.clouds.inventory import World

_SUBJECT: Final = "policies"


def require_tags(world: World, *names: str) -> None:
    """Refuse resources and groups without a tag of each name (built-in policy "Require a tag on resources")."""
    world.facts.setdefault(_SUBJECT, {})["required"] = list(names)


def add_tags(world: World, **tags: str) -> None:
    """Add tags to new and changed resources (built-in policy "Inherit a tag from the resource group")."""
    world.facts.setdefault(_SUBJECT, {})["added"] = dict(tags)


def missing_tags(world: World, tags: Mapping[str, Any]) -> list[str]:
    """The missing required tags; names of tags are not case-sensitive."""
    there = {name.lower() for name in (*tags, *added_tags(world))}
    return [name for name in world.facts.get(_SUBJECT, {}).get("required", []) if name.lower() not in there]


def added_tags(world: World) -> dict[str, str]:
    """The tags that policies add to all resources."""
    return dict(world.facts.get(_SUBJECT, {}).get("added", {}))
