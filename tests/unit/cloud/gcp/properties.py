"""The security properties of a stack on Google Cloud, row by row, as production must and as dev may have them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from tests.unit.cloud.properties import Check, at_least, is_set, rows
from tests.unit.recording import recorder, stacks_gcp
from tests.unit.recording.recorder import Recording


def holds(*wanted: str) -> Check:
    return lambda value: isinstance(value, list) and {*wanted} <= {*value}


def has_flags(**flags: str) -> Check:
    """Cloud SQL's list of flags; `__` in a name is a dot."""
    wanted = {(name.replace("__", "."), value) for name, value in flags.items()}
    return lambda value: wanted <= {(flag["name"], flag["value"]) for flag in value or ()}


def closed(value: Any) -> bool:
    """The control plane is only accessible by DNS name, with IAM."""
    return value == {"dnsEndpointConfig": {"allowExternalTraffic": True}, "ipEndpointsConfig": {"enabled": False}}


STORAGE_ROLES: Final = {
    "roles/storage.objectUser",
    "roles/storage.objectViewer",
    # The bundle of DAG files asks for the bucket before it reads it.
    "roles/storage.legacyBucketReader",
}

ROWS: Final = (
    *rows("G1", "Cluster", ("privateClusterConfig.enablePrivateNodes", True)),
    *rows("G1", "NodePool", ("networkConfig.enablePrivateNodes", True)),
    *rows("G2", "Cluster", ("controlPlaneEndpointsConfig", closed)),
    *rows("G3", "Cluster", ("workloadIdentityConfig.workloadPool", "simulated-project.svc.id.goog")),
    *rows("G4", "NodePool", ("nodeConfig.workloadMetadataConfig.mode", "GKE_METADATA")),
    *rows("G4", "Cluster", ("nodeConfig.workloadMetadataConfig.mode", "GKE_METADATA")),
    *rows("G5", "NodePool", ("nodeConfig.serviceAccount", lambda email: email.startswith("airflow-nodes-"))),
    *rows("G5", "Cluster", ("nodeConfig.serviceAccount", lambda email: email.startswith("airflow-nodes-"))),
    *rows(
        "G6",
        "NodePool",
        ("nodeConfig.shieldedInstanceConfig.enableSecureBoot", True),
        ("nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring", True),
    ),
    *rows("G7", "NodePool", ("nodeConfig.imageType", "COS_CONTAINERD")),
    *rows("G8", "NodePool", ("management.autoRepair", True), ("management.autoUpgrade", True)),
    *rows("G9", "Cluster", ("releaseChannel.channel", lambda channel: channel in {"REGULAR", "STABLE"})),
    *rows("G10", "Cluster", ("maintenancePolicy.recurringWindow", is_set, None)),
    *rows("G11", "Cluster", ("datapathProvider", "ADVANCED_DATAPATH")),
    *rows(
        "G12",
        "Cluster",
        ("networkingMode", "VPC_NATIVE"),
        ("ipAllocationPolicy.clusterSecondaryRangeName", "pods"),
        ("ipAllocationPolicy.servicesSecondaryRangeName", "services"),
    ),
    *rows("G13", "Cluster", ("enableIntranodeVisibility", True, None)),
    *rows("G13", "Subnetwork", ("logConfig", is_set, None)),
    *rows(
        "G14",
        "Cluster",
        ("enableLegacyAbac", False),
        ("masterAuth.clientCertificateConfig.issueClientCertificate", False),
        ("enableKubernetesAlpha", None),
    ),
    *rows(
        "G15",
        "Cluster",
        ("rbacBindingConfig.enableInsecureBindingSystemAuthenticated", False),
        ("rbacBindingConfig.enableInsecureBindingSystemUnauthenticated", False),
        ("anonymousAuthenticationConfig.mode", "LIMITED"),
    ),
    *rows(
        "G18",
        "Cluster",
        ("securityPostureConfig.mode", "BASIC", "DISABLED"),
        ("loggingConfig.enableComponents", holds("SYSTEM_COMPONENTS", "WORKLOADS"), ["SYSTEM_COMPONENTS"]),
        ("monitoringConfig.managedPrometheus.enabled", True, False),
    ),
    *rows(
        "G19",
        "Cluster",
        ("location", "europe-west1", "europe-west1-b"),
        ("nodeLocations", ["europe-west1-b", "europe-west1-c", "europe-west1-d"], None),
    ),
    *rows("G19", "NodePool", ("autoscaling.locationPolicy", "BALANCED")),
    *rows("G20", "Cluster", ("deletionProtection", True, False)),
    *rows("G21", "NodePool", ("nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled", "FALSE")),
    *rows("G21", "Cluster", ("removeDefaultNodePool", True)),
    *rows("G22", "Network", ("autoCreateSubnetworks", False)),
    *rows("G22", "Subnetwork", ("privateIpGoogleAccess", True)),
    *rows(
        "G23",
        "RouterNat",
        ("logConfig", {"enable": True, "filter": "ERRORS_ONLY"}),
        ("minPortsPerVm", at_least(128)),
    ),
    *rows("S1", "DatabaseInstance", ("settings.availabilityType", "REGIONAL", "ZONAL")),
    *rows(
        "S2",
        "DatabaseInstance",
        ("settings.ipConfiguration.ipv4Enabled", False),
        ("settings.ipConfiguration.privateNetwork", is_set),
        ("settings.ipConfiguration.authorizedNetworks", None),
    ),
    *rows("S3", "DatabaseInstance", ("settings.ipConfiguration.sslMode", "ENCRYPTED_ONLY")),
    *rows(
        "S4",
        "DatabaseInstance",
        ("settings.backupConfiguration.enabled", True),
        ("settings.backupConfiguration.pointInTimeRecoveryEnabled", True, False),
        ("settings.backupConfiguration.transactionLogRetentionDays", 7, None),
        ("settings.backupConfiguration.backupRetentionSettings.retainedBackups", at_least(14), at_least(1)),
    ),
    *rows(
        "S5",
        "DatabaseInstance",
        ("deletionProtection", True, False),
        ("settings.deletionProtectionEnabled", True, False),
    ),
    *rows(
        "S6",
        "DatabaseInstance",
        ("settings.retainBackupsOnDelete", True, False),
        ("settings.finalBackupConfig.enabled", True, None),
    ),
    *rows("S7", "DatabaseInstance", ("settings.maintenanceWindow.day", 7, None)),
    *rows("S7", "DatabaseInstance", ("settings.maintenanceWindow.updateTrack", "stable", None)),
    *rows(
        "S8",
        "DatabaseInstance",
        ("settings.diskAutoresize", True),
        ("settings.diskAutoresizeLimit", at_least(10)),
    ),
    *rows(
        "S9",
        "DatabaseInstance",
        (
            "settings.databaseFlags",
            has_flags(
                log_connections="on",
                log_disconnections="on",
                log_checkpoints="on",
                log_lock_waits="on",
                log_temp_files="0",
                log_min_duration_statement="-1",
                cloudsql__enable_pgaudit="on",
                cloudsql__iam_authentication="on",
            ),
            [{"name": "max_connections", "value": "200"}],
        ),
    ),
    *rows(
        "S10",
        "DatabaseInstance",
        ("settings.insightsConfig.queryInsightsEnabled", True, False),
        ("settings.passwordValidationPolicy.enablePasswordPolicy", True, None),
        ("settings.passwordValidationPolicy.complexity", "COMPLEXITY_DEFAULT", None),
    ),
    *rows("S11", "DatabaseInstance", ("name", lambda name: len(name.rpartition("-")[2]) == 6)),
    *rows("S12", "User", ("deletionPolicy", "ABANDON")),
    *rows("S12", "Database", ("deletionPolicy", "ABANDON")),
    *rows("S12", "Connection", ("deletionPolicy", "REMOVE_PEERING")),
    *rows("B1", "Bucket", ("uniformBucketLevelAccess", True), ("publicAccessPrevention", "enforced")),
    *rows(
        "B2",
        "Bucket",
        ("softDeletePolicy.retentionDurationSeconds", at_least(604_800), 0),
        ("lifecycleRules", lambda found: [rule["action"] for rule in found] == [{"type": "Delete"}]),
    ),
    *rows("B3", "Bucket", ("forceDestroy", False, True)),
    *rows(
        "B4",
        "BucketIAMMember",
        ("role", lambda role: role in STORAGE_ROLES),
        ("bucket", is_set),
    ),
    *rows(
        "B5",
        "Instance",
        ("deletionProtectionEnabled", True, False),
        ("fileShares.nfsExportOptions", lambda found: [option["ipRanges"] for option in found] == [["10.10.0.0/20"]]),
    ),
    *rows("B6", "Service", ("disableOnDestroy", False)),
)

