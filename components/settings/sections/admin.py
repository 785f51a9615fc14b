"""The first user."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.settings.types import Model


class Admin(Model):
    """The first user. Its password is generated; see the output `admin_password`."""

    username: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")] = "admin"
    """Login name."""
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\Z")] = "admin@example.org"
    """E-mail address. The login page accepts the user name only."""
