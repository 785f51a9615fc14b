"""The rules as policies of the SDK, and the contract of the table of rules."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, Final

import pytest
import yaml
from pulumi_policy import (
    EnforcementLevel,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    StackValidationArgs,
)
from pulumi_policy.proxy import unknown_checking_proxy

from components.settings.stack import Settings
from docs import settings as table
from policies.catalogue import RULES
from policies.pack import plain, policies
from policies.resource import UNKNOWN_TEXTS
from policies.rule import Level
from policies.rules import azure_cluster, exposure, kubernetes_pods, secrets
from tests.unit.cloud.test_properties import CLOUDS
from tests.unit.recording.stacks import ROOT

NEVER_RELAXED: Final = frozenset[str]().union(*(cloud.never_relaxed for cloud in CLOUDS.values()))
"""Cloud properties of identity, TLS, public data and secrets."""
NEVER_RELAXED_MODULES: Final = (kubernetes_pods, secrets, exposure)
RELAXED: Final = {
    "service-node-port": "only an existing cluster offers it, and there one's own machine can be the whole cluster",
}
SETTING: Final = re.compile(r"airflow:([a-z_.]+[a-z_])")


def levels(profile: Any, cloud: str | None) -> dict[str, EnforcementLevel | None]:
    return {policy.name: policy.enforcement_level for policy in policies(profile, cloud)}


def test_levels_follow_the_profile() -> None:
    prod, dev = levels("prod", "azure"), levels("dev", "azure")
    assert (prod["postgres-standby"], dev["postgres-standby"]) == (
        EnforcementLevel.MANDATORY,
        EnforcementLevel.DISABLED,
    )
    assert (prod["storage-tls"], dev["storage-tls"]) == (EnforcementLevel.MANDATORY, EnforcementLevel.MANDATORY)
    assert (prod["service-node-port"], dev["service-node-port"]) == (
        EnforcementLevel.MANDATORY,
        EnforcementLevel.ADVISORY,
    )


def test_rules_of_another_cloud_are_disabled_and_without_a_stack_none_is() -> None:
    on_google = levels("prod", "gcp")
    assert on_google["storage-tls"] == EnforcementLevel.DISABLED
    assert on_google["cloudsql-tls"] == on_google["pod-user"] == EnforcementLevel.MANDATORY
    on_existing = levels("prod", "existing")
    assert on_existing["storage-tls"] == on_existing["cloudsql-tls"] == EnforcementLevel.DISABLED
    assert on_existing["data-protection"] == EnforcementLevel.MANDATORY
    assert EnforcementLevel.DISABLED not in levels("prod", None).values()


def test_development_never_relaxes_identity_tls_public_data_or_secrets() -> None:
    """It may relax cost and protection."""
    strict = {rule.id for module in NEVER_RELAXED_MODULES for rule in module.RULES}
    strict |= {rule.id for rule in RULES if NEVER_RELAXED.intersection(rule.rows)}
    assert len(strict) > 50
    assert {rule.id for rule in RULES if rule.id in strict and rule.dev != "mandatory"} == RELAXED.keys()


def test_production_has_no_rule_off_and_development_none_that_is_stricter() -> None:
    order: dict[Level, int] = {"off": 0, "advisory": 1, "mandatory": 2}
    assert [rule.id for rule in RULES if rule.prod == "off" or order[rule.dev] > order[rule.prod]] == []


def test_remedies_name_settings_or_modules_that_exist() -> None:
    known = {f"{row.key.replace('[]', '')}." for row in table.rows(Settings)}
    offenders = [
        f"{rule.id}: {name}"
        for rule in RULES
        for name in SETTING.findall(rule.remedy)
        if not any(key.startswith(f"{name}.") for key in known)
    ]
    modules = [
        f"{rule.id}: {path}"
        for rule in RULES
        for path in re.findall(r"components/[\w/]+(?:\.py)?", rule.remedy)
        if not (ROOT / path).exists()
    ]
    assert offenders + modules == []
    without = [rule.id for rule in RULES if not SETTING.search(rule.remedy) and "components/" not in rule.remedy]
    assert without == [
        # Nothing in the program creates such a thing.
        "gcp-open-firewall",
        "aks-keyvault-rotation",
        "postgres-tls",
        "secret-machine-metadata",
    ]


def test_a_rule_is_a_sentence_with_a_source() -> None:
    assert [rule.id for rule in RULES if not rule.title.endswith(".") or not rule.source.startswith("https://")] == []
    assert [rule.id for rule in RULES if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id)] == []
    assert [rule.id for rule in RULES if bool(rule.checks) == (rule.stack_check is not None)] == []


def test_the_pack_runs_in_the_environment_of_the_program() -> None:
    """Both paths are relative to their files' folders."""
    program = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["runtime"]
    pack = yaml.safe_load((ROOT / "policies/PulumiPolicy.yaml").read_text())["runtime"]
    assert pack["options"]["virtualenv"] == f"../{program['options']['virtualenv']}"
    assert {**pack["options"], "virtualenv": ""} == {**program["options"], "virtualenv": ""}


