"""All resources of the cloud layer of a stack on Azure. Written by hand."""

from __future__ import annotations

from typing import Final

Item = tuple[str, str]


def native(kind: str, name: str) -> Item:
    return (f"azure-native:{kind}", f"airflow-cloud-{name}")


def component(kind: str, name: str) -> Item:
    return (f"airflow:azure:{kind}", f"airflow-cloud-{name}")


def role(name: str) -> Item:
    return native("authorization:RoleAssignment", f"{name}-role")


def password(user: str) -> Item:
    return ("random:index/randomPassword:RandomPassword", f"airflow-cloud-database-{user}-password")


def configuration(*names: str) -> set[Item]:
    return {native("dbforpostgresql:Configuration", f"database-{name}") for name in names}


def bare_identity(part: str) -> set[Item]:
    """An identity without any right."""
    return {
        native("managedidentity:UserAssignedIdentity", f"identities-{part}"),
        native("managedidentity:FederatedIdentityCredential", f"identities-{part}-federation"),
    }


def identity(part: str) -> set[Item]:
    return bare_identity(part) | {role(f"identities-{part}")}


def subnet(use: str) -> set[Item]:
    return {
        native("network:NetworkSecurityGroup", f"network-{use}-rules"),
        native("network:Subnet", f"network-{use}-subnet"),
    }


def zone(name: str) -> set[Item]:
    return {native("privatedns:PrivateZone", f"{name}-zone"), native("privatedns:VirtualNetworkLink", f"{name}-link")}


def private_endpoint(name: str) -> set[Item]:
    return zone(name) | {
        native("network:PrivateEndpoint", f"{name}-endpoint"),
        native("network:PrivateDnsZoneGroup", f"{name}-names"),
    }


WITHOUT_LOGS: Final = {
    ("airflow:azure:Cloud", "airflow-cloud"),
    ("pulumi:providers:azure-native", "airflow-cloud-provider"),
    ("pulumi:providers:kubernetes", "airflow-cloud-kubernetes"),
    ("random:index/randomId:RandomId", "airflow-cloud-suffix"),
    native("resources:ResourceGroup", "group"),
    role("operator"),
    # Network
    component("Network", "network"),
    native("network:VirtualNetwork", "network-vnet"),
    *subnet("database"),
    *subnet("nodes"),
    *zone("network-database"),
    # Cluster
    component("Cluster", "cluster"),
    component("Nodes", "nodes"),
    native("containerservice:ManagedCluster", "cluster-aks"),
    native("containerservice:MaintenanceConfiguration", "cluster-kubernetes-maintenance"),
    native("containerservice:MaintenanceConfiguration", "cluster-nodes-maintenance"),
    native("managedidentity:UserAssignedIdentity", "cluster-identity"),
    role("cluster-subnet"),
    # Database
    component("Database", "database"),
    native("dbforpostgresql:Server", "database-server"),
    native("dbforpostgresql:Database", "database-metadata"),
    password("administrator"),
    password("metadata"),
    component("Identities", "identities"),
    *bare_identity("pod"),
}
LOG_STORE: Final = {
    component("LogStorage", "logs"),
    native("storage:StorageAccount", "logs-account"),
    native("storage:BlobServiceProperties", "logs-service"),
    native("storage:BlobContainer", "logs-container"),
    native("storage:ManagementPolicy", "logs-expiry"),
    *identity("api-server"),
    *identity("triggerer"),
}
CELERY: Final = {
    component("BrokerDisk", "broker"),
    native("compute:Disk", "broker-disk"),
    role("broker"),
    native("dbforpostgresql:Database", "database-results"),
    password("results"),
    *identity("worker"),
}
TASK_PODS: Final = identity("task")
NAT_GATEWAY: Final = {
    native("network:NatGateway", "network-outbound"),
    native("network:PublicIPAddress", "network-outbound-address"),
}
PRIVATE_LOGS: Final = subnet("endpoints") | private_endpoint("logs-blob")
FILES: Final = {
    component("FileStorage", "files"),
    native("storage:StorageAccount", "files-account"),
    native("storage:FileServiceProperties", "files-service"),
}
SHARE_FOR_DAGS: Final = native("storage:FileShare", "files-dags-share")
SHARE_FOR_LOGS: Final = native("storage:FileShare", "files-logs-share")
FRONT: Final = {
    component("Address", "load-balancer"),
    native("network:PublicIPAddress", "load-balancer-address"),
    native("resources:Deployment", "cluster-gateways"),
    role("load-balancer-address"),
    role("load-balancer-list"),
}
PROJECTS: Final = {
    component("Projects", "projects"),
    native("storage:StorageAccount", "projects-account"),
    native("storage:BlobServiceProperties", "projects-service"),
    native("storage:BlobContainer", "projects-sales-container"),
    native("managedidentity:UserAssignedIdentity", "projects-sales-identity"),
    native("managedidentity:FederatedIdentityCredential", "projects-sales-airflow-tasks-federation"),
    role("projects-sales-data"),
    native("managedidentity:UserAssignedIdentity", "projects-weather-identity"),
    native("managedidentity:FederatedIdentityCredential", "projects-weather-airflow-tasks-federation"),
    role("projects-weather-log"),
    # The zone of blobs is that of the logs.
    native("network:PrivateEndpoint", "projects-blob-endpoint"),
    native("network:PrivateDnsZoneGroup", "projects-blob-names"),
}
REGISTRY: Final = {
    component("Registry", "registry"),
    native("containerregistry:Registry", "registry-registry"),
    role("registry-pull"),
}
VAULT: Final = {
    component("KeyVault", "vault"),
    native("keyvault:Vault", "vault-vault"),
    native("managedidentity:UserAssignedIdentity", "identities-dag-processor"),
    native("managedidentity:FederatedIdentityCredential", "identities-dag-processor-federation"),
    *(role(f"identities-{part}-secrets") for part in ("api-server", "dag-processor", "triggerer")),
}
AUDIT: Final = {
    component("Audit", "audit"),
    native("operationalinsights:Workspace", "audit-workspace"),
    native("monitor:DiagnosticSetting", "audit-setting"),
    native("monitor:DiagnosticSetting", "audit-database-setting"),
    *configuration("connection-throttle-enable", "log-statement"),
}


