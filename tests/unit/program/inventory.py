"""All resources of a stack on an existing cluster, by executor. Written by hand: new ones are added on purpose."""

from __future__ import annotations

from typing import Final

POSTGRES: Final = {
    ("airflow:existing:Postgres", "airflow-cloud-postgres"),
    ("kubernetes:apps/v1:StatefulSet", "airflow-cloud-postgres-server"),
    ("kubernetes:core/v1:Namespace", "airflow-cloud-postgres-namespace"),
    ("kubernetes:core/v1:PersistentVolumeClaim", "airflow-cloud-postgres-data"),
    ("kubernetes:core/v1:Secret", "airflow-cloud-postgres-login"),
    ("kubernetes:core/v1:Service", "airflow-cloud-postgres-service"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-cloud-postgres-account"),
    ("random:index/randomPassword:RandomPassword", "airflow-cloud-postgres-administrator-password"),
    ("random:index/randomPassword:RandomPassword", "airflow-cloud-postgres-metadata-password"),
}

EVERY_EXECUTOR: Final = {
    ("airflow:existing:Cloud", "airflow-cloud"),
    ("pulumi:providers:kubernetes", "airflow-cloud-kubernetes"),
    ("airflow:airflow:Airflow", "airflow"),
    ("kubernetes:core/v1:Namespace", "airflow-namespace"),
    # The KubernetesPodOperator needs it with every executor.
    ("kubernetes:core/v1:Namespace", "airflow-task-namespace"),
    ("kubernetes:core/v1:PersistentVolumeClaim", "airflow-logs"),
    ("kubernetes:core/v1:ConfigMap", "airflow-scripts"),
    # Access
    ("airflow:airflow:Access", "airflow-access"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-api-server-account"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-dag-processor-account"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-migration-account"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-pod-account"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-scheduler-account"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-triggerer-account"),
    ("kubernetes:rbac.authorization.k8s.io/v1:Role", "airflow-access-pod-launcher"),
    ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "airflow-access-pod-launcher-binding"),
    ("kubernetes:core/v1:ConfigMap", "airflow-pod-defaults"),
    ("kubernetes:core/v1:LimitRange", "airflow-task-limits"),
    ("kubernetes:core/v1:ResourceQuota", "airflow-task-quota"),
    ("kubernetes:rbac.authorization.k8s.io/v1:Role", "airflow-access-pod-watcher"),
    ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "airflow-access-pod-watcher-binding"),
    ("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy", "airflow-task-pods"),
    ("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding", "airflow-task-pods-binding"),
    ("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy", "airflow-task-access"),
    ("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding", "airflow-task-access-binding"),
    # Secrets
    ("airflow:airflow:Secrets", "airflow-secrets"),
    ("kubernetes:core/v1:Secret", "airflow-secrets-admin"),
    ("kubernetes:core/v1:Secret", "airflow-secrets-api"),
    ("kubernetes:core/v1:Secret", "airflow-secrets-databases"),
    ("kubernetes:core/v1:Secret", "airflow-secrets-fernet"),
    ("kubernetes:core/v1:Secret", "airflow-secrets-jwt"),
    ("kubernetes:core/v1:Secret", "airflow-secrets-metadata"),
    ("random:index/randomBytes:RandomBytes", "airflow-secrets-api-key"),
    ("random:index/randomBytes:RandomBytes", "airflow-secrets-fernet-key"),
    ("random:index/randomBytes:RandomBytes", "airflow-secrets-jwt-key"),
    ("random:index/randomPassword:RandomPassword", "airflow-secrets-admin-password"),
    # The database's schema and the first user
    ("airflow:airflow:Migration", "airflow-migrate"),
    ("kubernetes:batch/v1:Job", "airflow-migrate-job"),
    ("kubernetes:core/v1:ConfigMap", "airflow-migration-options"),
    # Airflow's own services
    ("kubernetes:apps/v1:Deployment", "airflow-api-server"),
    ("kubernetes:apps/v1:Deployment", "airflow-dag-processor"),
    ("kubernetes:apps/v1:Deployment", "airflow-scheduler"),
    ("kubernetes:apps/v1:Deployment", "airflow-triggerer"),
    ("kubernetes:core/v1:ConfigMap", "airflow-api-server-options"),
    ("kubernetes:core/v1:ConfigMap", "airflow-dag-processor-options"),
    ("kubernetes:core/v1:ConfigMap", "airflow-scheduler-options"),
    ("kubernetes:core/v1:ConfigMap", "airflow-triggerer-options"),
    ("kubernetes:core/v1:Service", "airflow-api-server-service"),
}

