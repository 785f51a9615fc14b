"""Admission policies: no pod that DAG code can have created reaches a Secret, account or volume of the instance.

Roles say who may create pods; only an admission policy can say which pods. All policies fail closed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import pulumi
from pulumi_kubernetes.admissionregistration.v1 import (
    MatchConditionArgs,
    MatchResourcesArgs,
    NamedRuleWithOperationsArgs,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingAdmissionPolicyBindingSpecArgs,
    ValidatingAdmissionPolicySpecArgs,
    ValidationArgs,
    VariableArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.airflow.task_space import rules
from components.airflow.task_space.pod_defaults import executor_prefix
from components.airflow.task_space.rules import Rule, quoted
from components.contract.requirements import project_accounts
from components.contract.workloads import TASK_RUNNERS, Workload
from components.kubernetes import naming
from components.settings.sections.options import Reserved
from components.settings.stack import Settings

NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"
"""Set by the API server: nobody can change it."""
SCHEDULER_LABELS: Final = ("airflow-worker", "kubernetes_executor")
"""Labels by which the scheduler recognises pods of its executor (executors/kubernetes_executor_utils.py,
cncf.kubernetes 10.22): another pod with them could report states of other tasks."""
PAGE: Final = "see docs/task-pods.md"

RESERVED: Final[Reserved] = {}


@dataclass(frozen=True, kw_only=True)
class PolicyArgs:
    """Arguments of one policy; its class says which requests it checks."""

    namespace: str
    """The namespace whose requests it checks."""
    condition: str
    """Requests that the policy checks, in CEL."""
    rules: Sequence[Rule]

    RESOURCES: ClassVar[Sequence[str]]
    """Resources of the API group ""."""
    OPERATIONS: ClassVar[Sequence[str]]
    VARIABLES: ClassVar[Mapping[str, str]]
    """Expressions that its rules use, by name."""


class ChangePolicyArgs(PolicyArgs):
    """A policy about pods that are created or changed."""

    RESOURCES = ("pods",)
    OPERATIONS = ("CREATE", "UPDATE")
    VARIABLES = rules.VARIABLES


class AccessPolicyArgs(PolicyArgs):
    """A policy about pods that are entered or deleted."""

    RESOURCES = ("pods", "pods/attach", "pods/exec", "pods/portforward")
    OPERATIONS = ("CONNECT", "DELETE")
    VARIABLES: ClassVar[Mapping[str, str]] = {}


def create_policy(context: InstanceContext, name: str, args: PolicyArgs) -> pulumi.Output[str]:
    """A policy with its binding. Returns the name, resolved when the policy is in force.

    Args:
        context: the instance.
        name: the logical name after the instance's.
        args: the policy.
    """
    metadata = ObjectMetaArgs(
        # Not in a namespace: two instances in one cluster have two namespaces.
        name=naming.truncated_name(naming.KUBERNETES_NAME_MAX, args.namespace, context.name, name),
        labels=context.labels(name),
    )
    policy = ValidatingAdmissionPolicy(
        f"{context.name}-{name}",
        metadata=metadata,
        spec=ValidatingAdmissionPolicySpecArgs(
            failure_policy="Fail",
            match_constraints=MatchResourcesArgs(
                namespace_selector=LabelSelectorArgs(match_labels={NAMESPACE_LABEL: args.namespace}),
                resource_rules=[
                    NamedRuleWithOperationsArgs(
                        api_groups=[""],
                        api_versions=["v1"],
                        operations=list(args.OPERATIONS),
                        resources=list(args.RESOURCES),
                    )
                ],
            ),
            match_conditions=[MatchConditionArgs(name="requests", expression=args.condition)],
            variables=[VariableArgs(name=key, expression=text) for key, text in args.VARIABLES.items()] or None,
            validations=[
                ValidationArgs(expression=rule.expression, message=rule.message, reason="Forbidden")
                for rule in args.rules
            ],
        ),
        opts=context.child,
    )
    binding = ValidatingAdmissionPolicyBinding(
        f"{context.name}-{name}-binding",
        metadata=metadata,
        spec=ValidatingAdmissionPolicyBindingSpecArgs(policy_name=policy.metadata.name, validation_actions=["Deny"]),
        opts=context.child,
    )
    return binding.metadata.name


def create_feature(context: InstanceContext) -> Feature:
    """The policies of the namespace for tasks; empty without it. Workloads that create pods start after them."""
    if context.task_namespace_object is None:
        return Feature()
    settings = context.settings
    own = own_requests(settings)
    names = [
        create_policy(
            context,
            "task-pods",
            ChangePolicyArgs(
                namespace=settings.task_namespace,
                condition=f"request.operation == 'CREATE' || {own}",
                rules=pod_rules(context.name, scheduler(context), context.pull_secret, project_accounts(settings)),
            ),
        ),
        create_policy(
            context,
            "task-access",
            AccessPolicyArgs(
                namespace=settings.task_namespace,
                condition=f"{own} && request.userInfo.username != {quoted(scheduler(context))}",
                rules=[
                    Rule(
                        expression=f"!request.name.startsWith({quoted(executor_prefix(context.name))})",
                        message=f"pods of the Kubernetes executor are for the scheduler only; {PAGE}",
                    )
                ],
            ),
        ),
    ]
    creators: set[Workload] = {"scheduler", "triggerer", *TASK_RUNNERS}
    # The names never change: they only make these workloads wait for the policies.
    return Feature(overlays=[PodOverlay(workloads=creators, checksums=names)])


def own_requests(settings: Settings) -> str:
    """A request is by a ServiceAccount of the instance or of tasks, in CEL.

    Controllers create pods too, such as those of Jobs. They change pods as well, and only their status.
    """
    users = " || ".join(
        f"request.userInfo.username.startsWith({quoted(f'system:serviceaccount:{namespace}:')})"
        for namespace in (settings.namespace, settings.task_namespace)
    )
    return f"({users})"


def pod_rules(
    name: str, scheduler: str, pull_secret: pulumi.Input[str] | None, accounts: Sequence[str] = ()
) -> list[Rule]:
    """The rules of pods in the namespace for tasks.

    Args:
        name: the instance's name.
        scheduler: the scheduler's user name at the API server.
        pull_secret: the Secret for image pulls, which pods cannot read.
        accounts: further ServiceAccounts of the executor's pods.
    """
    task, pod, prefix = f"{name}-task", f"{name}-pod", executor_prefix(name)
    by_scheduler = f"request.userInfo.username == {quoted(scheduler)}"

    def foreign(where: str) -> str:
        return f"!{where}.startsWith({quoted(f'{name}-')})"

    def beside(text: str) -> str:
        return f"{by_scheduler} || ({text})"

    login = pulumi.Output.json_dumps([pull_secret] if pull_secret is not None else [])
    pulls = rules.pull_secrets(lambda where: f"({where} in LOGIN || {foreign(where)})")
    of_instance = f"whose name begins with {name}- belongs to the instance; use one of your own; {PAGE}"
    return [
        Rule(
            expression=f"{by_scheduler} ? variables.account in {json.dumps([task, *accounts])} : "
            f"(variables.account == {quoted(pod)} || {foreign('variables.account')})",
            message=f"pods of the executor use the ServiceAccount {task}, and pods of operators {pod} "
            f"or one of your own; {PAGE}",
        ),
        Rule(expression=beside(rules.secrets(foreign)), message=f"a Secret {of_instance}"),
        Rule(expression=beside(rules.config_maps(foreign)), message=f"a ConfigMap {of_instance}"),
        Rule(expression=beside(rules.claims(foreign)), message=f"a claim {of_instance}"),
        Rule(
            expression=login.apply(lambda text: pulls.replace("LOGIN", text)),
            message=f"a Secret for image pulls {of_instance}",
        ),
        Rule(
            expression=beside(" && ".join(f"!({quoted(label)} in variables.labels)" for label in SCHEDULER_LABELS)),
            message=f"the labels {' and '.join(SCHEDULER_LABELS)} are for pods of the executor; "
            f"choose other labels; {PAGE}",
        ),
        Rule(
            expression=f"object.metadata.name.startsWith({quoted(prefix)}) == ({by_scheduler})",
            message=f"names that begin with {prefix} are for pods of the executor, and it has no others; "
            f"choose another name; {PAGE}",
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class References:
    """The objects that the template of task pods refers to.

    A name that ends with a dash stands for all names that begin with it.
    """

    accounts: Sequence[pulumi.Input[str]]
    """The template's own, and those that the scheduler chooses for DAGs of projects."""
    secrets: Sequence[pulumi.Input[str]]
    pull_secret: pulumi.Input[str] | None
    claims: Sequence[pulumi.Input[str]]
    """Claims that task pods may write to."""
    read_only_claims: Sequence[pulumi.Input[str]]
    node_folders: Sequence[str]
    image_volumes: bool
    """Whether it mounts images as volumes, which Kubernetes 1.30 does not know."""


