"""Rules over every pod of every stack: what it may do, what it writes and what rolls it."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from tests.unit.recording.stacks import recorded, recordings
from tests.unit.recording.workloads import Pod, every_container, every_pod, options_of, pod_of, pods

PINNED: Final = re.compile(r"[a-z0-9][a-z0-9./_-]*(:[0-9]+/[a-z0-9./_-]+)?(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})")
VOLUME_KINDS: Final = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    # k8s.io/pod-security-admission v0.36.3, policy/check_restrictedVolumes.go.
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""Volume types that Pod Security `restricted` allows."""
FOLDER_OF_THE_NODE: Final = "both, DAGs from a folder of the node"
"""The only stack with a hostPath; its namespace allows it, see test_objects."""
USERS: Final = {"redis": (999, 999), "postgres": (999, 999)}
"""User and group of images that are not Airflow's."""
AIRFLOW_USER: Final = (50_000, 0)
SIDECARS: Final = {
    "database-proxy": "Google's program beside Airflow's: of another image, it writes nothing and waits for nothing",
    "git-sync-synced": "git-sync beside Airflow: of another image, and waits for nothing",
}
"""Native sidecars by name, with the reason why rules about Airflow's containers do not apply."""
COPIES: Final = {"dags-dags-copy": "copies the files of an image without Airflow; it runs a command of that image"}
"""Init containers with an image of their own, each with what it does."""
WITHOUT_CHECKSUM: Final = {"postgres": "it reads its one Secret when its volume is empty, and never again"}


def test_every_pod_names_an_account_of_its_own() -> None:
    offenders = []
    for stack, recording in recordings():
        accounts: dict[tuple[str, str], str] = {}
        for pod in pods(recording):
            account = (pod.namespace, pod.spec.get("serviceAccountName", "default"))
            if account[1] == "default":
                offenders.append(f"{stack}: {pod} runs as default")
            if accounts.setdefault(account, pod.part) != pod.part:
                offenders.append(f"{stack}: {pod} shares {account[1]} with {accounts[account]}")
    assert offenders == []


