"""Effects of each single setting of Airflow, on Google Cloud: see settings_flips_gcp.py for the stack."""

from __future__ import annotations

from typing import Final

from tests.engine.settings_effects import Changes, Flip, Flips, Protected, Refused

EVERY_OPTION_READER: Final = Changes(
    updates={"api-server", "dag-processor", "flower", "scheduler", "triggerer", "worker"},
    replaces={
        "api-server-options",
        "dag-processor-options",
        "flower-options",
        "scheduler-options",
        "task-options",
        "task-template",
        "triggerer-options",
        "worker-options",
    },
)
DEFAULTS_OF_PODS: Final = Changes(
    updates={"scheduler", "task-limits", "worker"}, replaces={"pod-defaults", "task-template"}
)
"""Those that start pods read the defaults when they start themselves."""
FLIPS: Final[Flips] = {
    "cloud.kind": Flip(
        {"kind": "existing"},
        Refused("dags[0].kind: 'share' is a file share of a cloud, which is not available on an existing cluster"),
    ),
    "executor.kind": Flip(
        {"kind": "kubernetes"},
        Refused("exposure.flower_host: 'flower.simulated.test' requires Flower, which this stack does not have"),
    ),
    "executor.workers.cpu_milli": Flip(300, Changes(updates={"worker"})),
    "executor.workers.memory_mib": Flip(4096, Changes(updates={"worker"})),
    "executor.workers.replicas": Flip(3, Changes(updates={"scheduler", "worker"}, replaces={"scheduler-options"})),
    "executor.workers.concurrency": Flip(
        4, Changes(updates={"scheduler", "worker"}, replaces={"scheduler-options", "worker-options"})
    ),
    "executor.workers.grace_seconds": Flip(900, Changes(updates={"worker"})),
    "executor.workers.scratch_gib": Flip(20, Changes(updates={"worker"})),
    "executor.broker.cpu_milli": Flip(100, Changes(updates={"redis"})),
    "executor.broker.memory_mib": Flip(512, Changes(updates={"redis"})),
    "executor.broker.image": Flip("redis:7.2-bookworm", Changes(updates={"redis"})),
    "executor.broker.size_gib": Flip(20, Changes(updates={"celery-broker-data-volume", "cloud-broker-disk"})),
    "executor.broker.visibility_timeout_seconds": Flip(
        7200,
        Changes(
            updates={"flower", "scheduler", "worker"},
            replaces={"flower-options", "scheduler-options", "worker-options"},
        ),
    ),
    "executor.flower.cpu_milli": Flip(100, Changes(updates={"flower"})),
    "executor.flower.memory_mib": Flip(512, Changes(updates={"flower"})),
    "executor.flower.enabled": Flip(
        False, Refused("exposure.flower_host: 'flower.simulated.test' requires Flower, which this stack does not have")
    ),
    "executor.task_pods.cpu_milli": Flip(100, Changes(updates={"scheduler"}, replaces={"task-template"})),
    "executor.task_pods.memory_mib": Flip(1024, Changes(updates={"scheduler"}, replaces={"task-template"})),
    "executor.task_pods.grace_seconds": Flip(900, Changes(updates={"scheduler"}, replaces={"task-template"})),
    "executor.task_pods.scratch_gib": Flip(4, Changes(updates={"scheduler"}, replaces={"task-template"})),
    "executor.task_pods.max_running_tasks": Flip(64, Changes(updates={"scheduler"}, replaces={"scheduler-options"})),
    "executor.task_pods.created_per_heartbeat": Flip(8, Changes(updates={"scheduler"}, replaces={"scheduler-options"})),
    "executor.task_pods.keep": Flip("failed", Changes(updates={"scheduler"}, replaces={"scheduler-options"})),
    "name": Flip(
        "other",
        Protected(
            {
                "celery-broker-data",
                "cloud-database-metadata",
                "cloud-database-results",
                "cloud-load-balancer-address",
                "cloud-logs-bucket",
                "cloud-registry-repository",
                "dags",
                "secrets-admin-password",
                "secrets-api-key",
                "secrets-broker-password",
                "secrets-fernet-key",
                "secrets-flower-password",
                "secrets-jwt-key",
            }
        ),
    ),
    "namespace": Flip(
        "elsewhere", Protected({"celery-broker-data", "celery-broker-data-volume", "dags", "dags-volume"})
    ),
    "options_file": Flip(
        True,
        EVERY_OPTION_READER | Changes(replaces={"entries-job", "migrate-job", "migration-options", "people-job"}),
    ),
    "image.reference": Flip(
        "registry.example.org/airflow:3.3.2",
        Changes(
            updates={"api-server", "dag-processor", "flower", "scheduler", "triggerer", "worker"},
            replaces={"entries-job", "migrate-job", "people-job", "task-template"},
        ),
    ),
    "image.version": Flip("3.3.1", Refused("image: {'version': '3.3.1'} has Airflow 3.3.2, but version is 3.3.1")),
    "image.pull_policy": Flip(
        "Always",
        Changes(
            updates={"api-server", "dag-processor", "flower", "scheduler", "triggerer", "worker"},
            replaces={"entries-job", "migrate-job", "people-job", "task-template"},
        ),
    ),
    "image.pull_secret": Flip(
        "registry",
        Changes(
            updates={
                "api-server",
                "dag-processor",
                "flower",
                "redis",
                "scheduler",
                "task-pods",
                "tied-task-pods",
                "triggerer",
                "worker",
            },
            replaces={"entries-job", "migrate-job", "people-job", "pod-defaults", "task-template"},
        ),
    ),
    "dags[].kind": Flip({"kind": "image"}, Protected({"celery-broker-data", "dags"})),
    # Everyone has the list of bundles; those that run DAG code mount the share where the name says.
    "dags[].name": Flip("team", EVERY_OPTION_READER),
    "dags[].interval_seconds": Flip(60, EVERY_OPTION_READER),
    "dags[].path": Flip(
        "/opt/airflow/other", Refused("dags[0].path: '/opt/airflow/other' belongs to a key that is not known here")
    ),
    # The source of this stack is a share; tests/unit/airflow/dags/test_git.py has stacks with git.
    "dags[].repository": Flip(
        "https://git.example.org/dags.git",
        Refused("dags[0].repository: 'https://git.example.org/dags.git' belongs to a key that is not known here"),
    ),
    "dags[].branch": Flip("main", Refused("dags[0].branch: 'main' belongs to a key that is not known here")),
    "dags[].tag": Flip("v1", Refused("dags[0].tag: 'v1' belongs to a key that is not known here")),
    "dags[].commit": Flip("0" * 40, Refused(f"dags[0].commit: '{'0' * 40}' belongs to a key that is not known here")),
    "dags[].username": Flip("oauth2", Refused("dags[0].username: 'oauth2' belongs to a key that is not known here")),
    "dags[].credentials_secret": Flip(
        "token", Refused("dags[0].credentials_secret: 'token' belongs to a key that is not known here")
    ),
    "dags[].sync.kind": Flip(
        {"kind": "sidecar"}, Refused("dags[0].sync: {'kind': 'sidecar'} belongs to a key that is not known here")
    ),
    **{
        f"dags[].sync.{key}": Flip(value, Refused(f"dags[0].sync: {{'{key}': {value!r}}} belongs to a key that is not"))
        for key, value in {
            "image": "registry.example.org/git-sync:v4.5.1",
            "depth": 10,
            "size_mib": 1024,
            "plugins": "plugins",
            "cpu_milli": 20,
            "memory_mib": 256,
        }.items()
    },
    "dags[].size_gib": Flip(2048, Changes(updates={"cloud-dags-share-share", "dags-volume"})),
    "dags[].sub_path": Flip(
        "production", Changes(updates={"dag-processor", "scheduler", "triggerer", "worker"}, replaces={"task-template"})
    ),
    "dags[].plugins": Flip(
        "plugins",
        Changes(
            updates={"api-server", "dag-processor", "scheduler", "triggerer", "worker"},
            replaces={
                "api-server-options",
                "dag-processor-options",
                "scheduler-options",
                "task-options",
                "task-template",
                "triggerer-options",
                "worker-options",
            },
        ),
    ),
    # Keys of other kinds than the base's share.
    "dags[].claim_name": Flip("other", Refused("dags[0].claim_name: 'other' belongs to a key that is not known here")),
    "dags[].reference": Flip(
        "registry.example.org/dags:2",
        Refused("dags[0].reference: 'registry.example.org/dags:2' belongs to a key that is not known here"),
    ),
    "dags[].pull_policy": Flip(
        "Always", Refused("dags[0].pull_policy: 'Always' belongs to a key that is not known here")
    ),
    "dags[].mount.kind": Flip(
        {"kind": "image_volume"}, Refused("dags[0].mount: {'kind': 'image_volume'} belongs to a key that is not known")
    ),
    "dags[].mount.size_mib": Flip(64, Refused("dags[0].mount: {'size_mib': 64} belongs to a key that is not known")),
    "dags[].bucket_name": Flip(
        "our-dags", Refused("dags[0].bucket_name: 'our-dags' belongs to a key that is not known here")
    ),
    "dags[].prefix": Flip("team/", Refused("dags[0].prefix: 'team/' belongs to a key that is not known here")),
    "load_examples": Flip(True, EVERY_OPTION_READER),
    "example_dags": Flip(
        True,
        Changes(creates={"example-dags"}) | EVERY_OPTION_READER,
    ),
    "logs.kind": Flip({"kind": "volume", "size_gib": 1024}, Protected({"cloud-logs-bucket"})),
    "logs.retention_days": Flip(60, Changes(updates={"cloud-logs-bucket"})),
    "logs.size_gib": Flip(1024, Refused("logs.size_gib: 1024 belongs to a key that is not known here")),
    "logs.access_mode": Flip(
        "ReadWriteMany", Refused("logs.access_mode: 'ReadWriteMany' belongs to a key that is not known here")
    ),
    "components.api_server.cpu_milli": Flip(300, Changes(updates={"api-server"})),
    "components.api_server.memory_mib": Flip(2048, Changes(updates={"api-server"})),
    "components.api_server.scratch_gib": Flip(4, Changes(updates={"api-server"})),
    "components.api_server.replicas": Flip(2, Changes(updates={"api-server"})),
    "components.scheduler.cpu_milli": Flip(300, Changes(updates={"scheduler"})),
    "components.scheduler.memory_mib": Flip(2048, Changes(updates={"scheduler"})),
    "components.scheduler.scratch_gib": Flip(4, Changes(updates={"scheduler"})),
    "components.scheduler.replicas": Flip(2, Changes(updates={"scheduler"}, replaces={"scheduler-options"})),
    "components.dag_processor.cpu_milli": Flip(300, Changes(updates={"dag-processor"})),
    "components.dag_processor.memory_mib": Flip(2048, Changes(updates={"dag-processor"})),
    "components.dag_processor.scratch_gib": Flip(4, Changes(updates={"dag-processor"})),
    "components.dag_processor.replicas": Flip(
        2,
        Refused(
            "components.dag_processor.replicas: 2 is above 1, and Airflow does not support two DAG processors "
            "for one bundle"
        ),
    ),
    "components.triggerer.cpu_milli": Flip(300, Changes(updates={"triggerer"})),
    "components.triggerer.memory_mib": Flip(2048, Changes(updates={"triggerer"})),
    "components.triggerer.scratch_gib": Flip(4, Changes(updates={"triggerer"})),
    "components.triggerer.replicas": Flip(2, Changes(updates={"triggerer"})),
    "timezone": Flip("Europe/Berlin", EVERY_OPTION_READER),
    "scheduling.parallelism": Flip(12, Changes(updates={"scheduler"}, replaces={"scheduler-options"})),
    "scheduling.max_active_tasks_per_dag": Flip(32, EVERY_OPTION_READER),
    "scheduling.max_active_runs_per_dag": Flip(4, EVERY_OPTION_READER),
    "exposure.kind": Flip({"kind": "cluster_ip"}, Protected({"cloud-load-balancer-address"})),
    "exposure.port": Flip(30080, Refused("exposure.port: 30080 belongs to a key that is not known here")),
    "exposure.host": Flip(
        "other.simulated.test",
        Changes(
            updates={
                "api-server",
                "dag-processor",
                "exposure-api-server-route",
                "exposure-gateway",
                "exposure-redirect",
                "scheduler",
                "triggerer",
                "worker",
            },
            replaces={
                "api-server-options",
                "cloud-load-balancer-api-server-certificate",
                "cloud-load-balancer-api-server-entry",
                "dag-processor-options",
                "scheduler-options",
                "task-options",
                "task-template",
                "triggerer-options",
                "worker-options",
            },
        ),
    ),
    "exposure.flower_host": Flip(
        "celery.simulated.test",
        Changes(
            updates={"exposure-flower-route", "exposure-gateway", "exposure-redirect"},
            replaces={"cloud-load-balancer-flower-certificate", "cloud-load-balancer-flower-entry"},
        ),
    ),
    "exposure.tls.kind": Flip(
        {"kind": "secret", "name": "own"},
        Changes(
            updates={"exposure-gateway"},
            deletes={
                "cloud-apis-certificates",
                "cloud-load-balancer-api-server-certificate",
                "cloud-load-balancer-api-server-entry",
                "cloud-load-balancer-certificates",
                "cloud-load-balancer-flower-certificate",
                "cloud-load-balancer-flower-entry",
            },
        ),
    ),
    "exposure.tls.issuer": Flip(
        "letsencrypt", Refused("exposure.tls.issuer: 'letsencrypt' belongs to a key that is not known here")
    ),
    "exposure.tls.name": Flip("own", Refused("exposure.tls.name: 'own' belongs to a key that is not known here")),
    "migration.deadline_seconds": Flip(1800, Changes(updates={"entries-job", "migrate-job", "people-job"})),
    "admin.username": Flip("root", Changes(replaces={"migrate-job"})),
    "admin.email": Flip("data@example.org", Changes(replaces={"migrate-job"})),
    "options": Flip(
        {"scheduler": {"max_tis_per_query": "8"}}, Changes(updates={"scheduler"}, replaces={"scheduler-options"})
    ),
    "pod_operator.enabled": Flip(False, Refused("projects are about pods that tasks start, which this stack forbids")),
    "pod_operator.jobs": Flip(True, Changes(updates={"access-pod-launcher", "access-pod-watcher"})),
    "pod_operator.cpu_milli": Flip(300, DEFAULTS_OF_PODS),
    "pod_operator.memory_mib": Flip(1024, DEFAULTS_OF_PODS),
    "pod_operator.scratch_gib": Flip(4, DEFAULTS_OF_PODS),
    "pod_operator.xcom_image": Flip(
        "registry.example.org/alpine:3.24.1",
        Changes(updates={"scheduler", "triggerer", "worker"}, replaces={"task-template"}),
    ),
    "pod_operator.quota.pods": Flip(200, Changes(updates={"task-quota"})),
    "pod_operator.quota.cpu_milli": Flip(100_000, Changes(updates={"task-quota"})),
    "pod_operator.quota.memory_mib": Flip(200_000, Changes(updates={"task-quota"})),
    "protect": Flip(False, Changes(updates={"cloud-cluster-gke", "cloud-database-server", "cloud-logs-bucket"})),
}
