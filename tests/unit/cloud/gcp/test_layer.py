"""Dependencies, identities and names of the cloud layer on Google Cloud."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote, urlsplit

import pytest
import yaml

from components.cloud.gcp import cluster
from components.contract.workloads import WORKLOADS
from tests.unit.cloud.clouds import named
from tests.unit.program.test_order import waits_for
from tests.unit.recording import recorder, recorder_gcp, stacks_gcp
from tests.unit.recording.recorder import Recording, Registration, plain, walk
from tests.unit.recording.stacks_gcp import STACKS, recorded
from tests.unit.recording.workloads import pod_of, pods

DATABASE_CLIENTS: Final = {workload for workload, traits in WORKLOADS.items() if traits.connects}
APIS: Final = {
    "artifactregistry": "artifactregistry.googleapis.com",
    "bigquery": "bigquery.googleapis.com",
    "certificatemanager": "certificatemanager.googleapis.com",
    "compute": "compute.googleapis.com",
    "container": "container.googleapis.com",
    "filestore": "file.googleapis.com",
    "iap": "iap.googleapis.com",
    "serviceaccount": "iam.googleapis.com",
    "servicenetworking": "servicenetworking.googleapis.com",
    "sql": "sqladmin.googleapis.com",
    "storage": "storage.googleapis.com",
}
"""The API of each module of the SDK; for `projects` it depends on the resource."""


def of_gcp(recording: Recording) -> list[Registration]:
    return [found for found in recording.registrations if found.type.startswith("gcp:")]


@pytest.mark.parametrize("stack", STACKS)
def test_everything_waits_for_the_api_that_it_uses(stack: str) -> None:
    recording = recorded(stack)
    enabled = {found.plain["service"]: found.urn for found in of_gcp(recording) if found.kind == "Service"}
    used = set()
    offenders = []
    for found in of_gcp(recording):
        module = found.type.split(":")[1].partition("/")[0]
        if found.kind == "Service":
            continue
        api = APIS.get(module, "cloudresourcemanager.googleapis.com")
        used.add(api)
        if enabled.get(api) not in waits_for(recording, found):
            offenders.append(f"{found.name} does not wait for {api}")
    assert offenders == []
    # Only pods use the API for token exchange, and that for secrets; two are for options of the cluster.
    [cluster] = recording.of_cloud("Cluster")
    options = {
        "binaryauthorization.googleapis.com": "binaryAuthorization" in cluster.plain,
        "containersecurity.googleapis.com": cluster.plain["securityPostureConfig"]["mode"] == "BASIC",
    }
    asked = {api for api, wanted in options.items() if wanted}
    of_pods = {"iamcredentials.googleapis.com"}
    if "airflow:secrets_backend" in recording.config:
        of_pods.add("secretmanager.googleapis.com")
    assert enabled.keys() - used == {*of_pods, *asked}
    assert {enabled[api] for api in asked} <= waits_for(recording, cluster)


@pytest.mark.parametrize("stack", STACKS)
def test_the_driver_of_filestore_is_on_where_shares_are_and_that_of_buckets_never(stack: str) -> None:
    recording = recorded(stack)
    [cluster] = recording.of_cloud("Cluster")
    shares = recording.of_cloud("Instance")
    addons = cluster.plain["addonsConfig"]
    assert addons.get("gcpFilestoreCsiDriverConfig") == ({"enabled": True} if shares else None)
    assert "gcsFuseCsiDriverConfig" not in addons


def test_the_kubelet_opens_a_share_to_the_group_of_the_pods_whatever_policy_its_driver_has() -> None:
    """A new share belongs to root. Without `fsGroupPolicy: File` the kubelet needs filesystem and ReadWriteOnce."""
    recording = recorded("gcp, protected with everything")
    volumes = [
        f.plain["spec"]
        for f in recording.of_type("PersistentVolume")
        if f.plain["spec"]["csi"]["driver"] == "filestore.csi.storage.gke.io"
    ]
    assert len(volumes) == 2
    assert {spec["csi"]["fsType"] for spec in volumes} == {"nfs"}
    # The driver gets the first mode, which the claims request.
    assert [spec["accessModes"] for spec in volumes] == [["ReadWriteMany", "ReadWriteOnce"]] * 2


def test_passwords_of_the_database_satisfy_its_own_policy_and_stand_in_a_url_as_they_are() -> None:
    recording = recorded("gcp, both")
    passwords = [f for f in recording.of_type("RandomPassword") if "-database-" in f.name]
    assert len(passwords) == 3
    least = {f"min{group}": 1 for group in ("Lower", "Upper", "Numeric", "Special")}
    for password in passwords:
        assert least.items() <= password.plain.items()
        special = password.plain["overrideSpecial"]
        assert special
        assert quote(special, safe="") == special


@pytest.mark.parametrize("stack", STACKS)
def test_everything_waits_for_what_google_cloud_finishes_late(stack: str) -> None:
    """An API that was just enabled refuses calls for minutes: without a hook they end the first `up`."""
    offenders = [found.name for found in of_gcp(recorded(stack)) if found.kind != "Service" and not found.error_hooks]
    assert offenders == []


def test_only_what_may_wait_for_more_does() -> None:
    """The message for a missing agent is, elsewhere, the message for a missing role of the operator."""
    recording = recorded("gcp, both")
    named = {found.name: found.error_hooks for found in of_gcp(recording) if found.kind != "Service"}
    further = {
        name.removeprefix("airflow-cloud-"): hooks for name, hooks in named.items() if not hooks[0].endswith("-late")
    }
    assert further == {
        "network-network": ("airflow-cloud-apis-leftovers",),
        "network-subnet": ("airflow-cloud-apis-leftovers",),
        "network-connection": ("airflow-cloud-apis-agent",),
    }


def test_the_cluster_waits_for_nothing_that_it_does_not_need() -> None:
    waited = {recording_name(urn) for urn in waits_for(recorded("gcp, both"), gke(recorded("gcp, both")))}
    for needless in ("connection", "nat", "private-services", "bucket", "server", "disk", "role"):
        assert not [name for name in waited if name.endswith(f"-{needless}")], needless


def test_the_database_waits_for_the_connection_to_googles_network_alone() -> None:
    recording = recorded("gcp, both")
    waited = {recording_name(urn) for urn in waits_for(recording, named(recording, "airflow-cloud-database-server"))}
    assert "airflow-cloud-network-connection" in waited
    for needless in ("subnet", "nat", "gke", "bucket", "account"):
        assert not [name for name in waited if name.endswith(f"-{needless}")], needless


def recording_name(urn: str) -> str:
    return urn.rpartition("::")[2]


def gke(recording: Recording) -> Registration:
    return named(recording, f"{recording.outputs['name']}-cloud-cluster-gke")


@pytest.mark.parametrize("stack", STACKS)
def test_nodes_start_with_their_roles_and_a_way_out(stack: str) -> None:
    recording = recorded(stack)
    for pool in recording.of_cloud("NodePool"):
        waited = waits_for(recording, pool)
        needed = [f for f in of_gcp(recording) if f.kind == "RouterNat" or "node-identity" in f.name]
        assert len(needed) == 3
        assert {found.urn for found in needed} <= waited


@pytest.mark.parametrize("stack", STACKS)
def test_the_migration_waits_for_the_databases_that_it_gives_to_their_owners(stack: str) -> None:
    recording = recorded(stack)
    migration = recording.the("Job", f"{recording.outputs['name']}-migrate-job")
    waited = waits_for(recording, migration)
    needed = [f for f in of_gcp(recording) if f.type.startswith("gcp:sql/")]
    assert {found.urn for found in needed} <= waited
    assert len(needed) == (3 if recording.config["airflow:executor"]["kind"] == "kubernetes" else 4)


@pytest.mark.parametrize("stack", ["gcp, both", "gcp, protected with everything"])
def test_the_kubeconfig_trusts_who_signs_for_its_address_and_logs_in_as_the_program_does(stack: str) -> None:
    [provider] = recorded(stack).of_type("kubernetes")
    config = yaml.safe_load(plain(provider.inputs["kubeconfig"]))
    [user], [known] = config["users"], config["clusters"]
    # The account that created the cluster must log in; `gcloud` may have another login or none.
    assert user["user"]["exec"]["args"] == ["--use_application_default_credentials"]
    by_name = stack == "gcp, both"
    assert known["cluster"]["server"] == (
        "https://gke-0a1b2c.europe-west1.gke.goog" if by_name else "https://203.0.113.20"
    )
    # A public CA signs the certificate of the DNS name, the cluster's CA that of the address.
    assert ("certificate-authority-data" in known["cluster"]) != by_name


def test_clients_believe_the_next_certificate_of_the_database_as_well() -> None:
    """With only the current certificate, every connection fails after the server's rotation."""
    recording = recorded("gcp, both")
    bundles = [
        text
        for found in recording.registrations
        if found.kind == "ConfigMap" and found.name.endswith("database-authority")
        for text in found.plain["data"].values()
    ]
    assert bundles == [f"{recorder_gcp.AUTHORITY}\n{recorder_gcp.NEXT_AUTHORITY}"]


