"""The language host as used by `pulumi`: selection of Python, error messages, policy packs, installation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2_grpc, language_pb2, language_pb2_grpc

from lab.engine import serving
from lab.engine.stack import Stack
from lab.offline_pulumi.language_host import LanguageHost
from lab.paths import PROJECT

ONE = """
import pulumi
import pulumi_random as random

pulumi.export("text", random.RandomString("text", length=8).result)
"""

PACK = """
import pulumi
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def long_enough(args, report):
    if args.resource_type == "random:index/randomString:RandomString" and args.props["length"] < 16:
        report(f"{int(args.props['length'])} characters are too few in stack {pulumi.get_stack()}")


PolicyPack(
    "lengths",
    policies=[
        ResourceValidationPolicy(
            name="long-enough",
            description="Strings are long enough.",
            enforcement_level=EnforcementLevel.LEVEL,
            validate=long_enough,
        )
    ],
)
"""


def pack(folder: Path, level: str) -> Path:
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text(
        f"runtime:\n  name: python\n  options:\n    virtualenv: {PROJECT / '.venv'}\nversion: 0.0.1\n"
    )
    (folder / "__main__.py").write_text(PACK.replace("LEVEL", level))
    return folder


def borrowing_environment(folder: Path) -> Path:
    """A virtual environment with the modules of this one, including pip, but without their metadata."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    library = next((folder / "lib").glob("python3*")) / "site-packages"
    (library / "borrowed.pth").write_text(str(next((PROJECT / ".venv/lib").glob("python3*")) / "site-packages"))
    return folder


def wheel(folder: Path) -> Path:
    """A package `tiny` that pip installs without building anything."""
    path = folder / "tiny-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "COLOUR = 'teal'\n")
        archive.writestr("tiny-1.2.3.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.2.3\n")
        archive.writestr("tiny-1.2.3.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.2.3.dist-info/RECORD", "")
    return path


def test_a_resource_lives_from_preview_to_destroy(project: Callable[..., Stack]) -> None:
    stack = project(ONE, anew=True)
    assert stack.preview().changes() == {"create": {"text"}}
    assert stack.up().changes() == {"create": {"text"}}
    assert stack.refresh().changes() == {}
    assert stack.destroy().changes() == {"delete": {"text"}}
    assert stack.state().get("resources", []) == []


def test_the_program_runs_with_the_python_that_the_project_names(project: Callable[..., Stack]) -> None:
    """A relative environment is relative to Pulumi.yaml, not to the program's folder."""
    stack = project("", virtualenv="env", anew=True)
    borrowing_environment(stack.folder / "env")
    settings = stack.folder / "Pulumi.yaml"
    settings.write_text(settings.read_text() + "main: inner\n")
    (stack.folder / "inner").mkdir()
    (stack.folder / "inner/__main__.py").write_text("import sys, pulumi\npulumi.export('prefix', sys.prefix)\n")
    stack.up()
    assert stack.outputs()["prefix"] == str(stack.folder / "env")


