"""The real program on simulated clouds: a complete life cycle of every cloud stack file, a few in parallel.

The engine's events, inventories and journals are recorded, and tests check the records. Life cycles that no
selected test uses do not run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import pytest

from lab.clouds.gcp import tokens as gcp
from lab.paths import PROJECT
from lab.testing.cluster import TestCluster
from tests.engine.cloud_changes import CHANGES, REFUSED
from tests.engine.cloud_stacks import CloudLife, Clouds, altered, furnished

LIFE_SECONDS: Final = 540.0
"""Maximum wait of a test for the end of a life cycle."""
QUOTA: Final = "the quota of database servers in this location is used up"
"""The cloud's message for a database that it always refuses."""
DISABLED: Final = (
    "Service Usage API has not been used in project simulated-project before or it is disabled. Enable it by visiting "
    "https://console.developers.google.com/apis/api/serviceusage.googleapis.com/overview?project=simulated-project "
    "then retry."
)
"""Google's message when the Service Usage API is disabled."""
REFUSAL_SECONDS: Final = 7200.0
"""Duration of the refusal, in seconds of a real cloud: other operations begin meanwhile on any machine."""
BESIDE_SECONDS: Final = 14_400.0
"""Additional duration of operations in parallel to a refusal, in seconds of a real cloud."""
AZURE_SERVER: Final = "azure-native:dbforpostgresql:Server"
AZURE_CLUSTER: Final = "azure-native:containerservice:ManagedCluster"
AZURE_POOL: Final = "azure-native:containerservice:AgentPool"
SERVERS: Final = [gcp.SERVER, AZURE_SERVER]

PROXY_POD: Final[Mapping[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "proxy"},
    "spec": {
        "securityContext": {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]},
        "containers": [
            {
                "name": "istio-proxy",
                "image": "proxy",
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "privileged": False,
                    "readOnlyRootFilesystem": True,
                    "runAsGroup": 1337,
                    "runAsNonRoot": True,
                    "runAsUser": 1337,
                },
            }
        ],
    },
}
"""A pod as Istio creates it for a Gateway: without seccompProfile, https://github.com/istio-ecosystem/sail-operator/issues/1423
(December 2025)."""

DRIFT: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "dev": {
        gcp.CLUSTER: {"minMasterVersion": "1.34.9-gke.1000", "nodeVersion": "1.34.9-gke.1000", "initialNodeCount": 2},
        gcp.NODE_POOL: {"nodeCount": 3, "version": "1.34.9-gke.1000"},
        gcp.SERVER: {"settings.diskSize": 30},
    },
    "prod": {
        AZURE_CLUSTER: {
            "kubernetesVersion": "1.34.1",
            "agentPoolProfiles[0].count": 5,
            "agentPoolProfiles[0].orchestratorVersion": "1.34.1",
        },
        AZURE_POOL: {"count": 9, "orchestratorVersion": "1.34.1"},
        AZURE_SERVER: {"storage.storageSizeGB": 256, "storage.iops": 1100, "availabilityZone": "2"},
    },
}
"""Changes by autoscalers, upgrades and growing disks: by stack and type, a property path to its new value."""


def dev(clouds: Clouds) -> CloudLife:
    """Google Cloud with Celery: up, drift, changes, destroy, and everything a second time."""
    life = _begun(clouds, "dev")
    _drifted(life)
    _changed(life)
    _ended(life, clouds)
    life.run("up again", "up")
    return life


def prod(clouds: Clouds) -> CloudLife:
    """Azure with the Kubernetes executor: the same, protected until its end."""
    life = _begun(clouds, "prod")
    _drifted(life)
    changed = _changed(life)
    life.run("preview after the change", "preview", *life.with_config(changed, "changed"))
    own = altered(changed, executor={"kind": "celery"})
    life.run("executor changed", "up", *life.with_config(own, "celery"))
    life.run("another region", "preview", *life.with_config(altered(own, **REFUSED), "refused"))
    _released(life, own)
    _ended(life, clouds)
    return life


def gcp_kubernetes(clouds: Clouds) -> CloudLife:
    """Google Cloud with the Kubernetes executor: the database fails in the first up; protected until its end."""
    life = clouds.born("gcp-kubernetes")
    _without_database(life)
    _up(life, clouds)
    _untouched(life)
    _released(life, life.config)
    _ended(life, clouds)
    return life


def azure_celery(clouds: Clouds) -> CloudLife:
    """Azure with Celery: the database fails in the first up."""
    life = clouds.born("azure-celery")
    _without_database(life)
    _up(life, clouds)
    _untouched(life)
    _ended(life, clouds)
    return life


def gcp_mixed(clouds: Clouds) -> CloudLife:
    """Google Cloud with both executors: no API can be enabled at first; the answer to the bucket's creation is lost."""
    life = clouds.born("gcp-celery-kubernetes")
    life.plan({"op": "create", "type": gcp.SERVICE, "kind": "error", "code": 403, "message": DISABLED, "times": 0})
    life.run("up without APIs", "up")
    # The first call is refused: the API was just enabled.
    life.plan({"op": "create", "type": gcp.BUCKET, "kind": "lost", "nth": 2})
    life.run("up with a lost answer", "up")
    life.run("up once more", "up")
    life.inventory.forget(life.item(gcp.BUCKET))
    _up(life, clouds)
    _untouched(life)
    _ended(life, clouds)
    return life


