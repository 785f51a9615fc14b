"""Settings that every Airflow process shares: folders, environment and addresses."""

from __future__ import annotations

from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.airflow.ports import API_PORT, SCHEDULER_HEALTH_PORT
from components.contract.workloads import AIRFLOW_WORKLOADS
from components.kubernetes.pods import ScratchFolder
from components.settings.sections.options import Reserved

TMP: Final = "/tmp"  # noqa: S108 - a volume of the pod's own

RESERVED: Final[Reserved] = {
    ("api", "port"): None,
    ("api", "ssl_cert"): None,
    ("api", "ssl_key"): None,
    ("core", "auth_manager"): None,
    ("core", "execution_api_server_url"): None,
    ("core", "hostname_callable"): None,
    ("scheduler", "enable_health_check"): None,
    ("scheduler", "scheduler_health_check_server_port"): None,
}
"""Services, probes and tasks look for the api-server and the scheduler at these ports, without TLS."""


def create_feature(context: InstanceContext) -> Feature:
    """Environment, folders and options that all pods with Airflow's image share."""
    service = f"{context.name}-api-server.{context.settings.namespace}.svc"
    return Feature(
        overlays=[
            PodOverlay(
                workloads=AIRFLOW_WORKLOADS,
                environment={
                    # All options come from variables. A file that exists and is empty keeps Airflow from writing one.
                    "AIRFLOW_CONFIG": "/dev/null",
                    # The image's entrypoint would check the database at every start; init containers do that once.
                    "CONNECTION_CHECK_MAX_COUNT": "0",
                },
                scratch=[ScratchFolder(name="tmp", path=TMP)],
                init_mounts=True,
                options={
                    ("core", "auth_manager"): "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
                    ("core", "execution_api_server_url"): f"http://{service}:{API_PORT}/execution/",
                },
                default_options={
                    # Other workloads than the migration have the stack's choice.
                    ("core", "load_examples"): "False",
                    ("logging", "colored_console_log"): "False",
                },
            ),
            PodOverlay(workloads={"api-server"}, default_options={("api", "expose_config"): "False"}),
            PodOverlay(
                workloads={"scheduler"},
                options={
                    ("scheduler", "enable_health_check"): "True",
                    ("scheduler", "scheduler_health_check_server_port"): str(SCHEDULER_HEALTH_PORT),
                },
            ),
            PodOverlay(
                # The api-server reads logs of tasks from workers and triggerers, and the name of a Deployment's pod
                # does not resolve. Probes look for the jobs of their pod by the same address.
                workloads={"dag-processor", "triggerer", "worker"},
                options={("core", "hostname_callable"): "airflow.utils.net.get_host_ip_address"},
            ),
            PodOverlay(
                workloads={"worker", "task"},
                # A slow api-server still completes a request. A task that repeats the request within seconds gets the
                # answer that it is already running, and fails.
                default_options={("workers", "execution_api_timeout"): "60.0"},
            ),
        ]
    )
