"""OCI image archives: a tar of the OCI image layout that `ctr images import` reads."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Final

from lab.errors import LabError
from lab.images import layer
from lab.images.layer import EPOCH

LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"

ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
"""The kernel's names of processor architectures, and those in images."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The defaults with which a container of the image starts."""

    user: str
    """Numbers, `uid` or `uid:gid`: the kubelet cannot verify that a name is not root."""
    entrypoint: Sequence[str]
    command: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    ports: Sequence[int] = ()
    stop_signal: str = "SIGTERM"


@dataclass(frozen=True)
class Blob:
    """One file of the archive, named by its digest."""

    digest: str
    """`sha256:` and 64 hexadecimal digits."""
    size: int
    """Bytes."""

    def descriptor(self, media_type: str) -> dict[str, object]:
        """The reference to it in manifests and the index."""
        return {"mediaType": media_type, "digest": self.digest, "size": self.size}


class HashedOutput:
    """Writes bytes to another output, and computes their digest and number."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        self._hash.update(data)
        self._size += len(data)
        return self._out.write(data)

    @property
    def blob(self) -> Blob:
        """The blob of all bytes written so far."""
        return Blob(f"sha256:{self._hash.hexdigest()}", self._size)


class Archive:
    """An archive that is written to `path`; the file appears there only when it is complete.

    Use it as a context manager, add layers from the lowest up, then `finish`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f"{path.name}.partial")
        self._layers: list[Blob] = []

    def __enter__(self) -> Archive:
        self._out = self._partial.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.close()
        if kind is None:
            self._partial.rename(self._path)
        else:
            self._partial.unlink(missing_ok=True)

    @contextmanager
    def layer(self) -> Iterator[HashedOutput]:
        """Write a layer's tar stream directly into the archive.

        Its digest, which is its name in the archive, is known only afterwards: the header is written last.
        """
        start = self._out.tell()
        self._out.write(b"\0" * tarfile.BLOCKSIZE)
        out = HashedOutput(self._out)
        yield out
        self._out.write(b"\0" * (-out.blob.size % tarfile.BLOCKSIZE))
        end = self._out.tell()
        self._out.seek(start)
        self._out.write(_header(_blob_name(out.blob), out.blob.size))
        self._out.seek(end)
        self._layers.append(out.blob)

    def add_layer(self, source: Path) -> None:
        """Add a layer from an existing file."""
        with self.layer() as out, source.open("rb") as data:
            shutil.copyfileobj(data, out, 1 << 20)

    def finish(self, name: str, settings: Settings) -> None:
        """Write the image's configuration, manifest and index under its full name."""
        config = self._add_json(_config(settings, self._layers))
        manifest = self._add_json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": config.descriptor(CONFIG),
                "layers": [layer.descriptor(LAYER) for layer in self._layers],
            }
        )
        # containerd reads the image's name from its own annotation; other tools read the tag from the OCI one.
        names = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}
        index = {"schemaVersion": 2, "manifests": [{**manifest.descriptor(MANIFEST), "annotations": names}]}
        self._add("index.json", json.dumps(index).encode())
        self._add("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        self._out.write(b"\0" * 1024)

    def _add_json(self, content: Mapping[str, object]) -> Blob:
        data = json.dumps(content, sort_keys=True).encode()
        blob = Blob(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))
        self._add(_blob_name(blob), data)
        return blob

    def _add(self, name: str, data: bytes) -> None:
        self._out.write(_header(name, len(data)) + data + b"\0" * (-len(data) % tarfile.BLOCKSIZE))


def unpack(archive: Path, tree: Path) -> None:
    """Unpack all layers of an archive that `Archive` wrote into a new folder."""
    tree.mkdir()
    with tarfile.open(archive, "r:") as tar:

        def blob(descriptor: Mapping[str, str]) -> IO[bytes]:
            member = tar.extractfile(f"blobs/{descriptor['digest'].replace(':', '/')}")
            assert member is not None, "a blob is a regular file"
            return member

        index = tar.extractfile("index.json")
        assert index is not None, "the index is a regular file"
        manifest = json.load(blob(json.load(index)["manifests"][0]))
        for descriptor in manifest["layers"]:
            layer.unpack(blob(descriptor), tree)


def architecture() -> str:
    """This machine's processor architecture, with its name in images.

    Raises:
        LabError: the architecture is not supported by the lab.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise LabError(
            f"The lab builds no images for {machine}.", remedy="Use a cluster of your own: pulumi up -s local."
        )
    return ARCHITECTURES[machine]


def _config(settings: Settings, layers: Sequence[Blob]) -> dict[str, object]:
    return {
        "created": datetime.fromtimestamp(EPOCH, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "architecture": architecture(),
        "os": "linux",
        "config": {
            "User": settings.user,
            "Env": [f"{key}={value}" for key, value in settings.env.items()],
            "Entrypoint": list(settings.entrypoint),
            "Cmd": list(settings.command),
            "WorkingDir": settings.folder,
            "StopSignal": settings.stop_signal,
            "ExposedPorts": {f"{port}/tcp": {} for port in settings.ports},
        },
        # Uncompressed layers: the digest of a blob is the digest of its content.
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
    }


def _blob_name(blob: Blob) -> str:
    return f"blobs/{blob.digest.replace(':', '/')}"


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, EPOCH
    return info.tobuf(tarfile.USTAR_FORMAT)
