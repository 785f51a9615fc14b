"""The PostgreSQL image: Debian's server with the interface of the official image."""

from __future__ import annotations

from typing import Final

from lab.images import names
from lab.images.image import FILES, Image, Workbench, source_of
from lab.images.oci import Settings

BINARIES: Final = "/usr/lib/postgresql/17/bin"
DATA: Final = "/var/lib/postgresql/data"
SAMPLE: Final = "usr/share/postgresql/17/postgresql.conf.sample"

ACCOUNT: Final = """
set -e
groupadd --system --gid 999 postgres
useradd --system --gid postgres --uid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres
mkdir -p /etc/postgresql-common
echo create_main_cluster=false > /etc/postgresql-common/createcluster.conf
"""

JUST_IN_TIME: Final = (
    "usr/lib/postgresql/17/lib/llvmjit.so",
    "usr/lib/postgresql/17/lib/llvmjit_types.bc",
    "usr/lib/postgresql/17/lib/bitcode",
)
"""Libraries that the server does not need; with libLLVM they take 120 MiB."""


def _fill(bench: Workbench) -> None:
    tree = bench.tree
    assert bench.debs is not None
    tree.run("sh", "-c", ACCOUNT)
    tree.install(bench.debs)
    for path in JUST_IN_TIME:
        tree.remove(path)
    for library in (tree.root / "usr/lib").glob("*-linux-gnu/libLLVM*"):
        library.unlink()
    # The package generates a new pair at each installation: nobody must rely on it as a secret.
    for pair in ("etc/ssl/private/ssl-cert-snakeoil.key", "etc/ssl/certs/ssl-cert-snakeoil.pem"):
        tree.remove(pair)
    tree.put((tree.root / SAMPLE).read_text() + "\nlisten_addresses = '*'\n", SAMPLE)
    tree.put((FILES / "postgres/docker-entrypoint.sh").read_bytes(), "usr/local/bin/docker-entrypoint.sh", mode=0o755)
    tree.folder("docker-entrypoint-initdb.d", mode=0o755)
    tree.folder(DATA.lstrip("/"), mode=0o1777, uid=999, gid=999)
    tree.folder("run/postgresql", mode=0o3777, uid=999, gid=999)


IMAGE: Final = Image(
    title="postgres",
    name=names.POSTGRES,
    packages=("postgresql-17",),
    inputs=(source_of(__name__), FILES / "postgres/docker-entrypoint.sh"),
    fill=_fill,
    settings=Settings(
        user="",
        entrypoint=("docker-entrypoint.sh",),
        command=("postgres",),
        ports=(5432,),
        # Fast shutdown; the usual SIGTERM waits until all clients have disconnected.
        stop_signal="SIGINT",
        env={
            "PATH": f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{BINARIES}",
            "LANG": "C.UTF-8",
            "PG_MAJOR": "17",
            "PGDATA": DATA,
        },
    ),
)
