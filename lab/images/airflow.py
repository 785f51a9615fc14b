"""The Airflow image: like the official one as far as stacks rely on it, with Debian's Python."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lab.images import names
from lab.images import wheels as wheel_folder
from lab.images.image import FILES, Image, Workbench, source_of
from lab.images.layer import EPOCH
from lab.images.oci import Settings
from lab.images.tree import Tree

LOCK: Final = Path(__file__).parent / "airflow-constraints.txt"
"""Exact versions of every Python package: the newest on the day when this Airflow was released, as Airflow's own
constraints are made, and none above the bounds of airflow-published.txt. Made by `uv pip compile
airflow-requirements.in --constraint airflow-published.txt --excludes airflow-left-out.txt --python-version 3.13
--python-platform x86_64-manylinux_2_40 --exclude-newer 2026-09-17T12:00:00Z --no-header --no-annotate
-o airflow-constraints.txt`."""

HOME: Final = "/home/airflow"
VENV: Final = f"{HOME}/.local"
SITE: Final = f"home/airflow/.local/lib/python{wheel_folder.PYTHON}/site-packages"

INSTALL: Final = f"""
set -e
useradd --uid 50000 --gid 0 --create-home --home-dir {HOME} --shell /bin/bash airflow 2>/dev/null
python3 -m venv --without-pip {VENV}
cd /mnt/wheels
./uv pip install --python {VENV}/bin/python --offline --no-index --find-links . --no-deps --no-cache \
    --link-mode copy --requirement /mnt/lock/{LOCK.name}
# uv notes when it saw each wheel: nobody needs it, and it differs from machine to machine.
find {VENV} -name uv_cache.json -delete
find {VENV} -path '*.dist-info/RECORD' -exec sed -i '/uv_cache[.]json/d' {{}} +
"""

DESCRIPTIONS: Final = f"{SITE}/googleapiclient/discovery_cache/documents"
"""100 MB about every API of Google, read by hooks that the image's packages do not serve anyway."""

FINISH: Final = f"""
set -e
# The standard library is compiled, as in the official image, and nothing below {HOME} is: its Dockerfile deletes *.pyc
# and __pycache__ there. Compiled files carry the time of their source, and a layer holds no time after EPOCH: set it
# before.
find /usr/lib/python3* {HOME} -newermt @{EPOCH} -exec touch --no-dereference --date=@{EPOCH} {{}} +
python3 -m compileall -q -j 0 /usr/lib/python3* || true
test -z "$(find {HOME} -name '*.pyc')"
mkdir -p /opt/airflow/dags /opt/airflow/logs
chown -R airflow:0 {HOME} /opt/airflow
chmod -R g=u {HOME} /opt/airflow /etc/passwd
"""


def _fill(bench: Workbench) -> None:
    tree = bench.tree
    assert bench.debs is not None
    assert bench.wheels is not None
    assert bench.authority is not None
    tree.install(bench.debs)
    tree.run("sh", "-c", INSTALL, binds={bench.wheels: "/mnt/wheels", LOCK.parent: "/mnt/lock"})
    tree.remove(DESCRIPTIONS)
    _trust(tree, bench.authority)
    tree.put(LOCK.read_bytes(), f"{HOME}/constraints.txt".lstrip("/"))
    tree.put((FILES / "airflow/entrypoint").read_bytes(), "entrypoint", mode=0o755)
    tree.put((FILES / "airflow/clean-logs").read_bytes(), "clean-logs", mode=0o755)
    tree.run("sh", "-c", FINISH)


def _trust(tree: Tree, authority: bytes) -> None:
    """Let everything in the image take certificates of the lab's authority for official ones."""
    tree.put(authority, "usr/local/share/ca-certificates/lab.crt")
    tree.run("update-ca-certificates")
    bundle = tree.root / SITE / "certifi/cacert.pem"
    bundle.write_bytes(bundle.read_bytes() + b"\n# The lab's stand-in for public authorities\n" + authority)


IMAGE: Final = Image(
    title="airflow",
    name=names.AIRFLOW,
    packages=("python3", "dumb-init", "ca-certificates"),
    python=True,
    authority=True,
    inputs=(
        source_of(__name__),
        source_of(wheel_folder.__name__),
        LOCK,
        FILES / "airflow/entrypoint",
        FILES / "airflow/clean-logs",
    ),
    fill=_fill,
    settings=Settings(
        user="50000",
        entrypoint=("/usr/bin/dumb-init", "--", "/entrypoint"),
        folder="/opt/airflow",
        ports=(8080,),
        env={
            "PATH": f"{VENV}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "VIRTUAL_ENV": VENV,
            "DEBIAN_FRONTEND": "noninteractive",
            **dict.fromkeys(("LANGUAGE", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"), "C.UTF-8"),
            "PIP_CACHE_DIR": "/tmp/.cache/pip",  # noqa: S108 - as the official image has it
            "UV_CACHE_DIR": "/tmp/.cache/uv",  # noqa: S108 - as the official image has it
            "AIRFLOW_IMAGE_TYPE": "prod",
            "AIRFLOW_INSTALLATION_METHOD": "apache-airflow",
            "AIRFLOW_HOME": "/opt/airflow",
            "AIRFLOW_USER_HOME_DIR": HOME,
            "AIRFLOW_UID": "50000",
            "AIRFLOW_VERSION": names.AIRFLOW.rpartition(":")[2],
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "DUMB_INIT_SETSID": "1",
            "GUNICORN_CMD_ARGS": "--worker-tmp-dir /dev/shm",
            "PS1": "(airflow)",
        },
    ),
)
