"""One installation as its parts see it: what they share, and the pod that each of them becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    ConfigMapEnvSourceArgs,
    ConfigMapVolumeSourceArgs,
    ContainerArgs,
    ContainerPortArgs,
    EnvFromSourceArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    PodTemplateSpecArgs,
    SecretKeySelectorArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.access import calls_kubernetes
from components.airflow.ca_bundle import CaBundle
from components.airflow.dags import DagSource
from components.airflow.logs import LogFolder
from components.airflow.options import options_of
from components.airflow.roles import Credential, credentials_of
from components.airflow.secrets import StoredSecret
from components.contract.cloud import Identity, Sidecar
from components.contract.requirements import AIRFLOW_GID, AIRFLOW_UID
from components.contract.workloads import WORKLOADS, Workload
from components.kubernetes import naming, pods
from components.settings.stack import Settings
from components.settings.types import PodResources, Resources

AIRFLOW_USER: Final = pods.User(uid=AIRFLOW_UID, gid=AIRFLOW_GID, fs_group=AIRFLOW_GID)
SCRIPTS: Final = Path(__file__).parent / "scripts"
WAIT_CONTAINER_RESOURCES: Final = Resources(cpu_milli=50, memory_mib=512)
"""For init containers: memory of one start of Airflow's command line."""
SCRIPTS_FOLDER: Final = "/opt/airflow-scripts"
"""Where scripts lie in pods that stay. Not below Airflow's own folder, where images keep files of theirs."""
POD_SCRIPTS: Final = ("start.py", "check_job.py", "check_worker.py")
BYTECODE_FOLDER: Final = "/opt/airflow-bytecode"
"""Where start.py lets Python keep compiled files."""
BYTECODE_MIB: Final = 512
"""Those of Airflow and what it loads take 70 MiB."""
AIRFLOW: Final = ("python", f"{SCRIPTS_FOLDER}/start.py")
"""Stands for `airflow` in pods that stay."""
MIGRATION_WAIT_SECONDS: Final = 120
TMP: Final = "/tmp"  # noqa: S108 - a volume of the pod's own
CACHES: Final = {"XDG_CACHE_HOME": f"{TMP}/cache", "MPLCONFIGDIR": f"{TMP}/matplotlib"}
"""Where libraries of DAGs write what they would write below the home folder, which cannot be written. Not
XDG_CONFIG_HOME: that would hide the configuration that an image brings in ~/.config."""
EVICTABLE: Final = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}
NOT_EVICTABLE: Final = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
"""For pods that run tasks: an autoscaler that empties their node ends the tasks."""


def script(name: str) -> str:
    """The text of a script that runs inside a pod."""
    return (SCRIPTS / name).read_text()


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the parts of one installation share."""

    settings: Settings
    namespace: pulumi.Output[str]
    kubernetes: kubernetes.Provider
    accounts: Mapping[Workload, pulumi.Output[str]]
    secrets: Mapping[str, StoredSecret]
    pull_secret: pulumi.Input[str] | None
    """The Secret that pods pull the Airflow image with; None where that takes no login."""
    scripts: pulumi.Output[str]
    """The ConfigMap with POD_SCRIPTS."""
    dags: DagSource
    logs: LogFolder
    identities: Mapping[Workload, Identity]
    log_store_variables: Mapping[str, pulumi.Input[str]]
    ca_bundle: CaBundle
    database_sidecar: Sidecar | None
    """What connections to the database go through; None is directly."""
    max_connections: int | None
    """How many connections the database takes; None is unknown."""
    task_node_selector: Mapping[str, str]
    task_taint: str | None
    trusted_proxies: Sequence[pulumi.Input[str]]
    """Addresses and ranges whose requests carry headers of a proxy; empty without one."""

    @property
    def name(self) -> str:
        """The instance's name, the prefix of every object."""
        return self.settings.name

    def object_name(self, *parts: str) -> str:
        """The name of an object that must be found by it."""
        return naming.object_name(self.name, *parts)

    def labels(self, part: str) -> dict[str, str]:
        """Labels of a part's objects."""
        return naming.labels(self.name, part)

    def metadata(self, part: str, *, fixed: bool = True, **rest: Any) -> ObjectMetaArgs:
        """Metadata of a part's object; a name that is not fixed gets a suffix and changes with the object."""
        name = self.object_name(part) if fixed else None
        return ObjectMetaArgs(name=name, namespace=self.namespace, labels=self.labels(part), **rest)

    def options(self, part: Workload) -> dict[str, str]:
        """The options of airflow.cfg that a part reads, as environment variables."""
        return options_of(part, self.settings, self.max_connections)

    def resources(self, pod: PodResources) -> Resources:
        """Processor and memory of a pod, as the stack or the place it runs on says."""
        return pod.resources(existing_cluster=self.settings.existing_cluster)

    def credentials(self, part: Workload) -> list[Credential]:
        """The credentials of a part that exist in this installation."""
        return [credential for credential in credentials_of(part) if credential.stored_in in self.secrets]


