"""Functions of the plugin: the client's identity, and credentials of resources."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from lab.clouds.azure.arm import OPERATOR, TENANT, ArmError, name_of, subscription
from lab.clouds.azure.cluster import ManagedCluster, request_of
from lab.clouds.azure.cluster_work import CLUSTER
from lab.clouds.azure.storage import ACCOUNT, StorageAccount, keys_of
from lab.clouds.inventory import Item
from lab.clouds.kind import Call, Function, at

CLOUD_SHELL: Final = "b677c290-cf4b-4a8e-a60e-91ba650a4abe"
"""The application of Cloud Shell, one of those for user logins. Not that of `az login`, to detect a program that
treats every other application as a pipeline."""
SERVER_APPLICATION: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"
CLIENT_APPLICATION: Final = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
"""The applications of AKS in every tenant, https://azure.github.io/kubelogin/concepts/aks.html."""


class ClientConfig(Function):
    """The identity of the plugin: a user of the simulated tenant."""

    token = "azure-native:authorization:getClientConfig"  # noqa: S105 - the token of a function

    def result(self, call: Call) -> dict[str, Any]:
        """A user who logged in through the portal."""
        return {
            "clientId": CLOUD_SHELL,
            "objectId": OPERATOR,
            "subscriptionId": name_of(subscription(call)),
            "tenantId": TENANT,
        }


class StorageAccountKeys(Function):
    """The keys of a storage account."""

    token = "azure-native:storage:listStorageAccountKeys"  # noqa: S105 - the token of a function
    required = ("accountName", "resourceGroupName")

    def result(self, call: Call) -> dict[str, Any]:
        """Two keys, unless keys are disabled for the account.

        Stricter than Azure, which returns keys that are useless: a request for them is a mistake.
        """
        account = _there(call, StorageAccount(), ACCOUNT)
        if at(account.inputs, "allowSharedKeyAccess") is False:
            raise ArmError(
                403,
                "KeyBasedAuthenticationNotPermitted",
                f"Key based authentication is not permitted on the storage account {name_of(account.id)}.",
            )
        keys = [
            {"keyName": f"key{index}", "permissions": "FULL", "value": value, "creationTime": "2026-01-01T00:00:00.0Z"}
            for index, value in enumerate(keys_of(call.world, account.id), start=1)
        ]
        return {"keys": keys}


class UserCredentials(Function):
    """A kubeconfig for users and applications of the tenant."""

    token = "azure-native:containerservice:listManagedClusterUserCredentials"  # noqa: S105 - the token of a function
    required = ("resourceGroupName", "resourceName")

    def result(self, call: Call) -> dict[str, Any]:
        """With a kubelogin login if the cluster uses Entra, else with a certificate."""
        cluster = _there(call, ManagedCluster(), CLUSTER)
        managed = at(cluster.inputs, "aadProfile.managed")
        user = _entra_user(call.inputs.get("format")) if managed else _certificate(cluster)
        return {"kubeconfigs": [_kubeconfig(call, cluster, "clusterUser", user)]}


class AdminCredentials(Function):
    """A kubeconfig with the certificate of the cluster's local administrator."""

    token = "azure-native:containerservice:listManagedClusterAdminCredentials"  # noqa: S105 - the token of a function
    required = ("resourceGroupName", "resourceName")

    def result(self, call: Call) -> dict[str, Any]:
        """Refuse unless the cluster has local accounts."""
        cluster = _there(call, ManagedCluster(), CLUSTER)
        if cluster.inputs.get("disableLocalAccounts"):
            raise ArmError(
                400,
                "BadRequest",
                "Getting static credential is not allowed because this cluster is set to disable local accounts.",
            )
        return {"kubeconfigs": [_kubeconfig(call, cluster, "clusterAdmin", _certificate(cluster))]}


def _there(call: Call, kind: StorageAccount | ManagedCluster, token: str) -> Item:
    resource_id = kind.id(call)
    item = call.world.get(token, resource_id)
    if item is None or not item.ready:
        raise ArmError(
            404,
            "ResourceNotFound",
            f"The Resource '{kind.arm_type}/{name_of(resource_id)}' under resource group "
            f"'{call.inputs['resourceGroupName']}' was not found. For more details please go to "
            "https://aka.ms/ARMResourceNotFoundFix",
        )
    return item


def _entra_user(form: str | None) -> dict[str, Any]:
    ids = {"--server-id": SERVER_APPLICATION, "--client-id": CLIENT_APPLICATION, "--tenant-id": TENANT}
    if form != "exec":
        config = {"apiserver-id": SERVER_APPLICATION, "client-id": CLIENT_APPLICATION, "tenant-id": TENANT}
        return {"auth-provider": {"name": "azure", "config": {"environment": "AzurePublicCloud", **config}}}
    flags = [part for flag in ids.items() for part in flag]
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "kubelogin",
            "args": ["get-token", "--environment", "AzurePublicCloud", *flags, "--login", "devicecode"],
            "env": None,
            "provideClusterInfo": False,
        }
    }


def _certificate(cluster: Item) -> dict[str, Any]:
    # Not valid anywhere: the real cluster has its own credentials, which no stack gets.
    text = base64.b64encode(f"simulated credentials of {cluster.id}".encode()).decode()
    return {"client-certificate-data": text, "client-key-data": text}


def _kubeconfig(call: Call, cluster: Item, kind: str, user: dict[str, Any]) -> dict[str, str]:
    access = call.backing.cluster(request_of(cluster.id, cluster.inputs))
    name = name_of(cluster.id)
    login = f"{kind}_{call.inputs['resourceGroupName']}_{name}"
    host = access.host if ":" in access.host else f"{access.host}:443"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": f"https://{host}",
                    "certificate-authority-data": base64.b64encode(access.authority.encode()).decode(),
                },
            }
        ],
        "users": [{"name": login, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": login}}],
        "current-context": name,
        "preferences": {},
    }
    return {"name": kind, "value": base64.b64encode(json.dumps(content).encode()).decode()}
