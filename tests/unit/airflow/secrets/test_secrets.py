"""Locations of secrets, and places without secrets."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

import pulumi
import pytest
from cryptography.fernet import Fernet

from components.airflow.secrets import generated as secrets
from components.contract.cloud import Database
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording, Secret, plain, walk
from tests.unit.recording.stacks import METADATA_PASSWORD, PROVIDED, RESULT_PASSWORD, STACKS, recorded, recordings
from tests.unit.recording.workloads import every_container, every_pod, pod_of, pods

METADATA: Final = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"}
FERNET: Final = {"AIRFLOW__CORE__FERNET_KEY"}
JWT: Final = {"AIRFLOW__API_AUTH__JWT_SECRET"}
API: Final = {"AIRFLOW__API__SECRET_KEY"}
BROKER: Final = {"AIRFLOW__CELERY__BROKER_URL"}
RESULTS: Final = {"AIRFLOW__CELERY__RESULT_BACKEND"}
CREATE_DATABASES: Final = {"ADMINISTRATOR_URL", "OWNERS"}
MATRIX: Final[Mapping[str, set[str]]] = {
    "api-server": METADATA | FERNET | JWT | API,
    "scheduler": METADATA | FERNET | JWT | API | BROKER | RESULTS,
    "dag-processor": METADATA | FERNET,
    "triggerer": METADATA | FERNET | API,
    "worker": API | BROKER | RESULTS,
    "task": set(),
    "flower": BROKER | {"AIRFLOW__CELERY__FLOWER_BASIC_AUTH"},
    "migration": METADATA | FERNET | CREATE_DATABASES | {"ADMIN_PASSWORD"},
    "redis": {"REDISCLI_AUTH"},
    "postgres": {"POSTGRES_PASSWORD"},
}
"""Variables from Secrets in each workload's main container, with Celery; derived from the security model."""
ONLY_WITH_CELERY: Final = BROKER | RESULTS
TAKES_A_SECRET: Final = {
    ("azure-native:dbforpostgresql:Server", ".administratorLoginPassword"): "the cloud makes the administrator with it",
    ("gcp:sql/user:User", ".password"): "the cloud makes the administrator with it",
    ("pulumi:providers:kubernetes", ".kubeconfig"): "says where the cluster is, and could hold more",
}
"""Type and path of inputs that may contain a secret, with the reason."""
NO_SECRET: Final = {"azurestorageaccountname": "the driver wants the account's name beside its key"}
"""Keys of Secrets without a secret value, with the reason."""
MARKED_ANYWAY: Final = {"kubeconfig": "says where the cluster is, and could hold more"}
"""Secret outputs without a generated secret."""
FOR_DAG_AUTHORS: Final = dict.fromkeys(
    ("git-team-a", "git-team-b", "git-team-c", "git-synced"), "a task clones the repository with its own code"
)
"""Volumes with Secrets that the code of DAG authors may read, with the reason."""
RUNS_CODE_OF_DAG_AUTHORS: Final = {"worker", "task"}


def from_secrets(container: dict[str, Any]) -> set[str]:
    return {v["name"] for v in container.get("env", []) if "secretKeyRef" in v.get("valueFrom", {})}


@pytest.mark.parametrize("executor", ["celery", "kubernetes", "celery+kubernetes"])
def test_each_part_holds_exactly_the_credentials_of_the_matrix(executor: str) -> None:
    absent = ONLY_WITH_CELERY if executor == "kubernetes" else set()
    recording = recorded(executor)
    found = {pod.part: from_secrets(pod.main) for pod in pods(recording)}
    parts = {part for part in MATRIX if part in found}
    assert found == {part: MATRIX[part] - absent for part in parts}
    assert ("task" in parts, "worker" in parts) == ("kubernetes" in executor, "celery" in executor)


