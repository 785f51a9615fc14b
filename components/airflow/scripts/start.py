"""Run a long-running command of Airflow, and compile each of its files once.

The official image has no compiled files, and its root file system is read-only here: each start would compile
Airflow again. Compiled files go to a folder of the pod instead, unless the image has its own. PYTHONPYCACHEPREFIX is
not used: programs that tasks start would inherit it, and fill the folder with files that are used once.

A worker also sends itself messages here, to show that it reads from its broker; see check_worker.py. And it notices
the end of its tasks at once.

Arguments: those of `airflow`.
"""

import importlib.util
import sys
import time
from pathlib import Path

BYTECODE = "/opt/airflow-bytecode"
ARRIVED = Path("/tmp/worker-message-arrived")
"""Touched whenever a message that the worker sent to itself arrives."""
MESSAGE = "airflow_message_arrived"
MESSAGE_SECONDS = 15
ENDED_TASK_SECONDS = 0.1


def brings_bytecode(package):
    """Whether the image has compiled files of a package."""
    spec = importlib.util.find_spec(package)
    return bool(spec and spec.origin and Path(importlib.util.cache_from_source(spec.origin)).exists())


def send_messages_to_itself():
    """Let the worker of this process send itself a message now and then."""
    from celery import signals

    ARRIVED.unlink(missing_ok=True)
    last = 0.0

    @signals.worker_init.connect(weak=False)
    def receive(**_):
        # Not at the top: with some pools the import must come after Celery has patched the standard library.
        from celery.worker.control import control_command

        @control_command(name=MESSAGE)
        def arrived(state):
            ARRIVED.touch()

    @signals.heartbeat_sent.connect(weak=False)
    def send(sender, **_):
        nonlocal last
        now = time.monotonic()
        # The first messages may be sent before the worker listens.
        if now - last >= MESSAGE_SECONDS or not ARRIVED.exists():
            last = now
            eventer = sender.eventer
            eventer.app.control.broadcast(MESSAGE, destination=[eventer.hostname])


def notice_ended_tasks():
    """Let the worker of this process notice the end of a task's process within ENDED_TASK_SECONDS.

    Airflow (supervisor.py of its task SDK, 3.0 to 3.3.2) asks once whether the process has ended, when the last of its
    sockets closes, and otherwise sleeps until the next heartbeat: 5 s by default. A process ends a moment after its
    sockets close, so on a busy node most tasks would keep their slot for these 5 s. A shorter
    `workers.min_heartbeat_interval` would have all running tasks send more heartbeats.
    """
    from celery import signals

    @signals.task_prerun.connect(weak=False)
    def shorten(**_):
        # Not before the first task: each process of the worker would import the supervisor, without need.
        from airflow.sdk.execution_time import supervisor

        signals.task_prerun.disconnect(shorten)
        watched = getattr(supervisor, "WatchedSubprocess", None)
        service = getattr(watched, "_service_subprocess", None)
        # Airflow's own functions: another release may have none of them, and then stays as it is.
        if service is None:
            return

        def service_subprocess(self, max_wait_time, *args, **kwargs):
            if not getattr(self, "_open_sockets", True):
                max_wait_time = min(max_wait_time, ENDED_TASK_SECONDS)
            return service(self, max_wait_time, *args, **kwargs)

        watched._service_subprocess = service_subprocess


# Outside main: a spawned process imports this file again, and then uses the same folder.
if not brings_bytecode("airflow"):
    sys.pycache_prefix = BYTECODE
    # Images disable writing of compiled files; this folder is not part of the image.
    sys.dont_write_bytecode = False


def main():
    """Run `airflow` in this process."""
    # The folder of this file: DAGs must not import its files.
    del sys.path[0]
    sys.argv[0] = "airflow"
    if sys.argv[1:3] == ["celery", "worker"]:
        send_messages_to_itself()
        notice_ended_tasks()
    from airflow.__main__ import main as airflow

    airflow()


if __name__ == "__main__":
    main()
