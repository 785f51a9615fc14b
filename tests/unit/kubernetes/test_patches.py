"""The merge of strategic merge patches."""

from __future__ import annotations

from typing import Any

import pytest

from components.kubernetes.patches import merged


@pytest.mark.parametrize(
    ("value", "patch", "wanted"),
    [
        ({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}}, {"a": 1, "b": {"c": 2, "d": 3}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": 1}, {"b": None}, {"a": 1}),
        (
            {"containers": [{"name": "a", "tty": True}, {"name": "b"}]},
            {"containers": [{"name": "b", "stdin": True}, {"name": "c"}]},
            {"containers": [{"name": "a", "tty": True}, {"name": "b", "stdin": True}, {"name": "c"}]},
        ),
        (
            {"ports": [{"containerPort": 1, "name": "a"}]},
            {"ports": [{"containerPort": 1, "protocol": "UDP"}]},
            {"ports": [{"containerPort": 1, "name": "a", "protocol": "UDP"}]},
        ),
        ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
        ({}, {"env": [{"name": "a"}]}, {"env": [{"name": "a"}]}),
    ],
)
def test_a_patch_is_merged_as_the_api_server_does(value: Any, patch: Any, wanted: Any) -> None:
    assert merged(value, patch) == wanted


def test_a_merge_changes_neither_of_its_arguments() -> None:
    value, patch = {"a": {"b": [1]}}, {"a": {"c": 2}}
    merged(value, patch)
    assert (value, patch) == ({"a": {"b": [1]}}, {"a": {"c": 2}})