def test_only_the_migration_may_create_databases() -> None:
    offenders = [
        f"{where}: {sorted(held)}"
        for where, pod, container in every_container()
        if (held := from_secrets(container)) & CREATE_DATABASES
        and not (pod.part == "migration" and held >= CREATE_DATABASES)
    ]
    assert offenders == []


def test_pods_that_run_the_code_of_dag_authors_hold_no_way_to_the_metadata() -> None:
    """Neither by reference nor by content of their Secrets: not the user, not the password."""
    offenders = []
    for stack, recording, pod in every_pod():
        if pod.part not in RUNS_CODE_OF_DAG_AUTHORS:
            continue
        readable = {
            (v["valueFrom"]["secretKeyRef"]["name"], v["valueFrom"]["secretKeyRef"]["key"])
            for c in pod.containers
            for v in c.get("env", [])
            if "secretKeyRef" in v.get("valueFrom", {})
        }
        stored = {found.object_name: found.plain["stringData"] for found in recording.of_type("Secret")}
        urls = [stored[name][key] for name, key in readable]
        metadata = next(s for s in stored.values() if "connection" in s and "async-connection" in s)["connection"]
        login = urlsplit(metadata)
        assert login.password
        offenders += [f"{stack}: {pod}" for url in urls if login.password in url or f"//{login.username}:" in url]
        mounted = {volume["name"] for volume in pod.spec.get("volumes", []) if "secret" in volume}
        if mounted - FOR_DAG_AUTHORS.keys():
            offenders.append(f"{stack}: {pod} mounts a Secret")
    assert offenders == []


def test_no_pod_reads_a_whole_secret() -> None:
    """`envFrom` a Secret would also pass keys that are added later."""
    offenders = [
        where
        for where, _, container in every_container()
        if any("secretRef" in source for source in container.get("envFrom", []))
    ]
    assert offenders == []


def values(recording: Recording) -> set[str]:
    """Every secret value of a recording: generated, provided, and in Secrets, in each of its forms."""
    found: set[str] = set()
    for registration in recording.registrations:
        if registration.type.startswith("random:"):
            found |= {registration.outputs[key] for key in ("result", "base64", "hex") if key in registration.outputs}
        if registration.kind == "Secret":
            found |= {text for key, text in registration.plain["stringData"].items() if key not in NO_SECRET}
    if "given" in json.dumps(recording.config["airflow:cloud"]):
        found |= {METADATA_PASSWORD, RESULT_PASSWORD}
    forms = {form for text in found for form in (text, quote(text, safe=""), text.replace("+", "-").replace("/", "_"))}
    forms |= {base64.b64encode(text.encode()).decode() for text in found}
    return {text for text in forms if len(text) >= 10}


def test_no_secret_value_stands_outside_a_secret() -> None:
    """Neither marked as secret nor in plain text: not in ConfigMaps, arguments, annotations, labels or names."""
    offenders = []
    for stack, recording in recordings():
        known = values(recording)
        assert len(known) > 20
        for found in recording.registrations:
            if found.kind == "Secret":
                continue
            for path, value, secret in walk(found.inputs):
                text = str(value)
                if (found.type, path) in TAKES_A_SECRET:
                    if not secret and any(part in text for part in known):
                        offenders.append(f"{stack}: {found.kind} {found.name}{path} holds a secret unmarked")
                    continue
                if secret:
                    offenders.append(f"{stack}: {found.kind} {found.name}{path} is marked as secret")
                if any(part in text for part in known):
                    offenders.append(f"{stack}: {found.kind} {found.name}{path} holds a secret")
            if any(part in text for part in known for text in (found.name, str(found.outputs.get("metadata", "")))):
                offenders.append(f"{stack}: {found.kind} {found.name} has a secret in its name")
    assert offenders == []


def test_outputs_that_hold_a_secret_are_marked_and_the_others_hold_none() -> None:
    offenders = []
    for stack, recording in recordings():
        known = values(recording)
        for key, value in recording.outputs.items():
            holds = any(part in str(plain(value)) for part in known)
            if (holds or key in MARKED_ANYWAY) != isinstance(value, Secret):
                offenders.append(f"{stack}: {key}")
    assert offenders == []


