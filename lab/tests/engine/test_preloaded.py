"""A Python with preloaded modules runs programs like a new one."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.offline_pulumi.preloaded import preloaded

END_SECONDS = 20


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with preloaded(tmp_path_factory.mktemp("preloaded"), Path(sys.executable), ["json.tool", "decimal"]) as path:
        yield path


def started(python: Path, folder: Path, text: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    script = folder / "program.py"
    script.write_text(textwrap.dedent(text))
    command = [python, "-u", script, *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_program_has_its_own_arguments_folder_environment_and_output(loaded: Path, tmp_path: Path) -> None:
    text = """
        import os, sys
        print(sys.argv[1:], os.getcwd(), os.environ["ONE"], "HOME" in os.environ, sys.path[0], __name__)
        print("to the other stream", file=sys.stderr)
    """
    said, complained = started(loaded, tmp_path, text, "a", "-u", ONE="1").communicate(timeout=END_SECONDS)
    where = str(tmp_path)
    assert said.strip() == f"['a', '-u'] {where} 1 False {where} __main__"
    assert complained.strip() == "to the other stream"


def test_it_has_the_modules_and_nothing_of_the_lab(loaded: Path, tmp_path: Path) -> None:
    text = """
        import sys
        print("decimal" in sys.modules, [name for name in sys.modules if name.split(".")[0] == "lab"])
        print([path for path in sys.path if path.endswith("lab/offline_pulumi")])
    """
    assert started(loaded, tmp_path, text).communicate(timeout=END_SECONDS)[0].split("\n")[:2] == ["True []", "[]"]


def test_it_has_modules_of_a_folder_that_programs_do_not_search(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "first.py").write_text("import second")
    (theirs / "second.py").write_text("")
    text = f"""
        import sys
        print([name in sys.modules for name in ("first", "second")], {str(theirs)!r} in sys.path)
    """
    with preloaded(tmp_path, Path(sys.executable), [str(theirs), "first"]) as python:
        said = started(python, tmp_path, text).communicate(timeout=END_SECONDS)[0]
    assert said == "[True, True] False\n"


def test_modules_that_cannot_be_loaded_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with preloaded(tmp_path, Path(sys.executable), ["nowhere_to_be_found"]) as python:
        child = started(python, tmp_path, "")
        complained = child.communicate(timeout=END_SECONDS)[1]
    assert child.returncode == 1
    # For late clients, and for clients that waited.
    assert "connection refused" in complained or "The server with the modules is gone" in complained
    assert "No module named 'nowhere_to_be_found'" in capfd.readouterr().err


def test_what_one_program_changes_no_other_sees(loaded: Path, tmp_path: Path) -> None:
    text = """
        import json
        print(hasattr(json, "changed"))
        json.changed = True
    """
    assert [started(loaded, tmp_path, text).communicate(timeout=END_SECONDS)[0] for _ in range(2)] == ["False\n"] * 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 0),
        ("raise SystemExit(32)", 32),
        ("raise SystemExit('why')", 1),
        ("raise ValueError('why')", 1),
        ("import os; os.kill(os.getpid(), 9)", -9),
    ],
)
def test_it_ends_as_the_program_ends(loaded: Path, tmp_path: Path, text: str, code: int) -> None:
    child = started(loaded, tmp_path, text)
    child.communicate(timeout=END_SECONDS)
    assert child.returncode == code


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 5), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_reaches_the_program(loaded: Path, tmp_path: Path, sent: signal.Signals, code: int) -> None:
    text = """
        import time
        try:
            print("ready")
            time.sleep(60)
        except KeyboardInterrupt:
            raise SystemExit(5)
    """
    child = started(loaded, tmp_path, text)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(sent)
    child.communicate(timeout=END_SECONDS)
    assert child.returncode == code


def test_a_program_whose_caller_is_killed_ends(loaded: Path, tmp_path: Path) -> None:
    child = started(loaded, tmp_path, "import os, time; print(os.getpid()); time.sleep(60)")
    assert child.stdout is not None
    program = psutil.Process(int(child.stdout.readline()))
    child.kill()
    child.communicate(timeout=END_SECONDS)
    psutil.wait_procs([program], timeout=END_SECONDS)
    assert not program.is_running()


def test_nothing_is_left_when_it_ends(tmp_path: Path) -> None:
    with preloaded(tmp_path, Path(sys.executable), []) as path:
        child = started(path, tmp_path, "import os, time; print(os.getpid()); time.sleep(60)")
        assert child.stdout is not None
        program = psutil.Process(int(child.stdout.readline()))
    child.communicate(timeout=END_SECONDS)
    psutil.wait_procs([program], timeout=END_SECONDS)
    assert not program.is_running()
