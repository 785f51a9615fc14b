"""The time zone of dates and schedules that name none."""

from __future__ import annotations

import zoneinfo
from typing import Annotated

from pydantic import AfterValidator, Field


def _known(name: str) -> str:
    """The name, if it is in the IANA time zone database.

    Raises:
        ValueError: any other name; "rule; remedy".
    """
    if name not in zoneinfo.available_timezones():
        raise ValueError("is not a time zone of the IANA database; write it as Area/Location, such as Europe/Berlin")
    return name


Timezone = Annotated[str, AfterValidator(_known), Field(title="time zone of the IANA database")]