def test_unknown_values_become_texts_and_everything_else_stays() -> None:
    unknown = sorted(UNKNOWN_TEXTS)[0]
    props = {"a": {"b": [1, "x", unknown]}, "c": unknown, "d": None}
    assert plain(unknown_checking_proxy(props)) == props


OPTIONS: Final = PolicyResourceOptions(True, [], None, [], SimpleNamespace(), [], None)


def analyzed(props: dict[str, Any], found: list[str]) -> None:
    """Show all policies one server, as the engine does, and then the whole stack with outputs."""
    pack = policies("prod", "azure")
    kind, urn = "azure-native:monitor:DiagnosticSetting", "urn::setting"
    cluster = "azure-native:containerservice:ManagedCluster"

    def report(message: str, urn: str | None = None) -> None:
        found.append(message)

    for policy in pack:
        if policy.name == "pod-user":
            policy.validate(
                ResourceValidationArgs(kind, unknown_checking_proxy(props), urn, "x", OPTIONS, None), report
            )
    resources = [
        PolicyResource(kind, {}, urn, "x", OPTIONS, None, None, [], {}),
        PolicyResource(cluster, {}, "urn::cluster", "y", OPTIONS, None, None, [], {}),
    ]
    for policy in pack:
        if policy.name == "aks-audit":
            policy.validate(StackValidationArgs(resources), report)


@pytest.mark.parametrize(("category", "faults"), [("kube-audit-admin", 0), ("guard", 1)])
def test_rules_over_the_whole_stack_see_inputs(category: str, faults: int) -> None:
    """The outputs that the engine shows at the end have no diagnostic logs in a preview."""
    found: list[str] = []
    analyzed({"logs": [{"category": category, "enabled": True}]}, found)
    assert len(found) == faults


@pytest.mark.parametrize(("names", "faults"), [(sorted(azure_cluster.SCHEDULES), 0), (["default"], 1)])
def test_resources_outside_of_a_targeted_run_are_judged_by_their_outputs(names: list[str], faults: int) -> None:
    """The engine shows only the targets on their own. Outputs have the API's names of properties."""
    found: list[str] = []
    resources = [
        PolicyResource(azure_cluster.MAINTENANCE, {"name": name}, f"urn::{name}", name, OPTIONS, None, None, [], {})
        for name in names
    ]
    resources.append(PolicyResource(azure_cluster.CLUSTER, {}, "urn::cluster", "y", OPTIONS, None, None, [], {}))
    for policy in policies("prod", "azure"):
        if policy.name == "aks-maintenance-window":
            policy.validate(StackValidationArgs(resources), lambda message, urn=None: found.append(message))
    assert len(found) == faults