@dataclass(frozen=True, kw_only=True)
class WorkloadPod:
    """What is particular about the pod of one part."""

    part: Workload
    args: Sequence[str]
    """Arguments of the image's entrypoint, which must run: it sets up user and signals."""
    resources: Resources
    scratch_gib: int = 1
    """What it may write to the node's disk: temporary files, logs and compiled files together."""
    container: str = ""
    """The main container's name; default: the part's."""
    after: Literal["migration", "nothing"] = "migration"
    """What its init container waits for."""
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    probes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """startup_probe, readiness_probe and liveness_probe of the main container."""
    volumes: Sequence[VolumeArgs] = ()
    mounts: Sequence[VolumeMountArgs] = ()
    grace_seconds: int = 30
    serves_until_seconds: int = 0
    """How long it goes on answering when it is told to stop; part of the grace period."""
    restart_policy: str = "Always"
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def stays(self) -> bool:
        """Whether it runs until it is told to stop, unlike a Job and a task."""
        return self.restart_policy == "Always"


def scripts_map(instance: str, namespace: pulumi.Output[str], opts: pulumi.ResourceOptions) -> ConfigMap:
    """The ConfigMap with the scripts of pods that stay."""
    return ConfigMap(
        f"{instance}-scripts",
        # No fixed name: other scripts are a new object, which rolls the pods that run them.
        metadata=ObjectMetaArgs(namespace=namespace, labels=naming.labels(instance, "scripts")),
        immutable=True,
        data={name: script(name) for name in POD_SCRIPTS},
        opts=opts,
    )


def options_map(site: Site, part: Workload, opts: pulumi.ResourceOptions) -> ConfigMap:
    """The ConfigMap with a part's options; a change makes a new one, under a new name, for its reader alone."""
    return ConfigMap(
        f"{site.name}-{part}-options",
        metadata=site.metadata(part, fixed=False),
        immutable=True,
        data={**(site.log_store_variables if WORKLOADS[part].log_store is not None else {}), **site.options(part)},
        opts=opts,
    )


def pod_template(site: Site, pod: WorkloadPod, options: pulumi.Input[str]) -> PodTemplateSpecArgs:
    """The pod of a part. `options` names the ConfigMap with its options."""
    settings, part, traits = site.settings, pod.part, WORKLOADS[pod.part]
    identity = site.identities.get(part, Identity())
    ca_bundle = site.ca_bundle if traits.connects else CaBundle()
    scratch = pods.Scratch(paths={"tmp": TMP}, size_mib=pod.scratch_gib * 1024)
    bytecode = pods.Scratch(paths={"bytecode": BYTECODE_FOLDER} if pod.stays else {}, size_mib=BYTECODE_MIB)
    scripts = VolumeArgs(name="scripts", config_map=ConfigMapVolumeSourceArgs(name=site.scripts))
    mounts = [
        *scratch.mounts(),
        *bytecode.mounts(),
        *([VolumeMountArgs(name="scripts", mount_path=SCRIPTS_FOLDER, read_only=True)] if pod.stays else ()),
        *(site.dags.mounts if traits.dag_code else ()),
        *([site.logs.mount] if traits.task_logs else ()),
        *ca_bundle.mounts,
        *pod.mounts,
    ]
    volumes = [
        *scratch.volumes(),
        *bytecode.volumes(),
        *([scripts] if pod.stays else ()),
        *(site.dags.volumes if traits.dag_code else ()),
        *([site.logs.volume(pod.scratch_gib * 1024)] if traits.task_logs else ()),
        *ca_bundle.volumes,
        *pod.volumes,
    ]
    common: dict[str, Any] = {
        "image": settings.image.reference,
        "image_pull_policy": settings.image.pull_policy,
        "env": environment(site, pod),
        "env_from": [EnvFromSourceArgs(config_map_ref=ConfigMapEnvSourceArgs(name=options))],
    }
    main = pods.container(
        pod.container or part,
        resources=pod.resources,
        scratch_gib=pod.scratch_gib,
        lifecycle=pods.sleep_before_stop(pod.serves_until_seconds) if pod.serves_until_seconds else None,
        args=list(pod.args),
        ports=[ContainerPortArgs(name=name, container_port=port) for name, port in pod.ports.items()] or None,
        volume_mounts=mounts,
        **pod.probes,
        **common,
    )
    wait_args = _wait_container(pod)
    beside = [sidecar(site.database_sidecar)] if site.database_sidecar is not None and traits.connects else []
    wait_container = [
        pods.container(
            f"wait-for-{pod.after}",
            resources=WAIT_CONTAINER_RESOURCES,
            args=wait_args,
            volume_mounts=[*scratch.mounts(), *ca_bundle.mounts],
            **common,
        )
    ]
    return PodTemplateSpecArgs(
        metadata=ObjectMetaArgs(
            labels={**site.labels(part), **identity.pod_labels},
            annotations={
                **pod.annotations,
                "airflow/checksum": checksum(site, pod),
            },
        ),
        spec=pods.pod_spec(
            pods.PodShape(
                user=AIRFLOW_USER,
                service_account=site.accounts[part],
                containers=[main],
                init_containers=[*beside, *(wait_container if wait_args else [])],
                volumes=volumes,
                kubernetes_api=calls_kubernetes(part, settings),
                grace_seconds=pod.grace_seconds,
                restart_policy=pod.restart_policy,
                pull_secret=site.pull_secret,
                node_selector=site.task_node_selector if traits.runs_tasks else {},
                taint=site.task_taint if traits.runs_tasks else None,
            )
        ),
    )


