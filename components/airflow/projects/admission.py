"""Admission policies of projects: no pod refers to objects of another project, and tasks reach only their own pods.

Roles cannot tell pods of one namespace apart. These policies add to those of all pods in the namespace for tasks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import pulumi

from components.airflow.context import InstanceContext
from components.airflow.task_space import rules
from components.airflow.task_space.admission import (
    AccessPolicyArgs,
    ChangePolicyArgs,
    create_policy,
    own_requests,
    scheduler,
)
from components.airflow.task_space.rules import Rule, quoted
from components.contract.requirements import PROJECT_LABEL, project_accounts

PAGE: Final = "see docs/projects.md"
SEPARATOR: Final = "--"
"""Between a project's name and the rest of a pod's name; airflow_project/pods.py has it too. No project's name has it,
so no name belongs to two projects."""
LABEL_OF_POD: Final = (
    f"(has(object.metadata.labels) && '{PROJECT_LABEL}' in object.metadata.labels ? "
    f"object.metadata.labels['{PROJECT_LABEL}'] : '')"
)
"""The project in a pod's label, in CEL; empty without one."""


def create_policies(context: InstanceContext) -> list[pulumi.Output[str]]:
    """The policies of a stack with projects. Returns their names."""
    settings = context.settings
    projects = [project.name for project in settings.projects]
    namespaces = (settings.namespace, settings.task_namespace)
    accounts = project_accounts(settings)
    tied = [_create_tied_policy(context, accounts)] if settings.tasks_tied and accounts else []
    return [
        *tied,
        create_policy(
            context,
            "project-pods",
            ChangePolicyArgs(
                namespace=settings.task_namespace,
                condition=f"request.operation == 'CREATE' || {own_requests(settings)}",
                rules=pod_rules(projects, namespaces, scheduler(context)),
            ),
        ),
        create_policy(
            context,
            "project-access",
            AccessPolicyArgs(
                namespace=settings.task_namespace,
                condition=own_requests(settings),
                rules=[
                    Rule(
                        expression=_requesters(
                            projects, namespaces, f"request.name.startsWith(p + {quoted(SEPARATOR)})"
                        ),
                        message=f"tasks of a project reach pods of their own project only; {PAGE}",
                    )
                ],
            ),
        ),
    ]


def _create_tied_policy(context: InstanceContext, accounts: Sequence[str]) -> pulumi.Output[str]:
    """The policy of task pods in the instance's namespace: the ServiceAccount of a project only with its label."""
    label = LABEL_OF_POD
    return create_policy(
        context,
        "tied-project-pods",
        ChangePolicyArgs(
            namespace=context.settings.namespace,
            condition=f"request.userInfo.username == {quoted(scheduler(context))}",
            rules=[
                Rule(
                    expression=f"!(variables.account in {json.dumps([*accounts])}) || variables.account == {label}",
                    message=f"this ServiceAccount is for tasks of the project's own DAGs; {PAGE}",
                )
            ],
        ),
    )


def pod_rules(projects: Sequence[str], namespaces: Sequence[str], scheduler: str) -> list[Rule]:
    """The rules of pods in the namespace for tasks.

    Args:
        projects: names of all projects.
        namespaces: the namespaces in which tasks run.
        scheduler: the scheduler's user name at the API server.
    """
    names = json.dumps([*projects])
    label = LABEL_OF_POD

    def own(where: str) -> str:
        """A name is none of a project, or that of the pod's."""
        return f"(!({where} in {names}) || {where} == {label})"

    refused = f"belongs to a project, and only pods with its label {PROJECT_LABEL} use it; {PAGE}"
    prefixed = f"object.metadata.name.startsWith(p + {quoted(SEPARATOR)})"
    return [
        Rule(expression=own("variables.account"), message=f"this ServiceAccount {refused}"),
        Rule(expression=rules.secrets(own), message=f"this Secret {refused}"),
        Rule(expression=rules.config_maps(own), message=f"this ConfigMap {refused}"),
        Rule(expression=rules.claims(own), message=f"this claim {refused}"),
        Rule(expression=rules.pull_secrets(own), message=f"this Secret for image pulls {refused}"),
        Rule(
            expression=_requesters(
                projects,
                namespaces,
                f"{label} == p && variables.account == p",
            ),
            message=f"tasks of a project start and change pods of their own project only; {PAGE}",
        ),
        # A name never changes: so a pod stays with its project too.
        Rule(
            expression=f"request.userInfo.username == {quoted(scheduler)} || "
            f"{names}.all(p, {prefixed} == ({label} == p))",
            message=f"names of a project's pods begin with its name and {SEPARATOR}, and no other names do; {PAGE}",
        ),
    ]


def _requesters(projects: Sequence[str], namespaces: Sequence[str], condition: str) -> str:
    """The condition of a project `p` holds for requests by its own ServiceAccounts. CEL."""
    users = " || ".join(
        f"request.userInfo.username == {quoted(f'system:serviceaccount:{namespace}:')} + p" for namespace in namespaces
    )
    return f"{json.dumps([*projects])}.all(p, !({users}) || ({condition}))"