def test_everything_in_a_secret_is_marked_as_secret() -> None:
    offenders = [
        f"{stack}: {found.name}{path}"
        for stack, recording in recordings()
        for found in recording.of_type("Secret")
        for path, _, secret in walk(found.inputs["stringData"])
        if not secret
    ]
    assert offenders == []


def database(password: str, **rest: Any) -> Database:
    chosen = {"host": "h", "port": 5432, "name": "n", "user": "u", "ssl_mode": "require", **rest}
    return Database(password=pulumi.Output.from_input(password), **chosen)


def test_connection_urls_are_secret_even_where_the_password_was_not() -> None:
    """Checked on the Output itself, because the SDK marks inputs of a Secret in any case."""
    for make in (secrets.connection_url, secrets.async_connection_url, secrets.result_url):
        assert asyncio.run(secret_of(make))


async def secret_of(make: Any) -> bool:
    return await make(database("p")).is_secret()


def test_the_fernet_key_is_one() -> None:
    for _, recording in recordings():
        [stored] = [s for s in recording.of_type("Secret") if s.name.endswith("-fernet")]
        Fernet(stored.plain["stringData"]["key"])
    for seed in map(str, range(20)):  # each has other bytes, and so other places of + and /
        made = recorder.random_bytes(seed, length=32)
        Fernet(secrets.urlsafe(base64.b64encode(made).decode()))


def test_keys_that_sign_are_64_random_bytes_and_passwords_32_random_characters() -> None:
    lengths = {
        found.name: found.plain["length"]
        for found in recorded("celery").registrations
        if found.type.startswith("random:")
    }
    assert lengths == {
        "airflow-secrets-fernet-key": 32,
        "airflow-secrets-jwt-key": 64,
        "airflow-secrets-api-key": 64,
        "airflow-secrets-admin-password": 32,
        "airflow-secrets-broker-password": 32,
        "airflow-secrets-flower-password": 32,
        "airflow-cloud-postgres-administrator-password": 32,
        "airflow-cloud-postgres-metadata-password": 32,
        "airflow-cloud-postgres-results-password": 32,
    }


@cache
def with_another_seed() -> Recording:
    return recorder.run(STACKS["celery"], seed="another")


def test_no_password_is_a_well_known_one() -> None:
    """T20: with another seed every stored secret differs."""
    first, second = recorded("celery"), with_another_seed()
    for one, other in zip(first.of_type("Secret"), second.of_type("Secret"), strict=True):
        assert one.name == other.name
        same = {key for key, text in one.plain["stringData"].items() if other.plain["stringData"][key] == text}
        assert same == set()


def test_a_generated_secret_depends_on_nothing_that_a_setting_changes() -> None:
    """`keepers`, or a length from settings, would generate a new key one day and lock all users out."""
    first = recorded("celery+kubernetes")
    for stack in ("both, several of each", "both, projects", "both, example DAGs"):
        random = {f.urn: f.plain for f in recorded(stack).registrations if f.type.startswith("random:")}
        assert random == {f.urn: f.plain for f in first.registrations if f.type.startswith("random:")}


def test_who_reads_logs_from_others_shares_one_key_with_them() -> None:
    """T11: the log servers of workers and triggerer check the api-server's signature."""
    for stack in ("celery", "celery+kubernetes"):
        refs = {
            json.dumps(variable["valueFrom"], sort_keys=True)
            for part in ("api-server", "scheduler", "worker", "triggerer")
            for variable in pod_of(recorded(stack), part).main["env"]
            if variable["name"] == "AIRFLOW__API__SECRET_KEY"
        }
        assert len(refs) == 1


