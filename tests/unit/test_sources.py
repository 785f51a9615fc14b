"""Rules over the program's sources: allowed imports and patterns."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.unit.recording.stacks import ROOT

PROGRAM: Final = [
    ROOT / "__main__.py",
    *sorted(path for path in (ROOT / "components").rglob("*.py") if "scripts" not in path.parts),
]
CLOUD_SDKS: Final = ("pulumi_gcp", "pulumi_azure_native", "pulumi_azure", "google", "azure")
READERS_OF_CONFIG: Final = {
    "components/settings/loader.py": "the only reader of stack config",
}
CHOOSERS: Final = {
    "components/cloud/__init__.py": {"Cloud"},
    "components/pricing/estimate.py": {"Cloud"},
}
"""Modules outside the settings that may ask which member of a union they have, and of which union."""
UNIONS: Final = {
    "Cloud": ("GcpCloud", "AzureCloud", "ExistingCluster"),
    "Executor": ("CeleryExecutor", "KubernetesExecutor", "MixedExecutor"),
    "Logs": ("StoreLogs", "VolumeLogs", "WorkerLogs"),
    "DagSource": ("ImageDags", "HostPathDags", "ShareDags", "ClaimDags", "OciDags", "BucketDags"),
    "DagMount": ("Copied", "ImageVolume"),
    "Exposure": ("ClusterIp", "NodePort", "Gateway"),
    "SecretsBackend": ("SecretManager", "KeyVault"),
    "Tls": ("ManagedTls", "CertManagerTls", "SecretTls"),
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in PROGRAM:
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide what is imported"
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def below(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_there_is_a_program_to_look_at() -> None:
    assert len(PROGRAM) > 25


def test_airflow_knows_the_contract_and_no_cloud() -> None:
    offenders = [
        f"{path}: {name}"
        for path, tree in modules()
        if path.startswith("components/airflow/")
        for name in imported(tree)
        if below(name, *CLOUD_SDKS, "components.settings.existing.cloud")
        or (below(name, "components.cloud") and not below(name, "components.contract.cloud"))
    ]
    assert offenders == []


def test_the_program_knows_neither_lab_nor_tests() -> None:
    offenders = [
        f"{path}: {name}" for path, tree in modules() for name in imported(tree) if below(name, "lab", "tests", "docs")
    ]
    assert offenders == []


def test_each_cloud_is_imported_in_its_own_branch_alone() -> None:
    """A stack must not pay for another cloud's SDK: up to a second and 110 MiB each."""
    program = """
import sys, components.cloud, components.settings.loader, components.airflow.instance, components.outputs
print(sorted({name for name in sys.modules if name.split(".")[0] in {"pulumi_gcp", "pulumi_azure_native"}
    or name.startswith("components.cloud.")}))
"""
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]"


def asked(tree: ast.Module) -> Iterator[str]:
    """Every class that a module asks for: by `match`, by `isinstance`; and `kind` where it asks for that."""
    for node in ast.walk(tree):
        if isinstance(node, ast.MatchClass):
            yield from (name.id for name in ast.walk(node.cls) if isinstance(name, ast.Name))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"isinstance", "type"}:
            yield from (name.id for argument in node.args for name in ast.walk(argument) if isinstance(name, ast.Name))
        elif isinstance(node, ast.Attribute) and node.attr == "kind":
            yield ast.unparse(node)


def test_what_a_setting_chooses_is_chosen_once() -> None:
    """In the settings, whose models say what follows from a choice; nothing else asks which one it is."""
    members = {name: union for union, names in UNIONS.items() for name in names}
    offenders = [
        f"{path}: {name}"
        for path, tree in modules()
        if not path.startswith("components/settings/")
        for name in asked(tree)
        if (name in members and members[name] not in CHOOSERS.get(path, set()))
        or re.search(r"(settings|cloud|executor|exposure|tls|logs|dags|gateway)[\w.]*\.kind$", name)
    ]
    assert offenders == []


def test_options_of_resources_are_never_merged() -> None:
    """A merge gives children the component's parent, aliases and dependencies."""
    offenders = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "merge"
    ]
    assert offenders == []


def test_stack_config_is_read_in_one_place() -> None:
    offenders = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        if path not in READERS_OF_CONFIG
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"Config", "get_stack", "CONFIG"})
        or (isinstance(node, ast.Name) and node.id in {"Config", "get_stack", "CONFIG"})
    ]
    assert offenders == []


def test_no_resource_is_made_inside_an_apply() -> None:
    """It would be missing in previews."""
    offenders = []
    for path, tree in modules():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "apply"):
                continue
            offenders += [
                f"{path}:{inner.lineno}"
                for argument in node.args
                for inner in ast.walk(argument)
                if isinstance(inner, ast.keyword) and inner.arg == "opts"
            ]
    assert offenders == []


def test_nothing_happens_when_a_module_is_imported() -> None:
    """No call at the top of a module, except those that create constants."""
    allowed = {
        "Final",
        "frozenset",
        "Path",
        "User",
        "Resources",
        "compile",
        "Field",
        "AfterValidator",
        "ConfigDict",
        "IPv4Network",
        "Late",
        "Traits",
        "Row",
        "startswith",
        "option_of",
        "items",
    }
    offenders = []
    for path, tree in modules():
        if path == "__main__.py":
            continue
        for statement in tree.body:
            if isinstance(
                statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.If)
            ):
                continue
            for node in ast.walk(statement):
                if isinstance(node, ast.Call):
                    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "?")
                    if name not in allowed | {"resolve", "Credential"}:
                        offenders.append(f"{path}:{node.lineno}: {name}")
    assert offenders == []


def test_the_composition_root_is_short_and_needs_no_exception_of_a_linter() -> None:
    text = (ROOT / "__main__.py").read_text()
    assert len(text.splitlines()) < 30
    assert "noqa" not in text
    assert (
        '"__main__.py"'
        not in (ROOT / "pyproject.toml").read_text().partition("per-file-ignores")[2].partition("[tool")[0]
    )


def test_modules_are_named_for_their_contents() -> None:
    offenders = [path for path, _ in modules() if Path(path).stem in {"utils", "helpers", "common", "manager", "base"}]
    assert offenders == []


def test_annotations_load_nothing() -> None:
    without = [
        path
        for path, tree in modules()
        if any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in tree.body)
        and not any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    ]
    assert without == []


def test_docstrings_are_no_riddles() -> None:
    """A reader of manuals expects the name of the thing first: "Arguments of the cluster", not "What it is made of"."""
    riddles = {"Who", "Whom", "Whose", "What", "How"}
    offenders = []
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                name = getattr(node, "name", "module")
                first, words = text.partition(" ")[0], re.findall(r"[a-z]+", text.lower())
                if first in riddles or "".join(words) in {name.lower(), f"the{name.lower()}"}:
                    offenders.append(f"{path}: {name}: {text.splitlines()[0]}")
    assert offenders == []