OPTIONS: Final = (
    *rows("G16", "Cluster", ("databaseEncryption.state", "ENCRYPTED"), ("databaseEncryption.keyName", is_set)),
    *rows("G17", "Cluster", ("binaryAuthorization.evaluationMode", "PROJECT_SINGLETON_POLICY_ENFORCE")),
    *rows(
        "G2",
        "Cluster",
        ("privateClusterConfig.enablePrivateEndpoint", False),
        ("masterAuthorizedNetworksConfig.cidrBlocks", [{"cidrBlock": "8.20.0.0/24", "displayName": "operators"}]),
        ("controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic", False),
    ),
)
"""The condition of a stack that requires it."""

DIFFERENT: Final = {
    "B5": "The share is exported without root squash, to the nodes alone: their CSI driver makes its folder writable"
    " for the group of the pods as the nodes' root, and squashed to nobody it could not. No pod is ever root.",
    "G5": "The nodes read images from the stack's own repository, by a role on it, and from no other of the project.",
    "S3": "Clients show no certificates: they would be keys to hand out and renew. They check the server's instead.",
}
"""Rows that are fulfilled in another way, with the reason."""

PRODUCTION_STACK: Final = stacks_gcp.config("celery", dags=[{"kind": "share", "size_gib": 1024}], protect="true")
"""Only protection is set: paid features are on by default."""


@cache
def production() -> Recording:
    recording = recorder.run(PRODUCTION_STACK)
    assert recording.error is None, recording.error
    return recording


@cache
def dev() -> Recording:
    """The project's own stack file, with an additional share."""
    share = {"airflow:dags": [{"kind": "share", "size_gib": 1024}]}
    recording = recorder.run({**stacks_gcp.STACKS["gcp, stack file dev"], **share})
    assert recording.error is None, recording.error
    return recording
