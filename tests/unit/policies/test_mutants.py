"""Every rule, and every condition of every rule, finds a mutant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from policies.catalogue import RULES
from policies.conditions import All, Every, Must, Where
from policies.pods import TYPES
from policies.resource import UNKNOWN_TEXTS
from policies.rule import Rule
from tests.unit.policies import mutants_azure, mutants_gcp, mutants_kubernetes, recorded
from tests.unit.policies.mutants import BASES, Mutant, changed, in_every_kind_of_pod

# Run in the process of the tests over recordings(), which has recorded most of BASES: see `tests/unit/conftest.py`.
MUTANTS: Final = {**mutants_gcp.MUTANTS, **mutants_azure.MUTANTS, **mutants_kubernetes.MUTANTS}
by_id: Final = {rule.id: rule for rule in RULES}


def test_every_rule_has_a_mutant() -> None:
    assert {rule.id for rule in RULES} == MUTANTS.keys()
    assert len(by_id) == len(RULES)
    assert [name for name, found in MUTANTS.items() if not found] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_finds_its_mutants(rule: Rule) -> None:
    missed = []
    for mutant in MUTANTS[rule.id]:
        if rule.stack_check is not None:
            before, after = mutant.stack(rule)
            assert [*rule.stack_check(before)] == []
            found = [fault for _, fault in rule.stack_check(after)]
        else:
            found = [*rule.faults(mutant.resource(rule))]
        if not found:
            missed.append(mutant)
    assert missed == []


def test_every_type_of_every_rule_has_a_mutant() -> None:
    missing = [
        f"{rule.id}: {kind}"
        for rule in RULES
        for kind in rule.checks
        if kind not in {mutant.type for mutant in MUTANTS[rule.id]}
    ]
    assert missing == []


def paths(check: Any, prefix: str = "") -> Iterator[str]:
    """The paths of all conditions of a check; elements of lists are []."""
    match check:
        case Must():
            yield prefix + check.path
        case Every():
            yield from paths(check.of, f"{prefix}{check.path}[].") or [prefix + check.path]
        case All():
            for each in check.of:
                yield from paths(each, prefix)
        case Where():
            yield from paths(check.of, prefix)


def reached(mutant: Mutant) -> Iterator[str]:
    """The paths that a mutant changes, in the form of `paths`."""
    if mutant.own is None:
        yield re.sub(r"\[\d+\]", "[]", mutant.path)
    else:
        yield from leaves(mutant.own)


def leaves(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path


def test_every_condition_of_every_rule_has_a_mutant() -> None:
    missing = [
        f"{rule.id}: {kind}: {path}"
        for rule in RULES
        for kind, check in rule.checks.items()
        for path in paths(check)
        if not any(
            path.startswith(place) or place.startswith(path)
            for mutant in MUTANTS[rule.id]
            if mutant.type == kind
            for place in reached(mutant)
        )
    ]
    assert missing == []


def test_an_unknown_value_is_no_fault() -> None:
    """A preview cannot see it; the engine asks again in `up`."""
    unknown = sorted(UNKNOWN_TEXTS)[0]
    offenders = []
    for rule in RULES:
        for mutant in MUTANTS[rule.id]:
            if rule.stack_check is not None or mutant.own is not None or mutant.unprotected:
                continue
            base = mutant.base(rule)
            faults = [*rule.faults(base._replace(props=changed(base.props, mutant.path, unknown)))]
            offenders += [f"{rule.id}: {mutant.path}: {fault}" for fault in faults]
    assert offenders == []


def test_an_unknown_part_of_a_pod_is_no_fault() -> None:
    unknown = sorted(UNKNOWN_TEXTS)[0]
    offenders = [
        f"{name}: {path}: {fault}"
        for name, changes in mutants_kubernetes.POD_CHANGES.items()
        for path, _ in changes
        for mutant in in_every_kind_of_pod(path, unknown)
        for fault in by_id[name].faults(mutant.resource(by_id[name]))
    ]
    assert offenders == []


def test_a_resource_of_a_versioned_module_is_checked_too() -> None:
    [rule] = [rule for rule in RULES if rule.id == "postgres-standby"]
    [mutant] = MUTANTS[rule.id]
    broken = mutant.resource(rule)._replace(type="azure-native:dbforpostgresql/v20250801:Server")
    assert [*rule.faults(broken)] == ["highAvailability.mode is 'Disabled' and must be 'ZoneRedundant' or 'SameZone'"]


def test_no_message_shows_a_secret() -> None:
    secrets = ("s3cret", "MIIE", "abc")
    shown = [
        fault
        for name, found in MUTANTS.items()
        if name.startswith("secret-") or name == "aks-managed-identity"
        for mutant in found
        for fault in by_id[name].faults(mutant.resource(by_id[name]))
        if any(secret in fault for secret in secrets)
    ]
    assert shown == []


def test_the_bases_have_pods_of_every_executor() -> None:
    """Task pods are templates in a ConfigMap."""
    kinds = {each.kind for stack in BASES for each in recorded.resources(stack)}
    assert kinds >= {*TYPES} - {"kubernetes:core/v1:Pod", "kubernetes:apps/v1:DaemonSet", "kubernetes:batch/v1:CronJob"}
