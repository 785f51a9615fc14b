"""External access to the UI."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from components.settings.types import Hostname, KubernetesName, Model


class _Exposure(Model):
    """Common interface of all exposures: nothing else asks which one it is."""

    @property
    def service_type(self) -> str:
        """Type of the UI's Service."""
        return "ClusterIP"

    @property
    def node_port(self) -> int | None:
        """The port of every node; None where the cluster chooses or there is none."""
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
    """The port; default: the cluster chooses."""

    @property
    def service_type(self) -> str:
        """Type of the UI's Service."""
        return "NodePort"

    @property
    def node_port(self) -> int | None:
        """The port of every node; None where the cluster chooses."""
        return self.port


class _Tls(Model):
    """Common interface of all certificate sources: nothing else asks which one it is."""

    @property
    def from_cloud(self) -> bool:
        """Whether the cloud makes the certificate and ends TLS with it."""
        return False

    @property
    def cluster_issuer(self) -> str | None:
        """The ClusterIssuer of cert-manager that makes it; None for every other source."""
        return None

    @property
    def from_stack(self) -> bool:
        """Whether it stands in the stack's encrypted config."""
        return False

    @property
    def external_secret(self) -> str | None:
        """The Secret that something else makes; None for every other source."""
        return None


class ManagedTls(_Tls):
    """The cloud makes and renews the certificate. Google Cloud only."""

    kind: Literal["managed"]

    @property
    def from_cloud(self) -> bool:
        """Whether the cloud makes the certificate and ends TLS with it."""
        return True


class CertManagerTls(_Tls):
    """cert-manager, which must run in the cluster with its Gateway API support on, makes and renews the certificate."""

    kind: Literal["cert_manager"]
    issuer: KubernetesName
    """Name of the ClusterIssuer."""

    @property
    def cluster_issuer(self) -> str:
        """The ClusterIssuer of cert-manager that makes it."""
        return self.issuer


class SecretTls(_Tls):
    """The certificate is yours: the secrets `airflow:tls_certificate` and `airflow:tls_private_key`, or a Secret."""

    kind: Literal["secret"]
    name: KubernetesName | None = None
    """Name of a Secret of type kubernetes.io/tls, good for every host, that something else puts into the Gateway's
    namespace (`namespace` with `-gateway` at its end); default: it is made from the secrets `airflow:tls_certificate`
    and `airflow:tls_private_key`."""

    @property
    def from_stack(self) -> bool:
        """Whether it stands in the stack's encrypted config."""
        return self.name is None

    @property
    def external_secret(self) -> str | None:
        """The Secret that something else makes; None where it stands in the stack's encrypted config."""
        return self.name


class Gateway(_Exposure):
    """Reachable from outside on a reserved address, by HTTPS alone. Not on existing clusters."""

    kind: Literal["gateway"]
    host: Hostname
    """The UI's DNS name; point it to the output `address`."""
    flower_host: Hostname | None = None
    """Flower's DNS name; default: Flower is not reachable from outside."""
    tls: Annotated[ManagedTls | CertManagerTls | SecretTls, Field(discriminator="kind")]
    """Where the certificate comes from."""

    @property
    def gateway(self) -> Gateway:
        """These settings of the Gateway."""
        return self

    @field_validator("flower_host")
    @classmethod
    def _apart(cls, flower_host: str | None, found: ValidationInfo) -> str | None:
        if flower_host is not None and flower_host == found.data.get("host"):
            raise ValueError(
                "is the UI's host, where Flower's paths and cookies would meet Airflow's; use another host"
            )
        return flower_host


Exposure = Annotated[ClusterIp | NodePort | Gateway, Field(discriminator="kind")]
