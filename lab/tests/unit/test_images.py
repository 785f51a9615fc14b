"""The lab's images: layers and archives by the OCI specifications, and consistent recipes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.images import airflow, debian_base, layer, names, oci
from lab.images.collection import IMAGES

SETTINGS = oci.Settings(user="1:1", entrypoint=("/start",), command=("serve",), folder="/data", ports=(80,))


def _layer(tree: Path, below: Mapping[str, layer.Entry] | None = None) -> bytes:
    out = io.BytesIO()
    layer.write(tree, out, below)
    return out.getvalue()


def _entries(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {info.name: info for info in tar}


def _manifest(data: bytes, folder: Path) -> dict[str, layer.Entry]:
    path = folder / "below.tar"
    path.write_bytes(data)
    return layer.manifest(path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin/tool").write_bytes(b"x" * 700)
    (root / "bin/tool").chmod(0o4755)
    os.link(root / "bin/tool", root / "bin/same")
    (root / "bin/short").symlink_to("tool")
    (root / "etc").mkdir(mode=0o750)
    (root / "etc/a file é").write_text("text")
    os.utime(root / "etc/a file é", (1_000_000, 1_000_000))
    return root


def test_a_layer_keeps_modes_links_times_and_contents(tree: Path, tmp_path: Path) -> None:
    data = _layer(tree)
    entries = _entries(data)
    assert sorted(entries) == ["bin", "bin/same", "bin/short", "bin/tool", "etc", "etc/a file é"]
    assert (entries["bin/same"].isreg(), entries["bin/same"].mode) == (True, 0o4755)
    assert (entries["bin/tool"].islnk(), entries["bin/tool"].linkname) == (True, "bin/same")
    assert (entries["bin/short"].issym(), entries["bin/short"].linkname) == (True, "tool")
    assert entries["etc"].mode == stat.S_IMODE((tree / "etc").stat().st_mode)
    assert entries["etc/a file é"].mtime == 1_000_000
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(tmp_path / "out", filter="fully_trusted")
    assert (tmp_path / "out/bin/tool").read_bytes() == b"x" * 700
    assert (tmp_path / "out/etc/a file é").read_text() == "text"


def test_the_time_of_a_build_leaves_no_trace_in_its_layer(tree: Path) -> None:
    first = _layer(tree)
    for path in (tree / "bin/tool", tree / "bin", tree / "etc"):
        os.utime(path, (layer.EPOCH + 5_000, layer.EPOCH + 9_000))
    assert _layer(tree) == first
    assert max(info.mtime for info in _entries(first).values()) <= layer.EPOCH


def test_what_lies_in_folders_of_the_runtime_stays_out(tree: Path) -> None:
    for folder in layer.EMPTY:
        (tree / folder).mkdir()
        (tree / folder / "rubbish").write_text("")
    (tree / "etc/tmp").mkdir()
    (tree / "etc/tmp/kept").write_text("")
    names_inside = set(_entries(_layer(tree)))
    assert names_inside >= {*layer.EMPTY, "etc/tmp/kept"}
    assert [name for name in names_inside if name.endswith("rubbish")] == []


def test_an_unchanged_tree_adds_nothing_to_the_layer_below(tree: Path, tmp_path: Path) -> None:
    lowest = _layer(tree)
    unpacked = tmp_path / "unpacked"
    with tarfile.open(fileobj=io.BytesIO(lowest)) as tar:
        tar.extractall(unpacked, filter="fully_trusted")
    assert _entries(_layer(unpacked, _manifest(lowest, tmp_path))) == {}


def test_an_upper_layer_holds_what_changed_with_its_folders_and_hides_what_went(tree: Path, tmp_path: Path) -> None:
    (tree / "gone/deep").mkdir(parents=True)
    (tree / "gone/deep/file").write_text("")
    lowest = _layer(tree)
    unpacked = tmp_path / "unpacked"
    with tarfile.open(fileobj=io.BytesIO(lowest)) as tar:
        tar.extractall(unpacked, filter="fully_trusted")
    # The same size: only its time shows that it is another file.
    (unpacked / "etc/a file é").write_text("TEXT")
    (unpacked / "bin/short").unlink()
    (unpacked / "gone/deep/file").unlink()
    (unpacked / "gone/deep").rmdir()
    (unpacked / "gone").rmdir()
    upper = _entries(_layer(unpacked, _manifest(lowest, tmp_path)))
    assert sorted(upper) == [".wh.gone", "bin/.wh.short", "etc", "etc/a file é"]


def test_a_device_is_refused_rather_than_packed(tree: Path) -> None:
    with pytest.raises(ValueError, match="device or a socket"):
        layer._info("null", Path("/dev/null"))


_NAMES = st.sampled_from(["a", "b", "c"])
_TREES = st.dictionaries(
    st.lists(_NAMES, min_size=1, max_size=3).map("/".join), st.tuples(st.binary(max_size=3), st.booleans()), max_size=6
)


def _make(root: Path, content: Mapping[str, tuple[bytes, bool]]) -> None:
    """Files with content, or folders; a path below a file is left out."""
    for name, (data, folder) in sorted(content.items()):
        path = root / name
        if any(parent.is_file() for parent in path.parents if parent.is_relative_to(root)):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if folder or path.is_dir():
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(data)


def _content(root: Path) -> dict[str, bytes | None]:
    return {path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes() for path in root.rglob("*")}


def _apply(data: bytes, root: Path) -> None:
    layer.unpack(io.BytesIO(data), root)


@settings(max_examples=60, deadline=None)
@given(lower=_TREES, upper=_TREES)
def test_the_layers_on_top_of_each_other_are_the_tree(
    lower: dict[str, tuple[bytes, bool]], upper: dict[str, tuple[bytes, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for folder in ("lower", "upper", "applied"):
            (scratch / folder).mkdir()
        _make(scratch / "lower", lower)
        _make(scratch / "upper", upper)
        # As on a disk, a rewritten file is newer.
        for path in scratch.glob("upper/**/*"):
            below = scratch / "lower" / path.relative_to(scratch / "upper")
            same = below.is_file() and path.is_file() and below.read_bytes() == path.read_bytes()
            os.utime(path, (1_000, 1_000) if same else (2_000, 2_000))
        for path in scratch.glob("lower/**/*"):
            os.utime(path, (1_000, 1_000))
        lowest = _layer(scratch / "lower")
        _apply(lowest, scratch / "applied")
        _apply(_layer(scratch / "upper", _manifest(lowest, scratch)), scratch / "applied")
        assert _content(scratch / "applied") == _content(scratch / "upper")


@pytest.fixture
def archive(tree: Path, tmp_path: Path) -> Iterator[tarfile.TarFile]:
    path = tmp_path / "image.tar"
    with oci.Archive(path) as made:
        (tmp_path / "lowest.tar").write_bytes(b"a lowest layer")
        made.add_layer(tmp_path / "lowest.tar")
        with made.layer() as out:
            layer.write(tree, out)
        made.finish("example.org/one/two:3", SETTINGS)
    with tarfile.open(path) as tar:
        yield tar


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()


def _blob(archive: tarfile.TarFile, descriptor: Mapping[str, object]) -> bytes:
    data = _read(archive, f"blobs/{str(descriptor['digest']).replace(':', '/')}")
    assert len(data) == descriptor["size"]
    return data


def test_every_blob_of_an_archive_is_named_by_its_content(archive: tarfile.TarFile) -> None:
    blobs = [name for name in archive.getnames() if name.startswith("blobs/")]
    assert len(blobs) == 4
    assert [name for name in blobs if name != f"blobs/sha256/{hashlib.sha256(_read(archive, name)).hexdigest()}"] == []


def test_an_archive_leads_from_its_index_to_every_layer(archive: tarfile.TarFile) -> None:
    assert json.loads(_read(archive, "oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(_read(archive, "index.json"))["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "example.org/one/two:3"
    assert entry["annotations"]["org.opencontainers.image.ref.name"] == "3"
    manifest = json.loads(_blob(archive, entry))
    config = json.loads(_blob(archive, manifest["config"]))
    lowest, upper = (_blob(archive, descriptor) for descriptor in manifest["layers"])
    assert lowest == b"a lowest layer"
    assert "bin/tool" in _entries(upper)
    # Layers are not compressed: the digest of a layer is that of its content, in the same order.
    assert config["rootfs"]["diff_ids"] == [descriptor["digest"] for descriptor in manifest["layers"]]


def test_a_container_starts_as_the_settings_of_its_image_say(archive: tarfile.TarFile) -> None:
    (entry,) = json.loads(_read(archive, "index.json"))["manifests"]
    config = json.loads(_blob(archive, json.loads(_blob(archive, entry))["config"]))
    assert (config["os"], config["architecture"]) == ("linux", oci.architecture())
    assert config["config"] == {
        "User": "1:1",
        "Env": [],
        "Entrypoint": ["/start"],
        "Cmd": ["serve"],
        "WorkingDir": "/data",
        "StopSignal": "SIGTERM",
        "ExposedPorts": {"80/tcp": {}},
    }


def _half_an_archive(path: Path) -> None:
    with oci.Archive(path) as made, made.layer() as out:
        out.write(b"half of a")
        raise RuntimeError


def test_an_archive_that_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        _half_an_archive(tmp_path / "image.tar")
    assert list(tmp_path.iterdir()) == []


def test_an_unpacked_archive_is_the_tree(tree: Path, tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    (tree / "gone").touch()
    (tmp_path / "lowest.tar").write_bytes(_layer(tree))
    (tree / "gone").unlink()
    (tree / "etc/a file é").write_text("changed")
    with oci.Archive(path) as made:
        made.add_layer(tmp_path / "lowest.tar")
        with made.layer() as out:
            layer.write(tree, out, layer.manifest(tmp_path / "lowest.tar"))
        made.finish("example.org/one/two:3", SETTINGS)
    oci.unpack(path, tmp_path / "unpacked")
    assert _content(tmp_path / "unpacked") == _content(tree)
    assert (tmp_path / "unpacked/bin/short").readlink() == Path("tool")
    assert stat.S_IMODE((tmp_path / "unpacked/bin/tool").stat().st_mode) == 0o4755


def test_the_base_comes_from_the_mirrors_of_this_machine_and_of_debian_alone() -> None:
    targets = """http://mirror/debian bookworm main Debian