def test_identity_aware_proxy_is_asked_in_the_name_of_the_project() -> None:
    """A user's login has no quota project by default, and IAP may require one."""
    with_iap, without = (
        found.plain
        for stack in ("gcp, protected with everything", "gcp, both")
        for found in recorded(stack).registrations
        if found.type == "pulumi:providers:gcp"
    )
    assert (with_iap["userProjectOverride"], with_iap["billingProject"]) == ("true", with_iap["project"])
    assert not {"userProjectOverride", "billingProject"} & without.keys()


def test_a_kubeconfig_is_one_that_clients_can_read() -> None:
    config: Any = json.loads(cluster.kubeconfig("name", "192.0.2.1", "Q0E="))
    assert config["current-context"] in {context["name"] for context in config["contexts"]}
    assert {c["context"]["cluster"] for c in config["contexts"]} == {c["name"] for c in config["clusters"]}
    assert {c["context"]["user"] for c in config["contexts"]} == {u["name"] for u in config["users"]}


def test_the_database_is_checked_by_its_own_authority() -> None:
    for stack in STACKS.keys() - {"gcp, through the proxy"}:
        recording = recorded(stack)
        [server] = recording.of_cloud("DatabaseInstance")
        assert server.plain["settings"]["ipConfiguration"]["serverCaMode"] == "GOOGLE_MANAGED_INTERNAL_CA"
        authorities = [f for f in recording.of_type("ConfigMap") if "BEGIN CERTIFICATE" in json.dumps(f.plain)]
        assert len(authorities) == 1


