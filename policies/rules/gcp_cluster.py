"""Rules for GKE clusters and their node pools."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from policies.conditions import (
    Must,
    all_of,
    is_everywhere,
    listed,
    must_be,
    must_be_absent,
    must_be_set,
    must_hold,
)
from policies.resource import Resource, at, is_unknown
from policies.rule import NO_SETTING, Rule

CLUSTER: Final = "gcp:container/cluster:Cluster"
POOL: Final = "gcp:container/nodePool:NodePool"
MODULE: Final = NO_SETTING.format("components/cloud/gcp/cluster.py")
NODES: Final = NO_SETTING.format("components/cloud/gcp/nodes.py")
DOCS: Final = "https://cloud.google.com/kubernetes-engine/docs"
HARDENING: Final = f"{DOCS}/how-to/hardening-your-cluster"
ZONE: Final = re.compile(r".+-[a-z]")
"""A zone's name is its region's with a letter, such as europe-west1-b."""
DEFAULT_ACCOUNT: Final = "-compute@developer.gserviceaccount.com"
"""End of the e-mail address of a project's default account, which is an editor of the whole project,
https://cloud.google.com/compute/docs/access/service-accounts#default_service_account."""


def _endpoint(resource: Resource) -> Iterator[str]:
    """The control plane has no IP endpoint, or one that answers listed ranges only."""
    enabled = at(resource.props, "controlPlaneEndpointsConfig.ipEndpointsConfig.enabled")
    if enabled is False or is_unknown(enabled):
        return
    networks = at(resource.props, "masterAuthorizedNetworksConfig")
    if is_unknown(networks):
        return
    blocks = [at(block, "cidrBlock") for block in listed(at(networks, "cidrBlocks"))]
    if not blocks:
        yield (
            "controlPlaneEndpointsConfig.ipEndpointsConfig.enabled is not false, and masterAuthorizedNetworksConfig"
            " must list the ranges of operators"
        )
    for block in filter(is_everywhere, blocks):
        yield f"masterAuthorizedNetworksConfig.cidrBlocks has {block} and must be limited to operators"
    if at(networks, "gcpPublicCidrsAccessEnabled") is True:
        yield "masterAuthorizedNetworksConfig.gcpPublicCidrsAccessEnabled is true and must be false"


def _network_policy(resource: Resource) -> Iterator[str]:
    datapath, enabled = at(resource.props, "datapathProvider"), at(resource.props, "networkPolicy.enabled")
    if datapath != "ADVANCED_DATAPATH" and enabled is not True and not is_unknown(datapath):
        yield f"datapathProvider is {datapath!r} and must be 'ADVANCED_DATAPATH'"


def _own_account(value: Any) -> bool:
    return isinstance(value, str) and value not in ("", "default") and not value.endswith(DEFAULT_ACCOUNT)


def _three_zones(value: Any) -> bool:
    return value is None or len(listed(value)) >= 3


SHIELDED: Final = all_of(
    must_be("nodeConfig.shieldedInstanceConfig.enableSecureBoot", True),
    must_be("nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring", True),
)
ACCOUNT: Final = Must("nodeConfig.serviceAccount", _own_account, "an account of the stack's own")
METADATA: Final = must_be("nodeConfig.workloadMetadataConfig.mode", "GKE_METADATA")

