"""Mutants: changes of recorded resources, each of which breaks one rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import yaml

from policies.pods import CONFIG_MAP, TEMPLATES
from policies.resource import Resource
from policies.rule import Rule
from tests.unit.policies import recorded

BASES: Final = (
    "azure, stack file prod",
    "gcp, sample kubernetes",
    "azure, protected with everything",
    "gcp, protected with everything",
    "gcp, sample both",
    "azure, sample both",
    "azure, sample celery",
    "both, protected",
)
"""The stacks whose resources are changed: the first one with a resource that fulfils the rule."""
REMOVED: Final = object()
"""In the place of a value: the property is absent."""
STEP: Final = re.compile(r"[^.\[\]]+|\[\d+\]|\[[^\]]+\]")


@dataclass(frozen=True)
class Mutant:
    """A change of one resource of a type, or a resource of the mutant's own."""

    type: str
    path: str = ""
    value: Any = REMOVED
    name: str = ""
    """A part of the logical name of the resource to change."""
    own: Mapping[str, Any] | None = None
    """The properties of a resource that no recorded stack has."""
    unprotected: bool = False
    missing: bool = False
    """Whether the stack has no resource of the type."""

    def resource(self, rule: Rule) -> Resource:
        """The resource after the change."""
        if self.own is not None:
            return Resource(f"urn::{self.type}", self.type, self.name or "own", self.own, True)
        base = self.base(rule)
        if self.unprotected:
            assert base.protect
            return base._replace(protect=False)
        return base._replace(props=changed(base.props, self.path, self.value))

    def base(self, rule: Rule) -> Resource:
        """The recorded resource, which has no fault yet."""
        for stack in BASES:
            for found in recorded.resources(stack):
                if found.kind == self.type and self.name in found.name and not [*rule.faults(found)]:
                    if self.unprotected and not found.protect:
                        continue
                    return found
        raise AssertionError(f"{rule.id}: no recorded {self.type} {self.name} fulfils it")

    def stack(self, rule: Rule) -> tuple[tuple[Resource, ...], tuple[Resource, ...]]:
        """A stack before and after the change, for rules over a whole stack."""
        assert rule.stack_check is not None
        for name in BASES:
            before = recorded.resources(name)
            if any(each.kind == self.type for each in before) and not [*rule.stack_check(before)]:
                return before, tuple(each for each in self._altered(before))
        raise AssertionError(f"{rule.id}: no recorded stack with {self.type} fulfils it")

    def _altered(self, stack: tuple[Resource, ...]) -> Iterator[Resource]:
        for each in stack:
            if each.kind != self.type or self.name not in each.name:
                yield each
            elif not self.missing:
                yield each._replace(props=changed(each.props, self.path, self.value))


def changed(props: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The properties with a value at a path such as agentPoolProfiles[0].maxPods."""
    result = deepcopy(dict(props))
    place: Any = result
    *steps, last = [_key(step) for step in STEP.findall(path)]
    for step in steps:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return result


def _key(step: str) -> str | int:
    inner = step.strip("[]")
    return int(inner) if step.startswith("[") and inner.isdigit() else inner


def in_every_kind_of_pod(path: str, value: Any = REMOVED) -> list[Mutant]:
    """A change of a pod's template, in each object that can hold one."""
    [base] = [
        each.props["spec"]["template"]
        for each in recorded.resources("gcp, sample kubernetes")
        if each.kind == "kubernetes:apps/v1:Deployment" and each.name.endswith("-scheduler")
    ]
    content = changed(base, path, value)
    mutants = [
        Mutant(kind, own=content if place == "" else changed({}, place, content)) for kind, place in TEMPLATES.items()
    ]
    template = yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", **content})
    return [*mutants, Mutant(CONFIG_MAP, own={"data": {"task.yaml": template}})]


def of(type_: str, *changes: tuple[str, Any], name: str = "") -> list[Mutant]:
    """One mutant for each change of a property of a type."""
    return [Mutant(type_, path, value, name) for path, value in changes]