def test_the_program_finds_the_users_modules_and_none_of_the_lab(project: Callable[..., Stack], tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text("")
    stack = project(
        """
        from importlib.util import find_spec
        import pulumi
        pulumi.export("found", [name for name in ("lab", "theirs") if find_spec(name)])
        """,
        anew=True,
    )
    replace(stack, environment={**stack.environment, "PYTHONPATH": str(tmp_path)}).up()
    assert stack.outputs()["found"] == ["theirs"]


def test_the_program_knows_a_preview_from_an_update(project: Callable[..., Stack]) -> None:
    stack = project("import pulumi\nprint('dry', pulumi.runtime.is_dry_run())\n")
    assert "dry True" in stack.preview().messages("info")
    assert "dry False" in stack.up().messages("info")


@pytest.mark.parametrize(("made", "fault"), [(False, "does not exist"), (True, "is not a virtual environment")])
def test_a_missing_environment_is_named_with_the_command_that_makes_it(
    project: Callable[..., Stack], made: bool, fault: str
) -> None:
    stack = project(ONE, virtualenv="env")
    if made:
        (stack.folder / "env").mkdir()
    run = stack.preview(check=False)
    assert run.code != 0
    said = run.stdout + run.stderr
    assert f"{stack.folder / 'env'} {fault}" in said
    assert "pulumi install" in said


def test_an_unknown_toolchain_is_refused_with_those_that_exist(project: Callable[..., Stack]) -> None:
    stack = project(ONE)
    settings = stack.folder / "Pulumi.yaml"
    settings.write_text(settings.read_text().replace("toolchain: pip", "toolchain: conda"))
    run = stack.preview(check=False)
    assert run.code != 0
    assert "'conda', which is none of pip, poetry, uv" in run.stdout + run.stderr


def test_a_failing_program_fails_the_command_and_says_why_once(project: Callable[..., Stack]) -> None:
    run = project(ONE + "\nraise RuntimeError('the well is dry')\n").up(check=False)
    assert run.code != 0
    assert len([message for message in run.messages() if "the well is dry" in message]) == 1
    assert run.stdout.count("RuntimeError: the well is dry") == 1
    assert "exit code" not in run.stdout


def test_a_program_that_exits_by_itself_is_reported_with_its_code(project: Callable[..., Stack]) -> None:
    run = project("import os\nos._exit(7)\n", anew=True).preview(check=False)
    assert run.code != 0
    assert "exit code 7" in run.stdout + run.stderr


def test_what_the_program_prints_is_shown_with_config_and_secret_marks(project: Callable[..., Stack]) -> None:
    stack = project(
        """
        import pulumi
        config = pulumi.Config()
        print("plain is", config.require("plain"))
        marks = [pulumi.runtime.is_config_secret(f"trial:{key}") for key in ("plain", "hidden")]
        print("secret", *marks)
        pulumi.export("hidden", config.require_secret("hidden"))
        pulumi.export("seen", config.require("plain"))
        """
    )
    stack.configure("plain", "grey")
    stack.configure("hidden", "gold", secret=True)
    run = stack.up()
    assert "plain is grey" in run.messages("info")
    assert "secret False True" in run.messages("info")
    assert "gold" not in run.stdout
    assert stack.outputs() == {"hidden": "gold", "seen": "grey"}


def test_a_mandatory_policy_fails_the_preview_and_knows_the_stack(
    project: Callable[..., Stack], tmp_path: Path
) -> None:
    run = project(ONE).preview("--policy-pack", str(pack(tmp_path / "pack", "MANDATORY")), check=False)
    assert run.code != 0
    assert [(found["policyName"], found["enforcementLevel"]) for found in run.violations()] == [
        ("long-enough", "mandatory")
    ]
    assert "8 characters are too few in stack test" in run.violations()[0]["message"]


def test_an_advisory_policy_warns_and_lets_the_preview_pass(project: Callable[..., Stack], tmp_path: Path) -> None:
    run = project(ONE).preview("--policy-pack", str(pack(tmp_path / "pack", "ADVISORY")))
    assert [found["enforcementLevel"] for found in run.violations()] == ["advisory"]


def test_a_broken_policy_pack_fails_the_preview_with_its_own_message(
    project: Callable[..., Stack], tmp_path: Path
) -> None:
    broken = pack(tmp_path / "pack", "MANDATORY")
    (broken / "__main__.py").write_text("raise RuntimeError('no such law')\n")
    run = project(ONE).preview("--policy-pack", str(broken), check=False)
    assert run.code != 0
    assert "no such law" in run.stdout + run.stderr


def test_install_creates_the_environment_and_installs_the_requirements(
    project: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = project(ONE, virtualenv="env")
    (stack.folder / "requirements.txt").write_text(f"{wheel(tmp_path)}\n")
    stack.pulumi("install", "--no-plugins")
    shown = subprocess.run(
        [stack.folder / "env/bin/python", "-c", "import tiny; print(tiny.COLOUR)"], capture_output=True, text=True
    )
    assert shown.stdout == "teal\n"


def test_an_installation_that_fails_fails_the_command(project: Callable[..., Stack]) -> None:
    stack = project(ONE, virtualenv="env")
    borrowing_environment(stack.folder / "env")
    (stack.folder / "requirements.txt").write_text("./nowhere\n")
    run = stack.pulumi("install", "--no-plugins", check=False)
    assert run.code != 0
    assert "nowhere" in run.stdout + run.stderr


def test_no_process_stays_when_the_command_is_interrupted(project: Callable[..., Stack]) -> None:
    # The forks of a server are not children of the command; the program still sleeps when all of them must have ended.
    stack = project("import time\nprint('waiting', flush=True)\ntime.sleep(300)\n", anew=True)
    with subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "test"],
        cwd=stack.folder,
        env=dict(stack.environment),
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout is not None
        for line in command.stdout:
            if "waiting" in line:
                break
        children = psutil.Process(command.pid).children(recursive=True)
        assert [child for child in children if "pulumi-language-python-exec" in " ".join(child.cmdline())] != []
        os.kill(command.pid, signal.SIGINT)
        time.sleep(0.5)
        os.kill(command.pid, signal.SIGINT)
        command.communicate(timeout=60)
    assert command.returncode != 0
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_about_names_the_interpreter(project: Callable[..., Stack]) -> None:
    shown = project(ONE).pulumi("about").stdout
    assert str(PROJECT / ".venv/bin/python") in shown


def test_a_package_written_in_python_answers_its_schema(project: Callable[..., Stack], tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    # An environment without the metadata of the cloud SDKs: otherwise the command requests their plugins.
    environment = borrowing_environment(tmp_path / "env")
    (folder / "PulumiPlugin.yaml").write_text(f"runtime:\n  name: python\n  options:\n    virtualenv: {environment}\n")
    (folder / "__main__.py").write_text(
        """
from typing import TypedDict
import pulumi
from pulumi.provider.experimental import component_provider_host

class PartArgs(TypedDict):
    size: pulumi.Input[int]

class Part(pulumi.ComponentResource):
    def __init__(self, name: str, args: PartArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("parts:index:Part", name, {}, opts)

if __name__ == "__main__":
    component_provider_host(name="parts", components=[Part])
"""
    )
    shown = project(ONE).pulumi("package", "get-schema", str(folder)).stdout
    assert '"parts:index:Part"' in shown


@pytest.fixture
def host() -> Iterator[language_pb2_grpc.LanguageRuntimeStub]:
    """The language host without an engine."""
    server, port = serving.started(
        lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(Path("runner")), server)
    )
    with serving.channel(f"127.0.0.1:{port}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)
    server.stop(grace=0)


def plugin_request(folder: Path, program: str, kind: str) -> language_pb2.RunPluginRequest:
    (folder / "__main__.py").write_text(program)
    info = language_pb2.ProgramInfo(root_directory=str(folder), program_directory=str(folder), entry_point=".")
    info.options.update({"virtualenv": str(PROJECT / ".venv")})
    return language_pb2.RunPluginRequest(pwd=str(folder), kind=kind, info=info, args=["127.0.0.1:1"])


def test_a_plugins_output_is_streamed_apart_and_its_exit_code_comes_last(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    program = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)\n"
    answers = list(host.RunPlugin(plugin_request(tmp_path, program, "resource")))
    assert b"".join(answer.stdout for answer in answers) == b"out\n"
    assert b"".join(answer.stderr for answer in answers) == b"err\n"
    assert answers[-1] == language_pb2.RunPluginResponse(exitcode=3)


def test_a_plugin_ends_when_nobody_listens_any_more(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    program = "import os, time\nprint(os.getpid())\ntime.sleep(300)\n"
    call = host.RunPlugin(plugin_request(tmp_path, program, "resource"))
    process = psutil.Process(int(next(call).stdout))
    call.cancel()
    assert psutil.wait_procs([process], timeout=10)[1] == []


def test_calls_to_a_policy_pack_that_ended_say_so(host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path) -> None:
    call = host.RunPlugin(plugin_request(tmp_path, "raise SystemExit(5)\n", "analyzer"))
    port = int(next(call).stdout)
    with serving.channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError) as failed:
        analyzer_pb2_grpc.AnalyzerStub(channel).GetAnalyzerInfo(Empty(), timeout=30)
    assert "the policy pack ended with exit code 5" in failed.value.details()
    assert list(call)[-1] == language_pb2.RunPluginResponse(exitcode=5)
