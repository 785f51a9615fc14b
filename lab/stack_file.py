"""The stack file that a demonstration runs: one of the checkout's, with what only a user of a cloud knows filled in."""

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
"""What a user puts in place of the examples in the shipped stack files; here it belongs to a simulated account."""
CLOUDS: Final = ("gcp", "azure")
SAMPLES: Final = "docs/stacks"
COMPONENTS: Final = ("api_server", "scheduler", "dag_processor", "triggerer")
CPU_MILLI: Final = 50
"""What each pod requests of the lab's node."""


def filled_in(value: Any) -> Any:
    """The content of a stack file with a simulated account's values in place of the examples."""
    if isinstance(value, dict):
        return {key: filled_in(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled_in(inner) for inner in value]
    return FILLED_IN.get(value, value) if isinstance(value, str) else value


@dataclass(frozen=True)
class StackFile:
    """A stack and the file that it is made from."""

    name: str
    path: Path

    @classmethod
    def named(cls, name: str) -> StackFile:
        """A stack by its name, or by the path of a sample such as docs/stacks/gcp-kubernetes.yaml.

        Raises:
            LabError: there is no such file.
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
        """Where it runs: local, gcp or azure."""
        return str(self._content["config"]["airflow:cloud"]["kind"])

    @property
    def simulated(self) -> bool:
        """Whether its cloud is simulated in the lab."""
        return self.cloud in CLOUDS

    @property
    def protected(self) -> bool:
        """Whether what holds data refuses to be deleted."""
        return bool(self._content["config"].get("airflow:protect"))

    def text(self, *, examples: bool = False, protect: bool = True) -> str:
        """The stack file with the simulated account.

        Args:
            examples: deploy the example DAGs, whatever the file says, on the lab's node, which stands for all nodes of
                the stack and has too few processors for the requests of all its pods.
            protect: leave the file's own protection; without it nothing is protected.
        """
        if not self.simulated:
            return self.path.read_text()
        content = filled_in(self._content)
        if self.protected and not protect:
            content["config"]["airflow:protect"] = False
            # Settings refuse to leave data unprotected that are said to be production's.
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
    """Let every pod request little of a processor: requests only decide what fits, and none is limited to them."""
    components = config.setdefault("airflow:components", {})
    for name in COMPONENTS:
        components.setdefault(name, {})["cpu_milli"] = CPU_MILLI
    executor = config["airflow:executor"]
    if executor["kind"] != "kubernetes":
        executor.setdefault("workers", {})["cpu_milli"] = CPU_MILLI
    if executor["kind"] != "celery":
        executor.setdefault("task_pods", {})["cpu_milli"] = CPU_MILLI
