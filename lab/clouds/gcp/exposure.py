"""Certificates, certificate maps and TLS policies of the simulated Google Cloud."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from lab.clouds.gcp.resource import COMPUTE_NAME, GcpKind, fingerprint, last, project_of
from lab.clouds.gcp.tokens import CERTIFICATE, CERTIFICATE_MAP, DNS_AUTHORIZATION, SSL_POLICY
from lab.clouds.kind import Call, Choices, Grammar, Reference, every
from lab.clouds.schema_check import Fault
from lab.engine.provider_diff import text_of
from lab.engine.provider_values import is_unknown

_NAME: Final = Grammar(
    pattern=r"[a-z]([-_a-z0-9]{0,62})", words="1 to 63 of a-z, 0-9, - and _, beginning with a letter", automatic=63
)
_HOST: Final = re.compile(r"(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])")
_TIME: Final = "2026-01-01T00:00:00.000000000Z"


class _Kind(GcpKind):
    """Base class of certificate resources."""

    api = "certificatemanager.googleapis.com"
    link = ""
    grammar = _NAME
    hosts: ClassVar[str] = ""
    """Path of the DNS names."""

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of invalid DNS names."""
        yield from super().faults(inputs, config)
        for path, host in every(inputs, self.hosts) if self.hosts else ():
            if not is_unknown(host) and not _HOST.fullmatch(host):
                yield text_of(path), f"is {host!r}, no DNS name"


class SslPolicy(GcpKind):
    """TLS versions and ciphers that a load balancer accepts."""

    token = SSL_POLICY
    grammar = COMPUTE_NAME
    path = "projects/{project}/global/sslPolicies/{name}"
    labels = ""
    immutable = ("name", "project", "description")
    # https://cloud.google.com/load-balancing/docs/ssl-policies-concepts.
    values: ClassVar[Choices] = {
        "profile": ("COMPATIBLE", "MODERN", "RESTRICTED", "CUSTOM", "FIPS_202205"),
        "minTlsVersion": ("TLS_1_0", "TLS_1_1", "TLS_1_2", "TLS_1_3"),
    }
    defaults: ClassVar[Mapping[str, Any]] = {"profile": "COMPATIBLE", "minTlsVersion": "TLS_1_0"}

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Custom ciphers are required for the profile CUSTOM, and refused for others."""
        yield from super().faults(inputs, config)
        if (inputs.get("profile") == "CUSTOM") != bool(inputs.get("customFeatures")):
            yield "customFeatures", "are there exactly when the profile is CUSTOM"
        if inputs.get("minTlsVersion") == "TLS_1_3" and inputs.get("profile") != "RESTRICTED":
            yield "minTlsVersion", "is 'TLS_1_3', which takes profile RESTRICTED"

    def outputs(self, call: Call) -> dict[str, Any]:
        """Links and the ciphers of the profile."""
        return {
            "creationTimestamp": "2026-01-01T00:00:00.000-08:00",
            "enabledFeatures": ["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
            "fingerprint": fingerprint(str(call.inputs)),
            "selfLink": self.self_link(call),
        }


class DnsAuthorization(_Kind):
    """Proof of the ownership of a name, by a DNS record."""

    token = DNS_AUTHORIZATION
    path = "projects/{project}/locations/global/dnsAuthorizations/{name}"
    hosts = "domain"
    immutable = ("name", "project", "domain", "location", "type")

    def outputs(self, call: Call) -> dict[str, Any]:
        """The DNS record."""
        record = {
            "name": f"_acme-challenge.{call.inputs['domain']}.",
            "type": "CNAME",
            "data": f"{fingerprint(call.id, 36)}.authorize.certificatemanager.goog.",
        }
        return {"dnsResourceRecords": [record], "type": call.get("type", "FIXED_RECORD")}


class Certificate(_Kind):
    """A certificate, issued when the name points to the load balancer."""

    token = CERTIFICATE
    path = "projects/{project}/locations/global/certificates/{name}"
    hosts = "managed.domains[*]"
    immutable = ("name", "project", "location", "managed", "scope", "selfManaged")
    values: ClassVar[Choices] = {"scope": ("DEFAULT", "EDGE_CACHE", "ALL_REGIONS", "CLIENT_AUTH")}
    references = (Reference(path="managed.dnsAuthorizations[*]", to=(DNS_AUTHORIZATION,), way="holds"),)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Either managed or self-managed."""
        yield from super().faults(inputs, config)
        if (inputs.get("managed") is None) == (inputs.get("selfManaged") is None):
            yield "managed", "is there exactly when selfManaged is not"

    def outputs(self, call: Call) -> dict[str, Any]:
        """Its names, and the state "not issued yet"."""
        domains = call.get("managed.domains", [])
        managed = {"managed": {"state": "PROVISIONING"}} if domains else {}
        return {"sanDnsnames": domains, **managed}


class CertificateMap(_Kind):
    """A map of certificates."""

    token = CERTIFICATE_MAP
    path = "projects/{project}/locations/global/certificateMaps/{name}"
    immutable = ("name", "project")

    def outputs(self, call: Call) -> dict[str, Any]:
        """Time stamps."""
        return {"createTime": _TIME, "updateTime": _TIME, "gclbTargets": []}


class CertificateMapEntry(_Kind):
    """The certificates of a host name in a map."""

    token = "gcp:certificatemanager/certificateMapEntry:CertificateMapEntry"  # noqa: S105 - a type token
    hosts = "hostname"
    immutable = ("name", "project", "map", "hostname", "matcher")
    references = (
        # A map with entries cannot be deleted, and neither can a certificate in use.
        Reference(path="map", to=(CERTIFICATE_MAP,), way="holds"),
        Reference(path="certificates[*]", to=(CERTIFICATE,), way="holds"),
    )

    def id(self, call: Call) -> str:
        """The id, below its map."""
        above = f"projects/{project_of(call)}/locations/global/certificateMaps/{last(call.inputs['map'])}"
        return f"{above}/certificateMapEntries/{call.inputs['name']}"

    def outputs(self, call: Call) -> dict[str, Any]:
        """Time stamps, and the state "waiting for the load balancer"."""
        return {"createTime": _TIME, "updateTime": _TIME, "state": "PENDING"}
