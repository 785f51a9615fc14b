"""One image: its recipe, and the archive that is built from it."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.certificates import public_authority
from lab.images import layer, oci
from lab.images.debian_base import DebianBase
from lab.images.tree import Tree
from lab.progress import step

FILES: Final = Path(__file__).parent / "files"
"""The files that the recipes copy into their images."""


@dataclass(frozen=True)
class Workbench:
    """The inputs of a recipe's `fill`."""

    tree: Tree
    debs: Path | None
    """The package files of this image; None if it has no base."""
    wheels: Path | None
    """The wheels of Airflow, for an image that needs them."""
    authority: bytes | None = None
    """The certificate of the lab's stand-in for public certificate authorities, for images that trust it."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """The recipe of one image."""

    title: str
    """Short name, for files and messages."""
    name: str
    """Full name on a node, with registry and tag."""
    settings: oci.Settings
    fill: Callable[[Workbench], None]
    """Changes the tree from the base to the content of the image."""
    inputs: Sequence[Path]
    """Files that determine the content of the image, including the recipe's own module."""
    packages: Sequence[str] = ()
    """Debian packages in addition to the base; without any, the image does not use the base at all."""
    tools: Sequence[str] = ()
    """Debian packages that this machine needs for `fill`."""
    python: bool = False
    """Whether `fill` needs the wheels of Airflow."""
    authority: bool = False
    """Whether the image trusts the lab's stand-in for public certificate authorities, which differs on each machine."""

    def archive(self, cache: Path, base_key: str) -> Path:
        """The path of the archive after the build; its name contains a hash of all inputs."""
        key = hashlib.sha256(base_key.encode() if self.packages else b"")
        key.update(self.name.encode())
        for source in (*self.inputs, *(Path(str(module.__file__)) for module in (layer, oci)), Path(__file__)):
            key.update(source.read_bytes())
        key.update(self._authority() or b"")
        return cache / f"{self.title}-{key.hexdigest()[:16]}.tar"

    def build(self, target: Path, base: DebianBase, wheels: Path | None) -> None:
        """Build the archive at `target`.

        Raises:
            LabError: a step of the recipe failed; the message names the log.
        """
        log = log_of(target.parent, self.title)
        log.unlink(missing_ok=True)
        with (
            step(f"Image {self.name} (once)"),
            tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as scratch,
            oci.Archive(target) as archive,
        ):
            tree = Tree(root=Path(scratch) / "root", log=log)
            below = {}
            if self.packages:
                tree.unpack(base.layer)
                below = layer.manifest(base.layer)
                archive.add_layer(base.layer)
            else:
                tree.root.mkdir()
            debs = base.debs(self.title) if self.packages else None
            self.fill(Workbench(tree, debs, wheels, self._authority()))
            with archive.layer() as out:
                layer.write(tree.root, out, below)
            archive.finish(self.name, self.settings)

    def _authority(self) -> bytes | None:
        return public_authority().certificate.read_bytes() if self.authority else None


def log_of(cache: Path, title: str) -> Path:
    """The log of the last build with this title."""
    return cache / f"{title}.log"


def source_of(module: str) -> Path:
    """The file of a recipe's module, an input of its image."""
    return Path(str(sys.modules[module].__file__))
