"""Secrets that users provide: created from the stack's encrypted config, so that they exist at the first `up`."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes import naming
from components.settings.loader import optional_secret, required_secret
from components.settings.secret_keys import IMAGE_PULL_CONFIG, TLS_CERTIFICATE, TLS_PRIVATE_KEY
from components.settings.stack import Settings


def create_pull_secret(
    settings: Settings, namespace: pulumi.Output[str], provider: kubernetes.Provider, parent: pulumi.Resource
) -> pulumi.Input[str] | None:
    """The name of the Secret that pods pull the Airflow image with; None if pulling needs no login."""
    content = optional_secret(IMAGE_PULL_CONFIG)
    if content is None:
        return settings.image.pull_secret
    return _secret(
        settings,
        "image-pull",
        "kubernetes.io/dockerconfigjson",
        {".dockerconfigjson": content},
        namespace,
        pulumi.ResourceOptions(parent=parent, provider=provider),
    )


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
) -> pulumi.Output[str]:
    # A fixed name and a content that changes in place: a renewed login or certificate restarts no pod.
    secret = Secret(
        f"{settings.name}-{purpose}",
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
