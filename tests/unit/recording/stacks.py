"""The stacks of the unit tests, each recorded once in a session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from lab.stack_file import filled_in
from tests.unit.recording import recorder, stacks_azure, stacks_gcp, stand_in_cloud
from tests.unit.recording.recorder import Config, Recording
from tests.unit.recording.stacks_entries import ENTRIES
from tests.unit.recording.stacks_login import BIND_SECRETS, LDAP, OIDC
from tests.unit.recording.stacks_login import SECRETS as LOGIN_SECRETS
from tests.unit.recording.stacks_people import PASSWORDS, PEOPLE
from tests.unit.recording.stacks_projects import SECRETS, VOLUME, projects

OF_USERS: Final = {"files"}
"""Claims that a setting names, which exist outside the stack."""
FLOWER: Final = {"flower": {"enabled": True}}
ROOT: Final = Path(__file__).resolve().parents[3]
EXECUTORS: Final = ("celery", "kubernetes", "celery+kubernetes")
METADATA_PASSWORD: Final = "p@ss:w/rd?#%&=+ x"
RESULT_PASSWORD: Final = "an:other@/one"
GIVEN: Final = {
    "airflow:metadata_database_url": {
        "secure": "postgresql://air%40flow:p%40ss%3Aw%2Frd%3F%23%25%26%3D%2B%20x@db.example.org:6432/meta%2Fdata"
    },
    "airflow:result_database_url": {
        "secure": "postgresql://celery:an%3Aother%40%2Fone@db.example.org/celery?sslmode=require"
    },
}


def config(executor: str, **sections: Any) -> Config:
    """The config of a stack on an existing cluster, with Flower.

    Sections become keys of the project; `executor_with` adds to the executor's settings.
    """
    chosen = {"kind": executor, **(FLOWER if "celery" in executor else {}), **sections.pop("executor_with", {})}
    cloud = sections.pop("cloud", {"kind": "existing", **sections.pop("cloud_with", {})})
    keys = {f"airflow:{key}": value for key, value in sections.items()}
    return {"airflow:cloud": cloud, "airflow:executor": chosen, **keys}


def stack_file(stack: str) -> Config:
    """The config of one of the project's own stack files."""
    return filled_in(yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"])


GCP: Final = {"kind": "gcp", "project": "simulated-project", "region": "europe-west1"}
AZURE: Final = {
    "kind": "azure",
    "subscription_id": stacks_azure.SUBSCRIPTION,
    "region": "westeurope",
}
GATEWAY: Final[dict[str, Any]] = {
    "kind": "gateway",
    "host": "airflow.simulated.test",
    "tls": {"kind": "secret", "name": "airflow-tls"},
}
PROVIDED: Final = {
    "airflow:image_pull_config": {"secure": '{"auths": {"registry.example.org": {"auth": "dXNlcjpwYXNz"}}}'},
    "airflow:tls_certificate": {"secure": "-----BEGIN CERTIFICATE-----\nof the stack\n-----END CERTIFICATE-----\n"},
    "airflow:tls_private_key": {"secure": "-----BEGIN PRIVATE KEY-----\nof the stack\n-----END PRIVATE KEY-----\n"},
}
"""A registry login and a certificate, provided by the user."""
GIT: Final[Config] = {
    "airflow:dags": [
        {"kind": "image"},
        {
            "kind": "git",
            "name": "team-a",
            "repository": "https://git.example.org/team-a/dags.git",
            "branch": "main",
            "sub_path": "airflow/dags",
            "interval_seconds": 40,
        },
        {"kind": "git", "name": "team-b", "repository": "git@git.example.org:team-b/dags.git", "tag": "v1"},
        {
            "kind": "git",
            "name": "team-c",
            "repository": "https://git.example.org/team-c/dags.git",
            "branch": "main",
            "credentials_secret": "team-c-token",
        },
        {
            "kind": "git",
            "name": "synced",
            "repository": "ssh://git@git.example.org:2222/synced.git",
            "branch": "main",
            "sync": {"kind": "sidecar", "plugins": "plugins"},
        },
    ],
    "airflow:git_credentials": {
        "secure": json.dumps(
            {
                "team-a": {"token": "a-git-token"},
                "team-b": {
                    "ssh_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nkey-of-b\n-----END OPENSSH PRIVATE KEY-----",
                    "known_hosts": "git.example.org ssh-ed25519 AAAA",
                },
                "synced": {
                    "ssh_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nkey-of-s\n-----END OPENSSH PRIVATE KEY-----",
                    "known_hosts": "[git.example.org]:2222 ssh-ed25519 AAAA",
                },
            }
        )
    },
}
"""Sources of every kind of access to git."""
STAND_IN: Final[dict[str, Config]] = {
    "stand-in cloud, celery": config("celery", cloud=GCP),
    "stand-in cloud, kubernetes": config("kubernetes", cloud=AZURE),
    "stand-in cloud, shares": config(
        "celery+kubernetes",
        cloud=GCP,
        logs={"kind": "volume", "size_gib": 1024},
        dags=[{"kind": "share", "size_gib": 2048, "sub_path": "team/dags"}],
        protect="true",
    ),
    "stand-in cloud, managed certificate": config(
        "celery",
        cloud=GCP,
        exposure={**GATEWAY, "flower_host": "flower.simulated.test", "tls": {"kind": "managed"}},
    ),
    "stand-in cloud, certificate by an issuer": config(
        "kubernetes", cloud=AZURE, exposure={**GATEWAY, "tls": {"kind": "cert_manager", "issuer": "letsencrypt"}}
    ),
    "stand-in cloud, DAG image as a volume": config(
        "celery+kubernetes",
        cloud=AZURE,
        dags=[
            {"kind": "image"},
            {
                "kind": "oci",
                "name": "team",
                "reference": "registry.example.org/dags@sha256:" + "1" * 64,
                "path": "/opt/dags/",
                "plugins": "/opt/plugins",
                "mount": {"kind": "image_volume"},
            },
        ],
    ),
    "stand-in cloud, OpenID Connect": {
        **config("celery", cloud=GCP, exposure={**GATEWAY, "tls": {"kind": "managed"}}, auth=OIDC),
        **LOGIN_SECRETS,
    },
    "stand-in cloud, directory": {
        **config("kubernetes", cloud=AZURE, exposure={**GATEWAY, "tls": {"kind": "secret"}}, auth=LDAP),
        **PROVIDED,
        **BIND_SECRETS,
    },
    "stand-in cloud, own certificate": config("celery+kubernetes", cloud=AZURE, exposure=GATEWAY),
    "stand-in cloud, own login and certificate": {
        **config("celery+kubernetes", cloud=AZURE, exposure={**GATEWAY, "tls": {"kind": "secret"}}),
        **PROVIDED,
    },
}
"""Stacks on a stand-in for both clouds: Airflow's use of everything that a cloud can return."""
STACKS: Final[dict[str, Config]] = {
    **{executor: config(executor) for executor in EXECUTORS},
    "stack file local": stack_file("local"),
    "celery, external database": {**config("celery", cloud_with={"database": {"kind": "external"}}), **GIVEN},
    "kubernetes, external database": {**config("kubernetes", cloud_with={"database": {"kind": "external"}}), **GIVEN},
    "celery, logs on workers": config("celery", logs={"kind": "worker"}),
    "celery, no flower": {**config("celery"), "airflow:executor": {"kind": "celery"}},
    "both, DAGs from a folder of the node": config("celery+kubernetes", dags=[{"kind": "host_path", "path": "/dags"}]),
    "both, DAGs from git": {**config("celery+kubernetes"), **GIT},
    "both, DAG image": config("celery+kubernetes", dags=[{"kind": "oci", "reference": "registry.example.org/dags:1"}]),
    "both, DAG image with plugins": config(
        "celery+kubernetes", dags=[{"kind": "oci", "reference": "registry.example.org/dags:1", "plugins": "/plugins"}]
    ),
    "both, claim with DAGs and plugins": config(
        "celery+kubernetes",
        dags=[{"kind": "claim", "claim_name": "files", "sub_path": "team/dags", "plugins": "team/plugins"}],
    ),
    "both, example DAGs": config("celery+kubernetes", example_dags="true"),
    "celery, people": {**config("celery", auth=PEOPLE), **PASSWORDS},
    "both, projects": {**config("celery+kubernetes", projects=projects(VOLUME)), **SECRETS},
    "both, entries": {**config("celery+kubernetes"), **ENTRIES},
    "both, protected": config("celery+kubernetes", protect="true"),
    "both, no pod operator": config("celery+kubernetes", pod_operator={"enabled": False}),
    "celery, no pod operator": config("celery", pod_operator={"enabled": False}),
    "both, pod operator with Jobs": config("celery+kubernetes", pod_operator={"jobs": True}),
    "both, several of each": config(
        "celery+kubernetes",
        components={part: {"replicas": 2} for part in ("api_server", "scheduler", "triggerer")},
        executor_with={"workers": {"replicas": 3}},
    ),
    "both, on a node's port": config("celery+kubernetes", exposure={"kind": "node_port", "port": 30080}),
    "both, every name as long as it may be": config(
        "celery+kubernetes",
        name="n" * 30,
        namespace="s" * 30,
        image={"reference": "registry.example.org/airflow@sha256:" + "0" * 64, "pull_secret": "pull"},
    ),
    **STAND_IN,
    **stacks_azure.STACKS,
    **stacks_gcp.SHARED,
}


@cache
def recorded(stack: str) -> Recording:
    """The recording of a valid stack of STACKS."""
    with stand_in_cloud.in_place() if stack in STAND_IN else nullcontext():
        recording = recorder.run(STACKS[stack])
    assert recording.error is None, recording.error
    return recording


def recordings() -> Iterator[tuple[str, Recording]]:
    """Every stack with its recording."""
    for stack in STACKS:
        yield stack, recorded(stack)
