"""The additions to pods of the stacks that the unit tests run: everything, for every workload."""

from __future__ import annotations

import json
from typing import Any, Final

SECRET_TEXT: Final = "a secret of the environment"
SECRETS: Final = {
    "airflow:secret_environment": {
        "secure": json.dumps({"API_TOKEN": SECRET_TEXT, "WORKER_TOKEN": "of the worker", "TASK_TOKEN": "of the task"})
    },
}
AFFINITY: Final[dict[str, Any]] = {
    "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "preference": {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}}
        ]
    },
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"noisy": "true"}}}
        ]
    },
}
ALL: Final[dict[str, Any]] = {
    "environment": {"HTTPS_PROXY": "http://proxy:3128", "STAGE": "test"},
    "secret_environment": ["API_TOKEN"],
    "labels": {"team": "data", "cost-center": "42"},
    "annotations": {"example.org/owner": "data"},
    "node_selector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "airflow", "effect": "NoSchedule"}],
    "affinity": AFFINITY,
    "priority_class": "airflow",
    "min_ready_seconds": 3,
    "volumes": [
        {"kind": "config_map", "name": "local-settings", "config_map_name": "local-settings"},
        {"kind": "empty_dir", "name": "shared", "size_mib": 64},
    ],
    "mounts": [
        {
            "volume": "local-settings",
            "path": "/opt/airflow/config/airflow_local_settings.py",
            "sub_path": "airflow_local_settings.py",
        },
        {"volume": "shared", "path": "/shared"},
    ],
    "init_containers": [
        {
            "name": "fetch",
            "image": "registry.example.org/fetch:1",
            "command": ["fetch"],
            "args": ["--into", "/shared"],
            "environment": {"SOURCE": "https://files.example.org"},
            "mounts": [{"volume": "shared", "path": "/shared"}],
            "memory_mib": 128,
            "uid": 1000,
        }
    ],
    "sidecars": [{"name": "agent", "image": "registry.example.org/agent:1", "port": 8126}],
}
PODS: Final[dict[str, Any]] = {
    "all": ALL,
    "api_server": {"strategy": {"kind": "rolling", "max_surge_percent": 50, "max_unavailable_percent": 10}},
    "triggerer": {"strategy": {"kind": "recreate"}, "min_ready_seconds": 0},
    "worker": {
        "environment": {"STAGE": "worker"},
        "secret_environment": ["WORKER_TOKEN"],
        "labels": {"team": "workers"},
        "tolerations": [{"key": "gpu", "value": "a100", "effect": "NoExecute", "seconds": 60}],
        "priority_class": "workers",
        "volumes": [{"kind": "secret", "name": "certificates", "secret_name": "certificates"}],
        "mounts": [{"volume": "certificates", "path": "/certificates"}],
        "sidecars": [{"name": "agent", "image": "registry.example.org/agent:2", "environment": {"LEVEL": "debug"}}],
    },
    "task": {
        "secret_environment": ["TASK_TOKEN"],
        "node_selector": {"disk": "fast"},
        "volumes": [
            {"kind": "secret", "name": "certificates", "secret_name": "certificates"},
            {"kind": "claim", "name": "models", "claim_name": "models"},
            {"kind": "claim", "name": "reference", "claim_name": "reference"},
        ],
        "mounts": [
            {"volume": "certificates", "path": "/certificates"},
            {"volume": "models", "path": "/models"},
            {"volume": "reference", "path": "/reference", "read_only": True},
        ],
    },
    "redis": {"labels": {"team": "brokers"}},
}
