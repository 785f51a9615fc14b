"""All resources of the cloud layer of a stack on Google Cloud. Written by hand."""

from __future__ import annotations

from typing import Final


def service(api: str) -> tuple[str, str]:
    return ("gcp:projects/service:Service", f"airflow-cloud-apis-{api}")


def bare_identity(part: str) -> set[tuple[str, str]]:
    """An identity without any right."""
    return {
        ("gcp:serviceaccount/account:Account", f"airflow-cloud-identities-{part}"),
        ("gcp:serviceaccount/iAMMember:IAMMember", f"airflow-cloud-identities-{part}-binding"),
    }


def identity(part: str) -> set[tuple[str, str]]:
    return bare_identity(part) | {
        ("gcp:storage/bucketIAMMember:BucketIAMMember", f"airflow-cloud-identities-{part}-access"),
    }


EVERY_EXECUTOR: Final = {
    ("airflow:gcp:Cloud", "airflow-cloud"),
    ("pulumi:providers:gcp", "airflow-cloud-provider"),
    ("pulumi:providers:kubernetes", "airflow-cloud-kubernetes"),
    ("random:index/randomId:RandomId", "airflow-cloud-suffix"),
    # APIs
    ("airflow:gcp:Apis", "airflow-cloud-apis"),
    *map(service, ("compute", "container", "credentials", "iam", "networking", "projects", "sql", "storage")),
    # Network
    ("airflow:gcp:Network", "airflow-cloud-network"),
    ("gcp:compute/globalAddress:GlobalAddress", "airflow-cloud-network-private-services"),
    ("gcp:compute/network:Network", "airflow-cloud-network-network"),
    ("gcp:compute/router:Router", "airflow-cloud-network-router"),
    ("gcp:compute/routerNat:RouterNat", "airflow-cloud-network-nat"),
    ("gcp:compute/subnetwork:Subnetwork", "airflow-cloud-network-subnet"),
    ("gcp:servicenetworking/connection:Connection", "airflow-cloud-network-connection"),
    # Cluster
    ("airflow:gcp:Cluster", "airflow-cloud-cluster"),
    ("airflow:gcp:NodeIdentity", "airflow-cloud-node-identity"),
    ("airflow:gcp:Nodes", "airflow-cloud-nodes"),
    ("gcp:container/cluster:Cluster", "airflow-cloud-cluster-gke"),
    ("gcp:container/nodePool:NodePool", "airflow-cloud-nodes-system"),
    ("gcp:projects/iAMMember:IAMMember", "airflow-cloud-node-identity-role"),
    ("gcp:serviceaccount/account:Account", "airflow-cloud-node-identity-account"),
    # Database
    ("airflow:gcp:Database", "airflow-cloud-database"),
    ("gcp:sql/database:Database", "airflow-cloud-database-metadata"),
    ("gcp:sql/databaseInstance:DatabaseInstance", "airflow-cloud-database-server"),
    ("gcp:sql/user:User", "airflow-cloud-database-administrator"),
    ("random:index/randomPassword:RandomPassword", "airflow-cloud-database-administrator-password"),
    ("random:index/randomPassword:RandomPassword", "airflow-cloud-database-metadata-password"),
    # Logs
    ("airflow:gcp:Identities", "airflow-cloud-identities"),
    ("airflow:gcp:LogBucket", "airflow-cloud-logs"),
    ("gcp:storage/bucket:Bucket", "airflow-cloud-logs-bucket"),
    *identity("api-server"),
    *identity("triggerer"),
    *bare_identity("pod"),
}
POSTURE: Final = {service("posture")}
"""Unless a stack observes only the system."""
CELERY: Final = {
    ("airflow:gcp:BrokerDisk", "airflow-cloud-broker"),
    ("gcp:compute/disk:Disk", "airflow-cloud-broker-disk"),
    ("gcp:sql/database:Database", "airflow-cloud-database-results"),
    ("random:index/randomPassword:RandomPassword", "airflow-cloud-database-results-password"),
    *identity("worker"),
}
TASK_PODS: Final = identity("task")
LOGS_IN_A_BUCKET: Final = {
    service("storage"),
    ("airflow:gcp:LogBucket", "airflow-cloud-logs"),
    ("gcp:storage/bucket:Bucket", "airflow-cloud-logs-bucket"),
    *(resource for part in ("api-server", "triggerer", "worker", "task") for resource in identity(part)),
}
SHARES: Final = {
    service("files"),
    ("airflow:gcp:Share", "airflow-cloud-dags-share"),
    ("airflow:gcp:Share", "airflow-cloud-logs-share"),
    ("gcp:filestore/instance:Instance", "airflow-cloud-dags-share-share"),
    ("gcp:filestore/instance:Instance", "airflow-cloud-logs-share-share"),
}
FRONT: Final = {
    ("airflow:gcp:LoadBalancer", "airflow-cloud-load-balancer"),
    ("gcp:compute/globalAddress:GlobalAddress", "airflow-cloud-load-balancer-address"),
    ("gcp:compute/sSLPolicy:SSLPolicy", "airflow-cloud-load-balancer-tls"),
}
CERTIFICATES: Final = {
    service("certificates"),
    ("gcp:certificatemanager/certificateMap:CertificateMap", "airflow-cloud-load-balancer-certificates"),
    ("gcp:certificatemanager/certificate:Certificate", "airflow-cloud-load-balancer-api-server-certificate"),
    ("gcp:certificatemanager/certificateMapEntry:CertificateMapEntry", "airflow-cloud-load-balancer-api-server-entry"),
}
FLOWERS_CERTIFICATE: Final = {
    ("gcp:certificatemanager/certificate:Certificate", "airflow-cloud-load-balancer-flower-certificate"),
    ("gcp:certificatemanager/certificateMapEntry:CertificateMapEntry", "airflow-cloud-load-balancer-flower-entry"),
}
IAP: Final = {
    service("iap"),
    (
        "gcp:iap/webTypeComputeIamMember:WebTypeComputeIamMember",
        "airflow-cloud-load-balancer-iap-group:data@example.org",
    ),
    ("gcp:iap/webTypeComputeIamMember:WebTypeComputeIamMember", "airflow-cloud-load-balancer-iap-user:ada@example.org"),
}
REGISTRY: Final = {
    service("artifacts"),
    ("airflow:gcp:Registry", "airflow-cloud-registry"),
    ("gcp:artifactregistry/repository:Repository", "airflow-cloud-registry-repository"),
    ("gcp:artifactregistry/repositoryIamMember:RepositoryIamMember", "airflow-cloud-registry-readers"),
}
DATASETS: Final = {
    service("bigquery"),
    ("airflow:gcp:Datasets", "airflow-cloud-datasets"),
    ("gcp:bigquery/dataset:Dataset", "airflow-cloud-datasets-citibike"),
    ("gcp:bigquery/dataset:Dataset", "airflow-cloud-datasets-Reports"),
    *(
        resource
        for part in ("worker", "task", "pod")
        for resource in (
            ("gcp:bigquery/datasetIamMember:DatasetIamMember", f"airflow-cloud-identities-{part}-dataset-citibike"),
            ("gcp:bigquery/datasetIamMember:DatasetIamMember", f"airflow-cloud-identities-{part}-dataset-Reports"),
            ("gcp:projects/iAMMember:IAMMember", f"airflow-cloud-identities-{part}-jobs"),
            ("gcp:serviceaccount/account:Account", f"airflow-cloud-identities-{part}"),
            ("gcp:serviceaccount/iAMMember:IAMMember", f"airflow-cloud-identities-{part}-binding"),
        )
    ),
}
"""Of the workloads, only those that run tasks or a part of one write to datasets."""
SECRETS: Final = {
    service("secrets"),
    *(found for part in ("api-server", "dag-processor", "triggerer") for found in bare_identity(part)),
    *(
        ("gcp:projects/iAMMember:IAMMember", f"airflow-cloud-identities-{part}-secrets")
        for part in ("api-server", "dag-processor", "triggerer")
    ),
}
THROUGH_THE_PROXY: Final = {
    resource
    for part in ("api-server", "dag-processor", "migration", "scheduler", "triggerer", "worker")
    for resource in (
        ("gcp:projects/iAMMember:IAMMember", f"airflow-cloud-identities-{part}-database"),
        ("gcp:serviceaccount/account:Account", f"airflow-cloud-identities-{part}"),
        ("gcp:serviceaccount/iAMMember:IAMMember", f"airflow-cloud-identities-{part}-binding"),
    )
}
PROJECTS: Final = {
    ("airflow:gcp:Projects", "airflow-cloud-projects"),
    ("gcp:serviceaccount/account:Account", "airflow-cloud-projects-sales-account"),
    ("gcp:serviceaccount/iAMMember:IAMMember", "airflow-cloud-projects-sales-airflow-tasks-binding"),
    ("gcp:serviceaccount/account:Account", "airflow-cloud-projects-weather-account"),
    ("gcp:serviceaccount/iAMMember:IAMMember", "airflow-cloud-projects-weather-airflow-tasks-binding"),
    ("gcp:storage/bucketIAMMember:BucketIAMMember", "airflow-cloud-projects-weather-log-access"),
    ("gcp:storage/bucket:Bucket", "airflow-cloud-projects-sales-bucket"),
    ("gcp:storage/bucketIAMMember:BucketIAMMember", "airflow-cloud-projects-sales-data-access"),
}
DAG_BUCKET: Final = {
    ("airflow:gcp:DagBucket", "airflow-cloud-dags"),
    ("gcp:storage/bucket:Bucket", "airflow-cloud-dags-bucket"),
}


