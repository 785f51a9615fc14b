"""The project's own stack files under the policy pack."""

from __future__ import annotations

from typing import Final

import pytest

from policies.evaluation import findings
from tests.unit.policies import recorded
from tests.unit.recording.stacks import recordings

ADVISORY: Final = {
    "azure, stack file prod": {
        # The feature must be registered in the subscription, which takes minutes; the file says how.
        "aks-encryption-at-host",
    },
    "gcp, sample kubernetes": {
        # Needs a key of Cloud KMS.
        "gke-secrets-encryption",
        # Needs a policy of the project.
        "gke-signed-images",
    },
}
"""Ids of the advisory rules with findings, by stack, with the reason."""
NOT_RESTRICTED: Final = {
    # The setting is for a cluster of one node, whose folder holds the DAG files.
    "both, DAGs from a folder of the node": {"pod-volumes", "namespace-pod-security"},
}
"""Ids of the rules that a setting breaks on purpose, by stack, with the reason."""


@pytest.mark.parametrize("stack", recorded.SHIPPED)
def test_a_shipped_stack_has_no_findings_but_the_listed_advice(stack: str) -> None:
    found = findings(recorded.resources(stack), recorded.profile(stack))
    assert [str(each) for each in found if each.fails] == []
    assert {each.rule.id for each in found} == ADVISORY.get(stack, set())


@pytest.mark.parametrize("stack", recorded.SHIPPED)
def test_a_shipped_stack_has_the_profile_that_its_file_means(stack: str) -> None:
    assert recorded.profile(stack) == recorded.SHIPPED[stack][1]


def test_no_setting_breaks_a_rule_that_stacks_for_development_must_keep() -> None:
    broken: dict[str, set[str]] = {}
    for stack, recording in recordings():
        for found in findings(recorded.of(recording), "dev"):
            if found.fails:
                broken.setdefault(stack, set()).add(found.rule.id)
    assert broken == NOT_RESTRICTED