def test_no_pod_touches_its_node() -> None:
    """R1, R2: no host namespaces, ports or paths, and only volumes that `restricted` allows."""
    offenders = []
    for stack, _, pod in every_pod():
        offenders += [
            f"{stack}: {pod}: {field}"
            for field in ("hostNetwork", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace")
            if pod.spec.get(field)
        ]
        for volume in pod.spec.get("volumes", []):
            kinds = volume.keys() - {"name"}
            if kinds == {"hostPath"} and stack == FOLDER_OF_THE_NODE and volume["name"] == "dags-dags":
                continue
            if not kinds <= VOLUME_KINDS:
                offenders.append(f"{stack}: {pod}: volume {volume['name']} is {kinds}")
        offenders += [
            f"{stack}: {pod}: {port}"
            for container in pod.containers
            for port in container.get("ports", [])
            if "hostPort" in port or "hostIP" in port
        ]
        security = pod.spec["securityContext"]
        offenders += [
            f"{stack}: {pod}: {field}"
            for field in ("sysctls", "seLinuxOptions", "appArmorProfile", "windowsOptions")
            if field in security
        ]
    assert offenders == []


USERS_OF_CONTAINERS: Final = {
    # ssh refuses to run for a user without an entry in the image's /etc/passwd.
    "registry.k8s.io/git-sync/git-sync:v4.5.1": {"runAsUser": 65533},
}
"""Containers whose user differs from their pod's, by image, with the reason."""


def test_every_container_gives_up_what_restricted_pod_security_takes_away() -> None:
    """R3 to R5, at container level."""
    wanted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    offenders = [
        f"{where}: {container.get('securityContext')}"
        for where, _, container in every_container()
        if container.get("securityContext") != {**wanted, **USERS_OF_CONTAINERS.get(container["image"], {})}
    ]
    assert offenders == []


def test_every_pod_runs_as_the_user_of_its_image_and_never_as_root() -> None:
    """R4, R5, at pod level."""
    offenders = []
    for stack, _, pod in every_pod():
        security = pod.spec["securityContext"]
        user, group = USERS.get(pod.part, AIRFLOW_USER)
        if (
            security.get("runAsNonRoot") is not True
            or security.get("seccompProfile") != {"type": "RuntimeDefault"}
            or (security.get("runAsUser"), security.get("runAsGroup"), security.get("fsGroup")) != (user, group, group)
        ):
            offenders.append(f"{stack}: {pod}: {security}")
    assert offenders == []


def test_every_container_writes_only_to_volumes_that_its_pod_has() -> None:
    offenders = []
    for where, pod, container in every_container():
        volumes = {volume["name"] for volume in pod.spec.get("volumes", [])}
        paths = [mount["mountPath"] for mount in container["volumeMounts"]] if "volumeMounts" in container else []
        offenders += [
            f"{where}: {mount['name']}" for mount in container.get("volumeMounts", []) if mount["name"] not in volumes
        ]
        if len(paths) != len(set(paths)):
            offenders.append(f"{where}: one path twice: {paths}")
        if pod.runs_airflow and container["name"] not in {*SIDECARS, *COPIES} and "/tmp" not in paths:
            offenders.append(f"{where}: nowhere to write temporary files")
    assert offenders == []


def test_every_volume_of_a_pod_is_mounted_somewhere() -> None:
    offenders = [
        f"{stack}: {pod}: {volume['name']}"
        for stack, _, pod in every_pod()
        for volume in pod.spec.get("volumes", [])
        if volume["name"] not in {m["name"] for c in pod.containers for m in c.get("volumeMounts", [])}
    ]
    assert offenders == []


def test_every_image_is_pinned_and_says_when_it_is_pulled() -> None:
    """T21."""
    offenders = [
        f"{where}: {container['image']} {container.get('imagePullPolicy')}"
        for where, _, container in every_container()
        if not PINNED.fullmatch(container["image"])
        or container.get("imagePullPolicy") not in ("IfNotPresent", "Always", "Never")
    ]
    assert offenders == []
    assert [name for name in ("a", "a:latest", "r.org:5000/a", "a@sha256:12") if PINNED.fullmatch(name)] == []


def test_every_pod_of_the_namespace_may_use_its_pull_secret() -> None:
    recording = recorded("both, every name as long as it may be")
    without = {pod.part for pod in pods(recording) if pod.spec.get("imagePullSecrets") != [{"name": "pull"}]}
    # The database's pod is in another namespace, without the Secret.
    assert without == {"postgres"}
    assert [
        f"{stack}: {pod}"
        for stack, recording, pod in every_pod()
        if "imagePullSecrets" in pod.spec
        and "long" not in stack
        and "airflow:image_pull_config" not in recording.config
    ] == []


def test_no_pod_is_given_the_addresses_of_services_as_variables() -> None:
    """T10: FLOWER_PORT=tcp://… would be read as a setting."""
    assert [f"{stack}: {pod}" for stack, _, pod in every_pod() if pod.spec.get("enableServiceLinks") is not False] == []


def test_no_container_replaces_the_entrypoint_of_its_image() -> None:
    """The entrypoints set up user, signals and waiting; the database's initialises its folder."""
    replaced = {container["name"] for _, _, container in every_container() if "command" in container}
    assert replaced == COPIES.keys()


def test_only_pods_that_call_the_kubernetes_api_get_a_token() -> None:
    operators = {"worker", "triggerer"}
    expected = {
        "celery": operators,
        "kubernetes": {"scheduler", "api-server", "triggerer", "task"},
        "celery+kubernetes": {"scheduler", "api-server", "task", *operators},
        "celery, no pod operator": set(),
        "both, no pod operator": {"scheduler", "api-server"},
    }
    for stack, parts in expected.items():
        recording = recorded(stack)
        assert {
            pod.part for pod in pods(recording) if pod.spec.get("automountServiceAccountToken") is not False
        } == parts
    accounts = [
        f"{stack}: {found.name}"
        for stack, recording in recordings()
        for found in recording.of_type("ServiceAccount")
        if found.plain.get("automountServiceAccountToken") is not False
    ]
    assert accounts == []


SURGE: Final = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
OTHER_STRATEGIES: Final = {
    "dag-processor": ({"type": "Recreate"}, "Airflow does not support two over the same files, however briefly"),
    "worker": (
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}},
        "an old one may take its whole grace period: all new ones take tasks before the first is told to stop",
    ),
}
"""Workloads that are rolled in another way, with the reason."""