def test_the_proxy_is_beside_exactly_who_talks_to_the_database() -> None:
    """A native sidecar: it starts before all database clients, and Jobs do not wait for its end."""
    recording = recorded("gcp, through the proxy")
    [server] = recording.of_cloud("DatabaseInstance")
    with_proxy = {}
    for pod in pods(recording):
        first, *others = pod.spec.get("initContainers", []) or [{}]
        if first.get("name") == "database-proxy":
            with_proxy[pod.part] = first
        assert "database-proxy" not in {c["name"] for c in (*others, *pod.spec["containers"])}
    assert with_proxy.keys() == DATABASE_CLIENTS
    for container in with_proxy.values():
        assert container["restartPolicy"] == "Always"
        assert container["securityContext"] == pod_of(recording, "api-server").main["securityContext"]
        assert container["startupProbe"]["httpGet"]["path"] == "/startup"
        assert {"--private-ip", server.outputs["connectionName"]} <= {*container["args"]}
        # As an environment variable: older proxies exit at an unknown option.
        assert {"name": "CSQL_PROXY_ENABLE_BUILTIN_METRICS", "value": "false"} in container["env"]
    assert server.plain["settings"]["connectorEnforcement"] == "REQUIRED"


def test_connections_through_the_proxy_stay_in_the_pod() -> None:
    recording = recorded("gcp, through the proxy")
    urls = {
        value
        for found in recording.of_type("Secret")
        for _, value, _ in walk(found.inputs)
        if isinstance(value, str) and value.startswith(("postgresql", "db+postgresql"))
    }
    assert len(urls) >= 3
    assert {urlsplit(url).hostname for url in urls} == {"127.0.0.1"}