def create_tied_policy(context: InstanceContext, references: References) -> Feature:
    """The policy of task pods in the instance's namespace: they refer to what their template refers to, and no more.

    The scheduler creates them, but the author of a DAG decides on parts of their spec (`pod_override`).
    """
    name = create_policy(
        context,
        "tied-task-pods",
        ChangePolicyArgs(
            namespace=context.settings.namespace,
            condition=f"request.userInfo.username == {quoted(scheduler(context))}",
            rules=tied_rules(context.name, references),
        ),
    )
    return Feature(overlays=[PodOverlay(workloads={"scheduler"}, checksums=[name])])


def tied_rules(name: str, references: References) -> list[Rule]:
    """The rules of task pods in the instance's namespace."""
    prefix = executor_prefix(name)
    folders = json.dumps([*references.node_folders])
    folder = f"has(v.hostPath) && v.hostPath.path in {folders}"
    claims = [*references.claims, *references.read_only_claims]
    login = [references.pull_secret] if references.pull_secret is not None else []
    refused = f"of the template of task pods only; remove it from pod_override; {PAGE}"
    return [
        Rule(
            expression=_with_names(references.accounts, "NAMES.exists(n, n == variables.account)"),
            message=f"task pods use the ServiceAccount {refused}",
        ),
        Rule(
            expression=_with_names(references.secrets, rules.secrets(_among)),
            message=f"task pods read Secrets {refused}",
        ),
        Rule(
            expression=_with_names(login, rules.pull_secrets(_among)),
            message=f"task pods pull images with the Secret {refused}",
        ),
        Rule(expression=_with_names(claims, rules.claims(_among)), message=f"task pods mount claims {refused}"),
        Rule(
            expression=rules.volume_kinds(folder, *(["has(v.image)"] if references.image_volumes else [])),
            message=f"task pods mount folders of the node {refused}",
        ),
        Rule(
            expression=_with_names(
                references.claims,
                rules.read_only(
                    f"has(v.hostPath) || has(v.persistentVolumeClaim) && !{_among('v.persistentVolumeClaim.claimName')}"
                ),
            ),
            message=f"task pods mount DAG files read-only; remove the mount from pod_override; {PAGE}",
        ),
        Rule(
            expression=rules.restricted(),
            message=f"task pods pass Pod Security restricted; remove the field from pod_override; {PAGE}",
        ),
        Rule(
            expression=f"object.metadata.name.startsWith({quoted(prefix)})",
            message=f"names of task pods begin with {prefix}; {PAGE}",
        ),
    ]


def scheduler(context: InstanceContext) -> str:
    """The scheduler's user name at the API server."""
    account = naming.object_name(context.name, "scheduler")
    return f"system:serviceaccount:{context.settings.namespace}:{account}"


def _among(where: str) -> str:
    """A name is one of NAMES, or begins with one of them that ends with a dash."""
    return f"NAMES.exists(n, n.endsWith('-') ? {where}.startsWith(n) : n == {where})"


def _with_names(names: Sequence[pulumi.Input[str]], expression: str) -> pulumi.Output[str]:
    """The expression with a list of names in it."""
    return pulumi.Output.json_dumps(list(names)).apply(lambda text: expression.replace("NAMES", text))
