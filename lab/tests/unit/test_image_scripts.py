"""Entrypoints of the lab's images, with stand-ins for the programs that they start."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from lab.images.image import FILES


class Box:
    """A folder of stand-ins, the only entry of PATH besides the system's programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.calls = folder / "calls"
        self.calls.touch()

    def stand_in(self, name: str, script: str = "") -> None:
        """A program that records its arguments and runs `script`."""
        path = self.bin / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >> {self.calls}\n{script}\n')
        path.chmod(0o755)

    def run(self, script: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the images and wait for its end."""
        return subprocess.run(
            [FILES / script, *arguments],
            env=self.environment(env),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(self.folder), **env}

    def called(self) -> list[str]:
        """All calls of stand-ins, except those that query the user."""
        lines = [line.strip() for line in self.calls.read_text().splitlines()]
        return [line for line in lines if line.split()[0] not in ("id", "whoami")]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    made = Box(tmp_path)
    made.stand_in("id", '[ "$1" = -u ] && echo 50000 || echo 0')
    made.stand_in("whoami")
    for program in ("airflow", "pip", "python", "valkey-server", "pg_ctl", "psql", "postgres", "sleep"):
        made.stand_in(program)
    made.stand_in(
        "initdb", 'cat <&3 >&2; mkdir -p "$PGDATA"; echo 17 > "$PGDATA/PG_VERSION"; touch "$PGDATA/pg_hba.conf"'
    )
    return made


@pytest.mark.parametrize("words", [["airflow", "jobs", "check"], ["jobs", "check"]])
def test_airflow_may_be_left_out_of_its_own_commands(box: Box, words: list[str]) -> None:
    assert box.run("airflow/entrypoint", *words).returncode == 0
    assert box.called() == ["airflow jobs check"]


def test_python_and_bash_run_as_themselves(box: Box) -> None:
    box.run("airflow/entrypoint", "python", "-m", "airflow.sdk.execution_time.execute_workload")
    shell = box.run("airflow/entrypoint", "bash", "-c", "umask")
    assert box.called() == ["python -m airflow.sdk.execution_time.execute_workload"]
    assert shell.stdout == "0002\n"


def test_only_components_with_a_database_wait_for_it(box: Box) -> None:
    waiting = []
    for words in (
        "scheduler",
        "dag-processor",
        "triggerer",
        "api-server",
        "celery worker",
        "celery flower",
        "db migrate",
    ):
        box.calls.write_text("")
        box.run("airflow/entrypoint", "airflow", *words.split())
        if "airflow db check" in box.called():
            waiting.append(words)
    assert waiting == ["scheduler", "dag-processor", "triggerer", "api-server"]


def test_a_database_that_never_answers_ends_the_container_and_shows_why(box: Box) -> None:
    box.stand_in("airflow", 'if [ "$1 $2" = "db check" ]; then echo no route to host; exit 1; fi')
    ended = box.run("airflow/entrypoint", "scheduler", CONNECTION_CHECK_MAX_COUNT="3", CONNECTION_CHECK_SLEEP_TIME="7")
    assert ended.returncode == 1
    assert "no route to host" in ended.stderr
    assert box.called() == ["airflow db check", "sleep 7", "airflow db check", "sleep 7", "airflow db check"]


def test_no_attempts_mean_no_waiting_at_all(box: Box) -> None:
    for component in ("scheduler", "celery"):
        assert box.run("airflow/entrypoint", component, CONNECTION_CHECK_MAX_COUNT="0").returncode == 0
    assert box.called() == ["airflow scheduler", "airflow celery"]


def test_a_worker_waits_for_the_broker_until_it_answers(box: Box) -> None:
    box.stand_in("airflow", 'case "$*" in *executor) echo CeleryExecutor;; *broker_url) echo redis://host/0;; esac')
    box.stand_in("python", f'[ "$(grep -c ^python {box.calls})" -ge 2 ]')
    assert box.run("airflow/entrypoint", "celery", "worker").returncode == 0
    assert [call for call in box.called() if not call.startswith("airflow config")] == [
        "python - redis://host/0",
        "sleep 3",
        "python - redis://host/0",
        "airflow celery worker",
    ]


def test_a_command_inside_a_shell_waits_for_the_database_too(box: Box) -> None:
    box.run("airflow/entrypoint", "bash", "-c", "exec airflow scheduler --num-runs 1")
    assert box.called() == ["airflow db check", "airflow scheduler --num-runs 1"]


def test_the_database_is_migrated_and_a_user_created_before_the_command_when_variables_say_so(box: Box) -> None:
    box.stand_in("airflow", 'case "$*" in *auth_manager) echo x.FabAuthManager;; users*) exit 1;; esac')
    given = {"_AIRFLOW_DB_MIGRATE": "1", "_AIRFLOW_WWW_USER_CREATE": "1", "_AIRFLOW_WWW_USER_USERNAME": "ann"}
    ran = box.run("airflow/entrypoint", "version", _AIRFLOW_WWW_USER_PASSWORD_CMD="echo p", **given)
    assert ran.returncode == 0, "a user who exists already is no error"
    migrated, _, created, command = box.called()
    assert (migrated, command) == ("airflow db migrate", "airflow version")
    assert created.startswith("airflow users create --username ann --firstname Airflow --lastname Admin")
    assert created.endswith("--role Admin --password p")


def test_no_user_is_created_without_a_password_or_without_fab(box: Box) -> None:
    refused = box.run("airflow/entrypoint", "version", _AIRFLOW_WWW_USER_CREATE="1")
    assert (refused.returncode, box.called()) == (1, [])
    assert "_AIRFLOW_WWW_USER_PASSWORD" in refused.stderr
    given = {"_AIRFLOW_WWW_USER_CREATE": "1", "_AIRFLOW_WWW_USER_PASSWORD": "p"}
    assert box.run("airflow/entrypoint", "version", **given).returncode == 0
    assert box.called() == ["airflow config get-value core auth_manager", "airflow version"]


def test_a_container_that_only_migrates_needs_no_command(box: Box) -> None:
    assert box.run("airflow/entrypoint", _AIRFLOW_DB_MIGRATE="true").returncode == 0
    assert box.called() == ["airflow db migrate"]


def test_packages_of_a_variable_are_installed_first(box: Box) -> None:
    assert box.run("airflow/entrypoint", "version", _PIP_ADDITIONAL_REQUIREMENTS="one two==2").returncode == 0
    assert box.called() == ["pip install --root-user-action ignore one two==2", "airflow version"]


def test_a_foreign_user_outside_group_0_is_refused(box: Box) -> None:
    box.stand_in("id", "echo 1234")
    ended = box.run("airflow/entrypoint", "version")
    assert (ended.returncode, box.called()) == (1, [])
    assert "1234:1234" in ended.stderr


def test_old_logs_go_and_young_ones_stay_until_the_sidecar_is_told_to_end(box: Box) -> None:
    logs = box.folder / "logs"
    old, young, other = logs / "dag/run/old.log", logs / "dag/young.log", logs / "dag/old.txt"
    old.parent.mkdir(parents=True)
    for file, days in ((old, 3), (young, 1), (other, 3)):
        file.touch()
        os.utime(file, (time.time() - days * 86_400, time.time() - days * 86_400))
    (box.bin / "sleep").unlink()
    environment = box.environment({"AIRFLOW_HOME": str(box.folder), "AIRFLOW__LOG_RETENTION_DAYS": "2"})
    sidecar = subprocess.Popen(
        [FILES / "airflow/clean-logs"], env=environment, stdout=subprocess.DEVNULL, process_group=0
    )
    try:
        limit = time.monotonic() + 60
        while old.parent.exists() and time.monotonic() < limit:
            time.sleep(0.02)
        assert [old.exists(), old.parent.exists(), young.exists(), other.exists()] == [False, False, True, True]
        sidecar.terminate()
        assert sidecar.wait(10) == 0
    finally:
        # Its sleep may survive it here, but not in a container.
        with suppress(ProcessLookupError):
            os.killpg(sidecar.pid, signal.SIGKILL)
        sidecar.wait(10)


@pytest.mark.parametrize(
    ("words", "started"),
    [
        (["valkey-server", "--requirepass", "x"], "valkey-server --requirepass x --protected-mode no"),
        (["--appendonly", "yes"], "valkey-server --appendonly yes --protected-mode no"),
        (["valkey-server", "--protected-mode", "yes"], "valkey-server --protected-mode yes"),
        (["/etc/own.conf", "--port", "1"], "valkey-server /etc/own.conf --port 1"),
    ],
)
def test_valkey_answers_other_pods_unless_told_otherwise(box: Box, words: list[str], started: str) -> None:
    assert box.run("valkey/docker-entrypoint.sh", *words).returncode == 0
    assert box.called() == [started]


def test_an_empty_database_is_initialised_once_and_then_served(box: Box) -> None:
    data = box.folder / "data"
    given = {"PGDATA": str(data), "POSTGRES_PASSWORD": "p w", "POSTGRES_USER": "owner"}
    first = box.run("postgres/docker-entrypoint.sh", "postgres", "-c", "max_connections=50", **given)
    assert first.returncode == 0, first.stderr
    assert "p w\n" in first.stderr, "initdb reads the password from its descriptor"
    assert [call.split()[0] for call in box.called()] == ["initdb", "pg_ctl", "psql", "pg_ctl", "postgres"]
    assert "listen_addresses=''" in box.called()[1]
    assert (data / "pg_hba.conf").read_text() == "\nhost all all all scram-sha-256\n"
    box.calls.write_text("")
    assert box.run("postgres/docker-entrypoint.sh", "-c", "max_connections=50", PGDATA=str(data)).returncode == 0
    assert box.called() == ["postgres -c max_connections=50"]


def test_an_interrupted_initialisation_is_begun_afresh(box: Box) -> None:
    data = box.folder / "data"
    given = {"PGDATA": str(data), "POSTGRES_PASSWORD": "x"}
    box.stand_in("pg_ctl", "exit 1")
    assert box.run("postgres/docker-entrypoint.sh", "postgres", **given).returncode == 1
    (data / "rest").touch()
    box.stand_in("pg_ctl")
    box.calls.write_text("")
    assert box.run("postgres/docker-entrypoint.sh", "postgres", **given).returncode == 0
    assert [call.split()[0] for call in box.called()] == ["initdb", "pg_ctl", "pg_ctl", "postgres"]
    assert sorted(path.name for path in data.iterdir()) == ["PG_VERSION", "pg_hba.conf"]


def test_no_database_is_made_without_a_password_unless_all_are_trusted(box: Box) -> None:
    data = str(box.folder / "data")
    refused = box.run("postgres/docker-entrypoint.sh", "postgres", PGDATA=data)
    assert (refused.returncode, box.called()) == (1, [])
    assert "POSTGRES_PASSWORD" in refused.stderr
    assert (
        box.run("postgres/docker-entrypoint.sh", "postgres", PGDATA=data, POSTGRES_HOST_AUTH_METHOD="trust").returncode
        == 0
    )


def test_a_password_from_a_file_is_taken_and_two_of_them_are_refused(box: Box) -> None:
    (box.folder / "secret").write_text("from a file\n")
    given = {"PGDATA": str(box.folder / "data"), "POSTGRES_PASSWORD_FILE": str(box.folder / "secret")}
    assert box.run("postgres/docker-entrypoint.sh", "postgres", POSTGRES_PASSWORD="x", **given).returncode == 1
    assert box.called() == []
    assert "from a file\n" in box.run("postgres/docker-entrypoint.sh", "postgres", **given).stderr
