"""Parser of settings: plain values to frozen models. Pure; needs no Pulumi, no file, no network and no environment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from pydantic import ValidationError

from components.settings import checks
from components.settings.errors import SettingError, SettingsError
from components.settings.secret_keys import SECRETS
from components.settings.sections.options import Reserved
from components.settings.stack import Settings
from components.settings.validation import validation_errors

NOTHING_RESERVED: Final[Reserved] = {}
STAND_INS: Final[Mapping[str, object]] = {"cloud": {"kind": "existing"}, "executor": {"kind": "celery"}}
"""Values of the required keys where they are missing or invalid, so that the other sections can be parsed."""


def parse(
    values: Mapping[str, object], *, secret: Collection[str] = (), reserved: Reserved = NOTHING_RESERVED
) -> Settings:
    """The settings of a stack.

    Args:
        values: the value of each key of a stack file, without the project's name.
        secret: the keys whose values must not be shown.
        reserved: options of airflow.cfg that a stack may not set under `options`; what Airflow's features decide is
            `components.airflow.instance.RESERVED_OPTIONS`.

    Raises:
        SettingsError: at least one setting cannot be used; the message lists them all.
    """
    settings, errors = examine(values, secret=secret, reserved=reserved)
    if settings is None or errors:
        raise SettingsError(errors)
    return settings


def examine(
    values: Mapping[str, object], *, secret: Collection[str] = (), reserved: Reserved = NOTHING_RESERVED
) -> tuple[Settings | None, list[SettingError]]:
    """The settings and all errors in them, for a report that other checks add to.

    The settings are None if a value does not fit its model.
    """
    own = {key: value for key, value in values.items() if key not in SECRETS}
    settings: Settings | None = None
    errors: list[SettingError] = []
    try:
        settings = Settings.model_validate(own)
        sections: dict[str, Any] = {key: getattr(settings, key) for key in own}
    except ValidationError as error:
        errors.extend(validation_errors(error, secret=secret))
        sections = _valid_sections(own, {detail["loc"][0] for detail in error.errors()})
    errors.extend(checks.setting_errors(values, sections, secret=secret, reserved=reserved))
    return settings, errors


def _valid_sections(own: Mapping[str, object], invalid: Collection[str | int]) -> dict[str, Any]:
    """The sections without errors, so that checks between them are in the same report."""
    valid = {key: value for key, value in own.items() if key not in invalid}
    settings = Settings.model_validate({**STAND_INS, **valid})
    return {key: getattr(settings, key) for key in valid}
