"""Stack files of a demonstration: files of the checkout, with values of a simulated account."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lab.errors import LabError
from lab.paths import PROJECT

FILLED_IN: Final = {
    "my-project": "simulated-project",
    "00000000-0000-0000-0000-000000000000": "11111111-2222-3333-4444-555555555555",
    "203.0.113.0/24": "198.18.0.0/24",
    "airflow.example.org": "airflow.simulated.test",
    "flower.example.org": "flower.simulated.test",
}
"""Values of a simulated account, which replace the examples in the shipped stack files."""
CLOUDS: Final = ("gcp", "azure")
SAMPLES: Final = "docs/stacks"
COMPONENTS: Final = ("api_server", "scheduler", "dag_processor", "triggerer")
CPU_MILLI: Final = 50
"""CPU request of each pod on the lab's node."""


def filled_in(value: Any) -> Any:
    """The content of a stack file in which values of a simulated account replace the examples."""
    if isinstance(value, dict):
        return {key: filled_in(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled_in(inner) for inner in value]
    return FILLED_IN.get(value, value) if isinstance(value, str) else value


@dataclass(frozen=True)
class StackFile:
    """A stack and its stack file."""

    name: str
    path: Path

    @classmethod
    def named(cls, name: str) -> StackFile:
        """A stack by its name, or by the path of a sample such as docs/stacks/gcp-kubernetes.yaml.

        Raises:
            LabError: the file does not exist.
        """
        path = PROJECT / name if name.endswith(".yaml") else PROJECT / f"Pulumi.{name}.yaml"
        if not path.is_file():
            raise LabError(
                f"There is no {path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path}.",
                remedy=f"Name a stack that has a file, for example local, or one of {SAMPLES}.",
            )
        return cls(path.stem.removeprefix("Pulumi."), path)

    @property
    def cloud(self) -> str:
        """The kind of cloud: existing, gcp or azure."""
        return str(self._content["config"]["airflow:cloud"]["kind"])

    @property
    def simulated(self) -> bool:
        """Whether its cloud is simulated in the lab."""
        return self.cloud in CLOUDS

    @property
    def protected(self) -> bool:
        """Whether resources that hold data are protected from deletion."""
        return bool(self._content["config"].get("airflow:protect"))

    def text(self, *, examples: bool = False, protect: bool = True) -> str:
        """The stack file with the simulated account.

        Args:
            examples: deploy the example DAGs, whatever the file sets, and lower the CPU requests: the lab's node
                replaces all nodes of the stack and has too few processors for the requests of all pods.
            protect: keep the file's protection; otherwise nothing is protected.
        """
        if not self.simulated:
            return self.path.read_text()
        content = filled_in(self._content)
        if self.protected and not protect:
            content["config"]["airflow:protect"] = False
            # Settings require protection for production data.
            if content["config"]["airflow:cloud"].get("production_data"):
                content["config"]["airflow:cloud"]["production_data"] = False
        if examples:
            content["config"]["airflow:example_dags"] = True
            _fit_one_node(content["config"])
        return yaml.safe_dump(content, sort_keys=False)

    @property
    def _content(self) -> dict[str, Any]:
        return dict(yaml.safe_load(self.path.read_text()))


def _fit_one_node(config: dict[str, Any]) -> None:
    """Lower the CPU request of every pod. Requests only decide scheduling; they do not limit a pod."""
    components = config.setdefault("airflow:components", {})
    for name in COMPONENTS:
        components.setdefault(name, {})["cpu_milli"] = CPU_MILLI
    executor = config["airflow:executor"]
    if executor["kind"] != "kubernetes":
        executor.setdefault("workers", {})["cpu_milli"] = CPU_MILLI
    if executor["kind"] != "celery":
        executor.setdefault("task_pods", {})["cpu_milli"] = CPU_MILLI
