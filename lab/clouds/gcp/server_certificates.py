"""Certificates with which clients verify a Cloud SQL server."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from lab.clouds.gcp.resource import fingerprint, last, project_of
from lab.clouds.gcp.tokens import SERVER
from lab.clouds.kind import ApiError, Call, Function

AUTHORITIES: Final = "authorities"
"""Subject of facts: the certificates of each server by name, the current one first. (Outputs that the SDK treats as
secrets are masked in the inventory.)"""


def authority_entry(certificate: str, server: str) -> dict[str, Any]:
    """A certificate in the form of the server's output."""
    return {
        "cert": certificate,
        "commonName": f"C=US,O=Google\\, Inc,CN=Google Cloud SQL Server CA,dnQualifier={fingerprint(server, 36)}",
        "createTime": "2026-01-01T00:00:00.000Z",
        "expirationTime": "2036-01-01T00:00:00.000Z",
        "sha1Fingerprint": hashlib.sha1(certificate.encode()).hexdigest(),  # noqa: S324 - what it is called
    }


class GetCaCerts(Function):
    """All certificates of a server: the current one and, before a rotation, the next one.

    The server's output has only the first one: https://github.com/hashicorp/terraform-provider-google,
    resource_sql_database_instance.go sets `server_ca_cert` from `ServerCaCert`, where `listServerCas` has a list,
    https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1beta4/instances/listServerCas.
    """

    token = "gcp:sql/getCaCerts:getCaCerts"  # noqa: S105 - a type token
    required = ("instance",)

    def result(self, call: Call) -> dict[str, Any]:
        """The certificates of a server, by its name or link."""
        name = last(str(call.get("instance")))
        if call.world.find(SERVER, name) is None:
            raise ApiError(404, "The Cloud SQL instance does not exist.", reason="instanceDoesNotExist")
        certificates = [authority_entry(each, name) for each in call.world.facts[AUTHORITIES][name]]
        return {
            "id": f"projects/{project_of(call)}/instances/{name}",
            "instance": name,
            "project": project_of(call),
            "activeVersion": certificates[0]["sha1Fingerprint"],
            "certs": certificates,
        }
