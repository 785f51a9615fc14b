"""A client of Airflow's REST API: log in, trigger DAGs, wait, read logs."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lab.errors import LabError

REQUEST_SECONDS: Final = 120
"""On a busy machine with two processors an answer that usually takes milliseconds can take long."""
ENDED: Final = frozenset({"success", "failed"})
POLL_SECONDS: Final = 0.5
SOURCES: Final = "::group::Log message source details"
"""First line of the log's section that lists its sources."""


@dataclass(frozen=True, kw_only=True)
class AirflowClient:
    """A logged-in user."""

    url: str
    token: str

    def request(self, method: str, path: str, body: object = None) -> Any:
        """The parsed answer of one request below /api/v2.

        Raises:
            urllib.error.HTTPError: the API refused the request.
        """
        return _request(method, f"{self.url}/api/v2/{path}", body, self.token)

    def wait_for_dags(self, dags: Sequence[str], *, timeout_seconds: float = 180) -> None:
        """Wait until the dag-processor has parsed all of these DAGs.

        Raises:
            LabError: a DAG did not appear in time, or could not be imported.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            errors = self.request("GET", "importErrors")["import_errors"]
            if errors:
                raise LabError(f"{errors[0]['filename']} cannot be imported: {errors[0]['stack_trace'][-400:]}")
            parsed = {dag["dag_id"] for dag in self.request("GET", "dags?limit=200&exclude_stale=true")["dags"]}
            if parsed.issuperset(dags):
                return
            if time.monotonic() > deadline:
                missing = ", ".join(sorted(set(dags) - parsed))
                raise LabError(f"These DAGs were not parsed within {timeout_seconds:.0f} s: {missing}.")
            time.sleep(POLL_SECONDS)

    def trigger(self, dag: str, conf: dict[str, Any] | None = None) -> str:
        """Unpause a DAG and start a run. Returns the run's id."""
        self.request("PATCH", f"dags/{dag}?update_mask=is_paused", {"is_paused": False})
        run = self.request("POST", f"dags/{dag}/dagRuns", {"logical_date": None, "conf": conf or {}})
        return str(run["dag_run_id"])

    def wait_for_run(self, dag: str, run: str, *, timeout_seconds: float = 300) -> str:
        """Wait for the end of a run and return its final state.

        Raises:
            LabError: it did not end in time; the message lists the states of its tasks.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            state = self.request("GET", f"dags/{dag}/dagRuns/{run}")["state"]
            if state in ENDED:
                return str(state)
            if time.monotonic() > deadline:
                waiting = ", ".join(f"{task['task_id']}: {task['state']}" for task in self.tasks(dag, run))
                raise LabError(f"{dag} did not end within {timeout_seconds:.0f} s ({waiting}).")
            time.sleep(POLL_SECONDS)

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """The task instances of a run."""
        answer = self.request("GET", f"dags/{dag}/dagRuns/{run}/taskInstances?limit=1000")
        return list(answer["task_instances"])

    def log_sources(self, dag: str, run: str, task: dict[str, Any]) -> list[str]:
        """Sources of the log of a task's last try: paths, or URLs of objects in a store."""
        events = [str(entry.get("event")) for entry in self._log(dag, run, task) if isinstance(entry, dict)]
        if SOURCES not in events:
            return []
        begin = events.index(SOURCES) + 1
        return events[begin : events.index("::endgroup::", begin)]

    def log(self, dag: str, run: str, task: dict[str, Any]) -> str:
        """The log of a task's last try, as text."""
        content = self._log(dag, run, task)
        if isinstance(content, str):
            return content
        return "\n".join(_text(entry) if isinstance(entry, dict) else str(entry) for entry in content)

    def _log(self, dag: str, run: str, task: dict[str, Any]) -> Any:
        path = f"dags/{dag}/dagRuns/{run}/taskInstances/{task['task_id']}/logs/{max(task['try_number'], 1)}"
        return self.request("GET", f"{path}?full_content=true&map_index={task['map_index']}")["content"]


def _text(entry: dict[str, Any]) -> str:
    """One entry of a log: its event, and the exceptions that it reports."""
    errors = [f"{error['exc_type']}: {error['exc_value']}" for error in entry.get("error_detail") or []]
    return "\n".join([str(entry.get("event", entry)), *errors])


def logged_in(url: str, user: str, password: str, *, timeout_seconds: float = 120) -> AirflowClient:
    """Log in; wait while the API does not answer yet.

    Raises:
        urllib.error.HTTPError: the credentials are refused.
        LabError: the API did not answer in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            answer = _request("POST", f"{url}/auth/token", {"username": user, "password": password}, None)
            return AirflowClient(url=url, token=answer["access_token"])
        except urllib.error.HTTPError:
            raise
        except OSError as error:
            if time.monotonic() > deadline:
                raise LabError(f"{url} did not answer within {timeout_seconds:.0f} s: {error}") from None
            time.sleep(POLL_SECONDS)


def _request(method: str, url: str, body: object, token: str | None) -> Any:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310 - the lab's own URL
    with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:  # noqa: S310
        return json.loads(answer.read() or "null")
