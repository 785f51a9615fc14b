"""BigQuery datasets of a stack, which tasks write to."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import bigquery

from components.cloud.gcp.scope import GcpScope


@dataclass(frozen=True, kw_only=True)
class DatasetsArgs:
    """Arguments of the datasets."""

    scope: GcpScope


class Datasets(pulumi.ComponentResource):
    """The datasets of the stack's settings. Their tables belong to tasks: the program knows none of them."""

    ids: dict[str, pulumi.Output[str]]
    """Ids of the datasets in the project by their names, resolved when they exist."""

    def __init__(self, name: str, args: DatasetsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Datasets", name, None, opts)
        scope = args.scope
        self.ids = {
            # In state as "<name>-<dataset>": renaming loses all tables.
            dataset.name: bigquery.Dataset(
                f"{name}-{dataset.name}",
                dataset_id=dataset.name,
                location=dataset.location if dataset.location is not None else scope.settings.region,
                delete_contents_on_destroy=not scope.protect,
                labels=scope.names.labels(),
                opts=pulumi.ResourceOptions(
                    parent=self,
                    hooks=scope.apis.hooks,
                    protect=scope.protect,
                    depends_on=scope.apis.of("bigquery"),
                    # A dataset's name is unique in its project.
                    delete_before_replace=True,
                ),
            ).dataset_id
            for dataset in scope.settings.bigquery.datasets
        }
        self.register_outputs({})
