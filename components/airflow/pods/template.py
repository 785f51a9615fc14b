"""The pod of a workload, built from what is specific to it and the context of its instance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pulumi
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

from components.airflow.context import InstanceContext
from components.airflow.database.ca_bundle import CaBundle
from components.airflow.pods.scripts import SCRIPTS_FOLDER, script
from components.airflow.rbac import calls_kubernetes
from components.contract.cloud import Identity, Sidecar
from components.contract.requirements import AIRFLOW_GID, AIRFLOW_UID
from components.contract.workloads import WORKLOADS, Workload
from components.kubernetes import naming, pods
from components.settings.types import Resources

AIRFLOW_USER: Final = pods.User(uid=AIRFLOW_UID, gid=AIRFLOW_GID, fs_group=AIRFLOW_GID)
WAIT_CONTAINER_RESOURCES: Final = Resources(cpu_milli=50, memory_mib=512)
"""For init containers: memory of one start of Airflow's command line."""
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


@dataclass(frozen=True, kw_only=True)
class WorkloadPod:
    """Workload-specific part of a pod."""

    workload: Workload
    args: Sequence[str]
    """Arguments of the image's entrypoint, which must run: it sets up user and signals."""
    resources: Resources
    scratch_gib: int = 1
    """What it may write to the node's disk: temporary files, logs and compiled files together."""
    container: str = ""
    """The main container's name; default: the workload's."""
    waits_for: Literal["migration", "nothing"] = "migration"
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


def options_map(context: InstanceContext, workload: Workload, opts: pulumi.ResourceOptions) -> ConfigMap:
    """The ConfigMap with a workload's options; a change makes a new one, under a new name, for its reader alone."""
    return ConfigMap(
        f"{context.name}-{workload}-options",
        metadata=context.metadata(workload, fixed=False),
        immutable=True,
        data={
            **(context.log_store_variables if WORKLOADS[workload].log_store is not None else {}),
            **context.options(workload),
        },
        opts=opts,
    )


def pod_template(context: InstanceContext, pod: WorkloadPod, options: pulumi.Input[str]) -> PodTemplateSpecArgs:
    """The pod of a workload. `options` names the ConfigMap with its options."""
    settings, workload, traits = context.settings, pod.workload, WORKLOADS[pod.workload]
    identity = context.identities.get(workload, Identity())
    ca_bundle = context.ca_bundle if traits.connects else CaBundle()
    scratch = pods.Scratch(paths={"tmp": TMP}, size_mib=pod.scratch_gib * 1024)
    bytecode = pods.Scratch(paths={"bytecode": BYTECODE_FOLDER} if pod.stays else {}, size_mib=BYTECODE_MIB)
    scripts = VolumeArgs(name="scripts", config_map=ConfigMapVolumeSourceArgs(name=context.scripts))
    mounts = [
        *scratch.mounts(),
        *bytecode.mounts(),
        *([VolumeMountArgs(name="scripts", mount_path=SCRIPTS_FOLDER, read_only=True)] if pod.stays else ()),
        *(context.dags.mounts if traits.dag_code else ()),
        *([context.logs.mount] if traits.task_logs else ()),
        *ca_bundle.mounts,
        *pod.mounts,
    ]
    volumes = [
        *scratch.volumes(),
        *bytecode.volumes(),
        *([scripts] if pod.stays else ()),
        *(context.dags.volumes if traits.dag_code else ()),
        *([context.logs.volume(pod.scratch_gib * 1024)] if traits.task_logs else ()),
        *ca_bundle.volumes,
        *pod.volumes,
    ]
    common: dict[str, Any] = {
        "image": settings.image.reference,
        "image_pull_policy": settings.image.pull_policy,
        "env": environment(context, pod),
        "env_from": [EnvFromSourceArgs(config_map_ref=ConfigMapEnvSourceArgs(name=options))],
    }
    main = pods.container(
        pod.container or workload,
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
    beside = [sidecar(context.database_sidecar)] if context.database_sidecar is not None and traits.connects else []
    wait_container = [
        pods.container(
            f"wait-for-{pod.waits_for}",
            resources=WAIT_CONTAINER_RESOURCES,
            args=wait_args,
            volume_mounts=[*scratch.mounts(), *ca_bundle.mounts],
            **common,
        )
    ]
    return PodTemplateSpecArgs(
        metadata=ObjectMetaArgs(
            labels={**context.labels(workload), **identity.pod_labels},
            annotations={
                **pod.annotations,
                "airflow/checksum": checksum(context, pod),
            },
        ),
        spec=pods.pod_spec(
            pods.PodShape(
                user=AIRFLOW_USER,
                service_account=context.accounts[workload],
                containers=[main],
                init_containers=[*beside, *(wait_container if wait_args else [])],
                volumes=volumes,
                kubernetes_api=calls_kubernetes(workload, settings),
                grace_seconds=pod.grace_seconds,
                restart_policy=pod.restart_policy,
                pull_secret=context.pull_secret,
                node_selector=context.task_node_selector if traits.runs_tasks else {},
                taint=context.task_taint if traits.runs_tasks else None,
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
    match pod.waits_for:
        case "migration":
            assert WORKLOADS[pod.workload].metadata, f"{pod.workload} cannot ask a database that it has no access to"
            return ["python", "-c", script("wait_for_migration.py"), str(MIGRATION_WAIT_SECONDS)]
        case "nothing":
            return []


def environment(context: InstanceContext, pod: WorkloadPod) -> list[EnvVarArgs]:
    """The variables of a workload's containers, beside its options."""
    fixed: dict[str, pulumi.Input[str]] = {
        # All options come from variables. A file that exists and is empty keeps Airflow from writing one of its own.
        "AIRFLOW_CONFIG": "/dev/null",
        # The image's entrypoint would ask the database at every start; init containers do that once.
        "CONNECTION_CHECK_MAX_COUNT": "0",
        **(context.ca_bundle.variables if WORKLOADS[pod.workload].connects else {}),
        **(CACHES if WORKLOADS[pod.workload].dag_code else {}),
        **pod.environment,
    }
    plain = [EnvVarArgs(name=name, value=value) for name, value in fixed.items()]
    return plain + [
        EnvVarArgs(
            name=credential.variable,
            value_from=EnvVarSourceArgs(
                secret_key_ref=SecretKeySelectorArgs(
                    name=context.secrets[credential.stored_in].name, key=credential.key
                )
            ),
        )
        for credential in context.credentials(pod.workload)
    ]


def checksum(context: InstanceContext, pod: WorkloadPod) -> pulumi.Output[str]:
    """One hash of everything outside the pod's own spec that the workload reads: a change rolls it, and only it."""
    secrets = sorted({credential.stored_in for credential in context.credentials(pod.workload)})
    read = [
        json.dumps(context.options(pod.workload), sort_keys=True),
        context.dags.checksum if WORKLOADS[pod.workload].dag_code else "",
        *(context.secrets[secret].checksum for secret in secrets),
    ]
    return pulumi.Output.all(*read).apply(lambda workloads: naming.sha256("\0".join(workloads)))
