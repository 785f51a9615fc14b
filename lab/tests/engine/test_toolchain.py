"""Selection of tools, and separation of the environment of `pulumi` from the user's own."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from lab.engine import plugins, serving
from lab.engine import toolchain as chosen
from lab.engine.environment import environment, passphrase
from lab.engine.toolchain import toolchain
from lab.errors import LabError


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """No release can be downloaded, nothing is built, the lab's folders are empty; the list records the requests."""
    asked: list[str] = []

    def refused(url: str, timeout: float) -> None:
        asked.append(url)
        raise OSError("no route")

    monkeypatch.setattr("urllib.request.urlopen", refused)
    monkeypatch.setattr(chosen, "_built_folder", lambda: tmp_path / "built")
    monkeypatch.setenv("LAB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("LAB_TOOLS", raising=False)
    return asked


def official(folder: Path, version: str, *, host: bool = True) -> None:
    """A `pulumi` that only reports its version."""
    folder.mkdir()
    pulumi = folder / "pulumi"
    pulumi.write_text(f'#!/bin/sh\n[ "$1" = version ] && echo {version} && exit 0\necho cannot >&2\nexit 1\n')
    pulumi.chmod(0o755)
    if host:
        (folder / "pulumi-language-python").touch(mode=0o755)


def test_what_cannot_be_downloaded_is_built_and_the_refusal_is_asked_for_once(offline: list[str]) -> None:
    first, second = toolchain(), toolchain()
    assert (first.cli, first.plugins) == ("built", "built")
    assert "no route" in first.describe()[0]
    assert "asked once" in second.describe()[0]
    assert len(offline) == 1


def test_every_part_has_its_line(offline: list[str]) -> None:
    lines = toolchain().describe()
    assert [line.split(":")[0] for line in lines] == [
        "engine",
        "python language host",
        "kubernetes plugin",
        "random plugin",
    ]
    assert [("stand-in" in line) for line in lines] == [False, True, False, True]


def test_the_version_of_the_built_plugin_is_said_beside_the_sdks(offline: list[str]) -> None:
    [line] = [line for line in toolchain().describe() if line.startswith("kubernetes")]
    assert f"v{plugins.KUBERNETES_VERSION}, built from its Go module" in line
    assert f"v{plugins.sdk_version('kubernetes')}" in line


def test_built_tools_are_built_without_asking_anyone(offline: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TOOLS", "built")
    assert toolchain().cli == "built"
    assert offline == []


def test_official_tools_that_cannot_be_had_are_an_error(offline: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TOOLS", "official")
    with pytest.raises(LabError, match=r"no route.*LAB_TOOLS=auto"):
        toolchain()


def test_an_unknown_wish_is_named_with_the_known_ones(offline: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TOOLS", "offical")
    with pytest.raises(LabError, match=r"'offical'.*auto, official or built"):
        toolchain()


def test_an_installed_command_line_is_used_with_built_plugins_when_its_own_cannot_be_had(
    offline: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    official(tmp_path / "bin", "v3.250.1")
    found = toolchain()
    assert (found.folder, found.cli, found.plugins) == (tmp_path / "bin", "official", "built")
    assert "v3.250.1 on PATH" in found.describe()[0]
    assert "cannot" in found.describe()[1]
    assert offline == []
    assert "asked once" in toolchain().describe()[1]
    monkeypatch.setenv("LAB_TOOLS", "official")
    with pytest.raises(LabError, match=r"No official plugins.*cannot"):
        toolchain()


@pytest.mark.parametrize(
    ("version", "host", "why"), [("v3.243.9", True, "older than 3.244"), ("v3.250.1", False, "no Python language host")]
)
def test_an_installed_command_line_that_will_not_do_is_left_alone(
    offline: list[str], tmp_path: Path, version: str, host: bool, why: str
) -> None:
    official(tmp_path / "bin", version, host=host)
    found = toolchain()
    assert found.cli == "built"
    assert why in found.describe()[0]


def test_the_environment_keeps_the_users_own_settings_out(
    engine: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {
        "KUBECONFIG": "/theirs",
        "PULUMI_ACCESS_TOKEN": "theirs",
        "PULUMI_STACK": "theirs",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PULUMI_CONFIG_PASSPHRASE": "theirs",
        "PULUMI_CONFIG_PASSPHRASE_FILE": "/theirs",
        "PULUMI_BACKEND_URL": "s3://theirs",
        "PULUMI_HOME": "/theirs",
    }
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    variables = environment(state=tmp_path, tools=toolchain())
    assert {name for name in theirs if variables.get(name) == theirs[name]} == set()
    assert variables["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/stacks"
    assert Path(variables["TMPDIR"]).parent == tmp_path


@pytest.mark.parametrize("wanted", [True, False])
def test_the_engine_keeps_a_log_of_its_own_only_where_it_may(engine: Any, tmp_path: Path, wanted: bool) -> None:
    variables = environment(state=tmp_path, tools=engine.tools, engine_log=wanted)
    run = subprocess.run(["pulumi", "stack", "ls", "--all"], check=True, env=variables, capture_output=True, text=True)
    logs = Path(variables["PULUMI_HOME"]) / "logs"
    assert (run.stderr, any(logs.glob("*.log"))) == ("", wanted)


def test_the_passphrase_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = passphrase(tmp_path)
    assert passphrase(tmp_path) == first
    assert len(first) >= 24
    assert stat.S_IMODE((tmp_path / "passphrase").stat().st_mode) == 0o600


def test_installing_plugins_twice_writes_nothing(tmp_path: Path) -> None:
    plugins.install(tmp_path)
    installed = sorted(tmp_path.rglob("pulumi-resource-*"))
    assert [path.name for path in installed] == ["pulumi-resource-kubernetes", "pulumi-resource-random"]
    before = [path.stat().st_mtime_ns for path in installed]
    plugins.install(tmp_path)
    assert [path.stat().st_mtime_ns for path in installed] == before


def test_the_built_plugin_says_its_own_version(tmp_path: Path) -> None:
    """And its schema, which has no version in the module."""
    plugins.install(tmp_path)
    [path] = tmp_path.rglob("pulumi-resource-kubernetes")
    with subprocess.Popen([path], stdout=subprocess.PIPE) as plugin:
        try:
            assert plugin.stdout is not None
            with serving.channel(f"127.0.0.1:{int(plugin.stdout.readline())}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                info = stub.GetPluginInfo(Empty())
                schema = json.loads(stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
        finally:
            plugin.kill()
    assert (info.version, schema["version"]) == (plugins.KUBERNETES_VERSION, plugins.KUBERNETES_VERSION)


def test_fetched_plugins_are_put_into_a_home_whole(tmp_path: Path) -> None:
    source = tmp_path / "fetched"
    for name in plugins.NAMES:
        folder = source / "plugins" / f"resource-{name}-v{plugins.sdk_version(name)}"
        folder.mkdir(parents=True)
        (folder / f"pulumi-resource-{name}").write_text(name)
    plugins.copy_official(source, tmp_path / "home")
    found = {path.name: path.read_text() for path in (tmp_path / "home").rglob("pulumi-resource-*")}
    assert found == {f"pulumi-resource-{name}": name for name in plugins.NAMES}
