"""The strategy by which a roll-out replaces the pods of a Deployment."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.settings.types import Model


class Recreate(Model):
    """All old pods end before new ones start: nothing serves in between."""

    kind: Literal["recreate"]

    @property
    def rolling(self) -> Rolling | None:
        """The limits of a rolling update; None without one."""
        return None


class Rolling(Model):
    """New pods start while old ones still run."""

    kind: Literal["rolling"]
    max_surge_percent: Annotated[int, Field(ge=0, le=100)] = 25
    """Pods above the number of replicas, in percent of it, rounded up."""
    max_unavailable_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Pods below the number of replicas, in percent of it, rounded down."""

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.max_surge_percent == 0 and self.max_unavailable_percent == 0:
            raise ValueError("has neither a surge nor unavailable pods, and a roll-out could not start; raise one")
        return self

    @property
    def rolling(self) -> Rolling | None:
        """The limits of a rolling update; None without one."""
        return self


Strategy = Annotated[Recreate | Rolling, Field(discriminator="kind")]
