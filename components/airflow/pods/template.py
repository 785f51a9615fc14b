"""The pod of a workload: its specific fields, and the overlays of all features. No feature is named here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final, cast

import pulumi
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    ContainerArgs,
    ContainerPortArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    SecretKeySelectorArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Features, PodOverlay, last
from components.airflow.pods.options import OptionsSource, options_data, options_source
from components.airflow.secrets.credential import Credential
from components.contract.requirements import AIRFLOW_GID, AIRFLOW_UID
from components.contract.workloads import Workload
from components.kubernetes import manifest, naming, pods
from components.kubernetes.patches import merged as merged_patch
from components.settings.types import Resources

AIRFLOW_USER: Final = pods.User(uid=AIRFLOW_UID, gid=AIRFLOW_GID, fs_group=AIRFLOW_GID)
EVICTABLE: Final = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}
NOT_EVICTABLE: Final = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
"""For pods that run tasks: an autoscaler that empties their node ends the tasks."""


@dataclass(frozen=True, kw_only=True)
class WorkloadPod:
    """The fields of a pod that are specific to its workload."""

    workload: Workload
    args: Sequence[str]
    """Arguments of the image's entrypoint. The entrypoint must run, because it sets up the user and signals."""
    resources: Resources
    scratch_gib: int = 1
    """Maximum disk space that the pod uses on its node: temporary files, logs and compiled files together."""
    container: str = ""
    """The main container's name; default: the workload's."""
    namespace: pulumi.Input[str] | None = None
    """The namespace in the manifest of a pod by itself; None in the template of another object."""
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    credentials: Sequence[Credential] = ()
    """Credentials of this pod beyond those of its workload."""
    probes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """startup_probe, readiness_probe and liveness_probe of the main container."""
    grace_seconds: int = 30
    serves_until_seconds: int = 0
    """How long the pod still serves requests after the stop signal; included in the grace period."""
    restart_policy: str = "Always"
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])


def create_options(
    context: InstanceContext, features: Features, workload: Workload, opts: pulumi.ResourceOptions
) -> ConfigMap:
    """The ConfigMap with a workload's options; a change creates a new one with a new name, for this workload only."""
    return ConfigMap(
        f"{context.name}-{workload}-options",
        metadata=context.metadata(workload, fixed=False, namespace=context.namespace_of(workload)),
        immutable=True,
        data=options_data(features.variables(workload), file=context.settings.options_file),
        opts=opts,
    )


def pod_template(
    context: InstanceContext, features: Features, pod: WorkloadPod, options: pulumi.Input[str]
) -> PodTemplateSpecArgs:
    """The pod of a workload. `options` names the ConfigMap with its options."""
    overlays = features.overlays(pod.workload)
    source = options_source(options, file=context.settings.options_file)
    common: dict[str, Any] = {
        "image": context.settings.image.reference,
        "image_pull_policy": context.settings.image.pull_policy,
        "env": _environment(features, pod, overlays, source),
        "env_from": source.env_from,
    }
    init_mounts = [*_mounts([overlay for overlay in overlays if overlay.init_mounts]), *source.mounts]
    return PodTemplateSpecArgs(
        metadata=ObjectMetaArgs(
            namespace=pod.namespace,
            labels=merged([context.labels(pod.workload), *(overlay.labels for overlay in overlays)]),
            annotations={
                **pod.annotations,
                **merged(overlay.annotations for overlay in overlays),
                "airflow/checksum": checksum(features, pod.workload),
            },
        ),
        spec=patched(
            overlays,
            pods.PodShape(
                user=AIRFLOW_USER,
                service_account=context.accounts[pod.workload],
                containers=[_main_container(pod, overlays, common, source)],
                init_containers=[
                    *(sidecar for overlay in overlays for sidecar in overlay.sidecars),
                    *(container for overlay in overlays for container in overlay.setup),
                    *(
                        pods.container(
                            init.name,
                            resources=init.resources,
                            args=list(init.args),
                            volume_mounts=init_mounts,
                            **common,
                        )
                        for overlay in overlays
                        for init in overlay.init_containers
                    ),
                ],
                volumes=[*_volumes(pod, overlays), *source.volumes],
                kubernetes_api=any(overlay.kubernetes_api for overlay in overlays),
                grace_seconds=pod.grace_seconds,
                restart_policy=pod.restart_policy,
                pull_secret=context.pull_secret,
                taint=next((overlay.taint for overlay in overlays if overlay.taint), None),
                **placement(overlays),
            ),
        ),
    )


