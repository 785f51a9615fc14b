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
from components.contract.workloads import Workload, service_account_name
from components.kubernetes import naming
from components.settings.sections.options import Reserved
from components.settings.stack import Settings

LAUNCH_RULES: Final = (
    (("pods",), ("create", "delete", "get", "list", "patch", "watch")),
    (("pods/log",), ("get",)),
    (("events",), ("get", "list", "watch")),
)
"""Permissions of the Kubernetes executor and KubernetesPodOperator; patch adopts the pods of a stopped scheduler."""
XCOM_RULES: Final = ((("pods/exec",), ("create", "get")),)
"""The KubernetesPodOperator runs a command in the pod's sidecar to read a result."""
READ_LOG_RULES: Final = (
    (("pods",), ("get", "list", "watch")),
    (("pods/log",), ("get",)),
)
"""Permissions of the api-server to show the log of a task that is running in its own pod."""


def launchers(settings: Settings) -> list[Workload]:
    """The workloads that start pods: the scheduler for its executor, and the workloads that run operators."""
    present = workloads(settings.executor)
    return [
        workload
        for workload in present
        if (workload == "scheduler" and "task" in present)
        or (workload in {"worker", "task", "triggerer"} and settings.pod_operator)
    ]


def log_readers(settings: Settings) -> list[Workload]:
    """The workloads that read the logs of task pods."""
    return ["api-server"] if "task" in workloads(settings.executor) else []


RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """Tokens for the workloads that call the Kubernetes API, and the labels of workload identity."""
    clients: list[Workload] = [*launchers(context.settings), *log_readers(context.settings)]
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
    namespace: pulumi.Output[str]
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
        self.accounts = {workload: self._account(workload) for workload in workloads(settings.executor)}
        launch = [*LAUNCH_RULES, *(XCOM_RULES if settings.pod_operator_xcom else ())]
        self._grant("pod-launcher", launch, launchers(settings))
        self._grant("log-reader", READ_LOG_RULES, log_readers(settings))
        self.register_outputs({})

    def _account(self, workload: Workload) -> pulumi.Output[str]:
        identity = self._args.identities.get(workload, Identity())
        account = ServiceAccount(
            f"{self._name}-{workload}-account",
            # A fixed name: clouds bind identities to exactly this account.
            metadata=ObjectMetaArgs(
                name=service_account_name(self._args.settings.name, workload),
                namespace=self._args.namespace,
                labels=naming.labels(self._args.settings.name, workload),
                annotations=dict(identity.service_account_annotations) or None,
            ),
            automount_service_account_token=False,
            opts=self._child,
        )
        return account.metadata.name

    def _grant(
        self, role: str, rules: Sequence[tuple[Sequence[str], Sequence[str]]], workloads: Sequence[Workload]
    ) -> None:
        if not workloads:
            return
        metadata = ObjectMetaArgs(
            name=naming.object_name(self._args.settings.name, role),
            namespace=self._args.namespace,
            labels=naming.labels(self._args.settings.name, role),
        )
        created = Role(
            f"{self._name}-{role}",
            metadata=metadata,
            rules=[PolicyRuleArgs(api_groups=[""], resources=list(what), verbs=list(verbs)) for what, verbs in rules],
            opts=self._child,
        )
        RoleBinding(
            f"{self._name}-{role}-binding",
            metadata=metadata,
            role_ref=RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=created.metadata.name),
            subjects=[
                SubjectArgs(kind="ServiceAccount", name=self.accounts[workload], namespace=self._args.namespace)
                for workload in workloads
            ],
            opts=self._child,
        )
