"""Preflight checks before `up`, run by the command against the simulated clouds' management APIs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cloud.preflight.warning import SWITCH
from lab.clouds.faults import FAULTS_VARIABLE
from lab.clouds.inventory import FOLDER_VARIABLE, Inventory
from lab.clouds.latency import SPEED_VARIABLE
from lab.engine.environment import environment
from lab.paths import PROJECT
from lab.services import auth_plugins, management
from lab.stack_file import filled_in
from lab.testing.engine import Engine
from tests.engine.cloud_stacks import FILES
from tests.engine.program_stacks import RecordedStack, program

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
Ask = Callable[..., tuple[int, list[str], str]]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Inventory, dict[str, str]]]:
    inventory = Inventory(tmp_path_factory.mktemp("account"))
    with management.serving(inventory) as variables:
        yield inventory, variables


@pytest.fixture(scope="module")
def stacks(
    engine: Engine, account: tuple[Inventory, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, RecordedStack]:
    folder = tmp_path_factory.mktemp("stacks")
    auth_plugins.install(folder / "bin")
    environment = {**engine.environment, **account[1]}
    environment["PATH"] = os.pathsep.join([str(folder / "bin"), environment["PATH"]])
    return {
        name: program(folder / name, environment, filled_in(yaml.safe_load(FILES[name].read_text())["config"]))
        for name in ("dev", "prod")
    }


@pytest.fixture
def ask(stacks: dict[str, RecordedStack], account: tuple[Inventory, dict[str, str]]) -> Iterator[Ask]:
    """Runs the command for a stack, in an account with these facts."""

    def run(name: str, **facts: Any) -> tuple[int, list[str], str]:
        with account[0].changing() as world:
            world.facts[management.FACTS] = facts
        stack = stacks[name]
        done = subprocess.run(
            [sys.executable, "-m", "operations", "preflight", "--stack", stack.name],
            cwd=stack.folder,
            env={**stack.environment, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout.splitlines(), done.stderr

    return run


def problems(lines: list[str]) -> list[str]:
    return [line for line in lines[:-1] if not line.startswith("ok")]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_an_account_with_everything_lacks_nothing(ask: Ask, stack: str) -> None:
    everything = {"registered": list(management.PROVIDERS)}
    code, lines, errors = ask(stack, **everything)
    unknown = [line for line in problems(lines) if "compute.googleapis.com is not enabled yet" not in line]
    assert (code, unknown, errors) == (0, [], "")
    assert lines[-1] == "Nothing is missing."
    assert len(lines) > 4


@pytest.mark.parametrize(
    ("stack", "facts", "line", "remedy"),
    [
        ("dev", {"hidden": ["simulated-project"]}, "project simulated-project is not visible", "check the id"),
        (
            "dev",
            {"unpaid": ["simulated-project"]},
            "billing of project simulated-project is off",
            "billing projects link",
        ),
        ("dev", {"disabled": ["serviceusage.googleapis.com"]}, "cannot be used", "gcloud services enable serviceusage"),
        (
            "dev",
            {"denied": ["resourcemanager.projects.setIamPolicy"]},
            "this login may not resourcemanager.projects.setIamPolicy",
            "--role roles/resourcemanager.projectIamAdmin",
        ),
        ("prod", {"hidden": [SUBSCRIPTION]}, f"subscription {SUBSCRIPTION} is not visible", "az account list"),
        ("prod", {"state": "Disabled"}, f"subscription {SUBSCRIPTION} is Disabled", "enable it"),
        (
            "prod",
            {"permissions": [{"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}]},
            "this login may not Microsoft.Authorization/roleAssignments/write, Microsoft.Authorization/locks/write",
            "Contributor and User Access Administrator",
        ),
        ("prod", {"registered": []}, "Microsoft.PolicyInsights is not registered", "az provider register --namespace"),
        ("prod", {"cores": 10}, "quota cores of swedencentral: 10 of 10 processors are free", "request more: https"),
        ("prod", {"closed": ["Standard_D4ds_v5"]}, "Standard_D4ds_v5 is not offered", "az vm list-skus"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else str(value)[:40],
)
def test_what_would_fail_up_is_a_line_with_its_remedy(
    ask: Ask, stack: str, facts: dict[str, Any], line: str, remedy: str
) -> None:
    code, lines, errors = ask(stack, **{"registered": list(management.PROVIDERS), **facts})
    found = [each for each in lines if each.startswith("missing") and line in each]
    assert (code, errors) == (1, "")
    assert found, lines
    assert remedy in found[0].partition("; ")[2]
    assert lines[-1].endswith(" missing")


def test_quotas_are_compared_with_what_the_nodes_take(ask: Ask, account: tuple[Inventory, dict[str, str]]) -> None:
    with account[0].changing() as world:
        world.facts["apis"] = {"simulated-project": ["compute.googleapis.com"]}
    code, lines, _ = ask("dev", quotas={"CPUS": 2})
    assert code == 1
    [line] = [line for line in lines if line.startswith("missing")]
    assert "quota CPUS of europe-west1: 2 of 2 are free, the nodes need 4 at the start" in line
    assert "Quotas & System Limits" in line
    code, lines, _ = ask("dev")
    assert code == 0
    assert [line for line in lines if "quota SSD_TOTAL_GB of europe-west1: 500 of 500 are free" in line]


def test_a_stack_that_does_not_exist_is_named_with_the_command_that_makes_it(
    stacks: dict[str, RecordedStack],
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "operations", "preflight", "--stack", "nowhere"],
        cwd=stacks["dev"].folder,
        env={**stacks["dev"].environment, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "error: There is no stack nowhere; create it with `pulumi stack init nowhere`.\n"


def test_without_an_answer_of_the_cloud_the_line_says_so(stacks: dict[str, RecordedStack]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "operations", "preflight", "--stack", stacks["dev"].name],
        cwd=stacks["dev"].folder,
        env={**stacks["dev"].environment, "PYTHONPATH": str(PROJECT), "PREFLIGHT_ENDPOINT": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    first, last = done.stdout.splitlines()
    assert first.startswith("unknown project simulated-project (https://cloudresourcemanager.googleapis.com")
    assert "did not answer" in first
    assert (last, done.returncode) == ("Nothing is missing.", 0)


def test_the_first_up_warns_of_it_before_anything_is_created_and_a_preview_does_not_ask(
    engine: Engine, account: tuple[Inventory, dict[str, str]], tmp_path: Path
) -> None:
    inventory, variables = account
    with inventory.changing() as world:
        world.facts[management.FACTS] = {"denied": ["cloudsql.instances.create"]}
    auth_plugins.install(tmp_path / "bin")
    found = environment(state=tmp_path / "pulumi", tools=engine.tools, simulated_clouds=True, engine_log=False)
    found |= {**variables, SWITCH: "on", FOLDER_VARIABLE: str(tmp_path / "clouds"), SPEED_VARIABLE: "inf"}
    found[FAULTS_VARIABLE] = str(tmp_path / "faults.json")
    found["PATH"] = os.pathsep.join([str(tmp_path / "bin"), found["PATH"]])
    Path(found[FAULTS_VARIABLE]).write_text("[]")
    stack = program(tmp_path / "dev", found, filled_in(yaml.safe_load(FILES["dev"].read_text())["config"]))
    assert "cloudsql.instances.create" not in str(stack.preview().events("diagnosticEvent"))
    # No resource of the stack may be created.
    refusal = {"op": "create", "type": "gcp:projects/service:Service", "kind": "error", "code": 400, "times": 0}
    Path(found[FAULTS_VARIABLE]).write_text(json.dumps([refusal]))
    run = stack.up(check=False)
    assert run.code != 0
    [warning] = run.messages("warning")
    assert "this login may not cloudsql.instances.create; gcloud projects add-iam-policy-binding" in warning
