"""Images for tasks: images/pandas and images/papermill on the lab's Debian, with packages from Debian and PyPI."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lab.images import containerfile, names, oci
from lab.images.collection import debian_layer
from lab.paths import PROJECT

IMAGES: Final = {"pandas": names.PANDAS, "papermill": names.PAPERMILL}
"""Names on a node by folder below images/."""
DEBIAN: Final = "docker.io/library/debian:trixie-slim"
"""The image that the Containerfiles begin with; its stand-in is the Debian of all the lab's images."""


def archive(folder: str) -> Path:
    """The archive of the image in images/FOLDER, built when the cache lacks it, which takes about a minute.

    Raises:
        LabError: a step failed; the message names the log.
    """
    recipe = containerfile.Recipe(containerfile=f"images/{folder}/Containerfile", base=debian(), base_name=DEBIAN)
    copied = [PROJECT / f"images/{folder}/requirements.txt", *sorted((PROJECT / "airflow_project").glob("*.py"))]

    def build(target: Path, log: Path) -> None:
        containerfile.build(recipe, PROJECT, IMAGES[folder], target, log=log)

    return containerfile.cached(
        f"task-{folder}", IMAGES[folder], [*recipe.inputs, *(path.read_text() for path in copied)], build
    )


def debian() -> Path:
    """The archive of the Debian image that these images stand on."""
    layer = debian_layer()

    def build(target: Path, log: Path) -> None:
        del log
        with oci.Archive(target) as image:
            image.add_layer(layer)
            image.finish(DEBIAN, oci.Settings(user="0", entrypoint=()))

    return containerfile.cached("debian", DEBIAN, [str(layer)], build)
