"""The command `upload`: make the folder of a file share or claim equal to a local folder.

A pod with the claim mounted for writing receives a tar stream through `kubectl exec`, which works the same way on every
cluster and needs no login to the cloud's storage. The stack's output describes the pod; the command removes it.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

from operations.dags.pods import Instance, script
from operations.errors import OperationError, error_line

READY_SECONDS: Final = 300
"""A node may have to be added for the pod, and its image to be pulled."""
LEFT_OUT: Final = frozenset({"__pycache__", ".git", ".venv"})
"""Names of folders that are never uploaded."""
FILES_MAX: Final = 20_000
SIZE_MAX_MIB: Final = 200
"""More is a mistake, such as data or an environment in the folder; the archive is held in memory."""


def run(instance: Instance, folder: Path, *, source: str | None) -> int:
    """Upload a folder, and return the exit code.

    Raises:
        OperationError: the stack has no such source, the folder is no folder of DAG files, or the upload failed; an
            upload that fails half-way is repaired by the next one.
    """
    files = local_files(folder)
    upload = _upload(instance, source)
    content = archive(folder, files)
    with _pod(instance, upload["pod"]) as pod:
        command = ["exec", "--stdin", pod, "--", "python", "-c", script("receive_files.py"), upload["root"]]
        done = instance.send(*command, upload["folder"], content=content)
    if done.returncode != 0:
        reason = error_line(done.stderr.decode(errors="replace"), f"it ended with {done.returncode}")
        raise OperationError(f"The upload failed: {reason}; run the command again, which completes it.")
    counts = cast("Mapping[str, int]", json.loads(done.stdout))
    print(
        f"{folder} is uploaded to {upload['name']}: {', '.join(f'{count} {what}' for what, count in counts.items())}."
    )
    return 0


def local_files(folder: Path) -> list[Path]:
    """The files of a folder, relative to it.

    Raises:
        OperationError: it is no folder, has no Python file, a symbolic link, or more than a folder of DAG files has.
    """
    if not folder.is_dir():
        raise OperationError(f"{folder} is not a folder; name the folder with the DAG files.")
    found = sorted(path for path in folder.rglob("*") if not LEFT_OUT & {*path.relative_to(folder).parts})
    links = [path for path in found if path.is_symlink()]
    if links:
        raise OperationError(
            f"{links[0]} is a symbolic link, which not every share can hold; replace it by its target."
        )
    files = [path for path in found if path.is_file() and path.suffix != ".pyc"]
    if not any(path.suffix in {".py", ".zip"} for path in files):
        raise OperationError(
            f"{folder} has no .py or .zip file, and the upload would remove all DAGs of the share; name another folder."
        )
    size_mib = sum(path.stat().st_size for path in files) / 2**20
    if len(files) > FILES_MAX or size_mib > SIZE_MAX_MIB:
        raise OperationError(
            f"{folder} has {len(files)} files of {size_mib:.0f} MiB; DAG files are at most {FILES_MAX} files of "
            f"{SIZE_MAX_MIB} MiB: remove data and environments from it."
        )
    return [path.relative_to(folder) for path in files]


def archive(folder: Path, files: list[Path]) -> bytes:
    """A compressed tar archive of files, without owners and times of this machine."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for path in files:
            entry = tarfile.TarInfo(path.as_posix())
            entry.size = (folder / path).stat().st_size
            entry.mtime = int((folder / path).stat().st_mtime)
            entry.mode = 0o644
            with (folder / path).open("rb") as file:
                tar.addfile(entry, file)
    return content.getvalue()


def _upload(instance: Instance, source: str | None) -> dict[str, Any]:
    """The description of the upload to a source: its name, pod, root and folder.

    Raises:
        OperationError: the stack has no such source.
    """
    uploads = cast("list[dict[str, Any]]", json.loads(instance.outputs.get("dag_uploads", "[]")))
    if not uploads:
        raise OperationError(
            f"Instance {instance.name} has no file share or claim with DAG files; add a source of kind share or claim "
            "to airflow:dags, and run `pulumi up`."
        )
    names = [upload["name"] for upload in uploads]
    chosen = [upload for upload in uploads if source in (upload["name"], None)]
    if len(chosen) != 1:
        wrong = f"has no source {source!r}" if source is not None else "has several sources"
        raise OperationError(f"Instance {instance.name} {wrong}; choose one: --source {' or '.join(names)}.")
    return chosen[0]


@contextmanager
def _pod(instance: Instance, manifest: Mapping[str, Any]) -> Generator[str]:
    """The name of the pod that receives the files, while it runs.

    Raises:
        OperationError: it cannot be created, or it does not start.
    """
    name = str(manifest["metadata"]["name"])
    _require_none(instance, name)
    instance.answer("create", "--filename", "-", text=json.dumps(manifest))
    try:
        waited = instance.run("wait", "--for=condition=Ready", f"pod/{name}", f"--timeout={READY_SECONDS}s")
        if waited.returncode != 0:
            said = instance.run(
                "get", "events", f"--field-selector=involvedObject.name={name}", "--output", "json"
            ).stdout
            events = [str(event.get("message")) for event in json.loads(said or '{"items": []}')["items"]]
            reason = events[-1] if events else error_line(waited.stderr, "there is no event about it")
            raise OperationError(f"Pod {name} did not start within {READY_SECONDS} s: {reason}")
        yield name
    finally:
        instance.run("delete", "pod", name, "--ignore-not-found", "--wait=false", "--grace-period=1")


def _require_none(instance: Instance, name: str) -> None:
    """Remove the pod of an upload that was interrupted.

    Raises:
        OperationError: another upload runs.
    """
    said = instance.answer("get", "pods", f"--field-selector=metadata.name={name}", "--output", "json")
    for pod in json.loads(said)["items"]:
        if pod["status"].get("phase") not in {"Failed", "Succeeded"} and "deletionTimestamp" not in pod["metadata"]:
            raise OperationError(
                f"Pod {name} exists: another upload runs, or was interrupted; wait, or run `kubectl delete pod {name}`."
            )
        instance.answer("delete", "pod", name, "--wait=true", "--ignore-not-found")
