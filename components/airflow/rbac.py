"""ServiceAccounts and RBAC: one ServiceAccount for each workload, and Roles with minimum permissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import ServiceAccount
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgs, Role, RoleBinding, RoleRefArgs, SubjectArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.contract.cloud import Identity
from components.contract.requirements import workloads
from components.contract.workloads import WORKLOADS, Workload, service_account_name
from components.kubernetes import naming
from components.settings.sections.options import Reserved
from components.settings.stack import Settings

Rules = Sequence[tuple[Sequence[str], Sequence[str]]]
"""Resources, and verbs. A resource of another API group than "" is written with it: jobs.batch."""

LAUNCH_RULES: Final[Rules] = (
    (("pods",), ("create", "delete", "get", "list", "patch", "watch")),
    (("pods/log",), ("get",)),
    (("events",), ("get", "list", "watch")),
)
"""Permissions of the Kubernetes executor and KubernetesPodOperator; patch adopts the pods of a stopped scheduler."""
EXEC_RULES: Final[Rules] = ((("pods/exec",), ("create", "get")),)
"""The KubernetesPodOperator runs a command in the pod's sidecar to read a result (XCom)."""
JOB_RULES: Final[Rules] = (
    (("jobs.batch",), ("create", "delete", "get", "list", "patch", "watch")),
    (("jobs.batch/status",), ("get",)),
)
"""Permissions of the KubernetesJobOperator and of the operators that patch and delete Jobs."""
WATCH_RULES: Final[Rules] = (
    (("pods",), ("delete", "get", "list", "watch")),
    (("pods/log",), ("get",)),
    (("events",), ("get", "list", "watch")),
)
"""Permissions of the KubernetesPodOperator's trigger, which deletes the pod of a task that is stopped."""
WATCH_JOB_RULES: Final[Rules] = ((("jobs.batch", "jobs.batch/status"), ("get",)),)
READ_LOG_RULES: Final[Rules] = (
    (("pods",), ("get", "list", "watch")),
    (("pods/log",), ("get",)),
)
"""Permissions of the api-server to show the log of a task that is running in its own pod."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A Role in the namespace of one workload's pods, and the workloads that have it."""

    role: str
    pods_of: Workload
    """The workload whose pods the role is about."""
    rules: Rules
    holders: Sequence[Workload]


def grants(settings: Settings) -> list[Grant]:
    """All rights at the Kubernetes API."""
    present = workloads(settings)
    found: list[Grant] = []
    if "task" in present:
        found += [
            Grant(role="task-launcher", pods_of="task", rules=LAUNCH_RULES, holders=["scheduler"]),
            Grant(role="log-reader", pods_of="task", rules=READ_LOG_RULES, holders=["api-server"]),
        ]
    if "pod" in present:
        runners: list[Workload] = [workload for workload in present if WORKLOADS[workload].runs_tasks]
        # The trigger of a Job reads the result itself.
        watch = [*WATCH_RULES, *((*EXEC_RULES, *WATCH_JOB_RULES) if settings.pod_operator.jobs else ())]
        found += [
            Grant(role="pod-launcher", pods_of="pod", rules=launch_rules(settings), holders=runners),
            Grant(role="pod-watcher", pods_of="pod", rules=watch, holders=["triggerer"]),
        ]
    return found


def launch_rules(settings: Settings) -> Rules:
    """The rights of a task that starts pods with an operator."""
    return [*LAUNCH_RULES, *EXEC_RULES, *(JOB_RULES if settings.pod_operator.jobs else ())]


RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """Tokens for the workloads that call the Kubernetes API, and the labels of workload identity."""
    clients: set[Workload] = {holder for grant in grants(context.settings) for holder in grant.holders}
    return Feature(
        overlays=[
            PodOverlay(workloads=clients, kubernetes_api=True),
            *(
                PodOverlay(workloads={workload}, labels=identity.pod_labels)
                for workload, identity in context.cloud.identities.items()
            ),
        ]
    )


@dataclass(frozen=True, kw_only=True)
class AccessArgs:
    """Arguments of ServiceAccounts and Roles."""

    settings: Settings
    namespaces: Mapping[Workload, pulumi.Output[str]]
    """The namespace of each workload."""
    kubernetes: kubernetes.Provider
    identities: Mapping[Workload, Identity]


class Access(pulumi.ComponentResource):
    """The ServiceAccounts of an instance with their permissions."""

    accounts: Mapping[Workload, pulumi.Output[str]]

    def __init__(self, name: str, args: AccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Access", name, None, opts)
        self._args = args
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self, provider=args.kubernetes)
        settings = args.settings
        self.accounts = {workload: self._account(workload) for workload in workloads(settings)}
        for grant in grants(settings):
            self._grant(grant)
        self.register_outputs({})

    def _account(self, workload: Workload) -> pulumi.Output[str]:
        identity = self._args.identities.get(workload, Identity())
        account = ServiceAccount(
            f"{self._name}-{workload}-account",
            # A fixed name: clouds bind identities to exactly this account.
            metadata=ObjectMetaArgs(
                name=service_account_name(self._args.settings.name, workload),
                namespace=self._args.namespaces[workload],
                labels=naming.labels(self._args.settings.name, workload),
                annotations=dict(identity.service_account_annotations) or None,
            ),
            automount_service_account_token=False,
            opts=self._child,
        )
        return account.metadata.name

    def _grant(self, grant: Grant) -> None:
        metadata = ObjectMetaArgs(
            name=naming.object_name(self._args.settings.name, grant.role),
            namespace=self._args.namespaces[grant.pods_of],
            labels=naming.labels(self._args.settings.name, grant.role),
        )
        created = Role(
            f"{self._name}-{grant.role}",
            metadata=metadata,
            rules=[policy_rule(what, verbs) for what, verbs in grant.rules],
            opts=self._child,
        )
        RoleBinding(
            f"{self._name}-{grant.role}-binding",
            metadata=metadata,
            role_ref=RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=created.metadata.name),
            subjects=[
                SubjectArgs(kind="ServiceAccount", name=self.accounts[holder], namespace=self._args.namespaces[holder])
                for holder in grant.holders
            ],
            opts=self._child,
        )


def policy_rule(resources: Sequence[str], verbs: Sequence[str]) -> PolicyRuleArgs:
    """One rule of a Role, for resources of one API group."""
    names, groups = zip(*(_resource(each) for each in resources), strict=True)
    [group] = set(groups)
    return PolicyRuleArgs(api_groups=[group], resources=list(names), verbs=list(verbs))


def _resource(written: str) -> tuple[str, str]:
    """A resource's name with its subresource, and its API group."""
    name, slash, subresource = written.partition("/")
    name, _, group = name.partition(".")
    return f"{name}{slash}{subresource}", group
