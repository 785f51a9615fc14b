"""DAGs of the tests: pods that must work, and pods that must be refused. `NAME` is replaced by the instance's name."""

import json
import os
from datetime import datetime

from airflow.providers.cncf.kubernetes.operators.job import KubernetesJobOperator
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import dag, task
from kubernetes import client, config
from kubernetes.client import models as k8s
from kubernetes.stream import stream

START = datetime(2026, 1, 1)
IMAGE = "alpine:3.24.1"
RESULT = ["sh", "-c", "id -u; echo '{\"answer\": 42}' > /airflow/xcom/return.json"]
ON_PODS = "KubernetesExecutor"


@dag(schedule=None, start_date=START)
def pods_that_work():
    @task
    def check(*answers):
        assert [each for each in answers if each != {"answer": 42}] == [], answers

    results = [
        KubernetesPodOperator(
            task_id=name, image=IMAGE, cmds=RESULT, do_xcom_push=True, startup_timeout_seconds=120, **arguments
        )
        for name, arguments in {
            "from_worker": {},
            "from_task_pod": {"executor": ON_PODS},
            "deferred": {"deferrable": True, "poll_interval": 1},
        }.items()
    ]
    job = KubernetesJobOperator(
        task_id="job",
        image=IMAGE,
        cmds=["sh", "-c", "echo from a job"],
        wait_until_job_complete=True,
        get_logs=True,
        parallelism=1,
        backoff_limit=0,
        # The operator looks this often, without a pause, for the pods that the controller of Jobs creates.
        discover_pods_retry_number=500,
    )

    @task(
        executor=ON_PODS,
        executor_config={
            "pod_override": k8s.V1Pod(
                spec=k8s.V1PodSpec(
                    containers=[
                        k8s.V1Container(
                            name="base",
                            resources=k8s.V1ResourceRequirements(requests={"memory": "600Mi"}),
                            env=[
                                k8s.V1EnvVar(
                                    name="MEMORY_LIMIT",
                                    value_from=k8s.V1EnvVarSource(
                                        resource_field_ref=k8s.V1ResourceFieldSelector(resource="limits.memory")
                                    ),
                                )
                            ],
                        )
                    ]
                )
            )
        },
    )
    def more_memory():
        print(f"limit {os.environ['MEMORY_LIMIT']}")

    [*results, job] >> check(*[each.output for each in results])
    more_memory()


pods_that_work()


def refused_pod(task_id, **arguments):
    KubernetesPodOperator(task_id=task_id, image=IMAGE, cmds=["true"], startup_timeout_seconds=60, **arguments)


def overridden(task_id, **spec):
    containers = spec.pop("containers", [k8s.V1Container(name="base")])
    override = k8s.V1Pod(spec=k8s.V1PodSpec(containers=containers, **spec))

    @task(task_id=task_id, executor=ON_PODS, executor_config={"pod_override": override})
    def never():
        print("this pod must not exist")

    never()


def by_api():
    """Use the token of the pod in which this task runs."""
    config.load_incluster_config()
    core = client.CoreV1Api()

    def pod(namespace):
        return lambda: core.create_namespaced_pod(
            namespace,
            k8s.V1Pod(
                metadata=k8s.V1ObjectMeta(name="direct"),
                spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="c", image=IMAGE)]),
            ),
        )

    attacks = {
        "pod in the namespace of the instance": pod("NAME"),
        "pod without a security context": pod("NAME-tasks"),
        "list secrets": lambda: core.list_namespaced_secret("NAME"),
        "list secrets of tasks": lambda: core.list_namespaced_secret("NAME-tasks"),
        "exec into the scheduler": lambda: stream(
            core.connect_get_namespaced_pod_exec, "SCHEDULER", "NAME", command=["id"], stdout=True
        ),
        "exec into a pod of the executor": lambda: stream(
            core.connect_get_namespaced_pod_exec, "NAME-task-any", "NAME-tasks", command=["id"], stdout=True
        ),
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


@dag(schedule=None, start_date=START)
def pods_that_are_refused():
    refused_pod("secret_volume", secrets=[Secret("volume", "/stolen", "NAME-secrets-metadata")])
    refused_pod("host_path", volumes=[k8s.V1Volume(name="host", host_path=k8s.V1HostPathVolumeSource(path="/"))])
    refused_pod("root", security_context={"runAsUser": 0})
    refused_pod("other_namespace", namespace="kube-system")
    overridden("override_account", service_account_name="NAME-scheduler")
    overridden(
        "override_secret",
        containers=[
            k8s.V1Container(
                name="base",
                env_from=[k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name="NAME-secrets-metadata"))],
            )
        ],
    )
    overridden(
        "override_host_path",
        volumes=[k8s.V1Volume(name="host", host_path=k8s.V1HostPathVolumeSource(path="/"))],
        containers=[k8s.V1Container(name="base", volume_mounts=[k8s.V1VolumeMount(name="host", mount_path="/host")])],
    )
    overridden(
        "override_privileged",
        containers=[k8s.V1Container(name="base", security_context=k8s.V1SecurityContext(privileged=True))],
    )

    for place, executor in (("worker", None), ("task_pod", ON_PODS)):
        task(task_id=f"by_api_from_{place}", executor=executor)(by_api)()


pods_that_are_refused()