def patched(overlays: Sequence[PodOverlay], shape: pods.PodShape) -> PodSpecArgs:
    """The spec of a pod with the patches of its overlays."""
    chosen = [patch for overlay in overlays for patch in overlay.patches]
    spec = pods.pod_spec(shape)
    if not chosen:
        return spec
    # The engine takes the fields of Kubernetes as well as the SDK's classes.
    return cast("PodSpecArgs", reduce(merged_patch, chosen, manifest.plain(spec)))


def placement(overlays: Sequence[PodOverlay]) -> dict[str, Any]:
    """The fields of a pod's shape about its nodes, except the taint of the cloud's nodes for tasks."""
    return {
        "node_selector": merged(overlay.node_selector for overlay in overlays),
        "tolerations": [toleration for overlay in overlays for toleration in overlay.tolerations],
        "affinity": last(overlay.affinity for overlay in overlays),
        "priority_class": last(overlay.priority_class for overlay in overlays),
    }


def merged(mappings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One mapping of all; later values replace earlier ones."""
    return {key: value for mapping in mappings for key, value in mapping.items()}


def _main_container(
    pod: WorkloadPod, overlays: Sequence[PodOverlay], common: Mapping[str, Any], source: OptionsSource
) -> ContainerArgs:
    return pods.container(
        pod.container or pod.workload,
        resources=pod.resources,
        scratch_gib=pod.scratch_gib,
        lifecycle=pods.sleep_before_stop(pod.serves_until_seconds) if pod.serves_until_seconds else None,
        args=[*pod.args, *(argument for overlay in overlays for argument in overlay.arguments)],
        ports=[ContainerPortArgs(name=name, container_port=port) for name, port in pod.ports.items()] or None,
        volume_mounts=[*_mounts(overlays), *source.mounts],
        **pod.probes,
        **common,
    )


def _mounts(overlays: Sequence[PodOverlay]) -> list[VolumeMountArgs]:
    return [
        mount
        for overlay in overlays
        for mount in (
            *(folder.mount for folder in overlay.scratch),
            *overlay.mounts,
        )
    ]


def _volumes(pod: WorkloadPod, overlays: Sequence[PodOverlay]) -> list[VolumeArgs]:
    return [
        volume
        for overlay in overlays
        for volume in (
            *(folder.volume(pod.scratch_gib * 1024) for folder in overlay.scratch),
            *overlay.volumes,
        )
    ]


def _environment(
    features: Features, pod: WorkloadPod, overlays: Sequence[PodOverlay], source: OptionsSource
) -> list[EnvVarArgs]:
    """The variables of a workload's containers, except its options."""
    plain = merged([*(overlay.environment for overlay in overlays), source.environment, pod.environment])
    return [
        *(EnvVarArgs(name=name, value=value) for name, value in plain.items()),
        *(credential_variable(each) for each in (*features.credentials(pod.workload), *pod.credentials)),
    ]


def credential_variable(credential: Credential) -> EnvVarArgs:
    """The environment variable of a credential."""
    key = credential.secret.key_names.get(credential.key, credential.key)
    reference = SecretKeySelectorArgs(name=credential.secret.name, key=key)
    return EnvVarArgs(name=credential.variable, value_from=EnvVarSourceArgs(secret_key_ref=reference))


def checksum(features: Features, workload: Workload) -> pulumi.Output[str]:
    """One hash of everything outside the pod's own spec that the workload reads: a change restarts it, and only it."""
    read: list[pulumi.Input[str]] = [
        pulumi.Output.json_dumps(features.variables(workload), sort_keys=True),
        *(text for overlay in features.overlays(workload) for text in overlay.checksums),
        # A Secret with several credentials is included several times, which has no effect.
        *(credential.secret.checksum for credential in features.credentials(workload)),
    ]
    return pulumi.Output.all(*read).apply(lambda texts: naming.sha256("\0".join(texts)))