def sidecar(sidecar: Sidecar) -> ContainerArgs:
    """A native sidecar: an init container that goes on, and that no Job and no task waits for to end."""
    return pods.container(
        sidecar.name,
        image=sidecar.image,
        resources=Resources(cpu_milli=sidecar.cpu_milli, memory_mib=sidecar.memory_mib),
        image_pull_policy="IfNotPresent",
        restart_policy="Always",
        args=list(sidecar.args),
        env=[EnvVarArgs(name=name, value=value) for name, value in sidecar.environment.items()],
        ports=[ContainerPortArgs(name="proxy-health", container_port=sidecar.health_port)],
        startup_probe=pods.http_probe(sidecar.startup_path, "proxy-health", period=1, timeout=5, failures=60),
    )


def _wait_container(pod: WorkloadPod) -> list[str]:
    match pod.after:
        case "migration":
            assert WORKLOADS[pod.part].metadata, f"{pod.part} cannot ask a database that it has no access to"
            return ["python", "-c", script("wait_for_migration.py"), str(MIGRATION_WAIT_SECONDS)]
        case "nothing":
            return []


def environment(site: Site, pod: WorkloadPod) -> list[EnvVarArgs]:
    """The variables of a part's containers, beside its options."""
    fixed: dict[str, pulumi.Input[str]] = {
        # All options come from variables. A file that exists and is empty keeps Airflow from writing one of its own.
        "AIRFLOW_CONFIG": "/dev/null",
        # The image's entrypoint would ask the database at every start; init containers do that once.
        "CONNECTION_CHECK_MAX_COUNT": "0",
        **(site.ca_bundle.variables if WORKLOADS[pod.part].connects else {}),
        **(CACHES if WORKLOADS[pod.part].dag_code else {}),
        **pod.environment,
    }
    plain = [EnvVarArgs(name=name, value=value) for name, value in fixed.items()]
    return plain + [
        EnvVarArgs(
            name=credential.variable,
            value_from=EnvVarSourceArgs(
                secret_key_ref=SecretKeySelectorArgs(name=site.secrets[credential.stored_in].name, key=credential.key)
            ),
        )
        for credential in site.credentials(pod.part)
    ]


def checksum(site: Site, pod: WorkloadPod) -> pulumi.Output[str]:
    """One hash of everything outside the pod's own spec that the part reads: a change rolls it, and only it."""
    secrets = sorted({credential.stored_in for credential in site.credentials(pod.part)})
    read = [
        json.dumps(site.options(pod.part), sort_keys=True),
        site.dags.checksum if WORKLOADS[pod.part].dag_code else "",
        *(site.secrets[secret].checksum for secret in secrets),
    ]
    return pulumi.Output.all(*read).apply(lambda parts: naming.sha256("\0".join(parts)))
