"""The database migration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.settings.types import Model


class Migration(Model):
    """The Job that migrates the database to the schema of the image's Airflow version."""

    deadline_seconds: Annotated[int, Field(ge=60, le=86_400)] = 900
    """Maximum duration, image pull included, before `up` fails, in seconds. A large database needs more."""