EXPOSURE_RULES: Final = (
    Rule(
        id="gke-private-nodes",
        title="Nodes have no public addresses.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/how-to/private-clusters",
        rows=("G1",),
        checks={
            CLUSTER: must_be("privateClusterConfig.enablePrivateNodes", True),
            POOL: must_be("networkConfig.enablePrivateNodes", True),
        },
    ),
    Rule(
        id="gke-control-plane-endpoint",
        title="The cluster's API is reachable by DNS name with IAM, or from listed ranges only.",
        prod="mandatory",
        dev="mandatory",
        remedy="Set airflow:cloud.cluster.endpoint to kind dns, or to kind authorized_ranges with operators' ranges.",
        source=f"{DOCS}/concepts/network-isolation",
        rows=("G2",),
        checks={CLUSTER: _endpoint},
    ),
    Rule(
        id="gke-network-policy",
        title="The cluster enforces network policies.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/concepts/dataplane-v2",
        rows=("G11",),
        checks={CLUSTER: _network_policy},
    ),
    Rule(
        id="gke-vpc-native",
        title="Pods and Services have addresses of ranges of the subnet.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/concepts/alias-ips",
        rows=("G12",),
        checks={
            CLUSTER: all_of(
                must_be("networkingMode", "VPC_NATIVE"),
                must_be_set("ipAllocationPolicy.clusterSecondaryRangeName"),
                must_be_set("ipAllocationPolicy.servicesSecondaryRangeName"),
            )
        },
    ),
)
IDENTITY_RULES: Final = (
    Rule(
        id="gke-workload-identity",
        title="Pods log in to Google Cloud with their own identity, without keys.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/concepts/workload-identity",
        rows=("G3",),
        checks={CLUSTER: must_be_set("workloadIdentityConfig.workloadPool")},
    ),
    Rule(
        id="gke-metadata-server",
        title="Pods cannot read the credentials of their node.",
        prod="mandatory",
        dev="mandatory",
        remedy=NODES,
        source=f"{DOCS}/concepts/workload-identity#metadata_server",
        rows=("G4",),
        checks={CLUSTER: METADATA, POOL: METADATA},
    ),
    Rule(
        id="gke-node-account",
        title="Nodes run as an account with minimal roles, not as the project's default account.",
        prod="mandatory",
        dev="mandatory",
        remedy=NODES,
        source=f"{HARDENING}#use_least_privilege_sa",
        rows=("G5",),
        checks={CLUSTER: ACCOUNT, POOL: ACCOUNT},
    ),
    Rule(
        id="gke-legacy-login",
        title="The cluster has no client certificates, no attribute-based access control and no alpha features.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=HARDENING,
        rows=("G14",),
        checks={
            CLUSTER: all_of(
                must_be("enableLegacyAbac", False, None),
                must_be("masterAuth.clientCertificateConfig.issueClientCertificate", False),
                must_be_absent("enableKubernetesAlpha"),
            )
        },
    ),
    Rule(
        id="gke-anonymous-access",
        title="Requests without a login reach health checks only, and no role is bound to everybody.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{HARDENING}#restrict-anon-access",
        rows=("G15",),
        checks={
            CLUSTER: all_of(
                must_be("rbacBindingConfig.enableInsecureBindingSystemAuthenticated", False),
                must_be("rbacBindingConfig.enableInsecureBindingSystemUnauthenticated", False),
                must_be("anonymousAuthenticationConfig.mode", "LIMITED"),
            )
        },
    ),
)
NODE_RULES: Final = (
    Rule(
        id="gke-shielded-nodes",
        title="Nodes verify their boot chain.",
        prod="mandatory",
        dev="mandatory",
        remedy=NODES,
        source=f"{DOCS}/how-to/shielded-gke-nodes",
        rows=("G6",),
        checks={CLUSTER: all_of(must_be("enableShieldedNodes", True), SHIELDED), POOL: SHIELDED},
    ),
    Rule(
        id="gke-node-image",
        title="Nodes run Container-Optimized OS with containerd.",
        prod="mandatory",
        dev="mandatory",
        remedy=NODES,
        source=f"{DOCS}/concepts/node-images",
        rows=("G7",),
        checks={POOL: must_be("nodeConfig.imageType", "COS_CONTAINERD")},
    ),
    Rule(
        id="gke-node-repair",
        title="GKE repairs and upgrades nodes.",
        prod="mandatory",
        dev="mandatory",
        remedy=NODES,
        source=f"{DOCS}/how-to/node-auto-repair",
        rows=("G8",),
        checks={POOL: all_of(must_be("management.autoRepair", True), must_be("management.autoUpgrade", True))},
    ),
    Rule(
        id="gke-kubelet-port",
        title="The kubelet's port without login is closed, and the pool that GKE creates at first is removed.",
        prod="mandatory",
        dev="mandatory",
        remedy=NODES,
        source=f"{DOCS}/how-to/disable-kubelet-readonly-port",
        rows=("G21",),
        checks={
            CLUSTER: must_be("removeDefaultNodePool", True),
            POOL: must_be("nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled", "FALSE"),
        },
    ),
    Rule(
        id="gke-zones",
        title="The control plane and the nodes outlive the failure of a zone.",
        prod="mandatory",
        dev="off",
        remedy="Remove airflow:cloud.zones, or list three zones; this replaces the cluster.",
        source=f"{DOCS}/concepts/regional-clusters",
        rows=("G19",),
        checks={
            CLUSTER: all_of(
                Must("location", lambda value: ZONE.fullmatch(str(value)) is None, "a region"),
                Must("nodeLocations", _three_zones, "a list of at least 3"),
            ),
            POOL: Must(
                "autoscaling.locationPolicy",
                lambda value: value in ("BALANCED", "ANY"),
                "'BALANCED', or 'ANY' for spot",
            ),
        },
    ),
)
OPERATION_RULES: Final = (
    Rule(
        id="gke-release-channel",
        title="A release channel upgrades the cluster.",
        prod="mandatory",
        dev="mandatory",
        remedy="Set airflow:cloud.cluster.channel.",
        source=f"{DOCS}/concepts/release-channels",
        rows=("G9",),
        checks={CLUSTER: must_be("releaseChannel.channel", "RAPID", "REGULAR", "STABLE", "EXTENDED")},
    ),
    Rule(
        id="gke-mature-channel",
        title="The release channel installs versions that others have used for weeks.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.cluster.channel to regular or stable.",
        source=f"{DOCS}/concepts/release-channels",
        rows=("G9",),
        checks={CLUSTER: must_be("releaseChannel.channel", "REGULAR", "STABLE", "EXTENDED")},
    ),
    Rule(
        id="gke-maintenance-window",
        title="Upgrades of the cluster begin only in a chosen window.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.maintenance.hour.",
        source=f"{DOCS}/concepts/maintenance-windows-and-exclusions",
        rows=("G10",),
        checks={CLUSTER: must_be_set("maintenancePolicy.recurringWindow")},
    ),
    Rule(
        id="gke-observability",
        title="Logs and metrics of pods, traffic inside of nodes and the security posture are recorded.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.cluster.observe to everything.",
        source=f"{DOCS}/concepts/observability",
        rows=("G13", "G18"),
        checks={
            CLUSTER: all_of(
                must_be("enableIntranodeVisibility", True),
                must_be("securityPostureConfig.mode", "BASIC", "ENTERPRISE"),
                must_hold("loggingConfig.enableComponents", "SYSTEM_COMPONENTS", "WORKLOADS"),
                must_be("monitoringConfig.managedPrometheus.enabled", True),
            )
        },
    ),
    Rule(
        id="gke-system-logs",
        title="Logs of the cluster's own components are recorded.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/concepts/about-logs",
        rows=("G18",),
        checks={CLUSTER: must_hold("loggingConfig.enableComponents", "SYSTEM_COMPONENTS")},
    ),
    Rule(
        id="gke-deletion-protection",
        title="Pulumi's provider refuses to delete the cluster.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:protect to true.",
        source="https://www.pulumi.com/registry/packages/gcp/api-docs/container/cluster/",
        rows=("G20",),
        checks={CLUSTER: must_be("deletionProtection", True)},
    ),
    Rule(
        id="gke-secrets-encryption",
        title="Kubernetes Secrets are additionally encrypted by a key of the user's.",
        prod="advisory",
        dev="off",
        remedy="Set airflow:cloud.cluster.encryption_key to a key of Cloud KMS.",
        source=f"{DOCS}/how-to/encrypting-secrets",
        rows=("G16",),
        checks={
            CLUSTER: all_of(must_be("databaseEncryption.state", "ENCRYPTED"), must_be_set("databaseEncryption.keyName"))
        },
    ),
    Rule(
        id="gke-signed-images",
        title="Binary Authorization decides which images may run.",
        prod="advisory",
        dev="off",
        remedy="Set airflow:cloud.cluster.signed_images_only to true.",
        source="https://cloud.google.com/binary-authorization/docs/overview",
        rows=("G17",),
        checks={CLUSTER: must_be("binaryAuthorization.evaluationMode", "PROJECT_SINGLETON_POLICY_ENFORCE")},
    ),
)
RULES: Final = (*EXPOSURE_RULES, *IDENTITY_RULES, *NODE_RULES, *OPERATION_RULES)
