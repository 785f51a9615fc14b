"""The example DAGs of the demonstration: they run, and their logs can be read."""

from __future__ import annotations

from typing import Final

from lab.airflow_client import AirflowClient
from lab.errors import LabError
from lab.progress import say, step

EXAMPLES: Final = ("hello", "fan_out", "deferred", "executors")
"""Data between tasks, mapped tasks, the triggerer, and each executor."""


def run_examples(client: AirflowClient) -> dict[str, str]:
    """Run the example DAGs in parallel and read their logs. Returns the runs' ids by DAG.

    Raises:
        LabError: a DAG failed, or a log is empty.
    """
    with step(f"Parse the example DAGs {', '.join(EXAMPLES)}"):
        client.wait_for_dags(EXAMPLES)
    with step("Run them"):
        runs = {dag: client.trigger(dag) for dag in EXAMPLES}
        for dag, run_id in runs.items():
            if client.wait_for_run(dag, run_id) != "success":
                states = ", ".join(f"{task['task_id']}: {task['state']}" for task in client.tasks(dag, run_id))
                raise LabError(f"DAG {dag} failed ({states}).", remedy="Look at its logs in the UI.")
    for dag, run_id in runs.items():
        for task in client.tasks(dag, run_id)[-2:]:
            # Lines with "::" only mark groups that a viewer folds.
            lines = [line for line in client.log(dag, run_id, task).splitlines() if line and not line.startswith("::")]
            if not lines:
                raise LabError(f"The log of {dag}.{task['task_id']} is empty.")
            executor = task["executor"] or "default executor"
            say(f"  {dag}.{task['task_id']} ({executor}, {task['hostname']}): {lines[-1]}")
    return runs
