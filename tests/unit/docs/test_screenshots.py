"""The pictures of the UI show the Airflow that is deployed by default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.settings.sections.image import Image
from docs import screenshots


def problems(folder: Path, version: str) -> list[str]:
    """The problems of the pictures in a folder."""
    record = folder / screenshots.RECORD
    pictures = {path.name: path.stat().st_size for path in folder.glob("ui-*.png")}
    if not record.exists():
        return [f"no record of {name}" for name in pictures]
    told = json.loads(record.read_text())
    found = [f"{name} is too large" for name, size in pictures.items() if size > screenshots.SIZE_MAX]
    if told["airflow"] != version:
        found.append(f"they show {told['airflow']} and not {version}: run make screenshots")
    if sorted(told["pictures"]) != sorted(pictures):
        found.append("the record lists other pictures")
    return found


def test_the_pictures_show_the_default_airflow_and_are_small() -> None:
    assert [*screenshots.FOLDER.glob("ui-*.png")]
    assert problems(screenshots.FOLDER, Image().version) == []


def test_pictures_of_another_version_are_found(tmp_path: Path) -> None:
    (tmp_path / "ui-dags.png").write_bytes(b"x")
    assert problems(tmp_path, "3.3.2") == ["no record of ui-dags.png"]
    (tmp_path / screenshots.RECORD).write_text(json.dumps({"airflow": "3.3.1", "pictures": ["ui-dags.png"]}))
    assert problems(tmp_path, "3.3.1") == []
    assert problems(tmp_path, "3.3.2") == ["they show 3.3.1 and not 3.3.2: run make screenshots"]
    (tmp_path / "ui-log.png").write_bytes(b"x" * (screenshots.SIZE_MAX + 1))
    assert problems(tmp_path, "3.3.1") == ["ui-log.png is too large", "the record lists other pictures"]


def test_without_a_password_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AIRFLOW_PASSWORD", raising=False)
    with pytest.raises(SystemExit) as end:
        screenshots.main([])
    assert end.value.code == 2
    assert "set the password of the user in the variable AIRFLOW_PASSWORD" in capsys.readouterr().err
