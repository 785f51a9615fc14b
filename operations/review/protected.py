"""Resources whose replacement or deletion loses data or stops Airflow: a pull request needs a label for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from operations.review.changes import Change, Preview
from operations.review.words import code

LABEL: Final = "allow-replace"
"""Default name of the label that allows such a change."""
CLUSTER: Final = "the cluster with everything that runs in it"
DATABASE: Final = "the metadata of Airflow: runs, connections, variables, users"
BLOBS: Final = "the files in it: logs of tasks, DAG files or data of projects"
FILES: Final = "the files on it"
SECRETS: Final = "a password or key, and with a key what was encrypted with it"
ADDRESS: Final = "the address that DNS records point to"
LOST: Final[Mapping[str, str]] = {
    "gcp:container/cluster:Cluster": CLUSTER,
    "gcp:sql/databaseInstance:DatabaseInstance": DATABASE,
    "gcp:sql/database:Database": DATABASE,
    "gcp:storage/bucket:Bucket": BLOBS,
    "gcp:bigquery/dataset:Dataset": "the tables in it",
    "gcp:compute/disk:Disk": FILES,
    "gcp:filestore/instance:Instance": FILES,
    "gcp:compute/globalAddress:GlobalAddress": ADDRESS,
    "gcp:artifactregistry/repository:Repository": "the images in it",
    "azure-native:resources:ResourceGroup": "everything in the resource group",
    "azure-native:containerservice:ManagedCluster": CLUSTER,
    "azure-native:dbforpostgresql:Server": DATABASE,
    "azure-native:dbforpostgresql:Database": DATABASE,
    "azure-native:storage:StorageAccount": BLOBS,
    "azure-native:storage:BlobContainer": BLOBS,
    "azure-native:storage:FileShare": FILES,
    "azure-native:compute:Disk": FILES,
    "azure-native:keyvault:Vault": "connections and variables in it",
    "azure-native:network:PublicIPAddress": ADDRESS,
    "azure-native:containerregistry:Registry": "the images in it",
    "random:index/randomPassword:RandomPassword": SECRETS,
    "random:index/randomBytes:RandomBytes": SECRETS,
    "kubernetes:core/v1:Namespace": "everything in the namespace",
    "kubernetes:core/v1:PersistentVolumeClaim": FILES,
    "kubernetes:core/v1:PersistentVolume": FILES,
}
"""Types by what is lost with them."""
VERSION: Final = re.compile(r"/v\d{8}(preview)?(?=:)")
"""Version of an Azure API in a type: azure-native:storage/v20240101:StorageAccount."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A change that destroys a resource with data."""

    change: Change
    lost: str
    """The data that is lost with the resource."""

    def __str__(self) -> str:
        done = "replaced" if self.change.operation == "replace" else "deleted"
        return f"{code(self.change.name)} would be {done}: this destroys {self.lost}"


def losses(preview: Preview) -> tuple[Loss, ...]:
    """The changes of a preview that destroy resources with data, or resources that the engine protects."""
    found: list[Loss] = []
    for change in (*preview.of("replace"), *preview.of("delete")):
        lost = LOST.get(VERSION.sub("", change.type))
        if lost is None and change.protected:
            lost = "a protected resource"
        if lost is not None:
            found.append(Loss(change=change, lost=lost))
    return tuple(found)
