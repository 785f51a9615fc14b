"""The Azure subscription that a stack stands in."""

from __future__ import annotations

from components.settings.errors import SettingError, SettingsError


def within(subscription_id: str, group_id: str) -> str:
    """The id of the stack's resource group, if it is in this subscription.

    The engine finds what exists by its full id, and would make the rest in another subscription.

    Raises:
        SettingsError: the stack was made in another one.
    """
    found = group_id.split("/")[2]
    if found.lower() != subscription_id.lower():
        error = SettingError(
            key="airflow:cloud.subscription_id",
            value=subscription_id,
            rule=f"is another subscription than {found}, in which this stack stands",
            remedy=f"set {found}, or make a new stack for the other one",
        )
        raise SettingsError([error])
    return group_id
