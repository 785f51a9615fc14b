"""What the simulated engine of the unit tests answers for Google Cloud: the computed outputs that the program reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AUTHORITY = "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----"


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
                "serverCaCerts": [{"cert": AUTHORITY}],
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
