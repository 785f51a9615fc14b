"""The profile of a stack, from its config and its name."""

from __future__ import annotations

import json

import pytest

from policies.profiles import ProfileError, cloud_kind, profile_of


@pytest.mark.parametrize(
    ("stack", "config", "profile"),
    [
        ("dev", {}, "dev"),
        ("dev", {"airflow:protect": "false"}, "dev"),
        ("dev", {"airflow:protect": "true"}, "prod"),
        ("dev", {"airflow:cloud": json.dumps({"kind": "gcp", "production_data": True})}, "prod"),
        ("dev", {"airflow:cloud": json.dumps({"kind": "gcp", "production_data": False})}, "dev"),
        ("prod", {"airflow:protect": "false"}, "prod"),
        ("eu-prod", {}, "prod"),
        ("organization/airflow/production", {}, "prod"),
        ("product", {}, "dev"),
        ("prod", {"policy:profile": "dev"}, "dev"),
        ("dev", {"policy:profile": "prod"}, "prod"),
        ("dev", {"airflow:protect": "true", "policy:profile": "dev"}, "dev"),
        ("dev", {"airflow:cloud": "no object"}, "dev"),
    ],
)
def test_config_decides_before_the_name(stack: str, config: dict[str, str], profile: str) -> None:
    assert profile_of(stack, config) == profile


@pytest.mark.parametrize("value", ["", "production", "PROD"])
def test_an_unknown_profile_is_refused(value: str) -> None:
    with pytest.raises(ProfileError) as refused:
        profile_of("dev", {"policy:profile": value})
    assert str(refused.value) == (
        f"policy:profile: {value!r} is not a profile; set it to prod or dev, or remove the key."
    )


def test_the_cloud_of_another_program_is_not_known() -> None:
    assert cloud_kind({}) is None
    assert cloud_kind({"airflow:cloud": json.dumps({"kind": "azure"})}) == "azure"
    assert cloud_kind({"airflow:cloud": "[1]"}) is None
