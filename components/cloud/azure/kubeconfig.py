"""The kubeconfig of an AKS cluster: it logs in by kubelogin, and holds no token."""

from __future__ import annotations

import base64
import json
from typing import Any, Final, cast

import pulumi
import yaml
from pulumi_azure_native import containerservice

from components.settings.azure.cloud import AzureCloud

SERVER_APPLICATION: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The application of Entra that every AKS cluster takes tokens for,
https://azure.github.io/kubelogin/concepts/aks.html."""
CLIENT_APPLICATION: Final = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
"""The application of kubelogin itself, by which a person logs in with a code; the same page."""


def kubeconfig(
    cluster: pulumi.Input[str],
    group: pulumi.Input[str],
    login: str,
    tenant: pulumi.Input[str],
    opts: pulumi.InvokeOutputOptions,
) -> pulumi.Output[str]:
    """The cluster's kubeconfig, secret.

    Args:
        cluster: the cluster's name.
        group: the name of its resource group.
        login: kubelogin's way to log in.
        tenant: the directory to log in to.
        opts: the provider to ask, and what must be there before.
    """
    # The only answer of Azure with the cluster's authority; without local accounts there are no credentials in it.
    answer = containerservice.list_managed_cluster_user_credentials_output(
        resource_group_name=group, resource_name=cluster, format="exec", opts=opts
    )
    given = answer.kubeconfigs.apply(lambda kubeconfigs: str(kubeconfigs[0].value))
    return pulumi.Output.secret(
        pulumi.Output.all(cluster, given, tenant).apply(lambda known: rebuilt(known[0], known[1], login, known[2]))
    )


def rebuilt(name: str, given: str, login: str, tenant: str) -> str:
    """A kubeconfig with one context; address and authority are the given one's, the login is our own.

    Args:
        name: what cluster, user and context are called.
        given: a kubeconfig in base64.
        login: kubelogin's way to log in.
        tenant: the directory to log in to.
    """
    content = cast("dict[str, Any]", yaml.safe_load(base64.b64decode(given)))
    [entry] = cast("list[dict[str, Any]]", content["clusters"])
    found = cast("dict[str, str]", entry["cluster"])
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "kubelogin",
        "args": ["get-token", "--login", login, "--server-id", SERVER_APPLICATION, *_identification(login, tenant)],
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": False,
        "installHint": "run: az aks install-cli, or see https://azure.github.io/kubelogin/install.html",
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {key: found[key] for key in ("server", "certificate-authority-data")}}
            ],
            "users": [{"name": name, "user": {"exec": plugin}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


def _identification(login: str, tenant: str) -> list[str]:
    """Further arguments of kubelogin.

    `devicecode`, `spn` and `workloadidentity` refuse to log in to no directory in particular, and `azurecli` would log
    in to that of whichever subscription is the default one (pkg/internal/token in Azure/kubelogin). `devicecode` wants
    an application, too; the others have their own, which the environment of a pipeline names.
    """
    client = ["--client-id", CLIENT_APPLICATION] if login == "devicecode" else []
    return ["--tenant-id", tenant, *client]


def kubeconfig_command(cloud: AzureCloud, group: pulumi.Input[str], cluster: pulumi.Input[str]) -> pulumi.Output[str]:
    """Writes a context named like the cluster into the user's kubeconfig, https://learn.microsoft.com/en-us/cli/azure/aks."""
    return pulumi.Output.concat(
        f"az aks get-credentials --subscription {cloud.subscription_id} --resource-group ",
        group,
        " --name ",
        cluster,
        " --context ",
        cluster,
        " --overwrite-existing",
    )


def kubelogin_command(cloud: AzureCloud, cluster: pulumi.Input[str]) -> pulumi.Output[str]:
    """Lets kubectl log in as `az` did; without it, kubectl asks for a login in a browser each time."""
    return pulumi.Output.concat(
        f"kubelogin convert-kubeconfig --login {cloud.cluster.login} --context ",
        cluster,
    )
