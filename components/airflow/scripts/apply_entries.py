"""Bring the rows of the metadata database that the stack keeps to the stack's settings: pools.

A pool that the stack names is created or changed, also one that a person has made: it belongs to the stack from then
on. A pool that the stack wrote before and does not name any more is deleted. All other pools stay. Safe to run again.

Environment: ENTRIES: a JSON object {"pools": {NAME: {"slots": NUMBER, "description": TEXT}}}.
AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: the metadata database.
"""

import json
import os

MARK = "Written by the Pulumi stack"
"""Beginning of the descriptions of all pools that the stack wrote; migrate.py knows it too."""


def apply_pools(wanted):
    """Create and change the pools that are wanted, and delete those that the stack wrote before."""
    from airflow.models.pool import Pool

    found = {pool.pool: pool for pool in Pool.get_pools()}
    for name, pool in sorted(wanted.items()):
        description = f"{MARK}: {pool['description']}"
        known = found.get(name)
        if known is not None and (known.slots, known.description) == (pool["slots"], description):
            print(f"pool {name} is unchanged")
            continue
        # The same as in the UI: deferred tasks take no slot, unless somebody has switched that on for this pool.
        deferred = known.include_deferred if known is not None else False
        Pool.create_or_update_pool(name=name, slots=pool["slots"], description=description, include_deferred=deferred)
        print(f"pool {name} has {pool['slots']} slots")
    for name, pool in sorted(found.items()):
        if name not in wanted and (pool.description or "").startswith(MARK):
            Pool.delete_pool(name)
            print(f"pool {name} is deleted")


if __name__ == "__main__":
    apply_pools(json.loads(os.environ["ENTRIES"])["pools"])
