"""The projects of the stacks that the unit tests run."""

from __future__ import annotations

import json
from typing import Any, Final

SECRET_TEXT: Final = "a project's own secret"
SECRETS: Final = {
    "airflow:project_secrets": {"secure": json.dumps({"sales": {"BIG_SECRET": SECRET_TEXT}})},
}
VOLUME: Final = {"kind": "volume", "size_gib": 3, "access_mode": "ReadWriteMany", "storage_class": "shares"}
BUCKET: Final = {"kind": "bucket"}


def projects(data: dict[str, Any]) -> list[dict[str, Any]]:
    """A project with everything, its data at this place, and one with nothing but DAGs of its own."""
    return [
        {
            "name": "sales",
            "config": {"dummy_key": "dummy value"},
            "secrets": ["BIG_SECRET"],
            "data": data,
            "pool": {"slots": 4},
            "node_selector": {"disk": "fast"},
            "toleration": {"key": "gpu"},
            "image": "registry.example.org/task:1",
        },
        {"name": "weather", "dags": "dags"},
    ]
