"""External access to the UI."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from components.settings.types import Hostname, KubernetesName, Model


class ClusterIp(Model):
    """Reachable inside the cluster, and by `kubectl port-forward`."""

    kind: Literal["cluster_ip"]


class NodePort(Model):
    """Reachable on a port of every node."""

    kind: Literal["node_port"]
    port: Annotated[int, Field(ge=30_000, le=32_767)] | None = None
    """The port; default: the cluster chooses."""


class ManagedTls(Model):
    """The cloud makes and renews the certificate. Google Cloud only."""

    kind: Literal["managed"]


class CertManagerTls(Model):
    """cert-manager, which must run in the cluster with its Gateway API support on, makes and renews the certificate."""

    kind: Literal["cert_manager"]
    issuer: KubernetesName
    """Name of the ClusterIssuer."""


class SecretTls(Model):
    """The certificate is yours: the secrets `airflow:tls_certificate` and `airflow:tls_private_key`, or a Secret."""

    kind: Literal["secret"]
    name: KubernetesName | None = None
    """Name of a Secret of type kubernetes.io/tls, good for every host, that something else puts into the Gateway's
    namespace (`namespace` with `-gateway` at its end); default: it is made from the secrets `airflow:tls_certificate`
    and `airflow:tls_private_key`."""


class Gateway(Model):
    """Reachable from outside on a reserved address, by HTTPS alone. Not on local stacks."""

    kind: Literal["gateway"]
    host: Hostname
    """The UI's DNS name; point it to the output `address`."""
    flower_host: Hostname | None = None
    """Flower's DNS name; default: Flower is not reachable from outside."""
    tls: Annotated[ManagedTls | CertManagerTls | SecretTls, Field(discriminator="kind")]
    """Where the certificate comes from."""

    @field_validator("flower_host")
    @classmethod
    def _apart(cls, flower_host: str | None, found: ValidationInfo) -> str | None:
        if flower_host is not None and flower_host == found.data.get("host"):
            raise ValueError(
                "is the UI's host, where Flower's paths and cookies would meet Airflow's; use another host"
            )
        return flower_host


Exposure = Annotated[ClusterIp | NodePort | Gateway, Field(discriminator="kind")]
