"""The rules applied to resources, without an engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from policies.catalogue import RULES
from policies.exceptions import PolicyException
from policies.resource import Resource
from policies.rule import Finding, Profile, Rule


def findings(
    resources: Iterable[Resource], profile: Profile, exceptions: Sequence[PolicyException] = ()
) -> list[Finding]:
    """All findings of a stack, in the order of the catalogue and of the resources.

    Args:
        resources: of one stack; `Resource(urn, type, name, props, protect)` each. Inputs in the form of the provider's
            API, as `pulumi preview --json` reports them under `newState.inputs`.
        profile: the kind of the stack, from `policies.profiles.profile_of`.
        exceptions: findings that the stack's owners accept, from `policies.exceptions.read`.
    """
    stack = list(resources)
    return [
        Finding(
            rule=rule,
            resource=resource,
            level=rule.level(profile),
            fault=fault,
            exception=next((each.reason for each in exceptions if each.covers(rule.id, resource.urn)), None),
        )
        for rule in RULES
        if rule.level(profile) != "off"
        for resource, fault in _faults(rule, stack)
    ]


def _faults(rule: Rule, stack: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    if rule.stack_check is not None:
        yield from rule.stack_check(stack)
    for resource in stack:
        for fault in rule.faults(resource):
            yield resource, fault