CELERY: Final = {
    ("airflow:airflow:Celery", "airflow-celery"),
    ("kubernetes:apps/v1:Deployment", "airflow-flower"),
    ("kubernetes:apps/v1:StatefulSet", "airflow-redis"),
    ("kubernetes:apps/v1:Deployment", "airflow-worker"),
    ("kubernetes:core/v1:ConfigMap", "airflow-flower-options"),
    ("kubernetes:core/v1:ConfigMap", "airflow-worker-options"),
    ("kubernetes:core/v1:PersistentVolumeClaim", "airflow-celery-broker-data"),
    ("kubernetes:core/v1:Secret", "airflow-secrets-broker"),
    ("kubernetes:core/v1:Secret", "airflow-secrets-flower"),
    ("kubernetes:core/v1:Secret", "airflow-secrets-results"),
    ("kubernetes:core/v1:Service", "airflow-flower-service"),
    ("kubernetes:core/v1:Service", "airflow-redis-service"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-flower-account"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-redis-account"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-worker-account"),
    ("random:index/randomPassword:RandomPassword", "airflow-cloud-postgres-results-password"),
    ("random:index/randomPassword:RandomPassword", "airflow-secrets-broker-password"),
    ("random:index/randomPassword:RandomPassword", "airflow-secrets-flower-password"),
}

TASK_PODS: Final = {
    ("kubernetes:core/v1:ConfigMap", "airflow-task-options"),
    ("kubernetes:core/v1:ConfigMap", "airflow-task-template"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-task-account"),
    ("kubernetes:rbac.authorization.k8s.io/v1:Role", "airflow-access-log-reader"),
    ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "airflow-access-log-reader-binding"),
    ("kubernetes:rbac.authorization.k8s.io/v1:Role", "airflow-access-task-launcher"),
    ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "airflow-access-task-launcher-binding"),
    ("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy", "airflow-tied-task-pods"),
    ("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding", "airflow-tied-task-pods-binding"),
}

POD_OPERATOR: Final = {
    ("kubernetes:core/v1:Namespace", "airflow-task-namespace"),
    ("kubernetes:core/v1:ServiceAccount", "airflow-access-pod-account"),
    ("kubernetes:rbac.authorization.k8s.io/v1:Role", "airflow-access-pod-launcher"),
    ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "airflow-access-pod-launcher-binding"),
    ("kubernetes:core/v1:LimitRange", "airflow-task-limits"),
    ("kubernetes:core/v1:ResourceQuota", "airflow-task-quota"),
    ("kubernetes:rbac.authorization.k8s.io/v1:Role", "airflow-access-pod-watcher"),
    ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "airflow-access-pod-watcher-binding"),
    ("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy", "airflow-task-pods"),
    ("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding", "airflow-task-pods-binding"),
    ("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy", "airflow-task-access"),
    ("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding", "airflow-task-access-binding"),
}
"""Part of every executor's inventory, unless a stack has no pod operator."""

