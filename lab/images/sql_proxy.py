"""The image of the Cloud SQL Auth Proxy: the real program from its Go module, as in the official image.

https://github.com/GoogleCloudPlatform/cloud-sql-proxy/blob/v2.28.0/Dockerfile: one static program on distroless/static,
user 65532, no shell. It is built only on request: no stack runs it by default.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from lab.images import names
from lab.images.image import Image, Workbench, source_of
from lab.images.oci import Settings
from lab.tools import go
from lab.tools.go import GoProgram

USER: Final = 65532
"""From the Dockerfile and distroless/static, where its name is nonroot."""
_MODULE: Final = "github.com/GoogleCloudPlatform/cloud-sql-proxy/v2"
PROGRAM: Final = GoProgram(
    name="cloud-sql-proxy",
    module="sql_proxy",
    package=_MODULE,
    # The second flag is that of the Dockerfile.
    ldflags=("-s", "-w", f"-X {_MODULE}/cmd.metadataString=container"),
)
_SOURCES: Final = Path(go.__file__).parent / PROGRAM.module


def _fill(bench: Workbench) -> None:
    assert bench.authority is not None
    tree = bench.tree
    shutil.copy(PROGRAM.build(), tree.root / "cloud-sql-proxy")
    (tree.root / "cloud-sql-proxy").chmod(0o755)
    tree.put(bench.authority, "etc/ssl/certs/ca-certificates.crt")
    tree.put(
        f"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:{USER}:{USER}:nonroot:/home/nonroot:/sbin/nologin\n",
        "etc/passwd",
    )
    tree.put(f"root:x:0:\nnonroot:x:{USER}:\n", "etc/group")
    tree.folder("home/nonroot", mode=0o700, uid=USER, gid=USER)
    tree.folder("tmp", mode=0o1777)


IMAGE: Final = Image(
    title="sql-proxy",
    name=names.SQL_PROXY,
    inputs=(source_of(__name__), _SOURCES / "go.mod", _SOURCES / "go.sum"),
    fill=_fill,
    # It trusts only the lab's certificate authority, because it connects only to the lab's servers.
    authority=True,
    settings=Settings(
        user=str(USER),
        entrypoint=("/cloud-sql-proxy",),
        folder="/home/nonroot",
        env={
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
        },
    ),
)