def dag_readers(*workloads: str) -> set[tuple[str, str]]:
    """The rights of workloads that read DAG files in a bucket, and the account of the only one without other rights."""
    processor = "airflow-cloud-identities-dag-processor"
    return {
        ("gcp:serviceaccount/account:Account", processor),
        ("gcp:serviceaccount/iAMMember:IAMMember", f"{processor}-binding"),
        *(
            ("gcp:storage/bucketIAMMember:BucketIAMMember", f"airflow-cloud-identities-{workload}-dags-{what}")
            for workload in ("dag-processor", "triggerer", *workloads)
            for what in ("objects", "bucket")
        ),
    }


TASK_NODES: Final = {("gcp:container/nodePool:NodePool", "airflow-cloud-nodes-tasks")}
BOTH: Final = EVERY_EXECUTOR | POSTURE | CELERY | TASK_PODS

INVENTORY: Final = {
    "gcp, celery": EVERY_EXECUTOR | POSTURE | CELERY,
    "gcp, kubernetes": EVERY_EXECUTOR | POSTURE | TASK_PODS,
    "gcp, both": BOTH,
    "gcp, stack file dev": EVERY_EXECUTOR | CELERY,
    "gcp, sample kubernetes": EVERY_EXECUTOR | POSTURE | TASK_PODS | TASK_NODES | FRONT | CERTIFICATES,
    "gcp, sample both": BOTH
    | TASK_NODES
    | FRONT
    | CERTIFICATES
    | FLOWERS_CERTIFICATE
    | REGISTRY
    | {resource for resource in SHARES if "logs" not in resource[1]},
    "gcp, projects": BOTH | PROJECTS,
    "gcp, DAGs in a bucket": BOTH | DAG_BUCKET | dag_readers("worker", "task"),
    "gcp, DAGs in an existing bucket": EVERY_EXECUTOR | POSTURE | TASK_PODS | dag_readers("task"),
    "gcp, through the proxy": BOTH | THROUGH_THE_PROXY,
    "gcp, protected with everything": (BOTH - LOGS_IN_A_BUCKET)
    | {service("binaries")}
    | SHARES
    | TASK_NODES
    | FRONT
    | CERTIFICATES
    | FLOWERS_CERTIFICATE
    | IAP
    | REGISTRY
    | DATASETS
    | SECRETS,
}
