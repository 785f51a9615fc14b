"""Options as a file airflow.cfg: Airflow itself, in its image, reads the same values from it as from variables."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from components.airflow.feature import option_of
from components.airflow.pods.options import FILE
from lab.images import airflow_root
from tests.unit.conftest import isolated_environment
from tests.unit.recording import recorder
from tests.unit.recording.stacks import config
from tests.unit.recording.workloads import options_of, pod_of

pytestmark = pytest.mark.services

PYTHON: Final = "/home/airflow/.local/bin/python"
RUN: Final = "/mnt"
READ: Final = """
import json, sys
from airflow.configuration import conf
print("VALUES" + json.dumps([conf.get(section, name, fallback="") for section, name in json.loads(sys.argv[1])]))
"""
TRICKY: Final[dict[str, dict[str, str]]] = {
    "logging": {"log_format": "[%(asctime)s] 100%% # ; {x} %(message)s"},
    "api": {"instance_name": "50 % of a name"},
    "sentry": {"environment": "two\nlines"},
}
"""Values with what a file of configparser takes for its own syntax."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="airflow-options-") as path:
        yield Path(path)


def recorded(folder: Path, **sections: Any) -> recorder.Recording:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in isolated_environment(folder).items():
            patch.setenv(name, value)
        recording = recorder.run(config("celery+kubernetes", options=TRICKY, **sections))
    assert recording.error is None, recording.error
    return recording


def read(folder: Path, options: list[tuple[str, str]], variables: Mapping[str, str]) -> list[str]:
    """The values of options, as Airflow reads them with these variables."""
    own = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "AIRFLOW_HOME": f"{RUN}/home",
        "PYTHONPYCACHEPREFIX": f"{RUN}/compiled",
        **variables,
    }
    line = airflow_root().command([PYTHON, "-c", READ, json.dumps(options)], mounts={folder: RUN})
    done = subprocess.run(line, env=own, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    [values] = [text.removeprefix("VALUES") for text in done.stdout.splitlines() if text.startswith("VALUES")]
    return json.loads(values)


@pytest.mark.parametrize("workload", ["api-server", "scheduler"])
def test_airflow_reads_the_same_values_from_the_file_as_from_variables(workload: str, folder: Path) -> None:
    plain = recorded(folder)
    variables = options_of(plain, pod_of(plain, workload))
    filed = recorded(folder, options_file=True)
    [data] = [each for each in filed.of_type("ConfigMap") if each.name == f"airflow-{workload}-options"]
    (folder / FILE).write_text(data.plain["data"][FILE])
    options = [option_of(name) for name in variables]
    assert ("logging", "log_format") in options
    assert len(options) > 8
    from_file = read(folder, options, {"AIRFLOW_CONFIG": f"{RUN}/{FILE}"})
    assert from_file == read(folder, options, {"AIRFLOW_CONFIG": "/dev/null", **variables})
    # Airflow's own defaults are others: the values come from what it was given.
    assert from_file != read(folder, options, {"AIRFLOW_CONFIG": "/dev/null"})
