"""Output before any resource exists: the preview of a first run, and reports of invalid settings."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from components.settings import preflight
from lab.engine.stack import Run
from tests.engine.program_lives import Engine
from tests.engine.program_stacks import RecordedStack, changed, config, program
from tests.unit.program.inventory import INVENTORY
from tests.unit.settings.cases import cases

PARALLEL: Final = 2
RUN_SECONDS: Final = 300.0


def kubeconfig(folder: Path, server: str) -> Path:
    """A kubeconfig with the one context `here`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": {"server": server}}],
        "users": [{"name": "user", "user": {"token": "nobody"}}],
        "contexts": [{"name": "here", "context": {"cluster": "cluster", "user": "user"}}],
        "current-context": "here",
    }
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="module")
def old_cluster() -> Iterator[str]:
    """The URL of an API server that only reports version 1.28."""

    class Version(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"major": "1", "minor": "28+", "gitVersion": "v1.28.9"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Version) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


CASES: Final = {
    "many": "several: errors of an existing cluster",
    "nothing": "several: nothing",
    "external database without a URL": "several: an external database without URLs",
    "Google Cloud": "several: a zone and a size that Google Cloud does not offer",
    "Azure": "several: a region and a standby that Azure does not offer",
}
"""Cases of the unit tests that run in the engine as well."""
REPORTS: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: tuple(cases()[case].report.splitlines()) for name, case in CASES.items()},
    "another context": ("airflow:cloud.context: 'elsewhere' is not a context of", "choose one of here"),
    "old Kubernetes": ("airflow:cloud.context: 'here' runs Kubernetes 1.28, below 1.30",),
}
"""Required content of the report, by case."""


def login_programs(folder: Path) -> Path:
    """A folder with the programs that log in to clusters of clouds; nothing runs them."""
    folder.mkdir()
    for name, _ in preflight.LOGIN.values():
        (folder / name).touch(mode=0o755)
    return folder


@pytest.fixture(scope="module")
def runs(
    engine: Engine, python: Mapping[str, str], old_cluster: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[tuple[RecordedStack, Run]]]]:
    """All cases of this module, run in parallel."""
    folder = tmp_path_factory.mktemp("bad-input")
    environment = {**engine.environment, **python}
    environment["PATH"] = f"{login_programs(folder / 'bin')}:{environment.get('PATH', os.environ['PATH'])}"
    refusing = kubeconfig(folder / "refusing", "https://127.0.0.1:1")
    celery = config(refusing, "celery")
    stacks: dict[str, dict[str, Any]] = {
        **{name: cases()[case].config for name, case in CASES.items()},
        "another context": changed(celery, "cloud.context", "elsewhere"),
        "old Kubernetes": config(kubeconfig(folder / "old", old_cluster), "celery"),
        "external database without a URL": changed(celery, "cloud.database", {"kind": "external"}),
    }

    def refused(case: str) -> tuple[RecordedStack, Run]:
        stack = program(folder / case.replace(" ", "-"), environment, stacks[case])
        return stack, stack.up(check=False)

    def previewed(executor: str) -> tuple[RecordedStack, Run]:
        stack = program(folder / f"preview-{executor}", environment, config(refusing, executor))
        return stack, stack.preview(check=False)

    with ThreadPoolExecutor(PARALLEL) as pool:
        yield {
            **{executor: pool.submit(previewed, executor) for executor in INVENTORY},
            **{case: pool.submit(refused, case) for case in stacks},
        }


@pytest.mark.parametrize("executor", INVENTORY)
def test_a_first_preview_needs_no_cluster_and_shows_everything_as_new(
    runs: Mapping[str, Future[tuple[RecordedStack, Run]]], executor: str
) -> None:
    """The cluster may not exist yet, or may not be reachable from this machine."""
    stack, run = runs[executor].result(RUN_SECONDS)
    assert (run.code, run.messages()) == (0, [])
    assert {(step.op, step.type, step.name) for step in run.steps()} == {
        ("create", kind, name) for kind, name in INVENTORY[executor]
    }
    assert stack.state().get("resources", []) == []


@pytest.mark.parametrize("case", REPORTS)
def test_settings_that_cannot_be_used_are_reported_together_and_create_nothing(
    runs: Mapping[str, Future[tuple[RecordedStack, Run]]], case: str
) -> None:
    stack, run = runs[case].result(RUN_SECONDS)
    assert run.code not in (0, None)
    [report] = [message for message in run.messages() if "cannot be used" in message]
    assert [said for said in REPORTS[case] if said not in report] == []
    assert "Traceback" not in run.stdout + run.stderr + report
    assert [step.name for step in run.steps()] == []
    assert {found["type"] for found in stack.state().get("resources", [])} <= {"pulumi:pulumi:Stack"}


@pytest.mark.parametrize("case", REPORTS)
def test_a_report_has_one_line_for_each_fault_with_its_remedy(
    runs: Mapping[str, Future[tuple[RecordedStack, Run]]], case: str
) -> None:
    _, run = runs[case].result(RUN_SECONDS)
    [report, *rest] = run.messages()
    # The engine's last line, with every toolchain.
    assert [said for said in rest if "exit code" not in said] == []
    heading, *lines = report.splitlines()
    assert heading.startswith("1 setting " if len(lines) == 1 else f"{len(lines)} settings ")
    assert [line for line in lines if not (line.startswith("  airflow:") and line.endswith(".") and "; " in line)] == []
