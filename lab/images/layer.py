"""Image layers: what a folder holds beyond what the layer below it holds, as a tar stream.

A layer is the same to the byte when the tree is: entries are sorted, times do not pass `EPOCH`, names of users are
left out. Extended attributes are not carried; Debian's packages that the lab installs have none.
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
"""2026-01-01 UTC, in seconds. No file in a layer is younger, so that the time of the build leaves no trace."""

EMPTY: Final = frozenset({"dev", "proc", "sys", "tmp"})
"""Top folders whose content is the container runtime's, or rubbish of the build: only the folder itself is kept."""

WHITEOUT: Final = ".wh."
"""Prefix of an entry that hides a name of the layer below (OCI image specification, layer.md)."""


class Sink(Protocol):
    """Where a stream goes."""

    def write(self, data: bytes, /) -> int:
        """Take `data` whole."""
        ...


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What decides whether a path differs from the one of the same name below."""

    type: bytes
    mode: int
    uid: int
    gid: int
    size: int = 0
    mtime: int = 0
    """Seconds; 0 where it says nothing: only regular files are compared by it."""
    target: str = ""


def manifest(layer: Path) -> dict[str, Entry]:
    """Every path of a layer that `write` made, hard links resolved to the file they name."""
    entries: dict[str, Entry] = {}
    with tarfile.open(layer, "r:") as tar:
        for info in tar:
            entries[info.name] = entries[info.linkname] if info.islnk() else _entry(info, info.mtime)
    return entries


def write(tree: Path, out: Sink, below: Mapping[str, Entry] | None = None) -> None:
    """Write the tar stream of what `tree` adds to, changes in and removes from the layer `below`."""
    below = {} if below is None else below
    wanted: dict[str, tuple[tarfile.TarInfo, Path]] = {}
    seen: dict[str, bool] = {}
    for name, path in _walk(tree):
        info, mtime = _info(name, path)
        seen[name] = info.isdir()
        if below.get(name) != _entry(info, mtime):
            wanted[name] = (info, path)
            # A changed file brings its folders along: an unpacker need not look them up below.
            parent = name.rpartition("/")[0]
            while parent and parent not in wanted:
                wanted[parent] = (_info(parent, tree / parent)[0], tree / parent)
                parent = parent.rpartition("/")[0]
    for name in sorted(_hidden(below, seen)):
        folder, _, leaf = name.rpartition("/")
        mark = tarfile.TarInfo(f"{folder}/{WHITEOUT}{leaf}".lstrip("/"))
        mark.mtime = EPOCH
        out.write(_header(mark))
    first_name: dict[tuple[int, int], str] = {}
    for name in sorted(wanted):
        info, path = wanted[name]
        _append(out, info, path, first_name)
    out.write(b"\0" * 1024)


def unpack(layer: IO[bytes], tree: Path) -> None:
    """Bring `tree`, which holds the layers below, to what it is with a layer that `write` made."""
    with tarfile.open(fileobj=layer, mode="r:") as tar:
        for info in tar:
            path = tree / info.name
            if path.name.startswith(WHITEOUT):
                _remove(path.with_name(path.name.removeprefix(WHITEOUT)))
                continue
            if path.is_dir() != info.isdir() or path.is_symlink():
                # A new kind of file replaces the old one.
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
    """The tar entry of a path with its time held to EPOCH, and its true time in whole seconds."""
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


def _hidden(below: Mapping[str, Entry], seen: Mapping[str, bool]) -> Iterator[str]:
    """Paths of the layer below that are gone; only the topmost of a folder that is gone as a whole.

    `seen` says of each path that is there now whether it is a folder.
    """
    for name in below:
        parent = name.rpartition("/")[0]
        if name not in seen and (not parent or seen.get(parent, False)):
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