PROJECTS: Final = {
    *(
        (type_, f"airflow-project-{project}{suffix}")
        for project in ("sales", "weather")
        for type_, suffix in (
            ("airflow:airflow:Project", ""),
            ("kubernetes:core/v1:ConfigMap", "-config"),
            ("kubernetes:core/v1:ServiceAccount", "-account"),
        )
    ),
    ("kubernetes:core/v1:PersistentVolumeClaim", "airflow-project-sales-data"),
    ("kubernetes:core/v1:Secret", "airflow-project-sales-secret"),
    # Tasks of its own DAGs, whose pods a volume with logs ties to the instance's namespace.
    ("kubernetes:core/v1:ServiceAccount", "airflow-project-weather-task-account"),
    ("kubernetes:rbac.authorization.k8s.io/v1:Role", "airflow-project-weather-launcher"),
    ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "airflow-project-weather-launcher-binding"),
    ("kubernetes:core/v1:ConfigMap", "airflow-project-package"),
    *(
        (f"kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy{kind}", f"airflow-{name}{suffix}")
        for name in ("project-access", "project-pods", "tied-project-pods")
        for kind, suffix in (("", ""), ("Binding", "-binding"))
    ),
    ("airflow:airflow:Entries", "airflow-entries"),
    ("kubernetes:batch/v1:Job", "airflow-entries-job"),
}
INVENTORY: Final = {
    "celery": POSTGRES | EVERY_EXECUTOR | CELERY,
    "kubernetes": POSTGRES | EVERY_EXECUTOR | TASK_PODS,
    "celery+kubernetes": POSTGRES | EVERY_EXECUTOR | CELERY | TASK_PODS,
}

PEOPLE: Final = {
    ("airflow:airflow:People", "airflow-people"),
    ("kubernetes:batch/v1:Job", "airflow-people-job"),
    ("kubernetes:core/v1:Secret", "airflow-users"),
    ("random:index/randomPassword:RandomPassword", "airflow-people-ada-password"),
}

DIFFERENCES: Final[dict[str, tuple[str, set[tuple[str, str]], set[tuple[str, str]]]]] = {
    "celery, external database": (
        "celery",
        {("kubernetes:core/v1:Secret", "airflow-secrets-databases")}
        | POSTGRES
        | {("random:index/randomPassword:RandomPassword", "airflow-cloud-postgres-results-password")},
        set(),
    ),
    "kubernetes, external database": (
        "kubernetes",
        {("kubernetes:core/v1:Secret", "airflow-secrets-databases")} | POSTGRES,
        set(),
    ),
    "celery, logs on workers": (
        "celery",
        {("kubernetes:core/v1:PersistentVolumeClaim", "airflow-logs")},
        set(),
    ),
    "celery, no flower": (
        "celery",
        {
            ("kubernetes:apps/v1:Deployment", "airflow-flower"),
            ("kubernetes:core/v1:ConfigMap", "airflow-flower-options"),
            ("kubernetes:core/v1:Secret", "airflow-secrets-flower"),
            ("kubernetes:core/v1:Service", "airflow-flower-service"),
            ("kubernetes:core/v1:ServiceAccount", "airflow-access-flower-account"),
            ("random:index/randomPassword:RandomPassword", "airflow-secrets-flower-password"),
        },
        set(),
    ),
    "both, DAGs from a folder of the node": ("celery+kubernetes", set(), set()),
    "both, DAG image": ("celery+kubernetes", set(), set()),
    "both, DAG image with plugins": ("celery+kubernetes", set(), set()),
    "both, claim with DAGs and plugins": ("celery+kubernetes", set(), set()),
    "both, example DAGs": (
        "celery+kubernetes",
        set(),
        {("kubernetes:core/v1:ConfigMap", "airflow-example-dags")},
    ),
    "celery, people": ("celery", set(), PEOPLE),
    "both, projects": ("celery+kubernetes", set(), PROJECTS),
    "both, entries": (
        "celery+kubernetes",
        set(),
        {
            ("airflow:airflow:Entries", "airflow-entries"),
            ("kubernetes:batch/v1:Job", "airflow-entries-job"),
            ("kubernetes:core/v1:Secret", "airflow-entries"),
            ("random:index/randomBytes:RandomBytes", "airflow-entries-salt"),
        },
    ),
    "both, protected": ("celery+kubernetes", set(), set()),
    # The logs' volume ties task pods to the instance's namespace.
    "both, no pod operator": ("celery+kubernetes", POD_OPERATOR, set()),
    "celery, no pod operator": (
        "celery",
        {*POD_OPERATOR, ("kubernetes:core/v1:ConfigMap", "airflow-pod-defaults")},
        set(),
    ),
    "both, several of each": ("celery+kubernetes", set(), set()),
    "both, on a node's port": ("celery+kubernetes", set(), set()),
}
"""A setting's effect on the inventory: the executor's base, removed and added resources."""
