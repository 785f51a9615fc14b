"""Mutants of the rules for Google Cloud."""

from __future__ import annotations

from typing import Final

from policies.rules.gcp_cluster import CLUSTER, POOL
from policies.rules.gcp_database import AUDIT_FLAGS, DATABASE, SERVER, USER
from policies.rules.gcp_network import API, CONNECTION, FIREWALL, NAT, NETWORK, SUBNETWORK
from policies.rules.gcp_storage import (
    BUCKET,
    BUCKET_BINDING,
    BUCKET_MEMBER,
    DATASET,
    DATASET_BINDING,
    DATASET_MEMBER,
    KEYS,
    PROJECT_BINDING,
    PROJECT_MEMBER,
    SHARE,
)
from policies.rules.protection import GOOGLE_LABELS
from policies.rules.secrets import INSTANCES
from tests.unit.policies.mutants import REMOVED, Mutant, of

WORLD: Final = "0.0.0.0/0"
DEFAULT_ACCOUNT: Final = "123-compute@developer.gserviceaccount.com"
ADDRESSES: Final = "settings.ipConfiguration"
BACKUPS: Final = "settings.backupConfiguration"
SHIELD: Final = "nodeConfig.shieldedInstanceConfig"
OPEN_ENDPOINT: Final = {"ipEndpointsConfig": {"enabled": True}}
OPEN: Final = {"allows": [{"protocol": "tcp"}], "direction": "INGRESS"}
URL: Final = "postgresql://airflow:s3cret@db.example.org/airflow"