def test_a_roll_out_of_a_deployment_never_takes_a_pod_away_first() -> None:
    offenders, met = [], set()
    for stack, recording in recordings():
        for pod in pods(recording):
            if pod.owner.kind == "Deployment":
                strategy = pod.owner.plain["spec"]["strategy"]
                met.add(pod.part)
                if strategy != OTHER_STRATEGIES.get(pod.part, (SURGE, ""))[0]:
                    offenders.append(f"{stack}: {pod}: {strategy}")
    assert offenders == []
    assert met >= OTHER_STRATEGIES.keys()


def test_there_is_one_dag_processor() -> None:
    """Two over the same files show as import errors, https://github.com/apache/airflow/pull/66788."""
    assert {pod.owner.plain["spec"]["replicas"] for _, _, pod in every_pod() if pod.part == "dag-processor"} == {1}


def test_what_is_rolled_by_surging_never_opens_a_volume_of_one_writer() -> None:
    """Two servers on one data folder destroy it. Log volumes are shared by design."""
    offenders = []
    for stack, recording in recordings():
        single = {
            claim.object_name
            for claim in recording.of_type("PersistentVolumeClaim")
            if claim.plain["spec"]["accessModes"] == ["ReadWriteOnce"] and not claim.name.endswith("-logs")
        }
        for pod in pods(recording):
            claims = {
                v["persistentVolumeClaim"]["claimName"] for v in pod.spec["volumes"] if "persistentVolumeClaim" in v
            }
            if claims & single and not (pod.owner.kind == "StatefulSet" and pod.owner.plain["spec"]["replicas"] == 1):
                offenders.append(f"{stack}: {pod}")
            if claims & single and "name" not in pod.owner.plain["metadata"]:
                offenders.append(f"{stack}: {pod}: without a fixed name its replacement starts beside it")
    assert offenders == []


def test_data_is_written_to_the_claim_that_is_made_for_it() -> None:
    """T9: Redis writes to /data, PostgreSQL below PGDATA; outside the mount data would be lost with the pod."""
    offenders = []
    for stack, recording in recordings():
        configuration = "".join(
            found.plain["stringData"].get("redis.conf", "") for found in recording.of_type("Secret")
        ).splitlines()
        for pod in pods(recording):
            if pod.part not in {"redis", "postgres"}:
                continue
            claims = {
                v["name"]: v["persistentVolumeClaim"]["claimName"]
                for v in pod.spec["volumes"]
                if "emptyDir" not in v and "secret" not in v
            }
            [(volume, claim)] = claims.items()
            [mount] = [m for m in pod.main["volumeMounts"] if m["name"] == volume]
            if pod.part == "redis":
                writes_there = f"dir {mount['mountPath']}" in configuration and "appendonly yes" in configuration
                wanted = "-broker-data"
            else:
                [folder] = [v["value"] for v in pod.main["env"] if v["name"] == "PGDATA"]
                writes_there = folder.startswith(f"{mount['mountPath']}/")
                wanted = "-postgres-data"
            [found] = [c for c in recording.of_type("PersistentVolumeClaim") if c.object_name == claim]
            if not writes_there or mount.get("readOnly") or not found.name.endswith(wanted):
                offenders.append(f"{stack}: {pod}: {mount}")
    assert offenders == []


