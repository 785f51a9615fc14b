"""External access to the UI."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from components.settings.types import Hostname, KubernetesName, Model


class _Exposure(Model):
    """Common interface of all exposures, so that no other module distinguishes them."""

    @property
    def service_type(self) -> str:
        """Type of the UI's Service."""
        return "ClusterIP"

    @property
    def node_port(self) -> int | None:
        """The port on every node; None if the cluster chooses it or there is none."""
        return None

    @property
    def gateway(self) -> Gateway | None:
        """The Gateway; None without one."""
        return None


class ClusterIp(_Exposure):
    """Reachable inside the cluster, and by `kubectl port-forward`."""

    kind: Literal["cluster_ip"]


class NodePort(_Exposure):
    """Reachable on a port of every node."""

    kind: Literal["node_port"]
    port: Annotated[int, Field(ge=30_000, le=32_767)] | None = None
    """The port; default: chosen by the cluster."""

    @property
    def service_type(self) -> str:
        """Type of the UI's Service."""
        return "NodePort"

    @property
    def node_port(self) -> int | None:
        """The port on every node; None if the cluster chooses it."""
        return self.port


class _Tls(Model):
    """Common interface of all certificate sources, so that no other module distinguishes them."""

    @property
    def from_cloud(self) -> bool:
        """Whether the cloud issues the certificate and terminates TLS."""
        return False

    @property
    def cluster_issuer(self) -> str | None:
        """The ClusterIssuer of cert-manager that issues it; None for every other source."""
        return None

    @property
    def from_stack(self) -> bool:
        """Whether the certificate is in the stack's encrypted config."""
        return False

    @property
    def external_secret(self) -> str | None:
        """Name of the Secret that is created outside this stack; None for every other source."""
        return None


class ManagedTls(_Tls):
    """The cloud issues and renews the certificate. Google Cloud only."""

    kind: Literal["managed"]

    @property
    def from_cloud(self) -> bool:
        """Whether the cloud issues the certificate and terminates TLS."""
        return True


class CertManagerTls(_Tls):
    """cert-manager issues and renews the certificate. It must run in the cluster, with Gateway API support enabled."""

    kind: Literal["cert_manager"]
    issuer: KubernetesName
    """Name of the ClusterIssuer."""

    @property
    def cluster_issuer(self) -> str:
        """The ClusterIssuer of cert-manager that issues it."""
        return self.issuer


class SecretTls(_Tls):
    """Your own certificate: the secrets `airflow:tls_certificate` and `airflow:tls_private_key`, or a Secret."""

    kind: Literal["secret"]
    name: KubernetesName | None = None
    """Name of an existing Secret of type kubernetes.io/tls, valid for every host, in the Gateway's namespace
    (`namespace` with the suffix `-gateway`); default: created from the secrets `airflow:tls_certificate` and
    `airflow:tls_private_key`."""

    @property
    def from_stack(self) -> bool:
        """Whether the certificate is in the stack's encrypted config."""
        return self.name is None

    @property
    def external_secret(self) -> str | None:
        """Name of the Secret that is created outside this stack; None if the certificate is in the stack's config."""
        return self.name


class Gateway(_Exposure):
    """Reachable from outside the cluster on a reserved IP address, HTTPS only. Not available on existing clusters."""

    kind: Literal["gateway"]
    host: Hostname
    """DNS name of the UI; point it to the output `address`."""
    flower_host: Hostname | None = None
    """DNS name of Flower; default: Flower is not reachable from outside the cluster."""
    tls: Annotated[ManagedTls | CertManagerTls | SecretTls, Field(discriminator="kind")]
    """Source of the certificate."""

    @property
    def gateway(self) -> Gateway:
        """Settings of the Gateway."""
        return self

    @field_validator("flower_host")
    @classmethod
    def _apart(cls, flower_host: str | None, found: ValidationInfo) -> str | None:
        if flower_host is not None and flower_host == found.data.get("host"):
            raise ValueError(
                "is the host of the UI, where paths and cookies of Flower and Airflow would collide; use another host"
            )
        return flower_host


Exposure = Annotated[ClusterIp | NodePort | Gateway, Field(discriminator="kind")]
