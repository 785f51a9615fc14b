"""Permissions in the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import pytest

from components.contract.workloads import WORKLOADS
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import recorded, recordings

LAUNCH: Final = {
    "pods": {"create", "delete", "get", "list", "patch", "watch"},
    "pods/log": {"get"},
    "events": {"get", "list", "watch"},
}
EXEC: Final = {"pods/exec": {"create", "get"}}
WATCH: Final = {
    "pods": {"delete", "get", "list", "watch"},
    "pods/log": {"get"},
    "events": {"get", "list", "watch"},
}
JOBS: Final = {"jobs.batch": {"create", "delete", "get", "list", "patch", "watch"}, "jobs.batch/status": {"get"}}
WATCH_JOBS: Final = {"jobs.batch": {"get"}, "jobs.batch/status": {"get"}}
READ_LOGS: Final = {"pods": {"get", "list", "watch"}, "pods/log": {"get"}}
FORBIDDEN_RESOURCES: Final = {"secrets", "roles", "rolebindings", "clusterroles", "serviceaccounts", "pods/attach"}
FORBIDDEN_VERBS: Final = {"*", "escalate", "bind", "impersonate"}

Rights = dict[str, tuple[str, dict[str, set[str]], set[str]]]


def operators(*runners: str, more: Mapping[str, set[str]] = MappingProxyType({})) -> Rights:
    """The rights for operators, in the namespace for tasks."""
    return {
        "pod-launcher": ("airflow-tasks", {**LAUNCH, **EXEC, **more}, {*runners}),
        "pod-watcher": ("airflow-tasks", WATCH, {"triggerer"}),
    }


def executor(namespace: str) -> Rights:
    """The rights for the Kubernetes executor."""
    return {
        "task-launcher": (namespace, LAUNCH, {"scheduler"}),
        "log-reader": (namespace, READ_LOGS, {"api-server"}),
    }


RIGHTS: Final[dict[str, Rights]] = {
    "celery": operators("worker"),
    "kubernetes": executor("airflow") | operators("task"),
    "celery+kubernetes": executor("airflow") | operators("worker", "task"),
    "celery, no pod operator": {},
    "both, no pod operator": executor("airflow"),
    "both, pod operator with Jobs": {
        **executor("airflow"),
        **operators("worker", "task", more=JOBS),
        "pod-watcher": ("airflow-tasks", WATCH | EXEC | WATCH_JOBS, {"triggerer"}),
    },
    # No volume ties task pods to the instance's namespace.
    "stand-in cloud, kubernetes": executor("airflow-tasks") | operators("task"),
}
"""By stack and role: its namespace, permissions and accounts."""


def rules(role: dict[str, Any]) -> dict[str, set[str]]:
    allowed: dict[str, set[str]] = {}
    for rule in role["rules"]:
        [group] = rule["apiGroups"]
        for resource in rule["resources"]:
            name, slash, subresource = resource.partition("/")
            key = f"{name}.{group}{slash}{subresource}" if group else resource
            allowed.setdefault(key, set()).update(rule["verbs"])
    return allowed


def rights(recording: Recording) -> Rights:
    found = {}
    for role in recording.of_type("Role"):
        holders = {
            subject["name"].removeprefix("airflow-")
            for binding in recording.of_type("RoleBinding")
            if binding.plain["roleRef"]["name"] == role.object_name and binding.namespace == role.namespace
            for subject in binding.plain["subjects"]
        }
        found[role.object_name.removeprefix("airflow-")] = (role.namespace or "", rules(role.plain), holders)
    return found


@pytest.mark.parametrize("stack", RIGHTS)
def test_each_account_has_exactly_the_rights_that_its_part_needs(stack: str) -> None:
    """T17 and T25: patch and pods/log are allowed, and workers may create pods with Celery, too."""
    assert rights(recorded(stack)) == RIGHTS[stack]


def test_no_account_that_runs_code_of_dag_authors_has_a_right_in_the_instances_namespace() -> None:
    """One pod beside the instance's Secrets reads them all."""
    offenders = []
    for stack, recording in recordings():
        name, home = recording.outputs["name"], recording.outputs["namespace"]
        authors = {f"{name}-{workload}" for workload, traits in WORKLOADS.items() if traits.dag_code}
        offenders += [
            f"{stack}: {binding.name}: {subject['name']}"
            for binding in recording.of_type("RoleBinding")
            if binding.namespace == home
            for subject in binding.plain["subjects"]
            if subject["name"] in authors
        ]
    assert offenders == []


def test_nothing_reaches_beyond_its_namespace() -> None:
    assert [f"{s}: {f.name}" for s, r in recordings() for f in r.of_type("ClusterRole", "ClusterRoleBinding")] == []


def test_no_rule_is_a_wildcard_or_a_way_to_more_rights() -> None:
    offenders = []
    for stack, recording in recordings():
        for role in recording.of_type("Role"):
            for rule in role.plain["rules"]:
                if (
                    set(rule["verbs"]) & FORBIDDEN_VERBS
                    or set(rule["resources"]) & (FORBIDDEN_RESOURCES | {"*"})
                    or "*" in rule["apiGroups"]
                ):
                    offenders.append(f"{stack}: {role.name}: {rule}")
    assert offenders == []


def test_every_binding_leads_from_an_account_that_is_there_to_a_role_that_is_there() -> None:
    offenders = []
    for stack, recording in recordings():
        accounts = {(found.namespace, found.object_name) for found in recording.of_type("ServiceAccount")}
        roles = {(found.namespace, found.object_name) for found in recording.of_type("Role")}
        bound = set()
        for binding in recording.of_type("RoleBinding"):
            reference = binding.plain["roleRef"]
            bound.add((binding.namespace, reference["name"]))
            if reference["kind"] != "Role" or reference["apiGroup"] != "rbac.authorization.k8s.io":
                offenders.append(f"{stack}: {binding.name}: {reference}")
            offenders += [
                f"{stack}: {binding.name}: {subject}"
                for subject in binding.plain["subjects"]
                if subject["kind"] != "ServiceAccount" or (subject["namespace"], subject["name"]) not in accounts
            ]
        if bound != roles:
            offenders.append(f"{stack}: bound {bound}, there are {roles}")
    assert offenders == []


def test_accounts_have_names_that_a_cloud_can_bind_an_identity_to() -> None:
    """The cloud would have to know Pulumi's suffix before the account exists."""
    offenders = [
        f"{stack}: {found.name}"
        for stack, recording in recordings()
        for found in recording.of_type("ServiceAccount")
        if "-access-" in found.name and "name" not in found.plain["metadata"]
    ]
    assert offenders == []
