"""The part of the SQL Admin API that Cloud SQL's connectors use: an instance's address, and a client certificate.

Connectors (the Auth Proxy among them) make two calls, cloud.google.com/go/cloudsqlconn v1.27.0,
internal/cloudsql/refresh.go: fetchMetadata (`connectSettings`) and fetchEphemeralCert (`generateEphemeralCert`).
"""

from __future__ import annotations

import base64
import datetime
import json
import re
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lab.certificates import CertificateAuthority
from lab.clouds.gcp.server_certificates import AUTHORITIES
from lab.clouds.inventory import Item, World
from lab.services import google
from lab.services.http import Request, Response, answer

NAMES: Final = ("sqladmin.googleapis.com",)
SERVICE: Final = "sqladmin.googleapis.com"
SERVER: Final = "gcp:sql/databaseInstance:DatabaseInstance"
CERTIFICATE_SECONDS: Final = 3600
"""Validity of a client's certificate: about an hour, comment of fetchEphemeralCert in refresh.go."""
SETTINGS_PERMISSION: Final = "cloudsql.instances.get"
CERTIFICATE_PERMISSION: Final = "cloudsql.instances.connect"
"""Permissions of the two calls, https://cloud.google.com/sql/docs/postgres/iam-permissions."""
# BasePath + these, google.golang.org/api v0.312.0, sqladmin/v1beta4/sqladmin-gen.go: ConnectGetCall.doRequest and
# ConnectGenerateEphemeralCertCall.doRequest.
_SETTINGS: Final = re.compile(r"/sql/v1beta4/projects/([^/]+)/instances/([^/:]+)/connectSettings")
_CERTIFICATE: Final = re.compile(r"/sql/v1beta4/projects/([^/]+)/instances/([^/:]+):generateEphemeralCert")
_PUBLIC_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PUBLIC KEY-----(.*?)-----END", re.DOTALL)


def client_authority(server: Path) -> CertificateAuthority:
    """The CA of client certificates for the server in this folder; each instance has its own.

    As in the connector's own copy of Cloud SQL's certificates, internal/mock/certs.go: "Signing CA PROJECT:INSTANCE".
    """
    return CertificateAuthority(server / "clients")


def handle(world: World, member: str, request: Request, databases: Path) -> Response:
    """Answer a principal.

    Args:
        databases: the folder of the servers on the node, by name.
    """
    if request.method == "GET" and (found := _SETTINGS.fullmatch(request.path)):
        permission = SETTINGS_PERMISSION
    elif request.method == "POST" and (found := _CERTIFICATE.fullmatch(request.path)):
        permission = CERTIFICATE_PERMISSION
    else:
        return google.error(404, f"{request.method} {request.path} is not part of the lab's SQL Admin API.", "notFound")
    project, name = found.groups()
    resource = google.Resource(name=f"projects/{project}/instances/{name}", service=SERVICE, type=f"{SERVICE}/Instance")
    # Only authorised callers learn whether an instance exists.
    google.require_on_project(world, member, permission, project, resource)
    item = next((each for each in google.ready(world, SERVER) if _called(each, project, name)), None)
    if item is None:
        return google.error(404, "The Cloud SQL instance does not exist.", "instanceDoesNotExist")
    if permission == SETTINGS_PERMISSION:
        return answer(_settings(world, item, name))
    return _certified(request, databases / name)


def _called(item: Item, project: str, name: str) -> bool:
    here, _, called = str(item.outputs.get("connectionName")).split(":")
    return (here, called) == (project, name)


def _settings(world: World, item: Item, name: str) -> dict[str, Any]:
    """ConnectSettings, https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1beta4/connect/get.

    Without a DNS name: connectors then verify the certificate's common name, PROJECT:INSTANCE
    (cloudsqlconn, internal/cloudsql/tls_verify.go), as for instances with their own CA.
    """
    settings = item.inputs.get("settings") or {}
    certificate = world.facts[AUTHORITIES][name][0]
    return {
        "kind": "sql#connectSettings",
        "connectionName": item.outputs["connectionName"],
        "region": item.inputs["region"],
        # fetchMetadata refuses every other value.
        "backendType": "SECOND_GEN",
        "databaseVersion": item.inputs["databaseVersion"],
        "ipAddresses": [
            {"type": address["type"], "ipAddress": address["ipAddress"]} for address in item.outputs["ipAddresses"]
        ],
        "serverCaMode": (settings.get("ipConfiguration") or {}).get("serverCaMode", "GOOGLE_MANAGED_INTERNAL_CA"),
        "serverCaCert": {"kind": "sql#sslCert", "instance": name, "cert": certificate},
    }


def _certified(request: Request, server: Path) -> Response:
    """A certificate for the client's key, https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1beta4/connect/generateEphemeralCert."""
    found = _PUBLIC_KEY.search(str(json.loads(request.body or b"{}").get("public_key", "")))
    if found is None:
        return google.error(400, "Invalid request: public_key is not a PEM encoded key.", "invalidRequest")
    # Connectors label a PKIX key as "RSA PUBLIC KEY" (fetchEphemeralCert), which no library accepts.
    key = serialization.load_der_public_key(base64.b64decode(found[1]))
    if not isinstance(key, rsa.RSAPublicKey):
        return google.error(400, "Invalid request: public_key is not an RSA key.", "invalidRequest")
    # The subject is that of cloudsqlconn's internal/mock/certs.go, signWithClientKey.
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=CERTIFICATE_SECONDS)
    certificate = client_authority(server).sign(
        key, "Google Cloud SQL Client", country="US", organizations=["Google, Inc"], until=until
    )
    return answer(
        {
            "ephemeralCert": {
                "kind": "sql#sslCert",
                "instance": server.name,
                "certSerialNumber": str(certificate.serial_number),
                "commonName": "Google Cloud SQL Client",
                "createTime": certificate.not_valid_before_utc.isoformat().replace("+00:00", "Z"),
                "expirationTime": certificate.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
                "sha1Fingerprint": certificate.fingerprint(hashes.SHA1()).hex(),  # noqa: S303 - what it is called
                "cert": certificate.public_bytes(serialization.Encoding.PEM).decode(),
            }
        }
    )
