"""Accounts and roles that the stack keeps in the metadata database. One awaited Job writes them after the migration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_random as random

from components.airflow.context import InstanceContext
from components.airflow.database.job import DatabaseJob
from components.airflow.database.migration import Migration
from components.airflow.feature import Features
from components.airflow.pods.scripts import script
from components.airflow.pods.template import WorkloadPod
from components.airflow.secrets.provided import create_secret
from components.settings.loader import user_passwords
from components.settings.sections.accounts import Accounts
from components.settings.types import Resources

RESOURCES: Final = Resources(cpu_milli=100, memory_mib=512)
"""For one start of Airflow's security manager."""
PASSWORDS: Final = "PASSWORDS"
PASSWORD_LENGTH: Final = 32


def people(auth: Accounts) -> dict[str, Any]:
    """The accounts and roles of the settings, as apply_people.py reads them."""
    users = [
        {
            "username": user.username,
            "role": user.role,
            "email": user.email,
            "first_name": user.username if user.first_name is None else user.first_name,
            "last_name": "" if user.last_name is None else user.last_name,
        }
        for user in auth.users
    ]
    return {"users": users, "roles": {name: list(permissions) for name, permissions in auth.custom_roles.items()}}


@dataclass(frozen=True, kw_only=True)
class PeopleArgs:
    """Arguments of the accounts and roles."""

    context: InstanceContext
    features: Features
    migration: Migration
    database_identity: pulumi.Input[str]
    """Identifies the database server; another server gets the accounts again."""


class People(pulumi.ComponentResource):
    """Generated passwords, and one awaited Job that brings accounts and roles to the settings.

    The Job's name carries a hash of what it writes. It has the account and the credentials of the migration, and runs
    after it. Without any account or role there is no Job: the migration then ends the access of the accounts that the
    stack wrote before.
    """

    passwords: Mapping[str, pulumi.Output[str]]
    """The generated passwords by login name."""

    def __init__(self, name: str, args: PeopleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:People", name, None, opts)
        context, settings = args.context, args.context.settings
        text = json.dumps(people(settings.auth), sort_keys=True)
        provided = user_passwords()
        self.passwords = {
            user.username: self._password(f"{name}-{user.username}-password")
            for user in settings.auth.users
            if user.username not in provided
        }
        values = pulumi.Output.secret(pulumi.Output.json_dumps({**provided, **self.passwords}, sort_keys=True))
        secret = create_secret(context, "users", {"passwords": values}, {"migration"})
        [stored] = secret.stored.values()
        pod = WorkloadPod(
            workload="migration",
            container="people",
            args=["python", "-c", script("apply_people.py")],
            resources=RESOURCES,
            restart_policy="OnFailure",
            environment={"PEOPLE": text},
            credentials=secret.credentials(PASSWORDS, "passwords"),
        )
        # After the migration, which creates the tables.
        DatabaseJob(
            context=context,
            features=args.features,
            pod=pod,
            options=args.migration.options,
            inputs=[settings.image.reference, text, args.database_identity, stored.checksum],
        ).create(f"{name}-job", self, args.migration.done)
        self.register_outputs({})

    def _password(self, name: str) -> pulumi.Output[str]:
        # Not protected: the password of a removed account goes with it, and a lost one is replaced by the next `up`.
        password = random.RandomPassword(
            name, length=PASSWORD_LENGTH, special=False, opts=pulumi.ResourceOptions(parent=self)
        )
        return password.result
