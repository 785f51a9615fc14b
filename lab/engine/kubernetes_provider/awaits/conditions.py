"""Readiness as the program defines it, by the annotation `pulumi.com/waitFor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from lab.engine.kubernetes_provider.awaits.awaiter import Awaiter, Show
from lab.engine.kubernetes_provider.client import Object
from lab.engine.kubernetes_provider.objects import pluck

Test = Callable[[Object], bool]


class ConditionsAwaiter(Awaiter):
    """Waits until every condition of the annotation holds for the object."""

    def __init__(self, target: Object, before: Object | None, show: Show, text: str) -> None:
        super().__init__(target, before, show)
        self._tests = tests(text)

    def ready(self) -> bool:
        """Whether all hold."""
        missing = self._missing()
        if missing:
            self.status(f"Waiting for {missing[0]}")
        return not missing

    def reasons(self) -> list[str]:
        """Those that do not hold."""
        return [f"{text} does not hold" for text in self._missing()]

    def _missing(self) -> list[str]:
        return [text for text, test in self._tests.items() if not test(self.live)]


def tests(text: str) -> dict[str, Test]:
    """The conditions of a waitFor annotation: one, or a JSON list of them.

    Raises:
        ValueError: not of the form `condition=Type[=Status]` or `jsonpath={.path}[=value]`.
    """
    try:
        values = json.loads(text)
    except ValueError:
        values = [text]
    if not isinstance(values, list):
        values = [text]
    if not values:
        raise ValueError("waitFor: at least one condition must be given")
    found: dict[str, Test] = {}
    for value in values:
        kind, _, expression = str(value).partition("=")
        match kind:
            case "condition":
                found[value] = _condition(expression)
            case "jsonpath":
                found[value] = _json_path(expression)
            case _:
                raise ValueError(f'waitFor: expected the prefix "jsonpath=" or "condition=", got "{value}"')
    return found


def _condition(expression: str) -> Test:
    kind, _, status = expression.partition("=")
    wanted = (status or "True").lower()

    def holds(obj: Object) -> bool:
        generation = pluck(obj, "metadata", "generation") or 0
        for entry in pluck(obj, "status", "conditions") or []:
            if str(entry.get("type", "")).lower() == kind.lower():
                observed = entry.get("observedGeneration", generation)
                return observed >= generation and str(entry.get("status", "")).lower() == wanted
        return False

    return holds


def _json_path(expression: str) -> Test:
    # Loaded here: few programs use it, and every start of the plugin would pay.
    import jsonpath_rfc9535

    path, value = _split(expression)
    try:
        query = jsonpath_rfc9535.compile("$" + path.removeprefix("$"))
    except jsonpath_rfc9535.JSONPathError as error:
        raise ValueError(f'waitFor: parsing "{path}": {error}') from error

    def holds(obj: Object) -> bool:
        values = query.find(obj).values()
        return bool(values) and (value is None or (_text(values[0]) == value))

    return holds


def _split(expression: str) -> tuple[str, str | None]:
    start, end = expression.find("{"), expression.rfind("}")
    if start != 0 or end < 0:
        raise ValueError(f'waitFor: "{expression}" should be of the form {{.path}} or {{.path}}=value')
    rest = expression[end + 1 :]
    if rest and (not rest.startswith("=") or len(rest) == 1 or "=" in rest[1:]):
        raise ValueError(f'waitFor: "{expression}" should be of the form {{.path}} or {{.path}}=value')
    return expression[1:end].strip(), rest[1:] if rest else None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
