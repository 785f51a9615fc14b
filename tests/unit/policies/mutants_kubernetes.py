"""Mutants of the rules for objects in the cluster, for secrets and for protection."""

from __future__ import annotations

from typing import Any, Final

from policies.resource import HIDDEN_TEXT
from policies.rules.exposure import GATEWAY, INGRESS, ROUTE, SERVICE
from policies.rules.kubernetes_pods import ENFORCE, NAMESPACE, ROLES
from policies.rules.protection import HOLDING_DATA, KUBERNETES_LABELS
from policies.rules.secrets import CONFIG_MAP
from tests.unit.policies.mutants import REMOVED, Mutant, in_every_kind_of_pod, of

CONTAINER: Final = "spec.containers[0]"
CONTEXT: Final = f"{CONTAINER}.securityContext"
URL: Final = "postgresql+psycopg2://airflow:s3cret@db.example.org:5432/airflow"
KEY: Final = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"
SECRETS: Final = (("AIRFLOW__CORE__FERNET_KEY", "abc"), ("DB", URL), ("CERT", KEY), ("X", HIDDEN_TEXT))


def role(**rule: list[str]) -> list[Mutant]:
    return [
        Mutant(kind, own={"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **rule}]})
        for kind in ROLES
    ]


POD_CHANGES: Final[dict[str, tuple[tuple[str, Any], ...]]] = {
    "pod-host-access": (
        ("spec.hostNetwork", True),
        ("spec.hostPID", True),
        ("spec.hostIPC", True),
        ("spec.securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
        (f"{CONTEXT}.privileged", True),
        (f"{CONTEXT}.procMount", "Unmasked"),
        (f"{CONTAINER}.ports", [{"containerPort": 80, "hostPort": 80}]),
    ),
    "pod-privileges": (
        (f"{CONTEXT}.allowPrivilegeEscalation", REMOVED),
        (f"{CONTEXT}.capabilities", REMOVED),
        (f"{CONTEXT}.capabilities.add", ["NET_ADMIN"]),
    ),
    "pod-image-version": (
        (f"{CONTAINER}.image", "apache/airflow"),
        (f"{CONTAINER}.image", "registry.example.org:5000/airflow"),
        (f"{CONTAINER}.image", "apache/airflow:latest"),
    ),
    "pod-resources": (
        (f"{CONTAINER}.resources.requests.cpu", REMOVED),
        (f"{CONTAINER}.resources.requests.memory", REMOVED),
        (f"{CONTAINER}.resources.limits", REMOVED),
    ),
    "secret-environment": (
        *((f"{CONTAINER}.env", [{"name": name, "value": value}]) for name, value in SECRETS),
        ("spec.initContainers", [{"name": "wait", "env": [{"name": "REDIS_PASSWORD", "value": "abc"}]}]),
    ),
    "secret-arguments": (
        (f"{CONTAINER}.args", ["--password=s3cret"]),
        (f"{CONTAINER}.args", ["--url", URL]),
        (f"{CONTAINER}.command", ["sh", "-c", f"psql {URL}"]),
    ),
    "pod-volumes": (("spec.volumes", [{"name": "socket", "hostPath": {"path": "/var/run"}}]),),
    "pod-user": (
        (f"{CONTEXT}.runAsNonRoot", False),
        (f"{CONTEXT}.runAsUser", 0),
    ),
    "pod-seccomp": ((f"{CONTEXT}.seccompProfile.type", "Unconfined"),),
    "pod-root-filesystem": ((f"{CONTEXT}.readOnlyRootFilesystem", REMOVED),),
    "pod-account": (
        ("spec.serviceAccountName", REMOVED),
        ("spec.serviceAccountName", "default"),
    ),
    "secret-metadata": (
        ("metadata.annotations", {"example.org/db": URL}),
        ("metadata.labels", {"example.org/api-token": "abc"}),
    ),
}
"""Changes of a pod's template, by rule."""


def in_pods(rule: str) -> list[Mutant]:
    return [mutant for path, value in POD_CHANGES[rule] for mutant in in_every_kind_of_pod(path, value)]


MUTANTS: Final[dict[str, list[Mutant]]] = {
    **{rule: in_pods(rule) for rule in POD_CHANGES},
    "namespace-pod-security": of(
        NAMESPACE, (f"metadata.labels[{ENFORCE}]", "baseline"), (f"metadata.labels[{ENFORCE}]", REMOVED)
    ),
    "role-wildcards": [
        *role(verbs=["*"]),
        *role(resources=["*"]),
        *role(apiGroups=["*"]),
        *role(resources=["roles"], verbs=["escalate"]),
    ],
    "service-load-balancer": of(SERVICE, ("spec.type", "LoadBalancer")),
    "service-node-port": of(SERVICE, ("spec.type", "NodePort")),
    "gateway-https": [
        *of(GATEWAY, ("spec.listeners", [{"name": "http", "protocol": "HTTP", "port": 80}])),
        *of(GATEWAY, ("spec.listeners[0].protocol", "TCP")),
        Mutant(INGRESS, own={"spec": {"rules": [{"host": "airflow.example.org"}]}}),
    ],
    "gateway-redirect": [
        *of(ROUTE, ("spec.parentRefs[0].sectionName", "http"), name="api-server-route"),
        *of(ROUTE, ("spec.parentRefs[0].sectionName", REMOVED), name="api-server-route"),
        *of(
            ROUTE,
            ("spec.rules[0].filters", REMOVED),
            ("spec.rules[0].filters[0].requestRedirect.scheme", "http"),
            name="redirect",
        ),
    ],
    "secret-config-map": [
        Mutant(CONFIG_MAP, own={"data": {key: value}})
        for key, value in (
            *SECRETS,
            ("airflow.cfg", "[core]\nfernet_key = abc\n"),
            ("airflow.cfg", f"[database]\nsql_alchemy_conn = {URL}\n"),
            ("redis.conf", "dir /data\nadmin_password: abc\n"),
        )
    ],
    "secret-metadata": [
        *in_pods("secret-metadata"),
        *(
            Mutant(kind, "metadata.annotations", {"db": URL})
            for kind in ("kubernetes:core/v1:Service", NAMESPACE, CONFIG_MAP)
        ),
    ],
    "data-protection": [Mutant(kind, unprotected=True) for kind in HOLDING_DATA],
    "kubernetes-labels": [
        mutant
        for kind in KUBERNETES_LABELS
        for mutant in of(kind, ("metadata.labels", REMOVED), ("metadata.labels", {"app": "airflow"}))
    ],
}
"""By rule."""
