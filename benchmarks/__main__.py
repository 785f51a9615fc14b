"""The command line of the benchmarks: `python -m benchmarks`."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks import clouds, delivery, measure, report
from lab import demo
from lab.errors import LabError, run_command_line
from lab.paths import PROJECT


def main(
    executor: Annotated[list[str] | None, typer.Option(help="Which executor on the node. Repeatable.")] = None,
    image: Annotated[
        list[str] | None, typer.Option(help="The Airflow image: compiled (usual) or official-like. Repeatable.")
    ] = None,
    stack: Annotated[list[str] | None, typer.Option(help="Which stack on a simulated cloud. Repeatable.")] = None,
    runs: Annotated[int, typer.Option(min=1, max=20, help="How often each.")] = 1,
    dags: Annotated[int, typer.Option(min=0, max=100, help="Only the delivery of DAG files: tasks of each kind.")] = 0,
) -> None:
    """Measure Airflow on the node and stacks on simulated clouds; by default all of both. Writes bench.json."""
    if dags:
        demo.start_lab()
        found = delivery.measure(dags)
        report.write_delivery(found, PROJECT / "bench-dags.json")
        report.show_delivery(found)
        return
    everything = not executor and not stack
    stacks = clouds.STACKS if everything else tuple(stack or ())
    executors = measure.EXECUTORS if everything else tuple(executor or ())
    image_names = tuple(image or ("compiled",))
    for name in image_names:
        if name not in measure.IMAGES:
            raise LabError(f"There is no image {name}.", remedy=f"One of: {', '.join(measure.IMAGES)}.")
    figures: list[measure.Figures] = []
    on_clouds: list[clouds.CloudFigures] = []
    try:
        # Before the node starts: previews are measured on an idle machine.
        for name in stacks * runs:
            on_clouds.append(clouds.measure(name))
        if executors:
            demo.start_lab()
            for name in image_names:
                measure.provide(name)
        for name in executors * runs:
            figures.extend(measure.measure(name, each) for each in image_names)
    finally:
        # Results from before a failure are still valid, and took minutes to measure.
        report.write(figures, on_clouds, PROJECT / "bench.json")
        report.show(figures)
        report.show_clouds(on_clouds)


if __name__ == "__main__":
    run_command_line(lambda: typer.run(main))
