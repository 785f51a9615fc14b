"""The pages of settings match the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

from components.settings import secret_keys
from components.settings.azure.cloud import AzureCloud
from components.settings.existing.cloud import ExistingCluster
from components.settings.gcp.cloud import GcpCloud
from components.settings.stack import Settings
from components.settings.types import Model
from docs import settings

LINE: Final = re.compile(r"\| `(?P<key>[\w.*\[\]]+)` \| (?P<value>.*?) \| (?P<default>.*?) \| (?P<text>.+) \|")


def lines() -> list[str]:
    """Every row of every page, the index aside."""
    return [
        line
        for name, text in settings.pages().items()
        if name != settings.INDEX
        for line in text.splitlines()
        if line.startswith("| `")
    ]


def test_the_pages_are_up_to_date() -> None:
    pages = {path.name: path.read_text() for path in settings.FOLDER.iterdir()}
    assert pages == settings.pages(), "run: make settings"


def models(annotation: Any) -> Iterator[type[Model]]:
    """All models that a type refers to. Below a title, they are types of Kubernetes."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
        for field in annotation.model_fields.values():
            if field.title is None:
                yield from models(field.annotation)
    for part in get_args(annotation):
        yield from models(part)


def test_every_setting_has_a_row_and_a_sentence() -> None:
    found = [match for line in lines() if (match := LINE.fullmatch(line))]
    assert len(found) == len(lines())
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


def test_every_setting_is_on_a_page_and_in_the_index() -> None:
    """A key of one cloud is on the page of this cloud, a key of a section on the page of the section."""
    keys = {row.key for row in settings.rows(Settings)}
    shown = {row.key for page in settings.rows_by_page().values() for row in page}
    assert shown == keys
    assert [key for key in keys if f"| `{key}` |" not in settings.pages()[settings.INDEX]] == []
    for cloud, variant in (("gcp", GcpCloud), ("azure", AzureCloud), ("existing", ExistingCluster)):
        own = {row.key for row in settings.rows(variant, "cloud.")} | {"cloud.kind"}
        assert {row.key for row in settings.rows_by_page()[f"{cloud}.md"]} == own


def test_every_secret_of_a_stack_has_a_row() -> None:
    assert settings.SECRETS.keys() == secret_keys.SECRETS
    assert [key for key in secret_keys.SECRETS if f"`airflow:{key}`" not in settings.pages()[settings.INDEX]] == []


def test_a_row_says_what_the_model_does() -> None:
    for line in (
        "| `executor.workers.replicas` | 1 to 20 | `1` | Number of worker pods."
        " With executor `celery` or `celery+kubernetes`. |",
        "| `protect` | `true`, `false` | `false` | Whether all resources with data are protected from deletion. |",
        "| `dags[].path` | text | required | The folder on the node. With dags `host_path`. |",
        "| `exposure.port` | 30000 to 32767 |  | The port; default: chosen by the cluster."
        " With exposure `node_port`. |",
    ):
        assert line in lines()


def test_writing_replaces_old_pages_and_deletes_those_of_no_section(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("old")
    (tmp_path / settings.INDEX).write_text("old")
    settings.write(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == settings.pages()
