"""Stack outputs: URL, login, and commands for access and logs.

Each output whose name ends with `_command` is one simple command: run it with `eval "$(pulumi stack output NAME)"`.
Pulumi prints outputs in alphabetical order; `next_steps` names those that are needed first, in their order.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import pulumi

from components.airflow.network.external_access import base_url
from components.airflow.ports import API_PORT, FLOWER_PORT
from components.contract.workloads import service_account_name
from components.pricing import estimate

if TYPE_CHECKING:
    from components.airflow.instance import Airflow
    from components.contract.cloud import Cloud
    from components.settings.stack import Settings

COMMANDS: Final = {
    "kubeconfig_command": "add the cluster to your kubeconfig",
    "kubelogin_command": "let kubectl log in as az did",
}
"""What the commands of the clouds do."""


def export(settings: Settings, cloud: Cloud, airflow: Airflow) -> None:
    """Export the outputs of a stack. Passwords are secrets: `pulumi stack output NAME --show-secrets` prints them."""
    kubectl = _kubectl(cloud, settings.namespace)
    api_server = f"{settings.name}-api-server"
    for key, value in {**cloud.outputs, **airflow.outputs}.items():
        pulumi.export(key, value)
    pulumi.export("next_steps", next_steps(settings, [*cloud.outputs]))
    pulumi.export("name", settings.name)
    pulumi.export("namespace", airflow.namespace)
    pulumi.export("admin_user", settings.admin.username)
    pulumi.export("admin_password", pulumi.Output.secret(airflow.admin_password))
    if airflow.user_passwords:
        passwords = pulumi.Output.all(**airflow.user_passwords)
        pulumi.export("user_passwords", pulumi.Output.secret(passwords))
    pulumi.export("kubectl", kubectl)
    pulumi.export(
        "port_forward_command",
        pulumi.Output.concat(kubectl, f" port-forward service/{api_server} {API_PORT}:{API_PORT}"),
    )
    pulumi.export("logs_command", pulumi.Output.concat(kubectl, f" logs --follow deployment/{settings.name}-scheduler"))
    pulumi.export(
        "exec_command", pulumi.Output.concat(kubectl, f" exec -it deployment/{settings.name}-scheduler -- airflow info")
    )
    if principals := cloud_principals(settings, cloud):
        pulumi.export("principals", principals)
    if not settings.existing_cluster:
        pulumi.export("monthly_price", estimate.summary_of(settings))
    if airflow.flower_password is not None:
        pulumi.export("flower_password", pulumi.Output.secret(airflow.flower_password))
        pulumi.export(
            "flower_port_forward_command",
            pulumi.Output.concat(kubectl, f" port-forward service/{settings.name}-flower {FLOWER_PORT}:{FLOWER_PORT}"),
        )


def cloud_principals(settings: Settings, cloud: Cloud) -> dict[str, pulumi.Input[str]]:
    """The principals that roles of the cloud are granted to, by the name of the ServiceAccount."""
    identities = {
        **{service_account_name(settings.name, workload): each for workload, each in cloud.identities.items()},
        **{project: access.identity for project, access in cloud.projects.items()},
    }
    return {account: each.principal for account, each in identities.items() if each.principal is not None}


def next_steps(settings: Settings, cloud_outputs: Sequence[str]) -> list[str]:
    """The commands after the first `up`, in order, each with what it does.

    A list, and without quotes: Pulumi prints line breaks and quotes of a text as escapes.
    """
    output = "pulumi stack output"
    steps = [
        (f"eval $({output} {key})", COMMANDS.get(key, "connect kubectl to the cluster"))
        for key in cloud_outputs
        if key.endswith("_command")
    ]
    if settings.exposure.gateway is not None:
        steps.append((f"{output} dns_records", f"create these DNS records, then open {base_url(settings)}"))
    else:
        steps.append((f"eval $({output} port_forward_command)", f"then open http://localhost:{API_PORT}"))
    steps.append((f"{output} --show-secrets admin_password", f"the password of the user {settings.admin.username}"))
    width = max(len(command) for command, _ in steps)
    return [f"{command:{width}}  # {what}" for command, what in steps]


def _kubectl(cloud: Cloud, namespace: str) -> pulumi.Output[str]:
    """A kubectl command for this stack's cluster, independent of the current context."""
    file = f" --kubeconfig {shlex.quote(cloud.kubeconfig)}" if cloud.kubeconfig is not None else ""
    quoted = pulumi.Output.from_input(cloud.context).apply(shlex.quote)
    return pulumi.Output.concat(f"kubectl{file} --context ", quoted, f" --namespace {namespace}")
