"""Answers of the unit tests' simulated engine for Google Cloud: the computed outputs that the program reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AUTHORITY = "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----"
NEXT_AUTHORITY = "-----BEGIN CERTIFICATE-----\nbmV4dA==\n-----END CERTIFICATE-----\n"
"""The next CA certificate of a Cloud SQL server."""


def computed(type_: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a resource beyond its inputs."""
    name = sent.get("name")
    match type_:
        case "gcp:serviceaccount/account:Account":
            email = f"{sent['accountId']}@simulated-project.iam.gserviceaccount.com"
            return {"email": email, "name": f"projects/simulated-project/serviceAccounts/{email}"}
        case "gcp:compute/globalAddress:GlobalAddress":
            return {"address": sent.get("address", "203.0.113.10")}
        case "gcp:container/cluster:Cluster":
            return {
                "endpoint": "203.0.113.20",
                "masterAuth": {**sent["masterAuth"], "clusterCaCertificate": "c2ltdWxhdGVk"},
                "controlPlaneEndpointsConfig": {
                    **sent["controlPlaneEndpointsConfig"],
                    "dnsEndpointConfig": {
                        **sent["controlPlaneEndpointsConfig"]["dnsEndpointConfig"],
                        "endpoint": "gke-0a1b2c.europe-west1.gke.goog",
                    },
                },
            }
        case "gcp:sql/databaseInstance:DatabaseInstance":
            return {
                "privateIpAddress": "10.12.0.3",
                "connectionName": f"simulated-project:{sent['region']}:{name}",
                "selfLink": f"https://sqladmin.googleapis.com/sql/v1beta4/projects/p/instances/{sent['name']}",
            }
        case "gcp:filestore/instance:Instance":
            return {"networks": [{**sent["networks"][0], "ipAddresses": ["10.12.1.2"]}]}
        case "gcp:artifactregistry/repository:Repository":
            return {
                "name": sent["repositoryId"],
                "registryUri": f"registry.example/simulated-project/{sent['repositoryId']}",
            }
        case _:
            return {}


def invoked(token: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to an invoke of the program."""
    match token:
        case "gcp:sql/getCaCerts:getCaCerts":
            server = given["instance"].rpartition("/")[2]
            certificates = [{"cert": each} for each in (AUTHORITY, NEXT_AUTHORITY)]
            return {"id": server, "instance": server, "activeVersion": "", "project": "", "certs": certificates}
        case _:
            raise AssertionError(f"the program asks a provider: {token}")
