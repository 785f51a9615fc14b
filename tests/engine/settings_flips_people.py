"""Effects of each single setting of accounts and roles, on Google Cloud: see settings_flips_gcp.py for the stack."""

from __future__ import annotations

from typing import Final

from tests.engine.settings_effects import Changes, Flip, Flips

JOB: Final = Changes(replaces={"people-job"})
SERVER: Final = Changes(updates={"api-server"}, replaces={"api-server-options"})
FLIPS: Final[Flips] = {
    "auth.users[].username": Flip(
        "bob",
        Changes(creates={"people-bob-password"}, deletes={"people-ada-password"}, replaces={"people-job", "users"}),
    ),
    "auth.users[].role": Flip("Viewer", JOB),
    "auth.users[].email": Flip("bob@example.org", JOB),
    "auth.users[].first_name": Flip("Ada", JOB),
    "auth.users[].last_name": Flip("Lovelace", JOB),
    "auth.custom_roles": Flip({"sales": ["can_read on Pools"]}, JOB),
    "auth.session_minutes": Flip(60, SERVER),
}
