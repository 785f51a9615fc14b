"""The rules as policies of Pulumi's policy SDK."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policies.catalogue import RULES
from policies.profiles import ProfileError, cloud_kind, profile_of
from policies.resource import Resource, kind_of
from policies.rule import Profile, Rule

NAME: Final = "airflow"
LEVELS: Final = {
    "mandatory": EnforcementLevel.MANDATORY,
    "advisory": EnforcementLevel.ADVISORY,
    "off": EnforcementLevel.DISABLED,
}
PREFIXES: Final = {"gcp": "gcp:", "azure": "azure-native:"}
"""Prefix of the types of each cloud."""


def serve() -> None:
    """Answer the engine's questions until it ends this process.

    Without a stack, as in `pulumi policy publish`, rules have the levels of production.
    """
    config: Mapping[str, str] = pulumi.runtime.get_config_env()
    stack = os.environ.get("PULUMI_STACK")
    try:
        profile: Profile = "prod" if stack is None else profile_of(stack, config)
    except ProfileError as error:
        # Not an exception: the SDK would print its traceback.
        sys.exit(f"error: {error}")
    PolicyPack(NAME, policies(profile, cloud_kind(config)))


def policies(profile: Profile, cloud: str | None) -> list[Policy]:
    """All rules as policies, with their levels for a profile.

    Rules for resources of another cloud than the stack's are disabled: the SDK decodes each resource again for each
    policy that is not.
    """
    return [_policy(rule, _level(rule, profile, cloud)) for rule in RULES]


def _level(rule: Rule, profile: Profile, cloud: str | None) -> EnforcementLevel:
    foreign = tuple(prefix for kind, prefix in PREFIXES.items() if cloud is not None and kind != cloud)
    if rule.checks and all(kind.startswith(foreign) for kind in rule.checks):
        return EnforcementLevel.DISABLED
    return LEVELS[rule.level(profile)]


def _policy(rule: Rule, level: EnforcementLevel) -> Policy:
    described: dict[str, Any] = {
        "name": rule.id,
        "description": rule.title,
        "enforcement_level": level,
        "remediation_steps": rule.remedy,
        "url": rule.source,
    }
    if rule.stack_check is not None:
        return StackValidationPolicy(validate=lambda args, report: _check_stack(rule, args, report), **described)
    return ResourceValidationPolicy(validate=lambda args, report: _check_resource(rule, args, report), **described)


def _check_resource(rule: Rule, args: ResourceValidationArgs, report: ReportViolation) -> None:
    if kind_of(args.resource_type) in rule.checks:
        resource = Resource(args.urn, args.resource_type, args.name, plain(args.props), args.opts.protect)
        for fault in rule.faults(resource):
            report(_message(rule, fault), args.urn)


def _check_stack(rule: Rule, args: StackValidationArgs, report: ReportViolation) -> None:
    assert rule.stack_check is not None
    stack = [
        Resource(each.urn, each.resource_type, each.name, plain(each.props), each.opts.protect)
        for each in args.resources
    ]
    for resource, fault in rule.stack_check(stack):
        report(_message(rule, fault), resource.urn)


def _message(rule: Rule, fault: str) -> str:
    return f"{fault}. {rule.remedy}"


def plain(value: Any) -> Any:
    """A property without the SDK's proxies, which raise an error at an unknown value; unknown values become texts."""
    if isinstance(value, Mapping):
        return {key: _element(value, key) for key in value}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_element(value, index) for index in range(len(value))]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return value


def _element(holder: Any, key: Any) -> Any:
    try:
        return plain(holder[key])
    except UnknownValueError as unknown:
        return unknown.unknown_type_sentinel
