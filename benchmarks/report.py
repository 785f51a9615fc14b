"""Output of the benchmarks: a table and a file."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.clouds import SPEED, CloudFigures
from benchmarks.delivery import DeliveryFigures
from benchmarks.measure import Figures

CHART: Final = {
    "celery": ("40", "1638", "13-17"),
    "kubernetes": ("46", "1126", "178-186"),
}
"""The official chart (release branch after 1.21) with its defaults on such a node: first success in seconds, memory
at rest in MiB, 100 tasks in seconds."""

UP_RATIO: Final = 1.10
PREVIEW_RATIO: Final = 1.30


def write(figures: Sequence[Figures], clouds: Sequence[CloudFigures], path: Path) -> None:
    """Write the results of all runs, with the machine's properties."""
    content = {
        "machine": _machine(),
        "runs": [asdict(run) for run in figures],
        "simulated_clouds": [
            {**asdict(run), "up_ratio": run.up_ratio, "preview_ratio": run.preview_ratio} for run in clouds
        ],
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


def show(figures: Sequence[Figures]) -> None:
    """Print the median of each result by executor, with that of the official chart."""
    if not figures:
        return
    table = Table(title=f"Airflow on one node of {os.cpu_count()} cores, images present, database running")
    for heading in ("executor", "image", "up", "first DAG success", "memory at rest", "CPU at rest", "100 tasks"):
        table.add_column(heading, justify="left" if heading in ("executor", "image") else "right")
    for executor, image in dict.fromkeys((run.executor, run.image) for run in figures):
        runs = [run for run in figures if (run.executor, run.image) == (executor, image)]
        first, memory, hundred = CHART.get(executor, ("-", "-", "-"))
        table.add_row(
            executor,
            image,
            f"{statistics.median(run.up_seconds for run in runs):.0f} s",
            f"{statistics.median(run.first_success_seconds for run in runs):.0f} s (chart {first})",
            f"{statistics.median(run.idle_memory_mib for run in runs):.0f} MiB (chart {memory})",
            f"{statistics.median(run.idle_cpu_milli for run in runs):.0f} m",
            f"{statistics.median(run.hundred_tasks_seconds for run in runs):.0f} s (chart {hundred})",
        )
    Console(width=130).print(table)


def show_clouds(figures: Sequence[CloudFigures]) -> None:
    """Print the median of each ratio by stack, with its maximum."""
    if not figures:
        return
    table = Table(
        title=f"Stacks on simulated clouds, {SPEED:.0f} times as fast as the latency table; no second is a cloud's"
    )
    for heading in ("stack", "resources", "up", "longest chain", "up / chain", "preview", "plain", "preview / plain"):
        table.add_column(heading, justify="left" if heading == "stack" else "right")
    for stack in dict.fromkeys(run.stack for run in figures):
        runs = [run for run in figures if run.stack == stack]
        table.add_row(
            stack,
            f"{runs[0].resources}",
            f"{statistics.median(run.up_seconds for run in runs):.0f} s",
            f"{statistics.median(run.critical_seconds for run in runs):.0f} s",
            f"{statistics.median(run.up_ratio for run in runs):.2f} (at most {UP_RATIO:.2f})",
            f"{statistics.median(run.preview_seconds for run in runs):.1f} s",
            f"{statistics.median(run.plain_preview_seconds for run in runs):.1f} s",
            f"{statistics.median(run.preview_ratio for run in runs):.2f} (at most {PREVIEW_RATIO:.2f})",
        )
    Console(width=130).print(table)


def write_delivery(figures: DeliveryFigures, path: Path) -> None:
    """Write the results of the delivery of DAG files, with the machine's properties."""
    path.write_text(json.dumps({"machine": _machine(), **asdict(figures)}, indent=2) + "\n")


def show_delivery(figures: DeliveryFigures) -> None:
    """Print the medians for each source and executor, the times of the commits, and of new versions."""
    table = Table(title=f"Start of a task on one node of {os.cpu_count()} cores, medians")
    for heading in ("source", "executor", "queued to running", "running to first line", "together", "tasks"):
        table.add_column(heading, justify="left" if heading in ("source", "executor") else "right")
    for start in figures.starts:
        both = start.queued_to_running_seconds + start.running_to_first_line_seconds
        table.add_row(
            start.source,
            start.executor,
            f"{start.queued_to_running_seconds:.1f} s",
            f"{start.running_to_first_line_seconds:.1f} s",
            f"{both:.1f} s",
            f"{start.shots}",
        )
    console = Console(width=130)
    console.print(table)
    shown = ", ".join(f"{seconds:.1f}" for seconds in figures.commit_to_visible_seconds)
    console.print(f"From a commit to the UI, with an interval of {figures.interval_seconds} s: {shown} s")
    for version in figures.versions:
        rolled = ", ".join(version.rolled) or "no pod"
        console.print(
            f"From a new version to a run of it by {version.source}: {version.seconds:.1f} s; rolled: {rolled}"
        )


def _machine() -> dict[str, object]:
    return {"cores": os.cpu_count(), "kernel": platform.release(), "architecture": platform.machine()}
