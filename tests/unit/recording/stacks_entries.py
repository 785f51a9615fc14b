"""Pools, variables and connections of a stack of the unit tests."""

from __future__ import annotations

import json
from typing import Any, Final

PASSWORD: Final = "topsecret-value"
PLAIN: Final[dict[str, Any]] = {
    "airflow:pools": [{"name": "big", "slots": 9, "include_deferred": True}],
    "airflow:variables": {"region": "europe"},
}
CONNECTION: Final = {"conn_type": "postgres", "port": "5432", "password": PASSWORD}
SECRET: Final[dict[str, Any]] = {
    "airflow:connections": {"secure": json.dumps({"db": CONNECTION})},
    "airflow:secret_variables": {"secure": json.dumps({"token": PASSWORD})},
}
ENTRIES: Final = {**PLAIN, **SECRET}
