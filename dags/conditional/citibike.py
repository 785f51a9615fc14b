"""Every five minutes, the state of New York's bicycle stations into a table of BigQuery, without a key.

Requires Google Cloud and a dataset named citibike in `cloud.bigquery.datasets`. The connection google_cloud_default
comes from the stack, and tasks write as the service account of their pod.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import Param, dag, task

FEED = "https://gbfs.citibikenyc.com/gbfs/en/station_status.json"
DATASET = "citibike"
TABLE = "station_status"
COLUMNS = {
    "station_id": "STRING",
    "num_bikes_available": "INTEGER",
    "num_bikes_disabled": "INTEGER",
    "num_docks_available": "INTEGER",
    "num_docks_disabled": "INTEGER",
    "num_ebikes_available": "INTEGER",
    "is_installed": "BOOLEAN",
    "is_renting": "BOOLEAN",
    "is_returning": "BOOLEAN",
    "last_reported": "INTEGER",
    "timestamp": "DATETIME",
}


@dag(
    schedule="*/5 * * * *",
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    params={"feed": Param(FEED, type="string", description="URL of a feed of GBFS, station_status")},
    tags=["example"],
    doc_md=__doc__,
)
def citibike():
    """Read the feed, and append its stations to the table."""

    @task
    def load(params: dict) -> int:
        """Append the stations of the feed to the table, and return their number."""
        # Imported here: it takes seconds, and the DAG processor needs none of it.
        import requests
        from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook
        from google.cloud.bigquery import LoadJobConfig, SchemaField

        answer = requests.get(params["feed"], timeout=60)
        answer.raise_for_status()
        rows = to_rows(answer.json()["data"]["stations"], datetime.now(UTC))
        hook = BigQueryHook(use_legacy_sql=False)
        # A load job costs nothing, unlike streaming, and creates the table if there is none.
        job = hook.get_client(project_id=hook.project_id).load_table_from_json(
            rows,
            f"{hook.project_id}.{DATASET}.{TABLE}",
            job_config=LoadJobConfig(
                schema=[SchemaField(name, kind, mode="REQUIRED") for name, kind in COLUMNS.items()],
                write_disposition="WRITE_APPEND",
            ),
        )
        job.result()
        print(f"{job.output_rows} stations")
        return job.output_rows

    load()


def to_rows(stations: list[dict], now: datetime) -> list[dict]:
    """The stations as rows of the table; a value that a station does not have is 0 or false."""
    empty = {"STRING": str, "INTEGER": int, "BOOLEAN": bool}
    fields = {name: empty[kind] for name, kind in COLUMNS.items() if kind in empty}
    return [
        {
            **{name: kind(station.get(name, kind())) for name, kind in fields.items()},
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S"),
        }
        for station in stations
    ]


citibike()
