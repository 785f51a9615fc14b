"""The command `price`: a table from a stack file, and one message for each thing that prevents it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pulumi.automation import ConfigValue

from components.pricing.estimate import price_of
from operations import stacks
from operations.commands import main
from tests.unit.pricing.stacks import SHIPPED, settings
from tests.unit.recording.recorder import raw
from tests.unit.recording.stacks import ROOT

DEV = (ROOT / "Pulumi.dev.yaml").read_text()


def run(capsys: pytest.CaptureFixture[str], path: Path) -> tuple[int, str, str]:
    """Exit code, output and errors of the command for a file."""
    code = main(["price", "--file", str(path)])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("stack", SHIPPED)
def test_a_shipped_file_is_priced_as_it_is(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, ROOT / SHIPPED[stack])
    price = price_of(settings(SHIPPED[stack]))
    assert (code, err) == (1 if price.unknown else 0, "")
    lines = out.splitlines()
    for line in price.lines:
        [row] = [text for text in lines if text.startswith(f"{line.resource} ")]
        assert row.endswith(f"${line.monthly_max:,.2f}")
        assert f"${line.monthly_min:,.2f}" in row
    assert any(text.startswith("sum ") and text.endswith(f"${price.monthly_max:,.2f}") for text in lines)
    assert all(f"  {text}" in lines for text in (*price.not_priced, *price.unknown))
    assert "A month has 730 hours." in out
    remedy = f"Add the prices: python -m operations price-refresh --region {price.region} --cloud"
    assert (remedy in out) == bool(price.unknown)


def test_an_existing_cluster_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, ROOT / "Pulumi.local.yaml")
    assert code == 0
    assert "No list price" in out
    assert "sum" not in out
    assert "$" not in out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DEV.replace("europe-west1", "asia-east1").replace("[b]", "[a]"), "has no prices of region 'asia-east1'"),
        (DEV.replace("nodes_min: 1", "nodes_min: 0"), "airflow:cloud.cluster.system_nodes.nodes_min: 0 is below 1"),
        (DEV + "  airflow:options:\n    secure: x\n", "airflow:options is encrypted; read the stack instead: --stack"),
        ("config:\n  - [", "is not YAML: "),
        ("resources: {}\n", "has no key `config`; name a stack file"),
        ("", "has no key `config`; name a stack file"),
    ],
)
def test_each_mistake_is_one_message(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(text)
    code, out, err = run(capsys, file)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err


def test_a_missing_file_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, tmp_path / "none.yaml")
    assert code == 2
    assert err.endswith("none.yaml cannot be read: No such file or directory; name a stack file: Pulumi.NAME.yaml.\n")


def test_a_file_that_the_engine_has_written_is_read_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It keeps switches as texts."""
    file = tmp_path / "Pulumi.x.yaml"
    assert "airflow:protect: false" in DEV
    file.write_text(DEV.replace("airflow:protect: false", 'airflow:protect: "false"'))
    assert run(capsys, file) == run(capsys, ROOT / "Pulumi.dev.yaml")


def test_a_stack_is_priced_without_a_login_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plan costs nothing: the machine need not be able to carry it out."""
    texts, secret = raw({**yaml.safe_load(DEV)["config"], "airflow:tls_certificate": {"secure": "PEM"}})
    config = {key: ConfigValue(value=text, secret=key in secret) for key, text in texts.items()}
    monkeypatch.setattr(stacks, "config", lambda stack: config if stack == "dev" else {})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["price", "--stack", "dev"]) == 0
    said = capsys.readouterr()
    assert (0, said.out, said.err) == run(capsys, ROOT / "Pulumi.dev.yaml")


def test_secrets_are_not_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(DEV + "  airflow:tls_certificate:\n    secure: v1:abc\n  gcp:project: other\n")
    plain = run(capsys, ROOT / "Pulumi.dev.yaml")
    assert run(capsys, file) == plain
