"""The programs of a Gateway's controller and certificates, each built once from Go modules."""

from __future__ import annotations

from typing import Final

from lab.images import names
from lab.tools.go import GoProgram

CERT_MANAGER_MODULE: Final = "github.com/cert-manager/cert-manager"
TRAEFIK_MODULE: Final = "github.com/traefik/traefik/v3"


def _version(image: str) -> str:
    """The version in the image's tag, which equals that in the module file."""
    return image.rpartition(":")[2]


_CERT_MANAGER_FLAGS: Final = (
    "-s",
    "-w",
    # Part of the name of the image that it starts for a challenge.
    f"-X {CERT_MANAGER_MODULE}/pkg/util.AppVersion={_version(names.CERT_MANAGER)}",
)
CERT_MANAGER: Final = GoProgram(
    name="cert-manager-controller", module="cert_manager", package=".", ldflags=_CERT_MANAGER_FLAGS
)
ACME_SOLVER: Final = GoProgram(name="cert-manager-acmesolver", module="cert_manager", package="./solver")
TRAEFIK: Final = GoProgram(
    name="traefik",
    module="traefik",
    package=f"{TRAEFIK_MODULE}/cmd/traefik",
    ldflags=("-s", "-w", f"-X {TRAEFIK_MODULE}/pkg/version.Version={_version(names.TRAEFIK).removeprefix('v')}"),
)
PEBBLE: Final = GoProgram(name="pebble", module="pebble", package="github.com/letsencrypt/pebble/v2/cmd/pebble")
"""Let's Encrypt's ACME test server: it validates challenges like the public servers."""