def test_every_pod_that_reads_something_is_rolled_by_its_checksum() -> None:
    offenders = [
        f"{stack}: {pod}"
        for stack, _, pod in every_pod()
        if pod.part not in WITHOUT_CHECKSUM
        and not re.fullmatch(r"[0-9a-f]{64}", pod.metadata.get("annotations", {}).get("airflow/checksum", ""))
    ]
    assert offenders == []


def waiting(pod: Pod) -> list[dict[str, Any]]:
    """The init containers of the main container's image that end before it begins."""
    containers = pod.spec.get("initContainers", [])
    return [c for c in containers if c["name"] not in SIDECARS and c["image"] == pod.main["image"]]


def test_a_sidecar_starts_before_what_waits_through_it_and_stays() -> None:
    """Listed later, or without `Always`, it would keep the pod from ever starting."""
    offenders = []
    seen = set()
    for stack, _, pod in every_pod():
        names = [c["name"] for c in pod.spec.get("initContainers", [])]
        staying = [c["name"] for c in pod.spec.get("initContainers", []) if c.get("restartPolicy") == "Always"]
        if staying != [name for name in names if name in SIDECARS] or staying != names[: len(staying)]:
            offenders.append(f"{stack}: {pod}: {names}, of which {staying} stay")
        seen.update(staying)
    assert offenders == []
    assert seen == SIDECARS.keys()


def test_init_containers_of_airflow_pods_see_what_the_main_container_sees() -> None:
    """Same image, variables and options: their results are valid for the main container."""
    offenders = []
    for stack, _, pod in every_pod():
        for container in waiting(pod):
            offenders += [
                f"{stack}: {pod}: {container['name']}: {field}"
                for field in ("image", "imagePullPolicy", "env", "envFrom", "securityContext")
                if container[field] != pod.main[field]
            ]
    assert offenders == []


def test_every_long_running_part_with_the_database_waits_for_its_schema() -> None:
    gates: dict[str, set[str]] = {}
    for _, _, pod in every_pod():
        if pod.long_running:
            gates.setdefault(pod.part, set()).update(c["name"] for c in waiting(pod))
    assert gates == {
        "api-server": {"wait-for-migration"},
        "scheduler": {"wait-for-migration"},
        "dag-processor": {"wait-for-migration"},
        "triggerer": {"wait-for-migration"},
        "worker": set(),
        "flower": set(),
        "redis": set(),
        "postgres": set(),
    }
    for _, _, pod in every_pod():
        for container in waiting(pod):
            if container["name"] == "wait-for-migration":
                [python, flag, script, seconds] = container["args"]
                assert (python, flag) == ("python", "-c")
                assert "airflow db check-migrations" in script
                assert int(seconds) >= 60


@pytest.mark.parametrize("executor", ["kubernetes", "celery+kubernetes"])
def test_the_pod_of_a_task_is_what_the_executor_expects(executor: str) -> None:
    recording = recorded(executor)
    pod = pod_of(recording, "task")
    assert pod.main["name"] == "base"
    assert pod.spec["restartPolicy"] == "Never"
    assert "initContainers" not in pod.spec, "an init container makes each task's start slower"
    assert "name" not in pod.metadata, "the executor chooses the name"
    assert mounted_template(recording, executor) == pod.owner.object_name


def mounted_template(recording: Any, executor: str) -> str:
    """The ConfigMap at the path in the scheduler's option."""
    scheduler: Pod = pod_of(recording, "scheduler")
    folder, _, file = options_of(recording, scheduler)["AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"].rpartition(
        "/"
    )
    [mount] = [m for m in scheduler.main["volumeMounts"] if m["mountPath"] == folder]
    [volume] = [v for v in scheduler.spec["volumes"] if v["name"] == mount["name"]]
    found = recorded(executor).of_type("ConfigMap")
    [config_map] = [c for c in found if c.object_name == volume["configMap"]["name"]]
    assert file in config_map.plain["data"]
    return config_map.object_name
