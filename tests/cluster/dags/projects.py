"""DAGs of project `sales` in the tests: pods that must work, and pods that reach for project `weather`."""

import base64
import json
from datetime import datetime
from pathlib import Path

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import dag, task
from kubernetes import client, config
from kubernetes.client import models as k8s
from kubernetes.stream import stream

from airflow_project import project

START = datetime(2026, 1, 1)
TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
PROGRAM = """
import json, os
from fsspec.core import url_to_fs

files, folder = url_to_fs(os.environ["AIRFLOW_PROJECT_DATA"])
files.pipe(f"{folder}/number.txt", b"7")
answer = {
    "config": os.environ["dummy_key"],
    "secret": os.environ["BIG_SECRET"],
    "data": files.cat(f"{folder}/number.txt").decode(),
    "project": os.environ["AIRFLOW_PROJECT"],
}
with open("/airflow/xcom/return.json", "w") as result:
    json.dump(answer, result)
"""


def account():
    """The ServiceAccount of the pod in which this task runs, from its token."""
    payload = TOKEN.read_text().split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]


@dag(schedule=None, start_date=START)
def sales_pods():
    work = KubernetesPodOperator(
        task_id="work", cmds=["python", "-c", PROGRAM], do_xcom_push=True, **project("sales").pod()
    )

    @task
    def check(answer):
        print("ANSWER", json.dumps(answer))
        print("ACCOUNT", account())

    check(work.output)

    override = k8s.V1Pod(spec=k8s.V1PodSpec(service_account_name="weather", containers=[k8s.V1Container(name="base")]))

    @task(executor_config={"pod_override": override})
    def overridden():
        print("ACCOUNT", account())

    overridden()


sales_pods()


def refused(task_id, arguments, **others):
    KubernetesPodOperator(task_id=task_id, cmds=["true"], startup_timeout_seconds=60, **arguments, **others)


@dag(schedule=None, start_date=START)
def sales_attacks():
    own = project("sales")
    refused("secret", own.pod(), secrets=[Secret("env", None, "weather")])
    refused(
        "config", own.pod(), env_from=[k8s.V1EnvFromSource(config_map_ref=k8s.V1ConfigMapEnvSource(name="weather"))]
    )
    claim = k8s.V1PersistentVolumeClaimVolumeSource(claim_name="weather")
    refused("claim", own.pod(), volumes=[k8s.V1Volume(name="stolen", persistent_volume_claim=claim)])
    refused("account", own.pod(), service_account_name="weather")
    refused("other_project", project("weather").pod())

    forged = k8s.V1Pod(spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base", args=["python", "--version"])]))

    @task(executor_config={"pod_override": forged})
    def forged_arguments():
        print("this pod must not exist")

    forged_arguments()

    @task
    def by_api():
        """Use the token of the pod in which this task runs."""
        config.load_incluster_config()
        core = client.CoreV1Api()
        attacks = {
            "exec": lambda: stream(
                core.connect_get_namespaced_pod_exec, "weather--any", "NAME-tasks", command=["env"], stdout=True
            ),
            "delete": lambda: core.delete_namespaced_pod("weather--any", "NAME-tasks"),
            "read secret": lambda: core.read_namespaced_secret("weather", "NAME-tasks"),
        }
        answers = {}
        for what, attack in attacks.items():
            try:
                attack()
                answers[what] = "not refused"
            except client.ApiException as error:
                answers[what] = f"{error.status} {error.reason} {error.body}"
            except AttributeError as error:
                # The client decodes the body of each error, and that of a refused WebSocket has none.
                answers[what] = f"{error.__context__.status} {error.__context__.reason}"
        print("ANSWERS", json.dumps(answers))

    by_api()


sales_attacks()


@dag(schedule=None, start_date=START)
def sales_mistake():
    @task
    def nothing():
        pass

    nothing()


sales_mistake()
