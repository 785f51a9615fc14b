"""Secrets that users provide: created from the stack's encrypted config, so that they exist at the first `up`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import Secret, SecretVolumeSourceArgs, VolumeArgs, VolumeMountArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import PodOverlay
from components.airflow.secrets.credential import Credential, StoredSecret
from components.contract.workloads import Workload
from components.kubernetes import naming
from components.settings.loader import optional_secret, required_secret
from components.settings.secret_keys import IMAGE_PULL_CONFIG, TLS_CERTIFICATE, TLS_PRIVATE_KEY
from components.settings.stack import Settings


@dataclass(frozen=True, kw_only=True)
class ProvidedSecret:
    """One content in a Secret of each namespace in which a workload reads it."""

    stored: Mapping[frozenset[Workload], StoredSecret]
    """The Secret of each group of readers that share a namespace."""

    def credentials(self, variable: str, key: str) -> list[Credential]:
        """One key as an environment variable of all readers."""
        return [
            Credential(variable=variable, secret=secret, key=key, readers=readers)
            for readers, secret in self.stored.items()
        ]

    def overlays(self, volume: str, mounts: Sequence[VolumeMountArgs], *, mode: int = 0o440) -> list[PodOverlay]:
        """All keys as files of a volume, in the pods of all readers; a change of the content restarts them.

        Args:
            volume: the volume's name in the pod.
            mounts: mounts of the volume.
            mode: permissions of the files.
        """
        return [
            PodOverlay(
                workloads=readers,
                volumes=[
                    VolumeArgs(name=volume, secret=SecretVolumeSourceArgs(secret_name=secret.name, default_mode=mode))
                ],
                mounts=list(mounts),
                checksums=[secret.checksum],
            )
            for readers, secret in self.stored.items()
        ]


def create_secret(
    context: InstanceContext, purpose: str, content: Mapping[str, pulumi.Output[str]], readers: Collection[Workload]
) -> ProvidedSecret:
    """The content as a Secret in each namespace in which one of its readers lives.

    Other content is a new Secret under a new name, so that exactly its readers restart.

    Args:
        context: the instance.
        purpose: the Secret's logical name after the instance's, and the component in its labels.
        content: value by key.
        readers: the workloads that may read it.
    """
    joined = pulumi.Output.json_dumps(dict(content), sort_keys=True)
    stored: dict[frozenset[Workload], StoredSecret] = {}
    for space in context.spaces(readers):
        secret = Secret(
            f"{context.name}-{purpose}{space.suffix}",
            metadata=context.metadata(purpose, fixed=False, namespace=space.namespace),
            immutable=True,
            string_data=dict(content),
            opts=context.child,
        )
        stored[space.workloads] = StoredSecret(
            name=secret.metadata.name,
            keys=frozenset(content),
            # A sha256 of high-entropy values does not reveal them; marked as secret, it would hide why a pod restarts.
            checksum=pulumi.Output.unsecret(joined.apply(lambda text: naming.sha256(text))),
        )
    return ProvidedSecret(stored=stored)


def create_variables(
    context: InstanceContext, purpose: str, values: Mapping[str, pulumi.Output[str]], workload: Workload
) -> list[Credential]:
    """Secret variables of the environment of one workload, in a Secret of its own; none without values.

    A changed value so restarts the workloads that read it, and no other.
    """
    if not values:
        return []
    provided = create_secret(context, f"{workload}-{purpose}", values, {workload})
    return [credential for name in values for credential in provided.credentials(name, name)]


def create_pull_secret(
    settings: Settings,
    namespaces: Sequence[pulumi.Output[str]],
    provider: kubernetes.Provider,
    parent: pulumi.Resource,
) -> pulumi.Input[str] | None:
    """The name of the Secret in each namespace that pods pull images with; None if pulling needs no login."""
    content = optional_secret(IMAGE_PULL_CONFIG)
    if content is None:
        return settings.image.pull_secret
    names = [
        _secret(
            settings,
            "image-pull",
            "kubernetes.io/dockerconfigjson",
            {".dockerconfigjson": content},
            namespace,
            pulumi.ResourceOptions(parent=parent, provider=provider),
            suffix=suffix,
        )
        for namespace, suffix in zip(namespaces, ("", "-tasks"), strict=False)
    ]
    return pulumi.Output.all(*names).apply(lambda resolved: resolved[0])


def create_tls_secret(
    settings: Settings, namespace: pulumi.Output[str], provider: kubernetes.Provider, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """The name of the Secret with the Gateway's own certificate, created in the Gateway's namespace."""
    return _secret(
        settings,
        "tls",
        "kubernetes.io/tls",
        {"tls.crt": required_secret(TLS_CERTIFICATE), "tls.key": required_secret(TLS_PRIVATE_KEY)},
        namespace,
        pulumi.ResourceOptions(parent=parent, provider=provider),
    )


def _secret(
    settings: Settings,
    purpose: str,
    kind: str,
    content: dict[str, pulumi.Output[str]],
    namespace: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
    *,
    suffix: str = "",
) -> pulumi.Output[str]:
    # A fixed name and a content that changes in place: a renewed login or certificate restarts no pod.
    secret = Secret(
        f"{settings.name}-{purpose}{suffix}",
        metadata=ObjectMetaArgs(
            name=naming.object_name(settings.name, purpose),
            namespace=namespace,
            labels=naming.labels(settings.name, purpose),
        ),
        type=kind,
        string_data=content,
        opts=opts,
    )
    return secret.metadata.name
