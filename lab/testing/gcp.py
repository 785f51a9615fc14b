"""Valid inputs for the simulated Google Cloud; tests make single inputs invalid."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest

from lab.clouds.gcp import tokens
from lab.clouds.gcp.provider import GcpProvider
from lab.engine.provider_diff import path_of
from lab.testing.cloud_plugin import Made, Plugin, plugin

PROJECT: Final = "simulated-project"
REGION: Final = "europe-west1"
APIS: Final = (
    "artifactregistry",
    "certificatemanager",
    "cloudresourcemanager",
    "compute",
    "container",
    "file",
    "iam",
    "iap",
    "servicenetworking",
    "sqladmin",
)
INPUTS: Final[dict[str, dict[str, Any]]] = {
    tokens.NETWORK: {"name": "net", "autoCreateSubnetworks": False},
    tokens.SUBNETWORK: {
        "name": "nodes",
        "network": "net",
        "region": REGION,
        "ipCidrRange": "10.10.0.0/20",
        "secondaryIpRanges": [
            {"rangeName": "pods", "ipCidrRange": "10.16.0.0/16"},
            {"rangeName": "services", "ipCidrRange": "10.11.0.0/20"},
        ],
    },
    tokens.ROUTER: {"name": "router", "network": "net", "region": REGION},
    tokens.NAT: {
        "name": "nat",
        "router": "router",
        "region": REGION,
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
    },
    tokens.GLOBAL_ADDRESS: {
        "name": "range",
        "purpose": "VPC_PEERING",
        "addressType": "INTERNAL",
        "prefixLength": 20,
        "network": "net",
    },
    tokens.CONNECTION: {
        "network": "net",
        "service": "servicenetworking.googleapis.com",
        "reservedPeeringRanges": ["range"],
    },
    tokens.CLUSTER: {
        "name": "gke",
        "location": REGION,
        "network": "net",
        "subnetwork": "nodes",
        "initialNodeCount": 1,
        "removeDefaultNodePool": True,
        "ipAllocationPolicy": {
            "clusterSecondaryRangeName": "pods",
            "servicesSecondaryRangeName": "services",
        },
        "workloadIdentityConfig": {"workloadPool": f"{PROJECT}.svc.id.goog"},
        "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}},
        "deletionProtection": False,
    },
    tokens.NODE_POOL: {
        "name": "system",
        "cluster": "gke",
        "location": REGION,
        "initialNodeCount": 1,
        "autoscaling": {"minNodeCount": 1, "maxNodeCount": 3},
        "nodeConfig": {"machineType": "e2-standard-4", "spot": False},
    },
    tokens.SERVER: {
        "name": "db",
        "region": REGION,
        "databaseVersion": "POSTGRES_17",
        "deletionProtection": False,
        "settings": {
            "edition": "ENTERPRISE",
            "tier": "db-custom-2-7680",
            "diskSize": 20,
            "ipConfiguration": {"ipv4Enabled": False, "privateNetwork": "net", "sslMode": "ENCRYPTED_ONLY"},
        },
    },
    tokens.DATABASE: {"name": "airflow", "instance": "db"},
    tokens.USER: {"name": "administrator", "instance": "db", "password": "hunter2hunter2hunter2"},
    tokens.BUCKET: {"name": "logs-1a2b3c", "location": "EUROPE-WEST1"},
    tokens.DATASET: {"datasetId": "citibike", "location": REGION},
    tokens.DISK: {"name": "broker", "zone": f"{REGION}-b", "type": "pd-ssd", "size": 20},
    tokens.FILESTORE: {
        "name": "share",
        "location": REGION,
        "tier": "REGIONAL",
        "fileShares": {"name": "logs", "capacityGb": 1024},
        "networks": [{"network": "net", "modes": ["MODE_IPV4"], "connectMode": "PRIVATE_SERVICE_ACCESS"}],
    },
    tokens.ACCOUNT: {"accountId": "worker-1a2b3c"},
    tokens.REPOSITORY: {"repositoryId": "images", "location": REGION, "format": "DOCKER"},
    tokens.SSL_POLICY: {"name": "front", "profile": "MODERN", "minTlsVersion": "TLS_1_2"},
    tokens.CERTIFICATE_MAP: {"name": "front"},
    tokens.CERTIFICATE: {"name": "host", "managed": {"domains": ["airflow.simulated.test"]}},
}
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    tokens.SUBNETWORK: (tokens.NETWORK,),
    tokens.ROUTER: (tokens.NETWORK,),
    tokens.NAT: (tokens.ROUTER,),
    tokens.GLOBAL_ADDRESS: (tokens.NETWORK,),
    tokens.CONNECTION: (tokens.GLOBAL_ADDRESS,),
    tokens.CLUSTER: (tokens.SUBNETWORK,),
    tokens.NODE_POOL: (tokens.CLUSTER,),
    tokens.SERVER: (tokens.CONNECTION,),
    tokens.DATABASE: (tokens.SERVER,),
    tokens.USER: (tokens.SERVER,),
    tokens.FILESTORE: (tokens.CONNECTION,),
}
"""Dependencies by type."""


class Gcp:
    """A simulated Google Cloud in which resources are created with their dependencies."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.made: dict[str, Made] = {}

    def enable(self, *names: str) -> None:
        """Enable APIs outside the stack."""
        with self.plugin.inventory.changing() as world:
            world.facts["apis"] = {PROJECT: [f"{name}.googleapis.com" for name in names]}

    def needs(self, token: str) -> None:
        """Create the dependencies of this type."""
        for other in NEEDS.get(token, ()):
            if other not in self.made:
                self.make(other)

    def make(self, token: str, **changes: Any) -> Made:
        """Create a resource and its dependencies; changes are inputs at paths, with __ for a dot."""
        self.needs(token)
        name = token.rpartition(":")[2].lower()
        self.made[token] = self.plugin.create(token, inputs(token, **changes), name)
        return self.made[token]

    def refused(self, token: str, **changes: Any) -> str:
        """The error message when a resource cannot be created; its dependencies exist."""
        self.needs(token)
        return self.plugin.refused(self.plugin.create, token, inputs(token, **changes))

    def faults(self, token: str, **changes: Any) -> dict[str, str]:
        """What Check objects to."""
        return self.plugin.faults(token, inputs(token, **changes))

    def changes(self, token: str, **changes: Any) -> dict[str, str]:
        """The planned effect of a change of the created resource."""
        made = self.made.get(token) or self.make(token)
        return self.plugin.changes(made, inputs(token, **changes))

    def delete(self, token: str) -> None:
        """Delete the created resource."""
        self.plugin.delete(self.made[token])
        del self.made[token]


def inputs(token: str, **changes: Any) -> dict[str, Any]:
    """Valid inputs of a type, changed at paths; None removes an input."""
    result = deepcopy(INPUTS[token])
    for path, value in changes.items():
        *steps, last = path_of(path.replace("__", "."))
        place: Any = result
        for step in steps:
            place = place.setdefault(step, {})
        place[last] = value
    return {key: value for key, value in result.items() if value is not None}


@pytest.fixture
def new_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gcp]:
    """A new project."""
    for made in plugin(GcpProvider, tmp_path, monkeypatch, {"project": PROJECT, "region": REGION}):
        yield Gcp(made)


@pytest.fixture
def gcp(new_project: Gcp) -> Gcp:
    """A project with enabled APIs."""
    new_project.enable(*APIS)
    return new_project