http://mirror/debian bookworm-updates main Debian
http://mirror/security bookworm-security main Debian
http://mirror/debian bookworm-backports main Debian Backports
http://other/apt bookworm main Other
http://nameless/apt nodistro main
"""
    assert debian_base.translated(targets) == [
        "deb http://mirror/debian trixie main",
        "deb http://mirror/debian trixie-updates main",
        "deb http://mirror/security trixie-security main",
    ]
    newer = targets.replace("bookworm", "trixie")
    assert debian_base.translated(newer + targets) == debian_base.translated(newer)


def test_images_bear_the_names_that_the_node_knows() -> None:
    assert [image.name for image in IMAGES] == [names.AIRFLOW, names.POSTGRES, names.VALKEY, names.PAUSE, names.ALPINE]
    assert len({image.title for image in IMAGES}) == len(IMAGES)


def test_a_new_base_makes_new_images_of_all_that_stand_on_it(tmp_path: Path) -> None:
    same = [image.title for image in IMAGES if image.archive(tmp_path, "one") == image.archive(tmp_path, "two")]
    assert same == ["pause", "busybox"]


def test_a_changed_input_makes_a_new_image(tmp_path: Path) -> None:
    unnoticed = []
    for image in IMAGES:
        for position, source in enumerate(image.inputs):
            changed = tmp_path / source.name
            changed.write_bytes(source.read_bytes() + b"#")
            inputs = [changed if place == position else other for place, other in enumerate(image.inputs)]
            other = type(image)(**{**vars(image), "inputs": inputs})
            if other.archive(tmp_path, "base") == image.archive(tmp_path, "base"):
                unnoticed.append((image.title, source.name))
    assert unnoticed == []


def test_an_image_under_another_name_is_another_archive(tmp_path: Path) -> None:
    renamed = {image.title: replace(image, name=f"{image.name}-renamed").archive(tmp_path, "base") for image in IMAGES}
    assert [image.title for image in IMAGES if image.archive(tmp_path, "base") == renamed[image.title]] == []


def _locked() -> dict[str, str]:
    lines = [line for line in airflow.LOCK.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def test_the_lock_gives_one_exact_version_of_all_that_is_required() -> None:
    locked = _locked()
    required = airflow.LOCK.with_name("airflow-requirements.in").read_text().split()
    wanted = [re.split(r"[\[<=>]", line)[0] for line in required]
    assert [name for name in wanted if name not in locked] == []
    assert locked["apache-airflow"] == names.AIRFLOW.rpartition(":")[2]
    assert tuple(map(int, locked["celery"].split(".")[:2])) < (5, 7)


def test_no_version_is_above_a_published_bound() -> None:
    locked = _locked()
    lines = airflow.LOCK.with_name("airflow-published.txt").read_text().splitlines()
    bounds = dict(line.split("<=") for line in lines if not line.startswith("#"))
    assert bounds
    assert [name for name, bound in bounds.items() if _numbers(locked[name]) > _numbers(bound)] == []


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]
