"""The stacks on Google Cloud that the unit tests run."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from lab.stack_file import filled_in
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks_projects import BUCKET, SECRETS, projects

ROOT: Final = Path(__file__).resolve().parents[3]
Config = dict[str, Any]


def config(executor: str, *, cloud_with: Config | None = None, **sections: Any) -> Config:
    """A stack on Google Cloud with only the required settings: sections become keys of the project."""
    cloud = {"kind": "gcp", "project": "simulated-project", "region": "europe-west1", **(cloud_with or {})}
    keys = {f"airflow:{key}": value for key, value in sections.items()}
    flower = {"flower": {"enabled": True}} if "celery" in executor else {}
    return {"airflow:cloud": cloud, "airflow:executor": {"kind": executor, **flower}, **keys}


def file(path: str) -> Config:
    """The config of a stack file."""
    return filled_in(yaml.safe_load((ROOT / path).read_text())["config"])


MANAGED_GATEWAY: Final = {
    "kind": "gateway",
    "host": "airflow.simulated.test",
    "flower_host": "flower.simulated.test",
    "tls": {"kind": "managed"},
}
KEY: Final = "projects/simulated-project/locations/europe-west1/keyRings/ring/cryptoKeys/key"
SHARES: Final = {"logs": {"kind": "volume", "size_gib": 1280}, "dags": [{"kind": "share", "size_gib": 1024}]}

STACKS: Final[dict[str, Config]] = {
    "gcp, celery": config("celery"),
    "gcp, kubernetes": config("kubernetes"),
    "gcp, both": config("celery+kubernetes"),
    "gcp, stack file dev": file("Pulumi.dev.yaml"),
    "gcp, sample kubernetes": file("docs/stacks/gcp-kubernetes.yaml"),
    "gcp, sample both": file("docs/stacks/gcp-celery-kubernetes.yaml"),
    "gcp, protected with everything": config(
        "celery+kubernetes",
        cloud_with={
            "cluster": {
                "endpoint": {"kind": "authorized_ranges", "ranges": ["8.20.0.0/24"]},
                "task_nodes": {"spot": True},
                "encryption_key": KEY,
                "signed_images_only": True,
            },
            "registry": True,
            "bigquery": {"datasets": [{"name": "citibike"}, {"name": "Reports", "location": "EU"}]},
            "iap": ["group:data@example.org", "user:ada@example.org"],
        },
        exposure=MANAGED_GATEWAY,
        protect="true",
        secrets_backend={"kind": "secret_manager", "variables_prefix": "team-variables"},
        **SHARES,
    ),
    "gcp, through the proxy": config(
        "celery+kubernetes", cloud_with={"database": {"proxy_image": "proxy.example/cloud-sql-proxy:2.18.0"}}
    ),
    "gcp, projects": {**config("celery+kubernetes", projects=projects(BUCKET)), **SECRETS},
    "gcp, DAGs in a bucket": config("celery+kubernetes", dags=[{"kind": "bucket", "prefix": "team/"}]),
    "gcp, DAGs in an existing bucket": config("kubernetes", dags=[{"kind": "bucket", "bucket_name": "our-dags"}]),
    "gcp, every name as long as it may be": config(
        "celery+kubernetes",
        cloud_with={"project": "p" * 30, "registry": True},
        name="n" * 30,
        namespace="s" * 30,
        exposure=MANAGED_GATEWAY,
        **SHARES,
    ),
}
SHARED: Final = {
    stack: STACKS[stack]
    for stack in (
        "gcp, stack file dev",
        "gcp, sample kubernetes",
        "gcp, protected with everything",
        "gcp, through the proxy",
        "gcp, every name as long as it may be",
    )
}
"""Stacks that the rules for every stack also check; each takes most of a second in the whole suite."""


@cache
def recorded(stack: str) -> Recording:
    """The recording of a valid stack of STACKS."""
    from tests.unit.recording import stacks

    if stack in SHARED:
        return stacks.recorded(stack)
    recording = recorder.run(STACKS[stack])
    assert recording.error is None, recording.error
    return recording
