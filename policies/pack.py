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
    PolicyResource,
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


class Inputs:
    """The inputs of the resources that the engine has shown one by one.

    At the end the engine shows all resources of the stack with their outputs, of which a preview knows little: the
    plugin of azure-native, for example, answers with the fields of the API's response alone.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, Resource]] = {}

    def record(self, rule: Rule, args: ResourceValidationArgs) -> None:
        """Store a resource; of the many rules that are asked about it, only the first one does."""
        first, _ = self._seen.get(args.urn, (rule.id, None))
        if first == rule.id:
            self._seen[args.urn] = (rule.id, _resource(args))

    def of(self, shown: PolicyResource) -> Resource:
        """The inputs of a resource; its outputs if it was not shown on its own, as in a run with `--target`."""
        _, recorded = self._seen.get(shown.urn, ("", None))
        return recorded if recorded is not None else _resource(shown)


def policies(profile: Profile, cloud: str | None) -> list[Policy]:
    """All rules as policies, with their levels for a profile.

    Rules for resources of another cloud than the stack's are disabled: the SDK decodes each resource again for each
    policy that is not.
    """
    inputs = Inputs()
    return [_policy(rule, _level(rule, profile, cloud), inputs) for rule in RULES]


def _level(rule: Rule, profile: Profile, cloud: str | None) -> EnforcementLevel:
    foreign = tuple(prefix for kind, prefix in PREFIXES.items() if cloud is not None and kind != cloud)
    if rule.checks and all(kind.startswith(foreign) for kind in rule.checks):
        return EnforcementLevel.DISABLED
    return LEVELS[rule.level(profile)]


def _policy(rule: Rule, level: EnforcementLevel, inputs: Inputs) -> Policy:
    described: dict[str, Any] = {
        "name": rule.id,
        "description": rule.title,
        "enforcement_level": level,
        "remediation_steps": rule.remedy,
        "url": rule.source,
    }
    check = rule.stack_check

    def of_stack(args: StackValidationArgs, report: ReportViolation) -> None:
        for resource, fault in check([inputs.of(each) for each in args.resources]) if check is not None else ():
            report(_message(rule, fault), resource.urn)

    def of_resource(args: ResourceValidationArgs, report: ReportViolation) -> None:
        inputs.record(rule, args)
        if kind_of(args.resource_type) in rule.checks:
            for fault in rule.faults(_resource(args)):
                report(_message(rule, fault), args.urn)

    if check is not None:
        return StackValidationPolicy(validate=of_stack, **described)
    return ResourceValidationPolicy(validate=of_resource, **described)


def _resource(shown: ResourceValidationArgs | PolicyResource) -> Resource:
    return Resource(shown.urn, shown.resource_type, shown.name, plain(shown.props), shown.opts.protect)


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