def pools(*uses: str) -> set[Item]:
    return {native("containerservice:AgentPool", f"nodes-{use}") for use in uses}


def locks(*uses: str) -> set[Item]:
    return {
        component("Locks", "locks"),
        *(native("authorization:ManagementLockByScope", f"locks-{use}") for use in uses),
    }


BASE: Final = WITHOUT_LOGS | LOG_STORE
BOTH: Final = BASE | CELERY | TASK_PODS
INVENTORY: Final[dict[str, set[Item]]] = {
    "azure, celery": BASE | CELERY,
    "azure, kubernetes": BASE | TASK_PODS,
    "azure, both": BOTH,
    "azure, no zones": BASE | CELERY,
    "azure, stack file prod": BASE
    | TASK_PODS
    | NAT_GATEWAY
    | PRIVATE_LOGS
    | AUDIT
    | pools("airflow")
    | locks("database", "logs"),
    "azure, sample celery": BASE | CELERY | FILES | {SHARE_FOR_DAGS},
    "azure, sample both": BOTH | FRONT | REGISTRY | pools("tasks"),
    "azure, projects": BOTH | PRIVATE_LOGS | PROJECTS | locks("database", "logs", "projects"),
    "azure, shares by NFS": WITHOUT_LOGS | FILES | {SHARE_FOR_DAGS, SHARE_FOR_LOGS},
    "azure, protected with everything": BOTH
    | NAT_GATEWAY
    | PRIVATE_LOGS
    | AUDIT
    | FILES
    | {SHARE_FOR_DAGS}
    | private_endpoint("files-file")
    | FRONT
    | REGISTRY
    | VAULT
    | pools("airflow", "tasks")
    | locks("database", "files", "logs")
    | {native("resources:ResourceGroup", "broker-kept-group")},
}
