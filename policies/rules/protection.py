"""Rules for the protection of data by the engine, and for labels by which bills and owners are found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from policies.conditions import Must
from policies.resource import Resource
from policies.rule import NO_SETTING, Check, Rule

HOLDING_DATA: Final = (
    "gcp:sql/databaseInstance:DatabaseInstance",
    "gcp:sql/database:Database",
    "gcp:storage/bucket:Bucket",
    "gcp:bigquery/dataset:Dataset",
    "gcp:filestore/instance:Instance",
    "gcp:compute/disk:Disk",
    "gcp:artifactregistry/repository:Repository",
    "gcp:container/cluster:Cluster",
    "azure-native:dbforpostgresql:Server",
    "azure-native:dbforpostgresql:Database",
    "azure-native:storage:StorageAccount",
    "azure-native:storage:BlobContainer",
    "azure-native:storage:FileShare",
    "azure-native:compute:Disk",
    "azure-native:containerregistry:Registry",
    "azure-native:containerservice:ManagedCluster",
    "azure-native:resources:ResourceGroup",
    "kubernetes:core/v1:PersistentVolumeClaim",
    "random:index/randomBytes:RandomBytes",
)
"""Types whose resources hold data that no other place has: databases, files, images; the Fernet key, without which
connections and variables in the database cannot be read; and the cluster and the group, which hold the others."""
GOOGLE_LABELS: Final = {
    "gcp:container/cluster:Cluster": "resourceLabels",
    "gcp:container/nodePool:NodePool": "nodeConfig.resourceLabels",
    "gcp:sql/databaseInstance:DatabaseInstance": "settings.userLabels",
    "gcp:storage/bucket:Bucket": "labels",
    "gcp:bigquery/dataset:Dataset": "labels",
    "gcp:filestore/instance:Instance": "labels",
    "gcp:compute/disk:Disk": "labels",
    "gcp:artifactregistry/repository:Repository": "labels",
}
"""Path of the labels, by the types that have a price of their own."""
AZURE_TAGS: Final = (
    "azure-native:compute:Disk",
    "azure-native:containerregistry:Registry",
    "azure-native:containerservice:AgentPool",
    "azure-native:containerservice:ManagedCluster",
    "azure-native:dbforpostgresql:Server",
    "azure-native:network:NatGateway",
    "azure-native:network:PrivateEndpoint",
    "azure-native:network:PublicIPAddress",
    "azure-native:network:VirtualNetwork",
    "azure-native:operationalinsights:Workspace",
    "azure-native:resources:ResourceGroup",
    "azure-native:storage:StorageAccount",
)
KUBERNETES_LABELS: Final = (
    "kubernetes:apps/v1:Deployment",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:batch/v1:Job",
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:core/v1:Namespace",
    "kubernetes:core/v1:PersistentVolumeClaim",
    "kubernetes:core/v1:Secret",
    "kubernetes:core/v1:Service",
    "kubernetes:core/v1:ServiceAccount",
)
MANAGED_BY: Final = "managed-by"
RECOMMENDED: Final = tuple(f"app.kubernetes.io/{label}" for label in ("name", "instance", "managed-by"))


def _protected(resource: Resource) -> Iterator[str]:
    if not resource.protect:
        yield "the option protect is not set: one `pulumi destroy` deletes the data"


def _has(path: str, *keys: str) -> Check:
    def wanted(value: object) -> bool:
        return isinstance(value, dict) and {*keys} <= {*value}

    return Must(path, wanted, f"an object with {', '.join(keys)}")


RULES: Final = (
    Rule(
        id="data-protection",
        title="The engine refuses to delete or replace whatever holds data.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:protect to true.",
        source="https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
        rows=("G20", "S5", "B5", "P8"),
        checks=dict.fromkeys(HOLDING_DATA, _protected),
    ),
    Rule(
        id="gcp-labels",
        title="Everything on Google Cloud with a price of its own has the stack's labels.",
        prod="mandatory",
        dev="advisory",
        remedy=NO_SETTING.format("components/cloud/gcp/names.py"),
        source="https://cloud.google.com/resource-manager/docs/best-practices-labels",
        checks={kind: _has(path, MANAGED_BY) for kind, path in GOOGLE_LABELS.items()},
    ),
    Rule(
        id="azure-tags",
        title="Everything on Azure with a price of its own has the stack's tags.",
        prod="mandatory",
        dev="advisory",
        remedy="Set airflow:cloud.tags to the tags that your subscription requires.",
        source="https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources",
        checks={kind: _has("tags", MANAGED_BY) for kind in AZURE_TAGS},
    ),
    Rule(
        id="kubernetes-labels",
        title="Every object in the cluster has the recommended labels.",
        prod="mandatory",
        dev="advisory",
        remedy=NO_SETTING.format("components/kubernetes/naming.py"),
        source="https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/",
        checks={kind: _has("metadata.labels", *RECOMMENDED) for kind in KUBERNETES_LABELS},
    ),
)
