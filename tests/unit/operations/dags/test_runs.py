"""The commands `trigger`, `backfill` and `test`, with stand-ins for `pulumi` and `kubectl`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.dags import watch
from tests.unit.operations.dags.programs import OUTPUTS, Programs, deployed, known, programs

__all__ = ["programs"]
IN_POD = [
    *("--context", "here", "--namespace", "space"),
    *("exec", "--stdin", "deployment/flow-dag-processor", "--container", "dag-processor", "--"),
]


def task(name: str, state: str | None, *, host: str = "10.0.0.7", index: int = -1, number: int = 1) -> dict[str, Any]:
    return {"task_id": name, "map_index": index, "try_number": number, "state": state, "hostname": host}


def lines(*states: tuple[str | None, list[dict[str, Any]]]) -> str:
    return "".join(json.dumps({"state": state, "tasks": tasks}) + "\n" for state, tasks in states)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "RETRY_SECONDS", 0)


def ready(programs: Programs, *, paused: bool = False) -> None:
    deployed(programs)
    known(programs, paused=paused)
    programs.answer("airflow dags")
    programs.answer("get pods --namespace space-tasks", {"items": [{"metadata": {"name": "hello-pod"}}]})
    worker = {"metadata": {"name": "flow-worker-0"}, "status": {"podIP": "10.0.0.7"}}
    programs.answer("get pods --namespace space ", {"items": [worker]})


def test_a_trigger_runs_in_the_dag_processor_of_the_stack(
    programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(programs)
    assert programs.run("trigger", "hello", "--conf", '{"a": 1}') == 0
    given, _ = programs.calls()[-1]
    assert given[: len(IN_POD)] == IN_POD
    command = given[len(IN_POD) :]
    assert command[:5] == ["airflow", "dags", "trigger", "hello", "--run-id"]
    assert command[6:] == ["--conf", '{"a": 1}']
    assert f"run {command[5]} is created" in capsys.readouterr().out


def test_a_watched_run_shows_each_state_once_and_where_its_logs_are(
    programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(programs)
    mapped = task("square", "success", host="hello-pod", index=3)
    said = lines(
        ("running", [task("greet", None, host="")]),
        ("running", [task("greet", "running"), mapped]),
        ("running", [task("greet", "up_for_retry"), mapped]),
        ("success", [task("greet", "success", number=2), mapped, task("late", "skipped", host="")]),
    )
    programs.answer("python - watch hello", said)
    assert programs.run("trigger", "hello", "--watch") == 0
    out = [line.partition(" ")[2] for line in capsys.readouterr().out.splitlines()]
    states = [line for line in out if line.startswith(("greet", "square", "late")) and "pod" not in line]
    assert states == [
        "greet: running",
        "square[3]: success",
        "greet: up_for_retry",
        "greet: success, try 2",
        "late: skipped",
    ]
    hints = [line.strip() for line in out if "log" in line or "has not run" in line]
    [(_, run)] = [(c, c[5]) for c in programs.commands() if c[:3] == ["airflow", "dags", "trigger"]]
    page = f"/dags/hello/runs/{run}/tasks"
    kubectl = "kubectl --context here --namespace space logs"
    assert hints == [
        f"greet: pod flow-worker-0; log in the UI: {page}/greet; the pod's own: {kubectl} flow-worker-0",
        f"square[3]: pod hello-pod; log in the UI: {page}/square/mapped/3; the pod's own: {kubectl} "
        "--namespace space-tasks hello-pod",
        "late: has not run",
    ]


def test_a_failed_run_is_exit_code_1(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    ready(programs)
    programs.answer("python - watch hello", lines(("failed", [task("greet", "failed", host="gone")])))
    assert programs.run("trigger", "hello", "--watch") == 1
    out = capsys.readouterr().out
    assert "the run ended with failed" in out
    assert "greet: pod gone is gone; log in the UI: /dags/hello/runs/" in out


def test_a_lost_connection_is_made_again(programs: Programs) -> None:
    ready(programs)
    programs.answer("python - watch hello", lines(("running", [])), code=1, once=True)
    programs.answer("python - watch hello", lines(("success", [])))
    assert programs.run("trigger", "hello", "--watch") == 0
    assert len([command for command in programs.commands() if "watch" in command]) == 2


def test_a_dag_processor_that_never_answers_is_one_message(
    programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(programs)
    programs.answer("python - watch hello", code=1)
    assert programs.run("trigger", "hello", "--watch") == 2
    assert "The dag-processor of flow does not answer" in capsys.readouterr().err


def test_the_script_of_the_pod_is_what_is_sent(programs: Programs) -> None:
    ready(programs)
    programs.answer("python - watch hello", lines(("success", [])))
    programs.run("trigger", "hello", "--watch")
    [sent] = {text for given, text in programs.calls() if "python" in given}
    assert "FROM dag_run" in sent
    compile(sent, "dag_runs.py", "exec")


def test_a_paused_dag_is_refused_or_unpaused(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    ready(programs, paused=True)
    assert programs.run("trigger", "hello") == 2
    assert "DAG 'hello' is paused, and its runs would wait; unpause it in the UI, or add --unpause" in (
        capsys.readouterr().err
    )
    assert [command[:3] for command in programs.commands()] == [["python", "-", "dag"]]
    assert programs.run("trigger", "hello", "--unpause") == 0
    assert [command[:3] for command in programs.commands()][1:] == [
        ["airflow", "dags", "unpause"],
        ["airflow", "dags", "trigger"],
    ]


def test_an_unknown_dag_is_refused_with_the_known_ones(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    deployed(programs)
    known(programs, dags=tuple(f"dag{number}" for number in range(12)))
    assert programs.run("trigger", "helo") == 2
    said = capsys.readouterr().err
    assert said.startswith("error: Airflow has no DAG 'helo'; it has: dag0, ")
    assert said.endswith("dag9 and 2 more.\n")


def test_a_backfill_gets_both_dates_and_reports_its_runs(
    programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(programs)
    programs.answer("airflow backfill create")
    programs.answer("python - backfill hello", {"id": 7, "runs": 2, "left_out": 1})
    code = programs.run(
        "backfill", "hello", "--from", "2026-01-01", "--to", "2026-01-03", "--reprocess", "failed", "--active", "2"
    )
    assert code == 0
    assert [command for command in programs.commands() if "create" in command] == [
        [
            *("airflow", "backfill", "create", "--dag-id", "hello"),
            *("--from-date", "2026-01-01T00:00:00", "--to-date", "2026-01-03T00:00:00"),
            *("--reprocess-behavior", "failed", "--max-active-runs", "2"),
        ]
    ]
    assert "backfill 7 has 2 runs, 1 dates left out (they have a run)" in capsys.readouterr().out


def test_a_dry_run_creates_and_unpauses_nothing(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    ready(programs, paused=True)
    programs.answer("airflow backfill create", "Runs to be attempted:\n")
    assert programs.run("backfill", "hello", "--from", "2026-01-01", "--to", "2026-01-03", "--dry-run") == 0
    [_, command] = programs.commands()
    assert command[-1] == "--dry-run"
    assert capsys.readouterr().out == "Runs to be attempted:\n"


def test_the_error_of_airflow_is_the_message(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    ready(programs)
    error = "Traceback\nairflow.models.backfill.AlreadyRunningBackfill: Another backfill is running for Dag hello\n"
    programs.answer("airflow backfill create", err=f"{error}command terminated with exit code 1\n", code=1)
    assert programs.run("backfill", "hello", "--from", "2026-01-01", "--to", "2026-01-03") == 2
    said = capsys.readouterr().err
    assert said.startswith("error: `airflow backfill create` failed: airflow.models.backfill.AlreadyRunningBackfill: ")
    assert "Traceback" not in said


@pytest.mark.parametrize(("begin", "end"), [("2026-01-03", "2026-01-01"), ("2026-01-01", "2026-01-03T00:00:00+00:00")])
def test_dates_in_the_wrong_order_are_refused(
    programs: Programs, capsys: pytest.CaptureFixture[str], begin: str, end: str
) -> None:
    ready(programs)
    assert programs.run("backfill", "hello", "--from", begin, "--to", end) == 2
    assert "is before --from" in capsys.readouterr().err
    assert programs.commands() == [] if (programs.folder / "calls").exists() else True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["backfill", "hello", "--from", "yesterday", "--to", "2026-01-01"],
            "'yesterday' is not a date; write 2026-01-31",
        ),
        (["trigger", "hello", "--conf", "[1]"], "'[1]' is not a JSON object; write for example"),
        (["trigger", "hello", "--minutes", "0"], "'0' is not a number from 1"),
        (["trigger", "hello", "--minutes", "99999"], "is above 10080, a week"),
    ],
)
def test_a_wrong_argument_is_one_message(
    programs: Programs, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        programs.run(*arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1)])
def test_a_test_prints_what_airflow_says_and_fails_with_it(
    programs: Programs, capfd: pytest.CaptureFixture[str], code: int, expected: int
) -> None:
    deployed(programs)
    known(programs, paused=True)
    programs.answer("airflow dags test hello 2026-01-01T00:00:00", "the log\n", code=code)
    assert programs.run("test", "hello", "--date", "2026-01-01") == expected
    assert capfd.readouterr().out == "the log\n"


def test_the_scheduler_does_not_run_the_tasks_of_a_test_as_well(
    programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed(programs)
    known(programs)
    programs.answer("airflow dags test hello", code=1)
    programs.answer("airflow dags")
    assert programs.run("test", "hello") == 2
    assert "DAG 'hello' is active, and the scheduler would run the tasks of the test a second time; " in (
        capsys.readouterr().err
    )
    assert [command[:3] for command in programs.commands()] == [["python", "-", "dag"]]
    assert programs.run("test", "hello", "--pause") == 1
    assert [command[2] for command in programs.commands()[1:]] == ["pause", "test", "unpause"]


def test_a_dag_that_airflow_does_not_know_yet_can_be_tested(programs: Programs) -> None:
    deployed(programs)
    known(programs)
    programs.answer("airflow dags test other")
    assert programs.run("test", "other") == 0


def test_a_test_that_needs_too_much_memory_is_told(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    deployed(programs)
    known(programs, paused=True)
    programs.answer("airflow dags test hello", code=137)
    assert programs.run("test", "hello") == 2
    assert "raise airflow:components.dag_processor.memory_mib" in capsys.readouterr().err


def test_a_stack_that_was_not_deployed_is_one_message(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    programs.answer("pulumi stack output", {key: OUTPUTS[key] for key in ("name", "namespace")})
    assert programs.run("trigger", "hello") == 2
    assert "Stack dev has no output 'kubectl'; deploy it with `pulumi up -s dev`." in capsys.readouterr().err


def test_a_stack_that_does_not_exist_is_one_message(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    programs.answer("pulumi stack output", err="error: no stack named 'dev' found", code=1)
    assert programs.run("trigger", "hello") == 2
    assert capsys.readouterr().err == "error: There is no stack dev; create it with `pulumi stack init dev`.\n"


@pytest.mark.parametrize("name", ["pulumi", "kubectl"])
def test_a_missing_program_is_one_message(programs: Programs, capsys: pytest.CaptureFixture[str], name: str) -> None:
    ready(programs)
    (programs.folder / name).unlink()
    assert programs.run("trigger", "hello") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"no `{name}` on the PATH" in said
