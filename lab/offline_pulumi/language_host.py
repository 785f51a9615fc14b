"""The stand-in for `pulumi-language-python`: runs programs, policy packs and packages in Python."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from lab.engine import serving
from lab.engine.serving import CallError
from lab.offline_pulumi.language_host_environment import (
    PYTHON_VARIABLE,
    TOOLCHAINS,
    PythonEnvironment,
    python_environment,
)
from lab.offline_pulumi.language_host_plugin import Output, policy_pack, streamed

SHOWN_ALREADY: Final = 32
"""Exit code of a program that has already reported its error to the engine."""
STOP_SECONDS: Final = 5.0


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The language runtime of Python programs.

    Deliberately not supported: converting programs to Python, generating SDKs, packing and linking packages.
    """

    def __init__(self, runner: Path) -> None:
        self.runner = runner
        """The official `pulumi-language-python-exec`, which initialises the SDK and runs the program."""
        self.engine_address = ""
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    # -- the plugin ---------------------------------------------------------------------------------------------------

    def Handshake(  # noqa: N802 - the protocol's name
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Store the engine's address."""
        self.engine_address = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        """The version of the SDK that this host belongs to."""
        return plugin_pb2.PluginInfo(version=version("pulumi"))

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        """End all running children."""
        self.stop()
        return Empty()

    def stop(self) -> None:
        """Terminate all running children, and kill those that remain."""
        with self._lock:
            children = list(self._running)
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()

    # -- about the program -------------------------------------------------------------------------------------------

    def About(  # noqa: N802
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        """The interpreter and its version, for `pulumi about`."""
        environment = _environment(request.info)
        python = environment.python()
        shown = subprocess.run([python, "--version"], check=False, capture_output=True, text=True, timeout=60).stdout
        return language_pb2.AboutResponse(
            executable=str(python),
            version=shown.strip().removeprefix("Python "),
            metadata={"toolchain": environment.toolchain, "language host": "stand-in"},
        )

    def GetRequiredPackages(  # noqa: N802
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """The plugins of the installed SDKs."""
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(name=name, kind="resource", version=number, server=server)
                for name, number, server in _environment(request.info).plugins()
            ]
        )

    def GetRequiredPlugins(  # noqa: N802
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        """The plugins of the installed SDKs, for older engines."""
        return language_pb2.GetRequiredPluginsResponse(
            plugins=[
                plugin_pb2.PluginDependency(name=name, kind="resource", version=number, server=server)
                for name, number, server in _environment(request.info).plugins()
            ]
        )

    def GetProgramDependencies(  # noqa: N802
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """All installed Python packages, direct and transitive."""
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=package["name"], version=package["version"])
                for package in _environment(request.info).packages()
            ]
        )

    def RuntimeOptionsPrompts(  # noqa: N802
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        """The questions of `pulumi new`: the toolchain, unless Pulumi.yaml sets one."""
        if "toolchain" in _options(request.info):
            return language_pb2.RuntimeOptionsResponse()
        prompt = language_pb2.RuntimeOptionPrompt
        choices = [
            prompt.RuntimeOptionValue(promptType=prompt.STRING, stringValue=name, displayName=name)
            for name in TOOLCHAINS
        ]
        return language_pb2.RuntimeOptionsResponse(
            prompts=[
                prompt(
                    key="toolchain",
                    description="The tool that installs the program's dependencies",
                    promptType=prompt.STRING,
                    choices=choices,
                    default=choices[0],
                )
            ]
        )

    def InstallDependencies(  # noqa: N802
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Create the virtual environment and install the program's requirements, for `pulumi install`."""
        environment = _environment(request.info)
        variables = environment.variables()
        if environment.toolchain == "uv" and environment.folder is not None:
            variables["UV_PROJECT_ENVIRONMENT"] = str(environment.folder)
        for title, command in environment.install_commands():
            yield language_pb2.InstallDependenciesResponse(stdout=f"{title}...\n".encode())
            child = self._start(
                command, context, cwd=request.directory or request.info.program_directory, env=variables
            )
            for output in self._streamed(child):
                yield language_pb2.InstallDependenciesResponse(stdout=output.stdout, stderr=output.stderr)
            if child.returncode != 0:
                raise CallError(f"{title}: {' '.join(command)} ended with exit code {child.returncode}.")

    # -- running ------------------------------------------------------------------------------------------------------

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:  # noqa: N802
        """Run the program once and wait for its end."""
        environment = _environment(request.info)
        flags = {
            "monitor": request.monitor_address,
            "engine": self.engine_address,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "stack": request.stack,
            "organization": request.organization,
        }
        python = os.environ.get(PYTHON_VARIABLE) or str(environment.python())
        command = [python, "-u", str(self.runner)]
        for name, value in flags.items():
            command += [f"--{name}", value]
        variables = environment.variables() | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        # The program inherits stdout and stderr, which the engine shows line by line.
        child = self._start(
            [*command, request.info.entry_point, *request.args], context, cwd=request.pwd, env=variables, piped=False
        )
        code = child.wait()
        self._forget(child)
        if code == SHOWN_ALREADY:
            return language_pb2.RunResponse(bail=True)
        if code < 0:
            return language_pb2.RunResponse(error=f"the program was ended by signal {-code}")
        return language_pb2.RunResponse(error=f"the program ended with exit code {code}" if code else "")

    def RunPlugin(  # noqa: N802
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack or a package in Python: stream its output, then its exit code."""
        environment = _environment(request.info)
        variables = environment.variables() | dict(entry.split("=", 1) for entry in request.env)
        python = [str(environment.python()), "-u"]
        folder = request.info.program_directory
        if request.kind == "analyzer":
            command = [*python, "-m", "pulumi.policy", *request.args, folder]

            def start(more: dict[str, str]) -> subprocess.Popen[bytes]:
                return self._start(command, context, cwd=folder, env=variables | more)

            outputs = policy_pack(start, context)
        else:
            child = self._start([*python, folder, *request.args], context, cwd=request.pwd, env=variables)
            outputs = self._streamed(child)
        for output in outputs:
            if output.exitcode is not None:
                yield language_pb2.RunPluginResponse(exitcode=output.exitcode)
            elif output.stderr:
                yield language_pb2.RunPluginResponse(stderr=output.stderr)
            else:
                yield language_pb2.RunPluginResponse(stdout=output.stdout)

    def _start(
        self,
        command: list[str],
        context: grpc.ServicerContext,
        *,
        cwd: str,
        env: dict[str, str],
        piped: bool = True,
    ) -> subprocess.Popen[bytes]:
        """Start a child process that ends with the call."""
        where: Any = subprocess.PIPE if piped else None
        try:
            child = subprocess.Popen(
                command, cwd=cwd or None, env=env, stdin=subprocess.DEVNULL, stdout=where, stderr=where
            )
        except OSError as error:
            raise CallError(f"{command[0]} could not be started: {error}") from error
        with self._lock:
            self._running.add(child)
        if not context.add_callback(lambda: child.poll() is None and child.kill()):
            child.kill()
        return child

    def _streamed(self, child: subprocess.Popen[bytes]) -> Iterator[Output]:
        try:
            yield from streamed(child)
        finally:
            self._forget(child)

    def _forget(self, child: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.discard(child)


def _options(info: language_pb2.ProgramInfo) -> dict[str, Any]:
    return MessageToDict(info.options)


def _environment(info: language_pb2.ProgramInfo) -> PythonEnvironment:
    return python_environment(info.root_directory, info.program_directory, _options(info))


if __name__ == "__main__":
    import sys

    host = LanguageHost(Path(sys.argv[1]))
    host.engine_address = sys.argv[-1] if len(sys.argv) > 2 else ""
    serving.serve(
        lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server), on_stop=host.stop
    )
