"""The accounts and roles of the stacks that the unit tests run."""

from __future__ import annotations

import json
from typing import Final

GIVEN_PASSWORD: Final = "a password of one's own"
PASSWORDS: Final = {"airflow:user_passwords": {"secure": json.dumps({"bot": GIVEN_PASSWORD})}}
PEOPLE: Final = {
    "kind": "password",
    "session_minutes": 60,
    "users": [
        {"username": "ada", "role": "Op", "email": "ada@example.org", "first_name": "Ada", "last_name": "Lovelace"},
        {"username": "bot", "role": "sales", "email": "bot@example.org"},
    ],
    "custom_roles": {"sales": ["can_read on DAGs", "can_edit on DAG:report"]},
}
