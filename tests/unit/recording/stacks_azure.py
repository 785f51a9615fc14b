"""The stacks on Azure that the unit tests run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from lab.stack_file import filled_in
from tests.unit.recording.stacks_projects import BUCKET, SECRETS, projects

ROOT: Final = Path(__file__).resolve().parents[3]
SUBSCRIPTION: Final = "11111111-2222-3333-4444-555555555555"
Config = dict[str, Any]


def config(executor: str, *, cloud_with: Config | None = None, **sections: Any) -> Config:
    """A stack on Azure with only the required settings: sections become keys of the project."""
    cloud = {"kind": "azure", "subscription_id": SUBSCRIPTION, "region": "westeurope", **(cloud_with or {})}
    keys = {f"airflow:{key}": value for key, value in sections.items()}
    flower = {"flower": {"enabled": True}} if "celery" in executor else {}
    return {"airflow:cloud": cloud, "airflow:executor": {"kind": executor, **flower}, **keys}


def file(path: str) -> Config:
    """The config of a stack file."""
    return filled_in(yaml.safe_load((ROOT / path).read_text())["config"])


GATEWAY: Final = {
    "kind": "gateway",
    "host": "airflow.simulated.test",
    "flower_host": "flower.simulated.test",
    "tls": {"kind": "cert_manager", "issuer": "letsencrypt"},
}
SHARES: Final = {"logs": {"kind": "volume", "size_gib": 200}, "dags": [{"kind": "share", "size_gib": 100}]}
NFS: Final = {"shares": {"protocol": "nfs", "tier": "premium"}}

STACKS: Final[dict[str, Config]] = {
    "azure, celery": config("celery"),
    "azure, kubernetes": config("kubernetes"),
    "azure, both": config("celery+kubernetes"),
    "azure, no zones": config("celery", cloud_with={"region": "westus"}),
    "azure, stack file prod": file("Pulumi.prod.yaml"),
    "azure, sample celery": file("docs/stacks/azure-celery.yaml"),
    "azure, sample both": file("docs/stacks/azure-celery-kubernetes.yaml"),
    "azure, projects": {
        **config(
            "celery+kubernetes",
            cloud_with={"network": {"private_endpoints": True}},
            projects=projects(BUCKET),
            protect="true",
        ),
        **SECRETS,
    },
    "azure, shares by NFS": config("kubernetes", cloud_with=NFS, **SHARES),
    "azure, protected with everything": config(
        "celery+kubernetes",
        cloud_with={
            "network": {"outbound": "nat_gateway", "private_endpoints": True},
            "cluster": {
                "tier": "premium",
                "endpoint": {"kind": "authorized_ranges", "ranges": ["8.20.0.0/24"]},
                "admin_groups": ["44444444-4444-4444-4444-444444444444"],
                "airflow_nodes": {},
                "task_nodes": {"spot": True},
                "encryption_at_host": True,
                "policy": True,
                "audit": True,
            },
            "database": {"audit": True},
            "storage": {"versions": True},
            "broker_disk": {"kept": True},
            "registry": "basic",
        },
        dags=SHARES["dags"],
        exposure=GATEWAY,
        protect="true",
        secrets_backend={"kind": "key_vault", "variables_prefix": "team-variables"},
    ),
    "azure, every name as long as it may be": config(
        "celery+kubernetes",
        cloud_with={"registry": "standard", "network": {"outbound": "nat_gateway", "private_endpoints": True}},
        name="n" * 30,
        namespace="s" * 30,
        exposure=GATEWAY,
        dags=SHARES["dags"],
    ),
}
