"""One image: its recipe, and the archive that is made from it."""

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
"""What the recipes copy into their images."""


@dataclass(frozen=True)
class Workbench:
    """What a recipe's `fill` works with."""

    tree: Tree
    debs: Path | None
    """The package files of this image; None when it stands on nothing."""
    wheels: Path | None
    """The wheels of Airflow, for the image that asks for them."""
    authority: bytes | None = None
    """The certificate of the lab's stand-in for public authorities, for images that trust it."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """How one image is made."""

    title: str
    """Short name, for files and messages."""
    name: str
    """Under which a node knows it, with registry and tag."""
    settings: oci.Settings
    fill: Callable[[Workbench], None]
    """Brings the tree from the base to what the image holds."""
    inputs: Sequence[Path]
    """Files that decide what the image holds, the recipe's own module among them."""
    packages: Sequence[str] = ()
    """Debian packages beside the base; without any the image does not stand on the base at all."""
    tools: Sequence[str] = ()
    """Debian packages that this machine needs for `fill`."""
    python: bool = False
    """Whether `fill` needs the wheels of Airflow."""
    authority: bool = False
    """Whether the image trusts the lab's stand-in for public authorities, which is another one on each machine."""

    def archive(self, cache: Path, base_key: str) -> Path:
        """Where the archive lies once it is made; its name changes with all that it depends on."""
        key = hashlib.sha256(base_key.encode() if self.packages else b"")
        key.update(self.name.encode())
        for source in (*self.inputs, *(Path(str(module.__file__)) for module in (layer, oci)), Path(__file__)):
            key.update(source.read_bytes())
        key.update(self._authority() or b"")
        return cache / f"{self.title}-{key.hexdigest()[:16]}.tar"

    def build(self, target: Path, base: DebianBase, wheels: Path | None) -> None:
        """Make the archive at `target`.

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
    """The log of what was last built under this title."""
    return cache / f"{title}.log"


def source_of(module: str) -> Path:
    """The file of a recipe's module, an input of its image."""
    return Path(str(sys.modules[module].__file__))