def test_scheduler_and_api_server_share_the_key_that_signs_tokens() -> None:
    refs = {
        json.dumps(variable["valueFrom"], sort_keys=True)
        for part in ("api-server", "scheduler")
        for variable in pod_of(recorded("kubernetes"), part).main["env"]
        if variable["name"] == "AIRFLOW__API_AUTH__JWT_SECRET"
    }
    assert len(refs) == 1


def test_celerys_results_have_a_database_and_a_user_of_their_own() -> None:
    for stack in ("celery", "celery, external database"):
        stored = {s.name.rpartition("-")[2]: s.plain["stringData"] for s in recorded(stack).of_type("Secret")}
        metadata, results = urlsplit(stored["metadata"]["connection"]), urlsplit(stored["results"]["connection"])
        assert results.scheme == "db+postgresql+psycopg2"
        assert metadata.username != results.username
        assert metadata.password != results.password
        assert metadata.path != results.path


def test_redis_refuses_who_does_not_know_the_password_in_every_url() -> None:
    stored = {s.name.rpartition("-")[2]: s.plain["stringData"] for s in recorded("celery").of_type("Secret")}["broker"]
    lines = stored["redis.conf"].splitlines()
    assert f"requirepass {stored['password']}" in lines
    assert "protected-mode yes" in lines
    assert urlsplit(stored["url"]).password == stored["password"]


def test_secrets_that_pods_read_are_immutable_and_change_under_a_new_name() -> None:
    offenders = [
        f"{stack}: {found.name}"
        for stack, recording in recordings()
        for found in recording.of_type("Secret")
        if found.name.startswith(f"{recording.outputs['name']}-secrets-")
        and (found.plain.get("immutable") is not True or "name" in found.plain["metadata"])
    ]
    assert offenders == []
    first, second = recorded("celery"), with_another_seed()
    names = [{s.object_name for s in recording.of_type("Secret")} for recording in (first, second)]
    assert names[0] & names[1] == set()


def test_a_secret_that_changes_rolls_exactly_its_readers() -> None:
    """A new password in an external database's URL changes the checksums of its readers only."""
    stack = "celery, external database"
    other = {"secure": "postgresql://celery:changed-password@db.example.org/celery"}
    first, second = recorded(stack), recorder.run({**STACKS[stack], "airflow:result_database_url": other})
    before, after = (
        {pod.part: pod.metadata["annotations"]["airflow/checksum"] for pod in pods(recording)}
        for recording in (first, second)
    )
    assert {part for part in before if before[part] != after[part]} == {"scheduler", "worker"}


def test_a_login_and_a_certificate_of_the_users_are_secrets_of_the_kinds_that_kubernetes_knows() -> None:
    """If settings only named them, they could not exist on the first `up`: the stack creates their namespaces."""
    recording = recorded("stand-in cloud, own login and certificate")
    pull, tls = (recording.the("Secret", f"airflow-{part}") for part in ("image-pull", "tls"))
    assert pull.plain["type"] == "kubernetes.io/dockerconfigjson"
    assert pull.plain["stringData"] == {".dockerconfigjson": PROVIDED["airflow:image_pull_config"]["secure"]}
    assert tls.plain["type"] == "kubernetes.io/tls"
    assert tls.plain["stringData"] == {
        "tls.crt": PROVIDED["airflow:tls_certificate"]["secure"],
        "tls.key": PROVIDED["airflow:tls_private_key"]["secure"],
    }
    [gateway] = recording.of_type("Gateway")
    assert tls.namespace == gateway.namespace
    assert {
        pod.part for pod in pods(recording) if pod.spec.get("imagePullSecrets") == [{"name": pull.object_name}]
    } == {pod.part for pod in pods(recording) if pod.namespace in {"airflow", "airflow-tasks"}}
    in_tasks = recording.the("Secret", "airflow-image-pull-tasks")
    assert (pull.namespace, in_tasks.namespace) == ("airflow", "airflow-tasks")
    assert (in_tasks.object_name, in_tasks.plain["stringData"]) == (pull.object_name, pull.plain["stringData"])
