"""What each setting of Airflow does alone, on Google Cloud: see settings_flips_gcp.py for the stack."""

from __future__ import annotations

from typing import Any, Final

FLIPS: Final[dict[str, tuple[Any, str]]] = {
    "cloud.kind": (
        {"kind": "existing"},
        "refused: dags.kind: 'share' is a file share of a cloud, which is not available on an existing cluster",
    ),
    "executor.kind": (
        {"kind": "kubernetes"},
        ("refused: exposure.flower_host: 'flower.simulated.test' leads to a Flower that this stack does not have"),
    ),
    "executor.workers.cpu_milli": (300, "~worker"),
    "executor.workers.memory_mib": (4096, "~worker"),
    "executor.workers.replicas": (3, "~scheduler ~worker ±scheduler-options"),
    "executor.workers.concurrency": (4, "~scheduler ~worker ±scheduler-options ±worker-options"),
    "executor.workers.grace_seconds": (900, "~worker"),
    "executor.workers.scratch_gib": (20, "~worker"),
    "executor.broker.cpu_milli": (100, "~redis"),
    "executor.broker.memory_mib": (512, "~redis"),
    "executor.broker.image": ("redis:7.2-bookworm", "~redis"),
    "executor.broker.size_gib": (20, "~celery-broker-data-volume ~cloud-broker-disk"),
    "executor.broker.visibility_timeout_seconds": (
        7200,
        "~flower ~scheduler ~worker ±flower-options ±scheduler-options ±worker-options",
    ),
    "executor.flower.cpu_milli": (100, "~flower"),
    "executor.flower.memory_mib": (512, "~flower"),
    "executor.flower.enabled": (
        False,
        ("refused: exposure.flower_host: 'flower.simulated.test' leads to a Flower that this stack does not have"),
    ),
    "executor.task_pods.cpu_milli": (100, "~scheduler ±task-template"),
    "executor.task_pods.memory_mib": (1024, "~scheduler ±task-template"),
    "executor.task_pods.grace_seconds": (900, "~scheduler ±task-template"),
    "executor.task_pods.scratch_gib": (4, "~scheduler ±task-template"),
    "executor.task_pods.max_running_tasks": (64, "~scheduler ±scheduler-options"),
    "executor.task_pods.created_per_heartbeat": (8, "~scheduler ±scheduler-options"),
    "executor.task_pods.keep_failed": (True, "~scheduler ±scheduler-options"),
    "name": (
        "other",
        (
            "protected: celery-broker-data cloud-database-metadata cloud-database-results cloud-load-balancer-address "
            "cloud-logs-bucket cloud-registry-repository dags secrets-admin-password secrets-api-key "
            "secrets-broker-password secrets-fernet-key secrets-flower-password secrets-jwt-key"
        ),
    ),
    "namespace": ("elsewhere", "protected: celery-broker-data celery-broker-data-volume dags dags-volume"),
    "image.reference": (
        "registry.example.org/airflow:3.3.2",
        ("~api-server ~dag-processor ~flower ~scheduler ~triggerer ~worker ±migrate-job ±task-template"),
    ),
    "image.version": ("3.3.1", "refused: image: {'version': '3.3.1'} holds Airflow 3.3.2, but version says 3.3.1"),
    "image.pull_policy": (
        "Always",
        ("~api-server ~dag-processor ~flower ~scheduler ~triggerer ~worker ±migrate-job ±task-template"),
    ),
    "image.pull_secret": (
        "registry",
        ("~api-server ~dag-processor ~flower ~redis ~scheduler ~triggerer ~worker ±migrate-job ±task-template"),
    ),
    "dags.kind": ({"kind": "image"}, "protected: celery-broker-data dags"),
    "dags.path": (
        "/opt/airflow/other",
        "refused: dags.path: '/opt/airflow/other' belongs to a key that is not known here",
    ),
    "dags.size_gib": (2048, "~cloud-dags-share-share ~dags-volume"),
    "dags.sub_path": ("production", "~dag-processor ~scheduler ~triggerer ~worker ±task-template"),
    "example_dags": (
        True,
        (
            "+example-dags ~api-server ~dag-processor ~flower ~scheduler ~triggerer ~worker ±api-server-options "
            "±dag-processor-options ±flower-options ±scheduler-options ±task-options ±task-template "
            "±triggerer-options ±worker-options"
        ),
    ),
    "logs.kind": ({"kind": "volume", "size_gib": 1024}, "protected: cloud-logs-bucket"),
    "logs.retention_days": (60, "~cloud-logs-bucket"),
    "logs.size_gib": (1024, "refused: logs.size_gib: 1024 belongs to a key that is not known here"),
    "logs.access_mode": (
        "ReadWriteMany",
        "refused: logs.access_mode: 'ReadWriteMany' belongs to a key that is not known here",
    ),
    "components.api_server.cpu_milli": (300, "~api-server"),
    "components.api_server.memory_mib": (2048, "~api-server"),
    "components.api_server.scratch_gib": (4, "~api-server"),
    "components.api_server.replicas": (2, "~api-server"),
    "components.scheduler.cpu_milli": (300, "~scheduler"),
    "components.scheduler.memory_mib": (2048, "~scheduler"),
    "components.scheduler.scratch_gib": (4, "~scheduler"),
    "components.scheduler.replicas": (2, "~scheduler ±scheduler-options"),
    "components.dag_processor.cpu_milli": (300, "~dag-processor"),
    "components.dag_processor.memory_mib": (2048, "~dag-processor"),
    "components.dag_processor.scratch_gib": (4, "~dag-processor"),
    "components.dag_processor.replicas": (
        2,
        (
            "refused: components.dag_processor.replicas: 2 is above 1, and Airflow does not support two DAG processors "
            "over one bundle"
        ),
    ),
    "components.triggerer.cpu_milli": (300, "~triggerer"),
    "components.triggerer.memory_mib": (2048, "~triggerer"),
    "components.triggerer.scratch_gib": (4, "~triggerer"),
    "components.triggerer.replicas": (2, "~triggerer"),
    "exposure.kind": ({"kind": "cluster_ip"}, "protected: cloud-load-balancer-address"),
    "exposure.port": (30080, "refused: exposure.port: 30080 belongs to a key that is not known here"),
    "exposure.host": (
        "other.simulated.test",
        (
            "~api-server ~dag-processor ~exposure-api-server-route ~exposure-gateway ~exposure-redirect "
            "~scheduler ~triggerer ~worker ±api-server-options ±cloud-load-balancer-api-server-certificate "
            "±cloud-load-balancer-api-server-entry ±dag-processor-options ±scheduler-options ±task-options "
            "±task-template ±triggerer-options ±worker-options"
        ),
    ),
    "exposure.flower_host": (
        "celery.simulated.test",
        (
            "~exposure-flower-route ~exposure-gateway ~exposure-redirect ±cloud-load-balancer-flower-certificate "
            "±cloud-load-balancer-flower-entry"
        ),
    ),
    "exposure.tls.kind": (
        {"kind": "secret", "name": "own"},
        (
            "~exposure-gateway -cloud-apis-certificates -cloud-load-balancer-api-server-certificate "
            "-cloud-load-balancer-api-server-entry -cloud-load-balancer-certificates "
            "-cloud-load-balancer-flower-certificate -cloud-load-balancer-flower-entry"
        ),
    ),
    "exposure.tls.issuer": (
        "letsencrypt",
        "refused: exposure.tls.issuer: 'letsencrypt' belongs to a key that is not known here",
    ),
    "exposure.tls.name": ("own", "refused: exposure.tls.name: 'own' belongs to a key that is not known here"),
    "migration.deadline_seconds": (1800, "~migrate-job"),
    "admin.username": ("root", "±migrate-job"),
    "admin.email": ("data@example.org", "±migrate-job"),
    "options": ({"scheduler": {"max_tis_per_query": "8"}}, "~scheduler ±scheduler-options"),
    "pod_operator": (False, "~access-pod-launcher-binding ~scheduler ~triggerer ~worker ±task-template"),
    "pod_operator_xcom": (True, "~access-pod-launcher"),
    "protect": (False, "~cloud-cluster-gke ~cloud-database-server ~cloud-logs-bucket"),
}