MUTANTS: Final[dict[str, list[Mutant]]] = {
    "gke-private-nodes": [
        *of(CLUSTER, ("privateClusterConfig.enablePrivateNodes", False)),
        *of(POOL, ("networkConfig.enablePrivateNodes", REMOVED)),
    ],
    "gke-control-plane-endpoint": [
        Mutant(CLUSTER, "controlPlaneEndpointsConfig", OPEN_ENDPOINT),
        Mutant(CLUSTER, "controlPlaneEndpointsConfig"),
        *(
            Mutant(CLUSTER, own={"masterAuthorizedNetworksConfig": networks})
            for networks in (
                {"cidrBlocks": [{"cidrBlock": WORLD}]},
                {"cidrBlocks": [{"cidrBlock": "8.20.0.0/24"}], "gcpPublicCidrsAccessEnabled": True},
                {"cidrBlocks": []},
            )
        ),
    ],
    "gke-network-policy": of(CLUSTER, ("datapathProvider", "LEGACY_DATAPATH"), ("datapathProvider", REMOVED)),
    "gke-vpc-native": of(
        CLUSTER,
        ("networkingMode", "ROUTES"),
        ("ipAllocationPolicy.clusterSecondaryRangeName", REMOVED),
        ("ipAllocationPolicy.servicesSecondaryRangeName", ""),
    ),
    "gke-workload-identity": of(CLUSTER, ("workloadIdentityConfig", REMOVED)),
    "gke-metadata-server": [
        Mutant(kind, "nodeConfig.workloadMetadataConfig.mode", "GCE_METADATA") for kind in (CLUSTER, POOL)
    ],
    "gke-node-account": [
        Mutant(kind, "nodeConfig.serviceAccount", account)
        for kind in (CLUSTER, POOL)
        for account in (REMOVED, "default", DEFAULT_ACCOUNT)
    ],
    "gke-legacy-login": of(
        CLUSTER,
        ("enableLegacyAbac", True),
        ("masterAuth.clientCertificateConfig.issueClientCertificate", True),
        ("enableKubernetesAlpha", True),
    ),
    "gke-anonymous-access": of(
        CLUSTER,
        ("rbacBindingConfig.enableInsecureBindingSystemAuthenticated", True),
        ("rbacBindingConfig.enableInsecureBindingSystemUnauthenticated", REMOVED),
        ("anonymousAuthenticationConfig.mode", "ENABLED"),
    ),
    "gke-shielded-nodes": [
        Mutant(CLUSTER, "enableShieldedNodes", False),
        *(
            Mutant(kind, f"{SHIELD}.{key}", False)
            for kind in (CLUSTER, POOL)
            for key in ("enableSecureBoot", "enableIntegrityMonitoring")
        ),
    ],
    "gke-node-image": of(POOL, ("nodeConfig.imageType", "UBUNTU")),
    "gke-node-repair": of(POOL, ("management.autoRepair", False), ("management.autoUpgrade", False)),
    "gke-kubelet-port": [
        *of(CLUSTER, ("removeDefaultNodePool", REMOVED)),
        *of(POOL, ("nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled", "TRUE")),
    ],
    "gke-zones": [
        *of(CLUSTER, ("location", "europe-west1-b"), ("nodeLocations", ["europe-west1-b"])),
        *of(POOL, ("autoscaling.locationPolicy", REMOVED)),
    ],
    "gke-release-channel": of(CLUSTER, ("releaseChannel", REMOVED), ("releaseChannel.channel", "UNSPECIFIED")),
    "gke-mature-channel": of(CLUSTER, ("releaseChannel.channel", "RAPID")),
    "gke-maintenance-window": of(CLUSTER, ("maintenancePolicy", REMOVED)),
    "gke-observability": of(
        CLUSTER,
        ("enableIntranodeVisibility", REMOVED),
        ("securityPostureConfig.mode", "DISABLED"),
        ("loggingConfig.enableComponents", ["SYSTEM_COMPONENTS"]),
        ("monitoringConfig.managedPrometheus.enabled", False),
    ),
    "gke-system-logs": of(CLUSTER, ("loggingConfig.enableComponents", [])),
    "gke-deletion-protection": of(CLUSTER, ("deletionProtection", False)),
    "gke-secrets-encryption": of(
        CLUSTER, ("databaseEncryption.state", "DECRYPTED"), ("databaseEncryption.keyName", REMOVED)
    ),
    "gke-signed-images": of(CLUSTER, ("binaryAuthorization.evaluationMode", "DISABLED")),
    "cloudsql-high-availability": of(SERVER, ("settings.availabilityType", "ZONAL")),
    "cloudsql-private-address": of(
        SERVER, (f"{ADDRESSES}.ipv4Enabled", True), (f"{ADDRESSES}.privateNetwork", REMOVED)
    ),
    "cloudsql-authorized-networks": of(SERVER, (f"{ADDRESSES}.authorizedNetworks", [{"name": "all", "value": WORLD}])),
    "cloudsql-tls": of(
        SERVER, (f"{ADDRESSES}.sslMode", "ALLOW_UNENCRYPTED_AND_ENCRYPTED"), (f"{ADDRESSES}.sslMode", REMOVED)
    ),
    "cloudsql-backups": of(SERVER, (f"{BACKUPS}.enabled", False)),
    "cloudsql-point-in-time-recovery": of(
        SERVER, (f"{BACKUPS}.pointInTimeRecoveryEnabled", False), (f"{BACKUPS}.transactionLogRetentionDays", 3)
    ),
    "cloudsql-backup-retention": of(SERVER, (f"{BACKUPS}.backupRetentionSettings.retainedBackups", 7)),
    "cloudsql-deletion-protection": of(
        SERVER, ("deletionProtection", False), ("settings.deletionProtectionEnabled", False)
    ),
    "cloudsql-backups-outlive-server": of(
        SERVER, ("settings.retainBackupsOnDelete", False), ("settings.finalBackupConfig", REMOVED)
    ),
    "cloudsql-maintenance-window": of(
        SERVER, ("settings.maintenanceWindow.day", REMOVED), ("settings.maintenanceWindow.updateTrack", "canary")
    ),
    "cloudsql-disk-growth": of(SERVER, ("settings.diskAutoresize", False), ("settings.diskAutoresizeLimit", 0)),
    "cloudsql-audit": of(
        SERVER,
        ("settings.databaseFlags", REMOVED),
        *(
            (
                "settings.databaseFlags",
                [{"name": name, "value": value} for name, value in AUDIT_FLAGS.items() if name != left],
            )
            for left in AUDIT_FLAGS
        ),
    ),
    "cloudsql-insights": of(
        SERVER,
        ("settings.insightsConfig.queryInsightsEnabled", False),
        ("settings.passwordValidationPolicy.enablePasswordPolicy", False),
        ("settings.passwordValidationPolicy.complexity", REMOVED),
    ),
    "cloudsql-abandon": [Mutant(kind, "deletionPolicy", "DELETE") for kind in (USER, DATABASE)],
    "gcp-own-network": of(NETWORK, ("autoCreateSubnetworks", True)),
    "gcp-private-google-access": of(SUBNETWORK, ("privateIpGoogleAccess", REMOVED)),
    "gcp-open-firewall": [
        Mutant(FIREWALL, own={**OPEN, "sourceRanges": ["10.0.0.0/8", WORLD]}),
        Mutant(FIREWALL, own={**OPEN, "sourceRanges": ["::/0"]}),
        Mutant(FIREWALL, own=OPEN),
    ],
    "gcp-flow-logs": of(SUBNETWORK, ("logConfig", REMOVED)),
    "gcp-nat": of(NAT, ("logConfig.enable", False), ("minPortsPerVm", 32)),
    "gcp-service-connection": of(CONNECTION, ("deletionPolicy", REMOVED)),
    "gcp-apis-stay-enabled": of(API, ("disableOnDestroy", True)),
    "gcs-public-access": [
        *of(BUCKET, ("publicAccessPrevention", "inherited")),
        *of(BUCKET_MEMBER, ("member", "allUsers"), ("member", "allAuthenticatedUsers")),
        Mutant(BUCKET_BINDING, own={"role": "roles/storage.objectViewer", "members": ["user:a@b.org", "allUsers"]}),
    ],
    "gcs-uniform-access": of(BUCKET, ("uniformBucketLevelAccess", False)),
    "gcs-recovery": of(BUCKET, ("softDeletePolicy.retentionDurationSeconds", 0), ("softDeletePolicy", REMOVED)),
    "gcs-expiry": of(BUCKET, ("lifecycleRules", []), ("lifecycleRules[0].condition", {})),
    "gcs-force-destroy": of(BUCKET, ("forceDestroy", True)),
    "bigquery-public-access": [
        *of(DATASET_MEMBER, ("member", "allUsers"), ("member", "allAuthenticatedUsers")),
        Mutant(DATASET_BINDING, own={"role": "roles/bigquery.dataViewer", "members": ["user:a@b.org", "allUsers"]}),
        *of(
            DATASET,
            ("accesses", [{"role": "READER", "specialGroup": "allAuthenticatedUsers"}]),
            ("accesses", [{"role": "READER", "iamMember": "allUsers"}]),
        ),
    ],
    "bigquery-delete-contents": of(DATASET, ("deleteContentsOnDestroy", True)),
    "gcp-least-roles": [
        *of(DATASET_MEMBER, ("role", "roles/bigquery.admin")),
        Mutant(DATASET_BINDING, own={"role": "roles/bigquery.dataOwner", "members": ["user:a@b.org"]}),
        *of(BUCKET_MEMBER, ("role", "roles/storage.admin")),
        Mutant(BUCKET_BINDING, own={"role": "roles/storage.legacyBucketOwner", "members": ["user:a@b.org"]}),
        *of(PROJECT_MEMBER, ("role", "roles/editor")),
        Mutant(PROJECT_BINDING, own={"role": "roles/owner", "members": ["user:a@b.org"]}),
    ],
    "gcp-no-keys": [Mutant(kind, own={"serviceAccountId": "x"}) for kind in KEYS],
    "filestore-deletion-protection": of(SHARE, ("deletionProtectionEnabled", False), name="logs-share"),
    "filestore-clients": of(
        SHARE,
        ("fileShares.nfsExportOptions", REMOVED),
        ("fileShares.nfsExportOptions[0].ipRanges", []),
        ("fileShares.nfsExportOptions[0].ipRanges", [WORLD]),
    ),
    "gcp-labels": [
        mutant for kind, path in GOOGLE_LABELS.items() for mutant in of(kind, (path, REMOVED), (path, {"team": "data"}))
    ],
    "secret-machine-metadata": [
        *of(CLUSTER, ("nodeConfig.metadata", {"startup-script": f"export DB={URL}"})),
        *of(POOL, ("nodeConfig.metadata", {"db-password": "s3cret"}), ("nodeConfig.labels", {"api-key": "s3cret"})),
        *(
            mutant
            for kind in INSTANCES
            for mutant in (
                Mutant(kind, own={"metadataStartupScript": f"run {URL}"}),
                Mutant(kind, own={"metadata": {"ssh": "-----BEGIN RSA PRIVATE KEY-----"}}),
            )
        ),
    ],
}
"""By rule."""
