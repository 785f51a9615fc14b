"""Components are used twice in one program: two instances, each with its own cloud layer."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.unit.recording import recorder
from tests.unit.recording.stacks import STACKS

PROGRAM: Final = """
from components import cloud
from components.airflow.instance import RESERVED_OPTIONS, Airflow
from components.contract.requirements import requirements
from components.settings import loader

settings = loader.load(reserved=RESERVED_OPTIONS)
for name in ("first", "second"):
    one = settings.model_copy(update={"name": name, "namespace": name})
    Airflow(name, one, cloud.provision(one.cloud, requirements(one)))
"""


@pytest.mark.parametrize(
    "stack", ["celery+kubernetes", "gcp, protected with everything", "azure, protected with everything"]
)
def test_two_instances_of_each_component_stand_side_by_side(stack: str, tmp_path: Path) -> None:
    """They share no logical name, hook or object."""
    program = tmp_path / "two.py"
    program.write_text(PROGRAM)
    recording = recorder.run(STACKS[stack], program=program)
    assert recording.error is None
    names = {
        instance: {
            (found.type, found.name.removeprefix(instance))
            for found in recording.registrations
            if found.name.startswith(f"{instance}-") or found.name == instance
        }
        for instance in ("first", "second")
    }
    assert len(names["first"]) > 60
    assert names["first"] == names["second"]
    assert len(recording.registrations) == 2 * len(names["first"])
    objects = [(found.kind, found.namespace, found.object_name) for found in recording.objects]
    assert len({*objects}) == len(objects)
