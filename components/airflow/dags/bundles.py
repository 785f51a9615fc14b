"""The bundles in which Airflow finds DAG files: one for each source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import pulumi

from components.airflow.context import InstanceContext
from components.airflow.dags import (
    bucket,
    claim,
    examples,
    git,
    git_sync,
    image,
    node_folder,
    oci,
    share,
    uploads,
)
from components.airflow.dags.delivery import Delivery
from components.airflow.feature import Feature, PodOverlay
from components.contract.workloads import DAG_READERS, OPTION_READERS, PLUGIN_LOADERS
from components.kubernetes.pods import ScratchFolder
from components.settings.sections.dag_source import STORAGE, DagSource
from components.settings.sections.options import Reserved

KINDS: Final[Sequence[Callable[[InstanceContext, DagSource], Delivery | None]]] = (
    node_folder.create_delivery,
    share.create_delivery,
    git.create_delivery,
    git_sync.create_delivery,
    claim.create_delivery,
    oci.create_delivery,
    bucket.create_delivery,
    image.create_delivery,
)
"""The ways of delivery. Each returns None for a source that is not its own; the last one takes every source that asks
for nothing."""

RESERVED: Final[Reserved] = {
    ("dag_processor", "dag_bundle_config_list"): "airflow:dags",
    # The default of bundles without an interval of their own, and all have one.
    ("dag_processor", "refresh_interval"): "airflow:dags",
    ("dag_processor", "dag_bundle_storage_path"): None,
    ("core", "load_examples"): "airflow:load_examples",
    ("core", "plugins_folder"): "airflow:dags",
}


def create_feature(context: InstanceContext) -> Feature:
    """The sources of the stack, and the example DAGs where the stack asks for them."""
    sources = context.settings.dags
    deliveries = [_create_delivery(context, source) for source in sources]
    if context.settings.example_dags:
        deliveries.append(examples.create_delivery(context))
    entries = [delivery.bundle.entry for delivery in deliveries]
    return Feature(
        overlays=[
            PodOverlay(
                # All these workloads need the names of the bundles; only some of them read the files.
                workloads=OPTION_READERS,
                options={
                    ("dag_processor", "dag_bundle_config_list"): pulumi.Output.json_dumps(entries, sort_keys=True),
                    ("core", "load_examples"): str(context.settings.load_examples),
                },
            ),
            # Only `airflow dags` on the command line and old log templates read it; bundles have their own folders.
            PodOverlay(workloads=DAG_READERS, default_options={("core", "dags_folder"): sources[0].folder}),
            PodOverlay(
                workloads={"dag-processor"},
                default_options={
                    # Between two parsings of an unchanged file. A changed one is parsed as soon as it is seen.
                    ("dag_processor", "min_file_process_interval"): str(min(s.refresh_seconds for s in sources))
                },
            ),
            *(_create_storage(context) if any(source.stored_by_airflow for source in sources) else ()),
            *_plugins(sources),
            *(overlay for delivery in deliveries for overlay in delivery.overlays),
        ],
        credentials=[credential for delivery in deliveries for credential in delivery.credentials],
        outputs=uploads.outputs(context, deliveries),
    )


def _create_storage(context: InstanceContext) -> list[PodOverlay]:
    """The folder for Airflow's own copies of bundles, one for each version that tasks of the pod have used."""
    return [
        *git.create_bundle_class(context),
        PodOverlay(
            workloads=DAG_READERS,
            options={("dag_processor", "dag_bundle_storage_path"): STORAGE},
            # A copy that a task needs again is made again; Airflow's own default keeps ten for six hours.
            default_options={
                ("dag_processor", "stale_bundle_cleanup_min_versions"): "3",
                ("dag_processor", "stale_bundle_cleanup_age_threshold"): "3600",
            },
            scratch=[ScratchFolder(name="dag-bundles", path=STORAGE)],
        ),
    ]


def _plugins(sources: Sequence[DagSource]) -> list[PodOverlay]:
    """The folder with plugins of the source that has one, for all that load plugins."""
    folders = [source.plugins_folder for source in sources if source.plugins_folder is not None]
    return [
        PodOverlay(workloads=PLUGIN_LOADERS, options={("core", "plugins_folder"): folder}) for folder in folders[:1]
    ]


def _create_delivery(context: InstanceContext, source: DagSource) -> Delivery:
    """The delivery of one source."""
    return next(found for kind in KINDS if (found := kind(context, source)) is not None)
