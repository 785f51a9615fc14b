"""The broker starts and answers its probes in an image of Valkey and in one of Redis."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.images.image import FILES
from tests.unit.recording.stacks import recorded
from tests.unit.recording.workloads import pod_of

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def container() -> dict[str, Any]:
    return dict(pod_of(recorded("celery"), "redis").main)


def stand_in(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("client", ["valkey-cli", "redis-cli"])
@pytest.mark.parametrize(
    ("answer", "healthy"), [("echo PONG", True), ("echo NOAUTH Authentication required.", False), ("exit 1", False)]
)
def test_a_probe_takes_the_client_that_the_image_has_and_only_its_pong(
    tmp_path: Path, client: str, answer: str, healthy: bool
) -> None:
    stand_in(tmp_path, client, f'[ "$*" = ping ] && {answer}')
    for probe in PROBES:
        done = subprocess.run(container()[probe]["exec"]["command"], env={"PATH": f"{tmp_path}:/usr/bin"}, check=False)
        assert (done.returncode == 0) == healthy


def test_an_image_without_either_client_is_not_healthy(tmp_path: Path) -> None:
    for probe in PROBES:
        command = container()[probe]["exec"]["command"]
        assert subprocess.run(["/bin/sh", *command[1:]], env={"PATH": str(tmp_path)}, check=False).returncode != 0


def test_the_entrypoint_of_the_image_chooses_the_server(tmp_path: Path) -> None:
    """An explicit command would name the server of one of the two."""
    assert "command" not in container()
    stand_in(tmp_path, "valkey-server", 'echo "valkey-server $*"')
    stand_in(tmp_path, "id", "echo 999")
    done = subprocess.run(
        [FILES / "valkey/docker-entrypoint.sh", *container()["args"]],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("valkey-server /etc/redis/redis.conf")
