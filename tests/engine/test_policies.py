"""The policy pack on the real engine: previews of stacks on simulated clouds, with `--policy-pack`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from lab.clouds.faults import FAULTS_VARIABLE
from lab.clouds.inventory import FOLDER_VARIABLE, Inventory
from lab.engine.environment import environment
from lab.engine.stack import Run
from lab.paths import PROJECT
from lab.services import auth_plugins
from lab.testing.engine import Engine
from tests.engine.cloud_stacks import stack_config
from tests.engine.program_stacks import RecordedStack, program

PUBLIC: Final = """
import runpy

import pulumi


def opened(args):
    props = getattr(args.props, "__dict__", args.props)
    if args.type_ == "gcp:sql/databaseInstance:DatabaseInstance":
        props["settings"].ip_configuration.ipv4_enabled = True
        props["settings"].ip_configuration.ssl_mode = "ALLOW_UNENCRYPTED_AND_ENCRYPTED"
    if args.type_ == "gcp:storage/bucket:Bucket":
        props["public_access_prevention"] = "inherited"
    if args.type_ == "azure-native:storage:StorageAccount":
        props["allow_blob_public_access"] = True
        props["minimum_tls_version"] = "TLS1_0"
    if args.type_ == "azure-native:dbforpostgresql:Server":
        props["network"].public_network_access = "Enabled"
    return pulumi.ResourceTransformationResult(args.props, args.opts)


pulumi.runtime.register_stack_transformation(opened)
runpy.run_path(PROGRAM, run_name="__main__")
"""
"""The program, with the database, the bucket and the storage account open to the internet and without TLS."""

Make = Callable[..., RecordedStack]


@pytest.fixture(scope="module")
def variables(engine: Engine, python: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of previews: simulated clouds, and no cluster in reach."""
    folder = tmp_path_factory.mktemp("policies")
    auth_plugins.install(folder / "bin")
    found = environment(state=folder / "pulumi", tools=engine.tools, simulated_clouds=True, engine_log=False)
    return {**found, **python, "PATH": f"{folder / 'bin'}:{found['PATH']}"}


@pytest.fixture
def make(variables: dict[str, str], tmp_path: Path) -> Make:
    """Makes a stack of a stack file, under a name of its own and with changed settings."""

    def made(file: str, *, name: str | None = None, opened: bool = False, **changes: Any) -> RecordedStack:
        cloud = tmp_path / "cloud"
        cloud.mkdir()
        (cloud / "faults.json").write_text("[]")
        own = {FOLDER_VARIABLE: str(cloud), FAULTS_VARIABLE: str(cloud / "faults.json")}
        policy = {f"policy:{key.removeprefix('policy_')}": changes.pop(key) for key in [*changes] if "policy_" in key}
        stack = program(tmp_path, {**variables, **own}, {**stack_config(file, **changes), **policy}, name=name or file)
        if opened:
            (stack.folder / "__main__.py").unlink()
            (stack.folder / "__main__.py").write_text(f"PROGRAM = {str(PROJECT / '__main__.py')!r}\n{PUBLIC}")
        return stack

    return made


def preview(stack: RecordedStack, *arguments: str) -> Run:
    return stack.preview("--policy-pack", str(PROJECT / "policies"), *arguments, check=False)


def failed(run: Run) -> dict[str, str]:
    """The mandatory findings without an exception: rule to message."""
    return {
        each["policyName"]: each["message"]
        for each in run.violations()
        if each["enforcementLevel"] == "mandatory" and not each.get("exceptions")
    }


def advised(run: Run) -> set[str]:
    return {each["policyName"] for each in run.violations() if each["enforcementLevel"] == "advisory"}


@pytest.mark.parametrize(("file", "advice"), [("dev", set()), ("prod", {"aks-encryption-at-host"})])
def test_a_preview_of_a_shipped_stack_passes_and_advice_does_not_fail_it(
    make: Make, file: str, advice: set[str]
) -> None:
    run = preview(make(file))
    assert (run.code, failed(run), run.messages()) == (0, {}, [])
    assert advised(run) == advice
    [summary] = [event["summaryEvent"] for event in run.events("summaryEvent")]
    # Name, kind and folder.
    assert [pack.partition("|")[0] for pack in summary["PolicyPacks"]] == ["airflow"]
    # Policies that could not run would be advice as well: the engine reports a rule that meets an unknown value so.
    assert "can't run policy" not in run.stdout


@pytest.mark.parametrize(
    ("file", "broken"),
    [
        ("dev", {"cloudsql-private-address", "cloudsql-tls", "gcs-public-access"}),
        ("prod", {"postgres-private-address", "storage-public-blobs", "storage-tls"}),
    ],
)
def test_a_stack_that_is_public_or_without_tls_fails_with_rule_and_remedy(
    make: Make, file: str, broken: set[str]
) -> None:
    run = preview(make(file, opened=True))
    assert run.code != 0
    assert failed(run).keys() == broken
    assert [message for message in failed(run).values() if "No setting relaxes this" not in message] == []
    assert [rule for rule in broken if f"[mandatory]  {rule}" not in run.stdout] == []


def test_production_without_protection_and_standby_fails_with_the_settings_to_change(make: Make) -> None:
    run = preview(make("prod", protect=False, cloud__database__high_availability="none"))
    assert run.code != 0
    messages = failed(run)
    assert messages.keys() == {"data-protection", "azure-locks", "postgres-standby"}
    assert "Set airflow:protect to true." in messages["data-protection"]
    assert "highAvailability.mode is 'Disabled'" in messages["postgres-standby"]
    assert "Set airflow:cloud.database.high_availability to zone_redundant" in messages["postgres-standby"]


def test_a_stack_that_says_that_it_is_for_development_may_relax_protection(make: Make) -> None:
    run = preview(make("prod", policy_profile="dev", protect=False, cloud__database__high_availability="none"))
    assert (run.code, failed(run)) == (0, {})


def test_a_profile_that_does_not_exist_ends_the_preview_with_one_message(make: Make) -> None:
    run = preview(make("dev", policy_profile="test"))
    assert run.code != 0
    said = run.stdout + run.stderr
    assert "policy:profile: 'test' is not a profile; set it to prod or dev, or remove the key." in said
    assert "Traceback" not in said


def test_an_excepted_finding_is_reported_with_its_reason_and_does_not_fail(make: Make, tmp_path: Path) -> None:
    stack = make("prod", cloud__database__high_availability="none")
    [urn] = [each["resourceUrn"] for each in preview(stack).violations() if each["policyName"] == "postgres-standby"]
    match = [{"policies": ["postgres-standby"], "targets": [urn]}]
    content = {"version": 2, "exceptions": {"until-the-move": {"reason": "moves in May", "match": match}}}
    path = tmp_path / "exceptions.json"
    path.write_text(json.dumps(content))
    run = preview(stack, "--policy-pack-config", str(path))
    assert (run.code, failed(run)) == (0, {})
    [excepted] = [each for each in run.violations() if each["policyName"] == "postgres-standby"]
    assert [each["reason"] for each in excepted["exceptions"]] == ["moves in May"]


def test_up_stops_before_anything_is_created(make: Make) -> None:
    """Without `--skip-preview`, as people run it."""
    stack = make("prod", cloud__database__high_availability="none")
    pack = ("--policy-pack", str(PROJECT / "policies"))
    run = stack.pulumi("up", "--yes", "--stack", stack.name, *pack, check=False)
    assert run.code != 0
    assert "postgres-standby" in run.stdout
    assert Inventory(Path(stack.environment[FOLDER_VARIABLE])).read().items == {}
