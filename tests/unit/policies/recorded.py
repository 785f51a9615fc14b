"""Recorded stacks in the form in which rules see them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from policies.profiles import profile_of
from policies.resource import Resource
from policies.rule import Profile
from tests.unit.recording import recorder, stacks, stacks_gcp
from tests.unit.recording.recorder import Recording

SHIPPED: Final[Mapping[str, tuple[str, Profile]]] = {
    "stack file local": ("local", "dev"),
    "gcp, stack file dev": ("dev", "dev"),
    "azure, stack file prod": ("prod", "prod"),
    "gcp, sample kubernetes": ("gcp-kubernetes", "prod"),
    "gcp, sample both": ("gcp-celery-kubernetes", "dev"),
    "azure, sample celery": ("azure-celery", "dev"),
    "azure, sample both": ("azure-celery-kubernetes", "dev"),
}
"""The recordings of the project's own stack files: name and profile of the stack."""


def recording(stack: str) -> Recording:
    return stacks_gcp.recorded(stack) if stack in stacks_gcp.STACKS else stacks.recorded(stack)


@cache
def resources(stack: str) -> tuple[Resource, ...]:
    """The resources of a recorded stack."""
    return of(recording(stack))


def of(recording: Recording) -> tuple[Resource, ...]:
    return tuple(
        Resource(found.urn, found.type, found.name, found.plain, found.protect) for found in recording.registrations
    )


def profile(stack: str) -> Profile:
    """The profile of a shipped stack, from its name and its file."""
    return profile_of(SHIPPED[stack][0], recorder.raw(recording(stack).config)[0])
