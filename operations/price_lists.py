"""Shared parts of the clouds' price APIs: requests, and the choice of one price for an SKU."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

import requests

from operations.errors import OperationError

TIMEOUT_SECONDS: Final = 60


def page(url: str, parameters: dict[str, str]) -> dict[str, Any]:
    """The JSON object that an address answers.

    Raises:
        OperationError: no answer, an error, or an answer of another form.
    """
    host = url.split("?", maxsplit=1)[0]
    try:
        answer = requests.get(url, params=parameters, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        reason = type(error).__name__
        raise OperationError(f"{host} does not answer ({reason}); run this where the internet is open.") from None
    if not answer.ok:
        raise OperationError(f"{host} answers {answer.status_code}: {_reason(answer)}; nothing was changed.")
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise OperationError(f"{host} answers something other than a JSON object; nothing was changed.")
    return cast("dict[str, Any]", content)


def _reason(answer: requests.Response) -> str:
    """The message of an error in Google's or Azure's form, or the HTTP reason."""
    try:
        error = answer.json()["error"]
        return " ".join(str(error["message"]).split())
    except (ValueError, KeyError, TypeError):
        return answer.reason


def single(values: Iterable[float]) -> float | None:
    """The price that all values agree on; None if there is none, or if they differ."""
    found = {round(value, 9) for value in values if value > 0}
    return found.pop() if len(found) == 1 else None
