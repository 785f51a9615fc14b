"""Create the first user unless it exists; its password comes from the environment, never from arguments.

Environment: ADMIN_USERNAME, ADMIN_EMAIL, ADMIN_PASSWORD. An existing user stays as it is, password included.
"""

import os

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

with get_application_builder() as builder:
    manager = builder.sm
    username = os.environ["ADMIN_USERNAME"]
    if manager.find_user(username):
        print(f"user {username} exists")
    elif manager.add_user(
        username=username,
        first_name="Airflow",
        last_name="Administrator",
        email=os.environ["ADMIN_EMAIL"],
        role=manager.find_role("Admin"),
        password=os.environ["ADMIN_PASSWORD"],
    ):
        print(f"user {username} created")
    else:
        raise SystemExit(f"user {username} could not be created; its e-mail address may be taken")
