"""What the simulated Azure answers: shapes, secrets, names, and what a preview knows."""

from __future__ import annotations

import base64
import json

import pytest

from lab.clouds.schema import Property, Type, resource
from lab.clouds.schema_check import faults
from lab.engine.provider_values import UNKNOWN, is_secret, opened
from lab.testing.azure import Azure, inputs, token_of
from lab.testing.azure_examples import (
    CLUSTER,
    EXAMPLES,
    IDENTITY,
    PASSWORD,
    SUBSCRIPTION,
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_answers_have_the_form_that_the_sdk_declares(azure: Azure, name: str) -> None:
    made = azure.make(name)
    known = resource(token_of(name)).outputs
    asked = {**known, "id": Property(name="id", type=Type(shape="string"), required=False)}
    wrong = [(path, reason) for path, reason in faults(opened(made.outputs), asked) if "systemData" not in path]
    assert [fault for fault in wrong if fault[1] != "is required and missing"] == []
    assert [path for path, _ in wrong if "." not in path and known[path].type.shape != "object"] == []


def test_the_password_is_kept_nowhere_but_in_state(azure: Azure) -> None:
    made = azure.make("server")
    kept = "".join(path.read_text() for path in azure.plugin.inventory.folder.iterdir())
    assert PASSWORD not in kept
    assert "administratorLoginPassword" not in made.outputs
    again = azure.plugin.read(made)
    assert again is not None
    assert is_secret(again.inputs["administratorLoginPassword"])
    assert opened(again.inputs["administratorLoginPassword"]) == PASSWORD


def test_keys_are_told_by_accounts_that_have_keys_and_are_in_no_journal(azure: Azure) -> None:
    azure.make("account")
    azure.make("files")
    token = "azure-native:storage:listStorageAccountKeys"
    arguments = {"resourceGroupName": "group", "accountName": "account"}
    assert "KeyBasedAuthenticationNotPermitted" in azure.plugin.refused(azure.plugin.invoke, token, arguments)
    keys = azure.plugin.invoke(token, {**arguments, "accountName": "files"})["keys"]
    assert [key["keyName"] for key in keys] == ["key1", "key2"]
    assert len(base64.b64decode(keys[0]["value"])) == 64
    assert keys[0]["value"] not in azure.plugin.journal.path.read_text()


def test_a_kubeconfig_logs_in_by_kubelogin_and_holds_no_credentials(azure: Azure) -> None:
    azure.make("cluster")
    arguments = {"resourceGroupName": "group", "resourceName": "cluster"}
    token = "azure-native:containerservice:listManagedClusterUserCredentials"
    [given] = azure.plugin.invoke(token, {**arguments, "format": "exec"})["kubeconfigs"]
    content = json.loads(base64.b64decode(given["value"]))
    [user] = content["users"]
    assert user["user"].keys() == {"exec"}
    assert user["user"]["exec"]["command"] == "kubelogin"
    assert content["clusters"][0]["cluster"].keys() == {"server", "certificate-authority-data"}
    admin = "azure-native:containerservice:listManagedClusterAdminCredentials"
    assert "disable local accounts" in azure.plugin.refused(azure.plugin.invoke, admin, arguments)
    assert "ResourceNotFound" in azure.plugin.refused(azure.plugin.invoke, token, {**arguments, "resourceName": "x"})


def test_answers_have_the_forms_that_programs_rely_on(azure: Azure) -> None:
    cluster, server, account = azure.make("cluster"), azure.make("server"), azure.make("account")
    identity = azure.made["identity"]
    assert cluster.id == CLUSTER
    assert cluster["oidcIssuerProfile"]["issuerURL"].startswith("https://swedencentral.oic.prod-aks.azure.com/")
    assert cluster["fqdn"].endswith(".hcp.swedencentral.azmk8s.io")
    assert cluster["identity"]["userAssignedIdentities"][IDENTITY]["principalId"] == identity["principalId"]
    assert server["fullyQualifiedDomainName"] == "server.postgres.database.azure.com"
    assert account["primaryEndpoints"]["blob"] == "https://account.blob.core.windows.net/"
    assert azure.make("registry")["loginServer"] == "images.azurecr.io"
    assert azure.make("outbound", publicIpAddressName="front")["ipAddress"].count(".") == 3
    assert azure.plugin.invoke("azure-native:authorization:getClientConfig", {})["subscriptionId"] == SUBSCRIPTION


def test_a_preview_knows_inputs_and_nothing_that_the_cloud_adds(azure: Azure) -> None:
    seen = azure.plugin.preview(token_of("cluster"), inputs("cluster"))
    assert seen["dnsPrefix"] == "cluster"
    assert seen["oidcIssuerProfile"] == {"enabled": True, "issuerURL": UNKNOWN}
    assert seen["identity"]["userAssignedIdentities"] == UNKNOWN
    assert {seen[name] for name in ("fqdn", "nodeResourceGroup", "name", "identityProfile")} == {UNKNOWN}
    assert azure.plugin.inventory.read().items == {}


def test_names_and_places_are_filled_in_as_the_plugin_does(azure: Azure) -> None:
    azure.make("group")
    checked = azure.plugin.check(token_of("vnet"), inputs("vnet", virtualNetworkName=None, location=None), name="main")
    assert checked["virtualNetworkName"].startswith("main")
    assert len(checked["virtualNetworkName"]) == len("main") + 8
    assert checked["location"] == "swedencentral"
    kept = azure.plugin.check(token_of("vnet"), inputs("vnet", virtualNetworkName=None), checked, name="main")
    assert kept["virtualNetworkName"] == checked["virtualNetworkName"]
    below = azure.plugin.check(token_of("nodes"), inputs("nodes", subnetName=None), name="nodes")
    assert below["subnetName"] == "nodes"
    role = azure.plugin.check(token_of("role"), inputs("role", roleAssignmentName=None), name="role")
    assert role["roleAssignmentName"].count("-") == 4
    unknown = azure.plugin.check(
        token_of("vnet"), inputs("vnet", resourceGroupName=UNKNOWN, location=None), name="main"
    )
    assert unknown["location"] == UNKNOWN


def test_a_thing_is_replaced_before_its_successor_comes_only_where_names_would_meet(azure: Azure) -> None:
    fixed = azure.make("cluster")
    assert azure.plugin.diff(fixed, inputs("cluster", dnsPrefix="other")).deleteBeforeReplace
    drawn = azure.another("group", resourceGroupName=None)
    assert not azure.plugin.diff(drawn, inputs("group", resourceGroupName=None, location="eastus")).deleteBeforeReplace
    copied = azure.make("federation", federatedIdentityCredentialResourceName=None)
    moved = inputs("federation", federatedIdentityCredentialResourceName=None, resourceName="other")
    assert azure.plugin.diff(copied, moved).deleteBeforeReplace
