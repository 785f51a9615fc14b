"""What a stack tells its users."""

from __future__ import annotations

import re

from tests.unit.recorder import plain
from tests.unit.stacks import STAND_IN, recorded, recordings

ALWAYS = {
    "name",
    "namespace",
    "url",
    "admin_user",
    "admin_password",
    "port_forward_command",
    "logs_command",
    "exec_command",
}
FLOWER = {"flower_password", "flower_port_forward_command"}
FRONT = {"address", "dns_records"}
OF_THE_CLOUD = {"connect_command", "cluster"}
OTHER_TOOLS = {
    "connect_command": "the cloud's own command line",
    "kubeconfig_command": "the cloud's own command line",
}
"""Commands that are no kubectl's."""


def test_every_stack_says_where_airflow_is_and_how_to_get_in() -> None:
    for stack, recording in recordings():
        with_flower = any(found.name.endswith("-flower") for found in recording.of_type("Deployment"))
        wanted = ALWAYS | (FLOWER if with_flower else set())
        wanted |= OF_THE_CLOUD if stack in STAND_IN else set()
        if recording.of_type("Gateway"):
            wanted |= FRONT | ({"flower_url"} if "flower_host" in recording.config["airflow:exposure"] else set())
        beyond = recording.outputs.keys() - wanted
        assert wanted <= recording.outputs.keys(), stack
        # What else a real cloud tells is its own affair.
        assert not beyond or (recording.config["airflow:cloud"]["kind"] != "local" and stack not in STAND_IN), stack


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
