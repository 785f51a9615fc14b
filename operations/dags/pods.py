"""Commands in the pods of a deployed stack, by kubectl."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any, Final, cast

from operations import programs, stacks
from operations.errors import OperationError, error_line

SCRIPTS: Final = stacks.FOLDER / "components/airflow/scripts"
TIMEOUT_SECONDS: Final = 600
"""Maximum time of a command that prints its answer at once."""
DAG_PROCESSOR: Final = "dag-processor"
"""The workload that has both the DAG files and the database."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A deployed instance of Airflow, as its stack's outputs describe it."""

    name: str
    namespace: str
    kubectl: Sequence[str]
    """The command with its context and namespace."""
    outputs: dict[str, Any]

    @property
    def namespaces(self) -> tuple[str, str]:
        """The namespace of the instance, and that of its tasks' pods, which may not exist."""
        return self.namespace, f"{self.namespace}-tasks"

    def run(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """The result of a kubectl command, whatever its exit code.

        Raises:
            OperationError: there is no kubectl, or it does not end.
        """
        command = [*self.kubectl, *arguments]
        with _errors(command):
            return subprocess.run(
                command, input=text, check=False, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
            )

    def answer(self, *arguments: str, text: str | None = None) -> str:
        """The output of a kubectl command.

        Raises:
            OperationError: it failed.
        """
        done = self.run(*arguments, text=text)
        if done.returncode != 0:
            line = error_line(done.stderr, f"it ended with {done.returncode}")
            raise OperationError(f"`kubectl {arguments[0]}` failed: {line.removeprefix('error: ')}")
        return done.stdout

    def follow(self, *arguments: str) -> int:
        """Run a kubectl command whose output goes to this program's, and return its exit code.

        Raises:
            OperationError: there is no kubectl.
        """
        command = [*self.kubectl, *arguments]
        with _errors(command):
            return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode

    def send(self, *arguments: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
        """The result of a kubectl command with `content` as its standard input, whatever its exit code.

        Raises:
            OperationError: there is no kubectl, or it does not end.
        """
        command = [*self.kubectl, *arguments]
        with _errors(command):
            return subprocess.run(command, input=content, check=False, capture_output=True, timeout=TIMEOUT_SECONDS)

    def in_dag_processor(self, *command: str) -> list[str]:
        """The arguments of kubectl that run a command in the dag-processor."""
        target = f"deployment/{self.name}-{DAG_PROCESSOR}"
        return ["exec", "--stdin", target, "--container", DAG_PROCESSOR, "--", *command]

    def airflow(self, *arguments: str) -> str:
        """The output of a command of Airflow in the dag-processor.

        Raises:
            OperationError: it failed; the message is that of Airflow.
        """
        done = self.run(*self.in_dag_processor("airflow", *arguments))
        if done.returncode != 0:
            lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            said = [line for line in lines if not line.startswith("command terminated")]
            reason = said[-1] if said else f"it ended with {done.returncode}"
            raise OperationError(f"`airflow {' '.join(arguments[:2])}` failed: {reason}")
        return done.stdout

    def ask(self, *question: str) -> dict[str, Any]:
        """The answer of `dag_runs.py` in the dag-processor.

        Raises:
            OperationError: it failed.
        """
        said = self.answer(*self.in_dag_processor("python", "-", *question), text=script("dag_runs.py"))
        return cast("dict[str, Any]", json.loads(said))

    def lines(self, *arguments: str, text: str) -> Iterator[str]:
        """The lines that a kubectl command prints, as they come; it ends when the caller stops.

        Raises:
            OperationError: there is no kubectl.
        """
        command = [*self.kubectl, *arguments]
        with _errors(command):
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdin is not None, "requested above"
        assert child.stdout is not None, "requested above"
        try:
            with suppress(BrokenPipeError):
                child.stdin.write(text)
                child.stdin.close()
            yield from child.stdout
        finally:
            child.terminate()
            child.wait()
            child.stdout.close()


def instance(stack: str) -> Instance:
    """The instance that a stack has deployed.

    Raises:
        OperationError: the stack does not exist, or was not deployed.
    """
    outputs = stacks.outputs(stack)
    missing = [key for key in ("name", "namespace", "kubectl") if key not in outputs]
    if missing:
        raise OperationError(f"Stack {stack} has no output {missing[0]!r}; deploy it with `pulumi up -s {stack}`.")
    return Instance(
        name=str(outputs["name"]),
        namespace=str(outputs["namespace"]),
        kubectl=shlex.split(str(outputs["kubectl"])),
        outputs=outputs,
    )


def script(name: str) -> str:
    """The text of a script that runs inside a pod."""
    return (SCRIPTS / name).read_text()


def _errors(command: Sequence[str]) -> AbstractContextManager[None]:
    return programs.start_errors(
        missing=f"There is no `{command[0]}` on the PATH; install it: https://kubernetes.io/docs/tasks/tools/.",
        late=f"`kubectl` did not end within {TIMEOUT_SECONDS} s; check that this machine reaches the cluster, "
        "for example by `pulumi stack output logs_command`.",
    )
