"""Image layers: the differences between a folder and the layer below, as a tar stream.

The same tree gives a layer with the same bytes: entries are sorted, times are at most `EPOCH`, names of users are
omitted. Extended attributes are not included; Debian's packages that the lab installs have none.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

EPOCH: Final = 1_767_225_600
"""2026-01-01 UTC, in seconds. No file in a layer has a later time, so the layer does not depend on the build time."""

EMPTY: Final = frozenset({"dev", "proc", "sys", "tmp"})
"""Top folders whose content belongs to the container runtime or is temporary: only the folder itself is included."""

WHITEOUT: Final = ".wh."
"""Prefix of an entry that hides a name of the layer below (OCI image specification, layer.md)."""


class Sink(Protocol):
    """The destination of a stream."""

    def write(self, data: bytes, /) -> int:
        """Write all of `data`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The properties by which a path is compared with the same path in the layer below."""

    type: bytes
    mode: int
    uid: int
    gid: int
    size: int = 0
    mtime: int = 0
    """Seconds; 0 if not compared: only regular files are compared by time."""
    target: str = ""


def manifest(layer: Path) -> dict[str, Entry]:
    """Every path of a layer from `write`, with hard links resolved to their target."""
    entries: dict[str, Entry] = {}
    with tarfile.open(layer, "r:") as tar:
        for info in tar:
            entries[info.name] = entries[info.linkname] if info.islnk() else _entry(info, info.mtime)
    return entries


def write(tree: Path, out: Sink, below: Mapping[str, Entry] | None = None) -> None:
    """Write the tar stream of additions, changes and removals of `tree` relative to the layer `below`."""
    below = {} if below is None else below
    changed: dict[str, tuple[tarfile.TarInfo, Path]] = {}
    is_folder: dict[str, bool] = {}
    for name, path in _walk(tree):
        info, mtime = _info(name, path)
        is_folder[name] = info.isdir()
        if below.get(name) != _entry(info, mtime):
            changed[name] = (info, path)
            # A changed file is written with its parent folders: an unpacker need not look them up in the layer below.
            parent = name.rpartition("/")[0]
            while parent and parent not in changed:
                changed[parent] = (_info(parent, tree / parent)[0], tree / parent)
                parent = parent.rpartition("/")[0]
    for name in sorted(_hidden(below, is_folder)):
        folder, _, leaf = name.rpartition("/")
        mark = tarfile.TarInfo(f"{folder}/{WHITEOUT}{leaf}".lstrip("/"))
        mark.mtime = EPOCH
        out.write(_header(mark))
    first_name: dict[tuple[int, int], str] = {}
    for name in sorted(changed):
        info, path = changed[name]
        _append(out, info, path, first_name)
    out.write(b"\0" * 1024)


def unpack(layer: IO[bytes], tree: Path) -> None:
    """Apply a layer from `write` to `tree`, which contains the layers below."""
    with tarfile.open(fileobj=layer, mode="r:") as tar:
        for info in tar:
            path = tree / info.name
            if path.name.startswith(WHITEOUT):
                _remove(path.with_name(path.name.removeprefix(WHITEOUT)))
                continue
            if path.is_dir() != info.isdir() or path.is_symlink():
                # A file of another type replaces the old one.
                _remove(path)
            tar.extract(info, tree, numeric_owner=True, filter="fully_trusted")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _walk(tree: Path) -> Iterator[tuple[str, Path]]:
    start = len(str(tree)) + 1
    for folder, folders, files in os.walk(tree):
        here = Path(folder)
        for leaf in (*folders, *files):
            path = here / leaf
            yield str(path)[start:], path
        if here == tree:
            folders[:] = [leaf for leaf in folders if leaf not in EMPTY]


def _info(name: str, path: Path) -> tuple[tarfile.TarInfo, int]:
    """The tar entry of a path with its time limited to EPOCH, and its real time in whole seconds."""
    status = path.lstat()
    info = tarfile.TarInfo(name)
    info.mode = stat.S_IMODE(status.st_mode)
    info.uid, info.gid = status.st_uid, status.st_gid
    mtime = int(status.st_mtime)
    info.mtime = min(mtime, EPOCH)
    if stat.S_ISREG(status.st_mode):
        info.size = status.st_size
    elif stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
    elif stat.S_ISFIFO(status.st_mode):
        info.type = tarfile.FIFOTYPE
    else:
        raise ValueError(f"{path} is a device or a socket: no layer of the lab has one")
    return info, mtime


def _entry(info: tarfile.TarInfo, mtime: int | float) -> Entry:
    regular = info.isreg()
    return Entry(
        type=tarfile.REGTYPE if regular else info.type,
        mode=info.mode,
        uid=info.uid,
        gid=info.gid,
        size=info.size if regular else 0,
        mtime=int(mtime) if regular else 0,
        target=info.linkname,
    )


def _hidden(below: Mapping[str, Entry], is_folder: Mapping[str, bool]) -> Iterator[str]:
    """Paths of the layer below that are removed; only the topmost path if a whole folder is removed.

    `is_folder` maps each existing path to whether it is a folder.
    """
    for name in below:
        parent = name.rpartition("/")[0]
        if name not in is_folder and (not parent or is_folder.get(parent, False)):
            yield name


def _append(out: Sink, info: tarfile.TarInfo, path: Path, first_name: dict[tuple[int, int], str]) -> None:
    if not info.isreg():
        out.write(_header(info))
        return
    status = path.stat()
    inode = (status.st_dev, status.st_ino)
    if status.st_nlink > 1 and inode in first_name:
        info.type, info.size, info.linkname = tarfile.LNKTYPE, 0, first_name[inode]
        out.write(_header(info))
        return
    first_name[inode] = info.name
    out.write(_header(info))
    with path.open("rb") as source:
        shutil.copyfileobj(source, out, 1 << 20)
    out.write(b"\0" * (-info.size % tarfile.BLOCKSIZE))


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
