"""The images for a Gateway: Traefik, cert-manager, and cert-manager's pod for ACME challenges.

Each contains one static program, like the official ones. They are built only on request.
"""

from __future__ import annotations

import shutil
from typing import Final

from lab.gateway import programs
from lab.images import names
from lab.images.image import Image, Workbench, source_of
from lab.images.oci import Settings
from lab.tools.go import GoProgram

USER: Final = 65532
"""The user nonroot of distroless/static, the base of cert-manager's official images.
https://github.com/cert-manager/cert-manager/blob/v1.21.2/make/base_images.mk"""


def _image(program: GoProgram, name: str) -> Image:
    def fill(bench: Workbench) -> None:
        target = bench.tree.root / program.name
        shutil.copy(program.build(), target)
        target.chmod(0o755)

    return Image(
        title=program.name,
        name=name,
        inputs=(source_of(__name__), source_of(programs.__name__), *program.sources),
        fill=fill,
        settings=Settings(user=f"{USER}:{USER}", entrypoint=(f"/{program.name}",)),
    )


IMAGES: Final = (
    _image(programs.TRAEFIK, names.TRAEFIK),
    _image(programs.CERT_MANAGER, names.CERT_MANAGER),
    _image(programs.ACME_SOLVER, names.ACME_SOLVER),
)
