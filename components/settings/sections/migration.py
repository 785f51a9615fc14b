"""The database migration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.settings.types import Model


class Migration(Model):
    """The Job that brings the database to the schema of the image's Airflow."""

    deadline_seconds: Annotated[int, Field(ge=60, le=86_400)] = 900
    """How long it may take, image pull included, before `up` fails; a large database takes longer. In seconds."""
