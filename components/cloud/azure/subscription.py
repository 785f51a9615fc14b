"""Check of the Azure subscription of an existing stack."""

from __future__ import annotations

from components.settings.errors import SettingError
from components.settings.loader import StackSettingsError


def require_same_subscription(subscription_id: str, group_id: str) -> str:
    """The id of the stack's resource group, if it is in this subscription.

    The engine finds existing resources by their full id, and would create new ones in another subscription.

    Raises:
        StackSettingsError: the stack was created in another subscription.
    """
    current = group_id.split("/")[2]
    if current.lower() != subscription_id.lower():
        error = SettingError(
            key="airflow:cloud.subscription_id",
            value=subscription_id,
            rule=f"differs from {current}, the subscription of this stack's resources",
            remedy=f"set {current}, or create a new stack for the other subscription",
        )
        raise StackSettingsError([error])
    return group_id
