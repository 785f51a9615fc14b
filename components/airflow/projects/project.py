"""The objects of projects in the cluster. All are in the namespace for tasks and have the project's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpecArgs,
    Secret,
    ServiceAccount,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import Role, RoleBinding, RoleRefArgs, SubjectArgs

from components.airflow import rbac
from components.airflow.context import InstanceContext
from components.airflow.projects.facts import data_url, object_store
from components.contract.requirements import PROJECT_LABEL, runs_tasks
from components.kubernetes import naming, pods
from components.settings.loader import project_secret
from components.settings.sections.projects import Project

OWNER: Final = "projects"


def create_projects(context: InstanceContext) -> None:
    """The objects of all projects."""
    for project in context.settings.projects:
        ProjectObjects(
            f"{context.name}-project-{project.name}",
            ProjectArgs(context=context, project=project),
            opts=pulumi.ResourceOptions(parent=context.component),
        )


@dataclass(frozen=True, kw_only=True)
class ProjectArgs:
    """Arguments of a project's objects."""

    context: InstanceContext
    project: Project


class ProjectObjects(pulumi.ComponentResource):
    """The ConfigMap, Secret, ServiceAccount and claim of a project, and the rights of its tasks.

    A changed value replaces its object under the same name: only pods that start afterwards have the new value, a pod
    that starts meanwhile waits for the object, and no pod of the instance restarts.
    """

    def __init__(self, name: str, args: ProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Project", name, None, opts)
        self._name, self._context, self._project = name, args.context, args.project
        self._child = pulumi.ResourceOptions(parent=self, provider=args.context.kubernetes)
        self._create_accounts()
        ConfigMap(f"{name}-config", metadata=self._metadata(), data=self._variables(), opts=self._child)
        if args.project.secrets:
            Secret(
                f"{name}-secret",
                metadata=self._metadata(),
                string_data={key: project_secret(args.project.name, key) for key in args.project.secrets},
                opts=self._child,
            )
        self._create_claim()
        self.register_outputs({})

    def _metadata(
        self,
        namespace: pulumi.Output[str] | None = None,
        annotations: Mapping[str, pulumi.Input[str]] | None = None,
    ) -> ObjectMetaArgs:
        name = self._project.name
        return ObjectMetaArgs(
            name=name,
            namespace=namespace if namespace is not None else self._context.task_namespace,
            labels={**naming.labels(self._context.name, OWNER), PROJECT_LABEL: name},
            annotations=annotations,
        )

    def _variables(self) -> dict[str, pulumi.Input[str]]:
        """The stack's own values, and where the project's data is."""
        project = self._project
        variables: dict[str, pulumi.Input[str]] = {**project.config, "AIRFLOW_PROJECT": project.name}
        if (url := data_url(self._context, project)) is not None:
            variables["AIRFLOW_PROJECT_DATA"] = url
        store = object_store(self._context, project)
        if store is not None and store.options:
            # The arguments of fsspec's file system, which it reads from its environment (fsspec/config.py).
            variables[f"FSSPEC_{store.protocol.upper()}"] = pulumi.Output.json_dumps(
                dict(store.options), sort_keys=True
            )
        return variables

    def _create_accounts(self) -> None:
        context, project = self._context, self._project
        access = context.cloud.projects.get(project.name)
        annotations = dict(access.identity.service_account_annotations) if access is not None else None
        spaces = {"": context.task_namespace}
        if runs_tasks(context.settings, project) and context.settings.tasks_tied:
            # A ServiceAccount belongs to one namespace, and a volume ties the pods of tasks to the instance's.
            spaces["-task"] = context.namespace
        for suffix, namespace in spaces.items():
            ServiceAccount(
                f"{self._name}{suffix}-account",
                # A fixed name: clouds bind identities to exactly this account.
                metadata=self._metadata(namespace, annotations),
                automount_service_account_token=False,
                opts=self._child,
            )
        if runs_tasks(context.settings, project):
            self._grant_launches(spaces.get("-task", spaces[""]))

    def _grant_launches(self, namespace: pulumi.Output[str]) -> None:
        """The right of the project's tasks to start pods. The admission policy limits it to pods of the project.

        Not to start Jobs: a controller creates their pods, and the policy cannot tell for whom.
        """
        metadata = self._metadata()
        role = Role(
            f"{self._name}-launcher",
            metadata=metadata,
            rules=[rbac.policy_rule(what, verbs) for what, verbs in (*rbac.LAUNCH_RULES, *rbac.EXEC_RULES)],
            opts=self._child,
        )
        RoleBinding(
            f"{self._name}-launcher-binding",
            metadata=metadata,
            role_ref=RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=role.metadata.name),
            subjects=[SubjectArgs(kind="ServiceAccount", name=self._project.name, namespace=namespace)],
            opts=self._child,
        )

    def _create_claim(self) -> None:
        claim = self._project.data.claim
        if claim is None:
            return
        context = self._context
        # In state as "<name>-data": renaming loses the project's data.
        PersistentVolumeClaim(
            f"{self._name}-data",
            metadata=self._metadata(annotations=pods.SKIP_AWAIT),
            spec=PersistentVolumeClaimSpecArgs(
                access_modes=[claim.access_mode],
                storage_class_name=claim.storage_class or context.cloud.storage_class,
                resources=VolumeResourceRequirementsArgs(requests={"storage": f"{claim.size_gib}Gi"}),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=context.kubernetes,
                protect=context.settings.protect,
                # Pods of tasks are not in state, and a remaining one blocks the claim's deletion: the namespace
                # deletes both.
                deleted_with=context.task_namespace_object,
            ),
        )
