"""The keys of simulated storage accounts."""

from __future__ import annotations

from collections.abc import Sequence

from lab.clouds.inventory import World


def storage_keys(world: World, account: str) -> Sequence[str]:
    """The keys that mount an account's shares; empty if the account does not exist."""
    known = world.facts.get("storage keys", {})
    return next((keys for account_id, keys in known.items() if account_id.endswith(f"/{account}")), ())
