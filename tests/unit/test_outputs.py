"""Outputs of a stack."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.unit.recording.recorder import Recording, plain
from tests.unit.recording.stacks import STAND_IN, recorded, recordings

ALWAYS = {
    "next_steps",
    "name",
    "namespace",
    "url",
    "admin_user",
    "admin_password",
    "kubectl",
    "port_forward_command",
    "logs_command",
    "exec_command",
}
FLOWER = {"flower_password", "flower_port_forward_command"}
UPLOADS = {"dag_uploads", "upload_command"}
FRONT = {"address", "dns_records"}
OF_THE_CLOUD = {"connect_command", "cluster"}
OTHER_TOOLS = {
    "connect_command": "the cloud's own command line",
    "kubeconfig_command": "the cloud's own command line",
    "kubelogin_command": "the login program of AKS",
    "upload_command": "a command of this project, or the cloud's own command line for a bucket",
}
"""Commands without kubectl."""
TOOLS = ("az", "gcloud", "kubectl", "kubelogin")
ROOT = Path(__file__).resolve().parents[2]
OPERATORS = set("&|;<>()")


def commands(recording: Recording) -> dict[str, str]:
    """The outputs that are commands."""
    return {key: text for key, text in recording.outputs.items() if key.endswith("_command")}


def test_every_stack_says_where_airflow_is_and_how_to_get_in() -> None:
    for stack, recording in recordings():
        with_flower = any(found.name.endswith("-flower") for found in recording.of_type("Deployment"))
        wanted = ALWAYS | (FLOWER if with_flower else set())
        wanted |= OF_THE_CLOUD if stack in STAND_IN else set()
        if recording.config["airflow:cloud"]["kind"] != "existing":
            wanted |= {"monthly_price"}
        if recording.of_type("Gateway"):
            wanted |= FRONT | ({"flower_url"} if "flower_host" in recording.config["airflow:exposure"] else set())
        if {source["kind"] for source in recording.config.get("airflow:dags", [])} & {"share", "claim"}:
            wanted |= UPLOADS
        if recording.config.get("airflow:auth", {}).get("users"):
            wanted |= {"user_passwords"}
        if recording.config.get("airflow:auth", {}).get("kind") == "oidc":
            wanted |= {"auth_redirect_uri"}
        beyond = recording.outputs.keys() - wanted
        assert wanted <= recording.outputs.keys(), stack
        # A real cloud has further outputs.
        assert not beyond or (recording.config["airflow:cloud"]["kind"] != "existing" and stack not in STAND_IN), stack


def test_the_next_steps_are_commands_on_outputs_that_exist_in_the_order_of_their_use() -> None:
    for stack, recording in recordings():
        steps = [line.partition("  # ")[0] for line in recording.outputs["next_steps"]]
        named = [re.findall(r"pulumi stack output (?:--show-secrets )?(\w+)", step) for step in steps]
        keys = [key for each in named for key in each]
        assert len(keys) == len(steps), stack
        assert set(keys) <= recording.outputs.keys(), stack
        assert keys[-1] == "admin_password"
        assert keys[-2] == ("dns_records" if recording.of_type("Gateway") else "port_forward_command"), stack
        clouds = [key for key in ("kubeconfig_command", "kubelogin_command") if key in recording.outputs]
        assert keys[: len(clouds)] == clouds, stack
        for step in steps:
            subprocess.run(["/bin/sh", "-n", "-c", step], check=True)


def test_a_stack_on_a_cloud_says_its_list_price() -> None:
    price = recorded("gcp, stack file dev").outputs["monthly_price"]
    assert re.fullmatch(
        r"\$\d+ to \$\d+ a month \(list prices of \d{4}-\d\d, europe-west1; see `python -m operations price`\)", price
    )


def test_what_a_cloud_says_of_itself_is_told_as_it_is() -> None:
    outputs = recorded("stand-in cloud, celery").outputs
    assert (outputs["connect_command"], outputs["cluster"]) == ("stand-in connect", "cluster")


def test_the_passwords_are_those_that_the_pods_are_given() -> None:
    for stack, recording in recordings():
        stored = {s.name.rpartition("-")[2]: s.plain["stringData"] for s in recording.of_type("Secret")}
        assert plain(recording.outputs["admin_password"]) == stored["admin"]["password"], stack
        if "flower" in stored:
            assert stored["flower"]["basic-auth"] == f"admin:{plain(recording.outputs['flower_password'])}"


def test_the_commands_name_objects_that_are_there() -> None:
    offenders = []
    for stack, recording in recordings():
        there = {(f.kind.lower(), f.namespace, f.object_name): f for f in recording.objects}
        for key, command in recording.outputs.items():
            if not key.endswith("_command") or key in OTHER_TOOLS:
                continue
            namespace = re.search(r"--namespace (\S+)", command)
            target = re.search(r"(deployment|service|statefulset)/(\S+)", command)
            assert namespace is not None, command
            assert target is not None, command
            found = there.get((target[1], namespace[1], target[2]))
            if found is None:
                offenders.append(f"{stack}: {command}")
            elif target[1] == "service":
                [(local, port)] = re.findall(r" (\d+):(\d+)", command)
                ports = {str(entry["port"]) for entry in found.plain["spec"]["ports"]}
                at = f":{local}" in recording.outputs["url"] or recording.outputs["url"].startswith("https:")
                if port not in ports or ("flower" not in key and not at):
                    offenders.append(f"{stack}: {command}")
    assert offenders == []


def test_the_admin_is_the_user_that_settings_name() -> None:
    recording = recorded("celery")
    assert recording.outputs["admin_user"] == "admin"
    job = recording.the("Job", "airflow-migrate-job").plain["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "ADMIN_USERNAME", "value": "admin"} in job["env"]


def test_every_command_is_a_simple_command() -> None:
    """In `$(…)` and in `eval`, an `&&` is an argument of one shell and an operator of another."""
    offenders = []
    for stack, recording in recordings():
        for key, command in commands(recording).items():
            words = shlex.shlex(command, posix=True, punctuation_chars=True)
            words.whitespace_split = True
            if any(set(word) <= OPERATORS for word in words):
                offenders.append(f"{stack}: {key}: {command}")
    assert offenders == []


def test_kubectl_is_told_the_cluster_and_leaves_nothing_to_the_current_context() -> None:
    for stack, recording in recordings():
        cloud = recording.config["airflow:cloud"]["kind"]
        for key, command in commands(recording).items():
            if key in OTHER_TOOLS:
                continue
            words = shlex.split(command)
            context = words[words.index("--context") + 1]
            if cloud == "existing":
                assert words[words.index("--kubeconfig") + 1].startswith("/"), (stack, key)
                assert context == "test"
            elif stack in STAND_IN:
                assert context == "stand in"
            elif cloud == "gcp":
                [cluster] = recording.of_cloud("Cluster")
                place = cluster.plain["location"]
                assert context == f"gke_{recording.config['airflow:cloud']['project']}_{place}_{cluster.plain['name']}"
            else:
                assert f" --name {context} --context {context} " in recording.outputs["kubeconfig_command"]
                assert recording.outputs["kubelogin_command"].endswith(f" --context {context}")


@pytest.mark.parametrize("stack", ["celery", "stand-in cloud, celery", "gcp, stack file dev", "azure, stack file prod"])
def test_the_lines_of_the_readme_log_in_and_forward_a_port(stack: str, tmp_path: Path) -> None:
    """The commands run in the README's shell, with stand-ins that record their arguments."""
    outputs = dict(recorded(stack).outputs)
    called = tmp_path / "called"
    for tool in TOOLS:
        (tmp_path / tool).write_text(
            f'#!/bin/sh\nfor word in {tool} "$@"; do echo "$word"; done >> {called}\necho >> {called}\n'
        )
    values = tmp_path / "values"
    values.mkdir()
    for key, command in commands(recorded(stack)).items():
        (values / key).write_text(command + "\n")
    (tmp_path / "pulumi").write_text(f'#!/bin/sh\n[ "$1 $2" = "stack output" ] && cat "{values}/$3"\n')
    for tool in (*TOOLS, "pulumi"):
        (tmp_path / tool).chmod(0o755)
    lines = re.findall(r"^\$ (eval .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {line.split()[4].rstrip(')"') for line in lines} >= {"kubeconfig_command", "port_forward_command"}
    wanted = []
    for line in lines:
        key = line.split()[4].rstrip(')"')
        if key in outputs:
            script = f"{line}\nwait"
            subprocess.run(["sh", "-ec", script], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
            wanted.append(shlex.split(outputs[key]))
    told = [call.split("\n") for call in called.read_text().split("\n\n") if call]
    assert told == wanted