def azure_mixed(clouds: Clouds) -> CloudLife:
    """Azure with both executors."""
    life = clouds.born("azure-celery-kubernetes")
    _up(life, clouds)
    life.admitted = {name: clouds.admits(name, PROXY_POD) for name in (life.name, f"{life.name}-gateway")}
    life.gateways = clouds.gateways()
    _untouched(life)
    life.run("gateway switched off", "up", *life.with_config(altered(life.config, exposure=None), "closed"))
    _ended(life, clouds)
    return life


def _begun(clouds: Clouds, name: str) -> CloudLife:
    life = clouds.born(name)
    life.unreached().run("preview of nothing", "preview")
    _up(life, clouds, "--policy-pack", str(PROJECT / "policies"))
    life.run("refresh", "refresh")
    return life


def _up(life: CloudLife, clouds: Clouds, *arguments: str) -> None:
    life.run("up", "up", *arguments)
    life.look("up", clouds.cluster, life.name)
    life.tell()


def _untouched(life: CloudLife) -> None:
    life.run("untouched preview", "preview")


def _without_database(life: CloudLife) -> None:
    refused = {
        "op": "create",
        "type": SERVERS,
        "kind": "error",
        "code": 403,
        "message": QUOTA,
        "seconds": REFUSAL_SECONDS,
    }
    # Operations in progress then: Google's cluster, and on Azure the subnet that the cluster waits for.
    # Every call, because a call that is refused just after an API was enabled is repeated.
    late = {"op": "create", "kind": "late", "times": 0, "seconds": BESIDE_SECONDS}
    beside = [{**late, "type": gcp.CLUSTER}, {**late, "type": "azure-native:network:Subnet", "name": "*-nodes-subnet"}]
    life.plan(refused, *beside)
    life.run("up without a database", "up")
    life.plan()


def _drifted(life: CloudLife) -> None:
    for kind, properties in DRIFT[life.name].items():
        for path, value in properties.items():
            life.inventory.drift(life.item(kind), path, value)
    life.run("refresh after drift", "refresh")
    _untouched(life)


def _changed(life: CloudLife) -> dict[str, Any]:
    changed = altered(life.config, **CHANGES[life.name])
    life.run("settings changed", "up", *life.with_config(changed, "changed"))
    return changed


def _released(life: CloudLife, config: Mapping[str, Any]) -> None:
    # Including the preview, as by default.
    life.destroy_with_preview("destroy of a protected stack", *life.with_config(config, "protected"))
    free = {"protect": False}
    if "production_data" in config["airflow:cloud"]:
        free["cloud__production_data"] = False
    life.run("protection taken away", "up", *life.with_config(altered(config, **free), "free"))


def _ended(life: CloudLife, clouds: Clouds) -> None:
    life.run("destroy", "destroy")
    life.look("destroy", clouds.cluster, life.name, f"{life.name}-gateway")
    life.left = life.stack.state().get("resources", [])
    life.told = life.journal.path.read_text()


STORIES: Final[Mapping[str, Callable[[Clouds], CloudLife]]] = {
    "dev": dev,
    "prod": prod,
    "gcp-kubernetes": gcp_kubernetes,
    "azure-celery": azure_celery,
    "gcp-celery-kubernetes": gcp_mixed,
    "azure-celery-kubernetes": azure_mixed,
}
"""In starting order: the longest first."""
FIXTURES: Final = {name.replace("-", "_"): name for name in STORIES}


def looked_at(items: list[pytest.Item]) -> list[str]:
    """The life cycles that tests use, by a fixture or by its parameter."""
    asked: set[str] = set()
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        # Tests of other levels are among the items, with parameters and fixtures of every name.
        if item.path.name.startswith("test_stacks_"):
            given = [*getattr(item, "fixturenames", ()), *parameters.values()]
            asked |= {FIXTURES.get(each, each) for each in given if isinstance(each, str)}
    return [name for name in STORIES if name in asked]


@pytest.fixture(scope="session")
def cloud_lives(
    request: pytest.FixtureRequest,
    python: Mapping[str, str],
    cluster: TestCluster,
    engine: Any,
    side_by_side: ThreadPoolExecutor,
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, Future[CloudLife]]:
    """The life cycles that this session's tests use."""
    variables = furnished(cluster, engine.tools, tmp_path_factory.mktemp("clouds"), python)
    clouds = Clouds(cluster, variables, tmp_path_factory)
    return {name: side_by_side.submit(STORIES[name], clouds) for name in looked_at(request.session.items)}


@pytest.fixture(params=STORIES)
def cloud_life(request: pytest.FixtureRequest, cloud_lives: Mapping[str, Future[CloudLife]]) -> CloudLife:
    """Each life cycle, after its end."""
    return cloud_lives[request.param].result(LIFE_SECONDS)


def _fixture(function: str, name: str) -> Callable[..., CloudLife]:
    @pytest.fixture(name=function)
    def found(cloud_lives: Mapping[str, Future[CloudLife]]) -> CloudLife:
        return cloud_lives[name].result(LIFE_SECONDS)

    return found


dev_life = _fixture("dev", "dev")
prod_life = _fixture("prod", "prod")
gcp_kubernetes_life = _fixture("gcp_kubernetes", "gcp-kubernetes")
azure_celery_life = _fixture("azure_celery", "azure-celery")
gcp_mixed_life = _fixture("gcp_celery_kubernetes", "gcp-celery-kubernetes")
azure_mixed_life = _fixture("azure_celery_kubernetes", "azure-celery-kubernetes")
