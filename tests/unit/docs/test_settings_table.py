"""The README's table of settings matches the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import pytest

from components.settings.stack import Settings
from components.settings.types import Model
from docs import settings
from tests.unit.recording.stacks import ROOT

LINE: Final = re.compile(r"\| `(?P<key>[\w.]+)` \| (?P<value>.*?) \| (?P<default>.*?) \| (?P<text>.+) \|")


def test_the_readme_is_up_to_date() -> None:
    text = (ROOT / "README.md").read_text()
    assert settings.renewed(text) == text, "run: make settings"


def models(annotation: Any) -> Iterator[type[Model]]:
    """All models that a type refers to."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for part in get_args(annotation):
        yield from models(part)


def test_every_setting_has_a_row_and_a_sentence() -> None:
    found = [match for line in settings.table().splitlines()[2:] if (match := LINE.fullmatch(line))]
    assert len(found) == len(settings.table().splitlines()) - 2
    assert [match["key"] for match in found if not match["text"].endswith(".")] == []
    keys = {match["key"].rpartition(".")[2]: match["text"] for match in found}
    offenders = [
        f"{model.__name__}.{name}"
        for model in set(models(Settings))
        for name, field in model.model_fields.items()
        if not (name in keys or list(models(field.annotation)))
        or not any(" ".join((field.description or "no words").split()) in match["text"] for match in found)
        if not list(models(field.annotation)) and name != "kind"
    ]
    assert offenders == []


def test_a_row_says_what_the_model_does() -> None:
    lines = settings.table().splitlines()
    for line in (
        "| `executor.workers.replicas` | 1 to 20 | `1` | Number of worker pods."
        " With executor `celery` or `celery+kubernetes`. |",
        "| `protect` | `true`, `false` | `false` | Whether all resources with data are protected from deletion. |",
        "| `dags.path` | text | required | The folder on the node. With dags `host_path`. |",
        "| `exposure.port` | 30000 to 32767 |  | The port; default: chosen by the cluster."
        " With exposure `node_port`. |",
    ):
        assert line in lines


def test_only_what_is_between_the_marks_changes() -> None:
    text = f"before\n{settings.BEGIN}\nold\n{settings.END}\nafter\n"
    new = settings.renewed(text)
    assert new.startswith(f"before\n{settings.BEGIN}\n| key |")
    assert new.endswith(f"|\n{settings.END}\nafter\n")
    assert settings.renewed(new) == new


@pytest.mark.parametrize(
    "text", ["", settings.BEGIN, settings.END + settings.BEGIN, (settings.BEGIN + settings.END) * 2]
)
def test_a_text_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must have the lines"):
        settings.renewed(text)
