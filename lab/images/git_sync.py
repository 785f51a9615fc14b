"""The image of git-sync: a stand-in that honours the settings which this project uses, under the official name.

As in the official image: user 65533 with an entry in /etc/passwd, HOME=/tmp, the program /git-sync.
https://github.com/kubernetes/git-sync/blob/v4.5.1/Dockerfile.in. It is built only on request.
"""

from __future__ import annotations

from typing import Final

from lab.images import names
from lab.images.image import FILES, Image, Workbench, source_of
from lab.images.oci import Settings

USER: Final = 65533
PROGRAM: Final = FILES / "git-sync/git-sync"


def _fill(bench: Workbench) -> None:
    tree = bench.tree
    assert bench.debs is not None
    assert bench.authority is not None
    tree.install(bench.debs)
    tree.put(bench.authority, "usr/local/share/ca-certificates/lab.crt")
    tree.run("update-ca-certificates")
    tree.run("useradd", f"--uid={USER}", "--user-group", "--no-create-home", "--home-dir=/tmp", "git-sync")
    tree.put(PROGRAM.read_bytes(), "git-sync", mode=0o755)


IMAGE: Final = Image(
    title="git-sync",
    name=names.GIT_SYNC,
    packages=("python3", "ca-certificates", "git", "openssh-client"),
    authority=True,
    inputs=(source_of(__name__), PROGRAM),
    fill=_fill,
    settings=Settings(
        user=f"{USER}:{USER}",
        entrypoint=("/git-sync",),
        folder="/tmp",  # noqa: S108 - as the official image has it
        env={
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/tmp",  # noqa: S108 - as the official image has it
        },
    ),
)
