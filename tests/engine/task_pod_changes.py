"""Changes of pods that DAG authors can make, and the refusals of the API server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lab.node.api import Manifest

PREFIX: Final = "airflow-task-"
Change = Callable[[Manifest], object]


def changed(pod: Manifest, change: Change) -> Manifest:
    change(pod)
    return pod


def account(name: str) -> Change:
    return lambda pod: pod["spec"].update(serviceAccountName=name)


def volume(**source: Any) -> Change:
    return lambda pod: pod["spec"].setdefault("volumes", []).append({"name": "more", **source})


def container(index: int = 0, **fields: Any) -> Change:
    return lambda pod: pod["spec"]["containers"][index].update(fields)


def init(**fields: Any) -> Change:
    def change(pod: Manifest) -> None:
        first = {
            key: value for key, value in pod["spec"]["containers"][0].items() if key in ("image", "securityContext")
        }
        pod["spec"].setdefault("initContainers", []).append({**first, "name": "first", **fields})

    return change


def security(**fields: Any) -> Change:
    return lambda pod: pod["spec"]["containers"][0]["securityContext"].update(fields)


def metadata(**fields: Any) -> Change:
    return lambda pod: pod["metadata"].update(fields)


def variable(**source: Any) -> dict[str, Any]:
    return {"env": [{"name": "STOLEN", "valueFrom": source}]}


def nothing(pod: Manifest) -> None: ...


SECRET: Final = "a Secret whose name begins with airflow- belongs to the instance"
CONFIG_MAP: Final = "a ConfigMap whose name begins with airflow- belongs to the instance"
ACCOUNT: Final = "use the ServiceAccount"
ABSENT: Final = 'serviceaccount "airflow-scheduler" not found'
RESTRICTED: Final = 'violates PodSecurity "restricted'
OF_OPERATORS: Final[dict[str, tuple[Change, str]]] = {
    "the defaults of the operator": (nothing, ""),
    "an account of its own": (account("default"), ""),
    "a Secret of its own": (container(**variable(secretKeyRef={"name": "mine", "key": "k"})), ""),
    "a claim of its own": (volume(persistentVolumeClaim={"claimName": "mine"}), ""),
    "another user": (security(runAsUser=1000), ""),
    "a token of its own account": (
        volume(projected={"sources": [{"serviceAccountToken": {"path": "token", "audience": "cloud"}}]}),
        "",
    ),
    "the account of task pods": (account("airflow-task"), ACCOUNT),
    "the account of the scheduler": (account("airflow-scheduler"), ABSENT),
    "a Secret as a volume": (volume(secret={"secretName": "airflow-git-token-tasks-1"}), SECRET),
    "the login for images as a volume": (volume(secret={"secretName": "airflow-image-pull"}), SECRET),
    "a Secret in a projected volume": (volume(projected={"sources": [{"secret": {"name": "airflow-x"}}]}), SECRET),
    "a Secret as a variable": (container(**variable(secretKeyRef={"name": "airflow-x", "key": "k"})), SECRET),
    "a Secret as variables": (container(envFrom=[{"secretRef": {"name": "airflow-x"}}]), SECRET),
    "a Secret of an init container": (init(envFrom=[{"secretRef": {"name": "airflow-x"}}]), SECRET),
    "a Secret of a sidecar": (container(1, envFrom=[{"secretRef": {"name": "airflow-x"}}]), SECRET),
    "a Secret of a driver": (
        volume(csi={"driver": "file.csi.azure.com", "volumeAttributes": {"secretName": "airflow-x"}}),
        SECRET,
    ),
    "a Secret that publishes a volume": (
        volume(csi={"driver": "x", "nodePublishSecretRef": {"name": "airflow-x"}}),
        SECRET,
    ),
    "a Secret for image pulls": (
        lambda pod: pod["spec"].update(imagePullSecrets=[{"name": "airflow-x"}]),
        "a Secret for image pulls whose name begins with airflow-",
    ),
    "a ConfigMap as a volume": (volume(configMap={"name": "airflow-task-options-1"}), CONFIG_MAP),
    "a ConfigMap as variables": (container(envFrom=[{"configMapRef": {"name": "airflow-x"}}]), CONFIG_MAP),
    "a claim": (
        volume(persistentVolumeClaim={"claimName": "airflow-logs-1"}),
        "a claim whose name begins with airflow-",
    ),
    "a label of the executor": (
        lambda pod: pod["metadata"]["labels"].update({"airflow-worker": "1"}),
        "are for pods of the executor",
    ),
    "a name of the executor": (metadata(name=f"{PREFIX}mine"), "names that begin with airflow-task-"),
    "a folder of the node": (volume(hostPath={"path": "/"}), RESTRICTED),
    "a privileged container": (security(privileged=True, allowPrivilegeEscalation=True), RESTRICTED),
    "the user root": (security(runAsUser=0), RESTRICTED),
    "the network of the node": (lambda pod: pod["spec"].update(hostNetwork=True), RESTRICTED),
    "the namespace of the instance": (metadata(namespace="apart"), 'cannot create resource "pods"'),
    "another namespace": (metadata(namespace="kube-system"), 'cannot create resource "pods"'),
    "more memory than the quota": (
        container(resources={"requests": {"memory": "900Gi", "cpu": "1"}, "limits": {"memory": "900Gi"}}),
        "exceeded quota: airflow-task-quota",
    ),
}
"""Changes of an operator's pod, and the refusal; empty: it is accepted."""
OF_THE_EXECUTOR: Final[dict[str, tuple[Change, str]]] = {
    "the template": (nothing, ""),
    "more memory": (container(resources={"requests": {"memory": "2Gi", "cpu": "1"}, "limits": {"memory": "2Gi"}}), ""),
    "the account of operators' pods": (account("airflow-pod"), ACCOUNT),
    "the account of the scheduler": (account("airflow-scheduler"), ABSENT),
    "a folder of the node": (volume(hostPath={"path": "/"}), RESTRICTED),
    "a privileged container": (security(privileged=True, allowPrivilegeEscalation=True), RESTRICTED),
    "the namespace of the instance": (metadata(namespace="apart"), 'cannot create resource "pods"'),
    "another name": (metadata(name="mine"), "names that begin with airflow-task-"),
}
"""Changes of a task pod in the namespace for tasks: its author decides on them with `pod_override`."""
PASSES: Final = "task pods pass Pod Security restricted"
OF_THE_TEMPLATE: Final = "of the template of task pods only"
TIED: Final[dict[str, tuple[Change, str]]] = {
    "the template": (nothing, ""),
    "more memory": (container(resources={"requests": {"memory": "2Gi", "cpu": "1"}, "limits": {"memory": "2Gi"}}), ""),
    "a sidecar": (
        lambda pod: pod["spec"]["containers"].append({**pod["spec"]["containers"][0], "name": "beside"}),
        "",
    ),
    "a folder in memory": (volume(emptyDir={"medium": "Memory"}), ""),
    "an image of its own": (container(image="example.org/mine:1"), ""),
    "another account": (account("airflow-scheduler"), ACCOUNT),
    "no account": (lambda pod: pod["spec"].pop("serviceAccountName"), ACCOUNT),
    "a Secret as a volume": (volume(secret={"secretName": "airflow-secrets-metadata-1"}), OF_THE_TEMPLATE),
    "a Secret in a projected volume": (
        volume(projected={"sources": [{"secret": {"name": "airflow-secrets-jwt-1"}}]}),
        OF_THE_TEMPLATE,
    ),
    "a Secret as a variable": (
        container(**variable(secretKeyRef={"name": "airflow-secrets-fernet-1", "key": "key"})),
        OF_THE_TEMPLATE,
    ),
    "a Secret as variables": (container(envFrom=[{"secretRef": {"name": "airflow-x"}}]), OF_THE_TEMPLATE),
    "a Secret of an init container": (init(envFrom=[{"secretRef": {"name": "airflow-x"}}]), OF_THE_TEMPLATE),
    "a Secret for image pulls": (
        lambda pod: pod["spec"].update(imagePullSecrets=[{"name": "airflow-x"}]),
        OF_THE_TEMPLATE,
    ),
    "the claim of the broker": (
        volume(persistentVolumeClaim={"claimName": "airflow-celery-broker-data-1"}),
        OF_THE_TEMPLATE,
    ),
    "another folder of the node": (volume(hostPath={"path": "/"}), "task pods mount folders of the node"),
    "a folder below that of the DAG files": (
        volume(hostPath={"path": "/dags/below"}),
        "task pods mount folders of the node",
    ),
    "write access to the DAG files": (
        lambda pod: [
            mount.pop("readOnly")
            for mount in pod["spec"]["containers"][0]["volumeMounts"]
            if mount["name"].startswith("dags")
        ],
        "task pods mount DAG files read-only",
    ),
    "a share of another server": (volume(nfs={"server": "x", "path": "/"}), "task pods mount folders of the node"),
    "a privileged container": (security(privileged=True, allowPrivilegeEscalation=True), PASSES),
    "a privileged init container": (init(securityContext={"privileged": True}), PASSES),
    "more capabilities": (security(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}), PASSES),
    "capabilities that stay": (security(capabilities={}), PASSES),
    "a way to more privileges": (security(allowPrivilegeEscalation=True), PASSES),
    "the user root": (security(runAsUser=0, runAsNonRoot=False), PASSES),
    "the number of root": (security(runAsUser=0), PASSES),
    "no filter of system calls": (security(seccompProfile={"type": "Unconfined"}), PASSES),
    "no AppArmor": (security(appArmorProfile={"type": "Unconfined"}), PASSES),
    "a bare proc": (lambda pod: [security(procMount="Unmasked")(pod), pod["spec"].update(hostUsers=False)], PASSES),
    "the network of the node": (lambda pod: pod["spec"].update(hostNetwork=True), PASSES),
    "the processes of the node": (lambda pod: pod["spec"].update(hostPID=True), PASSES),
    "the memory of the node": (lambda pod: pod["spec"].update(hostIPC=True), PASSES),
    "a port of the node": (container(ports=[{"containerPort": 80, "hostPort": 80}]), PASSES),
    "a setting of the kernel": (
        lambda pod: pod["spec"]["securityContext"].update(sysctls=[{"name": "kernel.shm_rmid_forced", "value": "0"}]),
        PASSES,
    ),
    "another SELinux type": (security(seLinuxOptions={"type": "spc_t"}), PASSES),
    "another name": (metadata(name="airflow-worker-1"), "names of task pods begin with airflow-task-"),
    "another namespace": (metadata(namespace="kube-system"), 'cannot create resource "pods"'),
}
"""Changes of a task pod in the instance's namespace, whose Pod Security is off for a folder of the node."""
