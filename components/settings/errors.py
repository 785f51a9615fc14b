"""Errors in a stack's settings, one line each, and one report of all of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final


@dataclass(frozen=True, kw_only=True)
class SettingError:
    """One setting that cannot be used."""

    key: str
    """The full key as written in the stack file: airflow:executor.workers.replicas."""
    value: object
    """The configured value; None if it is missing or not the problem."""
    rule: str
    remedy: str
    secret: bool = False
    """Whether the value stays out of the message."""

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.key} {self.rule}; {self.remedy}."
        # A password in a URL is a secret in any setting, and so is a token in place of the user.
        shown = re.sub(r"(://[^:/@\s]*:)[^@\s]+@", r"\1…@", repr(self.value))
        shown = "(secret)" if self.secret else re.sub(r"(https?://)[^:/@\s]+@", r"\1…@", shown)
        return f"{self.key}: {shown} {self.rule}; {self.remedy}."


class SettingsError(Exception):
    """All errors of a stack's settings in one report; raised before any resource is registered."""

    def __init__(self, errors: Sequence[SettingError]) -> None:
        self.setting_errors: Final = tuple(errors)
        count = "1 setting" if len(errors) == 1 else f"{len(errors)} settings"
        lines = "\n".join(f"  {error}" for error in errors)
        super().__init__(f"{count} of this stack cannot be used; nothing was created or changed.\n{lines}")


def nearest(key: str, known: Collection[str]) -> str:
    """Remedy for an unknown key: the known key that was probably meant, or all known keys."""
    near = get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}" if near else f"remove it; known here: {', '.join(known)}"
