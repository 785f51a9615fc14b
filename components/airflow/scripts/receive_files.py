"""Make a folder of a volume equal to the files of a tar stream on standard input.

Readers of the folder see each file complete, either the old or the new one: files are unpacked beside the folder, on
the same volume, and then moved. New and changed files are moved first; files that the stream does not have are removed
last. The whole set does not change at once: a file share has no such operation.

Arguments: the root of the volume, and the folder below it ("" is the root). It prints one line of JSON with counts.
"""

import filecmp
import json
import shutil
import sys
import tarfile
import time
from pathlib import Path

STAGING = ".airflow-upload"
"""The folder of unpacked files at the root of the volume. Airflow does not look for DAGs in it, because of its
`.airflowignore`."""
ATTEMPTS = 5
"""SMB refuses to replace a file that another machine has open, which readers do for milliseconds."""


def moved(source, target):
    """Move a file over another one."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            source.replace(target)
        except PermissionError:
            if attempt == ATTEMPTS:
                raise
            time.sleep(attempt / 5)
        else:
            return


def files(folder):
    """The files below a folder by relative path, without the staging folder and compiled files."""
    paths = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {path.as_posix() for path in paths if not {STAGING, "__pycache__"} & {*path.parts}}


root = Path(sys.argv[1])
target = root / sys.argv[2]
staging = root / STAGING
# Left over from an upload that was interrupted.
shutil.rmtree(staging, ignore_errors=True)
staging.mkdir(parents=True)
(staging / ".airflowignore").write_text("**\n")
unpacked = staging / "files"
unpacked.mkdir()
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|gz") as archive:
    archive.extractall(unpacked, filter="data")
target.mkdir(parents=True, exist_ok=True)
before, wanted = files(target), files(unpacked)
changed = [
    name for name in sorted(wanted) if name not in before or not filecmp.cmp(unpacked / name, target / name, False)
]
for name in changed:
    path = target / name
    for parent in [*reversed(path.relative_to(target).parents)][1:]:
        # A file in the way of a folder of the same name.
        if (target / parent).is_file():
            (target / parent).unlink()
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    moved(unpacked / name, path)
gone = sorted(name for name in before - wanted if (target / name).is_file())
for name in gone:
    (target / name).unlink()
for folder in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
    left = [path for path in folder.iterdir() if path.name != "__pycache__"]
    if not left and STAGING not in folder.parts and folder.name != "__pycache__":
        shutil.rmtree(folder)
shutil.rmtree(staging, ignore_errors=True)
new = len(set(changed) - before)
print(
    json.dumps(
        {"new": new, "changed": len(changed) - new, "removed": len(gone), "unchanged": len(wanted) - len(changed)}
    )
)
