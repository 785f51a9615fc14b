"""Stand-ins for `pulumi` and `kubectl` on the PATH: they record how they are called, and answer from a table."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operations.commands import main

OUTPUTS = {
    "name": "flow",
    "namespace": "space",
    "kubectl": "kubectl --context here --namespace space",
}
PROGRAM = f"""#!{sys.executable} -IS
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
content = sys.stdin.buffer.read() if "--stdin" in arguments or "--filename" in arguments else b""
name = pathlib.Path(__file__).name
with (folder / "calls").open("a") as calls:
    text = content.decode(errors="replace")
    calls.write(json.dumps([name, arguments, text]) + "\\n")
answers = json.loads((folder / "answers.json").read_text())
line = " ".join([name, *arguments])
for index, (part, answer) in enumerate(answers):
    if part in line:
        if answer.get("once"):
            (folder / "answers.json").write_text(json.dumps(answers[:index] + answers[index + 1:]))
        if answer.get("here"):
            import subprocess
            command = [sys.executable, "-IS", *arguments[arguments.index("--") + 2:]]
            sys.exit(subprocess.run(command, input=content).returncode)
        sys.stdout.write(answer.get("out", ""))
        sys.stderr.write(answer.get("err", ""))
        sys.exit(answer.get("code", 0))
sys.exit(f"unexpected: {{line}}")
"""


@dataclass
class Programs:
    """The stand-ins, and what they were asked."""

    folder: Path
    answers: list[tuple[str, dict[str, Any]]]

    def answer(self, part: str, out: object = "", **more: Any) -> None:
        """Answer each call with this text in it; the first answer that fits is given. `once`: only to one call."""
        text = out if isinstance(out, str) else json.dumps(out)
        self.answers.append((part, {"out": text, **more}))

    def run(self, *arguments: str) -> int:
        """The exit code of a command."""
        (self.folder / "answers.json").write_text(json.dumps(self.answers))
        (self.folder / "calls").unlink(missing_ok=True)
        return main(["dags", *arguments, "--stack", "dev"])

    def calls(self, name: str = "kubectl") -> list[tuple[list[str], str]]:
        """Arguments and standard input of the calls of a program."""
        lines = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        return [(arguments, text) for program, arguments, text in lines if program == name]

    def commands(self) -> list[list[str]]:
        """What ran in pods."""
        return [given[given.index("--") + 1 :] for given, _ in self.calls() if "exec" in given]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """The stand-ins alone on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pulumi", "kubectl"):
        (folder / name).write_text(PROGRAM)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return Programs(folder, [])


def deployed(programs: Programs, **outputs: Any) -> None:
    """Let the stack have its outputs, and further ones."""
    programs.answer("pulumi stack output", {**OUTPUTS, **outputs})


def known(programs: Programs, *, paused: bool = False, dags: tuple[str, ...] = ("hello",)) -> None:
    """Let Airflow have DAGs."""
    for dag in dags:
        programs.answer(f"python - dag {dag}", {"exists": True, "paused": paused, "known": list(dags)})
    programs.answer("python - dag ", {"exists": False, "paused": False, "known": list(dags)})
