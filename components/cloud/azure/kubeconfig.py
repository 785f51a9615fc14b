"""The kubeconfig of an AKS cluster. It logs in with kubelogin and contains no token."""

from __future__ import annotations

import base64
import json
from typing import Any, Final, cast

import pulumi
import yaml
from pulumi_azure_native import containerservice

from components.settings.azure.cloud import AzureCloud

SERVER_APPLICATION: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The Entra application for which every AKS cluster accepts tokens,
https://azure.github.io/kubelogin/concepts/aks.html."""
CLIENT_APPLICATION: Final = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
"""The Entra application of kubelogin for the device code login; see the same page."""


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
        login: kubelogin's login method.
        tenant: the Entra tenant to log in to.
        opts: options of the invoke: its provider and dependencies.
    """
    # The only API that returns the cluster's CA; without local accounts the answer contains no credentials.
    answer = containerservice.list_managed_cluster_user_credentials_output(
        resource_group_name=group, resource_name=cluster, format="exec", opts=opts
    )
    original = answer.kubeconfigs.apply(lambda kubeconfigs: str(kubeconfigs[0].value))
    return pulumi.Output.secret(
        pulumi.Output.all(cluster, original, tenant).apply(
            lambda values: kubelogin_kubeconfig(values[0], values[1], login, values[2])
        )
    )


def kubelogin_kubeconfig(name: str, original: str, login: str, tenant: str) -> str:
    """A kubeconfig with one context: address and CA from the original kubeconfig, with a kubelogin login.

    Args:
        name: of cluster, user and context.
        original: a kubeconfig in base64.
        login: kubelogin's login method.
        tenant: the Entra tenant to log in to.
    """
    content = cast("dict[str, Any]", yaml.safe_load(base64.b64decode(original)))
    [entry] = cast("list[dict[str, Any]]", content["clusters"])
    cluster = cast("dict[str, str]", entry["cluster"])
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
                {"name": name, "cluster": {key: cluster[key] for key in ("server", "certificate-authority-data")}}
            ],
            "users": [{"name": name, "user": {"exec": plugin}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


def _identification(login: str, tenant: str) -> list[str]:
    """Further arguments of kubelogin.

    `devicecode`, `spn` and `workloadidentity` fail without a tenant, and `azurecli` would use the tenant of the default
    subscription (pkg/internal/token in Azure/kubelogin). `devicecode` also needs an application; the other methods take
    it from the environment of a pipeline.
    """
    client = ["--client-id", CLIENT_APPLICATION] if login == "devicecode" else []
    return ["--tenant-id", tenant, *client]


def kubeconfig_command(cloud: AzureCloud, group: pulumi.Input[str], cluster: pulumi.Input[str]) -> pulumi.Output[str]:
    """A command that writes a context named like the cluster into the user's kubeconfig, https://learn.microsoft.com/en-us/cli/azure/aks."""
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
    """A command that lets kubectl use the login of `az`; without it, kubectl opens a browser login each time."""
    return pulumi.Output.concat(
        f"kubelogin convert-kubeconfig --login {cloud.cluster.login} --context ",
        cluster,
    )