def test_who_goes_through_the_proxy_may_connect_to_this_server_alone() -> None:
    recording = recorded("gcp, through the proxy")
    [server] = recording.of_cloud("DatabaseInstance")
    found = [f for f in of_gcp(recording) if f.plain.get("role") == "roles/cloudsql.client"]
    assert len(found) == len(DATABASE_CLIENTS)
    wanted = f"resource.name == 'projects/simulated-project/instances/{server.plain['name']}'"
    assert [f.name for f in found if not f.plain["condition"]["expression"].startswith(f"{wanted} && ")] == []


@pytest.mark.parametrize(
    ("hour", "end"), [(0, "2000-01-01T08"), (15, "2000-01-01T23"), (16, "2000-01-02T00"), (23, "2000-01-02T07")]
)
def test_a_maintenance_window_is_eight_hours_at_weekends(hour: int, end: str) -> None:
    recording = recorder.run(stacks_gcp.config("kubernetes", cloud_with={"maintenance": {"hour": hour}}))
    window = gke(recording).plain["maintenancePolicy"]["recurringWindow"]
    assert window == {
        "startTime": f"2000-01-01T{hour:02}:00:00Z",
        "endTime": f"{end}:00:00Z",
        "recurrence": "FREQ=WEEKLY;BYDAY=SA,SU",
    }


def test_a_gateway_and_its_namespace_have_time_to_go() -> None:
    """Finalizers of a Gateway's endpoint groups may hold these for more than the ten minutes of the default,
    https://github.com/kubernetes/ingress-gce/issues/1720.
    """
    recording = recorded("gcp, protected with everything")
    held = [found for found in recording.registrations if found.kind in ("Gateway", "HTTPRoute", "Namespace")]
    assert {found.kind for found in held} == {"Gateway", "HTTPRoute", "Namespace"}
    assert [found.name for found in held if found.timeouts.get("delete") != "30m"] == []


def test_everything_is_in_the_stacks_own_network() -> None:
    recording = recorded("gcp, protected with everything")
    network, subnet = (f"airflow-cloud-network-{part}-id" for part in ("network", "subnet"))
    reserved = named(recording, "airflow-cloud-network-private-services").plain["name"]
    [server] = recording.of_cloud("DatabaseInstance")
    addresses = server.plain["settings"]["ipConfiguration"]
    assert (gke(recording).plain["network"], gke(recording).plain["subnetwork"]) == (network, subnet)
    assert (addresses["privateNetwork"], addresses["allocatedIpRange"]) == (network, reserved)
    shares = [share.plain["networks"][0] for share in recording.of_cloud("Instance")]
    assert [(share["network"], share["reservedIpRange"]) for share in shares] == [(network, reserved)] * 2
    for kind in ("Subnetwork", "Router", "Connection"):
        [found] = recording.of_cloud(kind)
        assert found.plain["network"] == network
    [nat] = recording.of_cloud("RouterNat")
    assert nat.plain["subnetworks"] == [{"name": subnet, "sourceIpRangesToNats": ["ALL_IP_RANGES"]}]
