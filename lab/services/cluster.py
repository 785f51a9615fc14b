"""Adds the parts of a managed cluster to the lab's node: CSI drivers, node labels, a webhook, CRDs."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from lab.clouds.inventory import World
from lab.node.api import Api, Manifest
from lab.services import entra, google
from lab.services.csi.volumes import AZURE_DISK, AZURE_FILE, DRIVERS, FILESTORE, PD
from lab.services.front import WEBHOOK_PATH
from lab.tools.go import module_folder

GATEWAY_MODULE: Final = "sigs.k8s.io/gateway-api"
GATEWAY_VERSION: Final = "v1"
WEBHOOK: Final = "azure-wi-webhook-mutating-webhook-configuration"
REGION: Final = "topology.kubernetes.io/region"
ZONE: Final = "topology.kubernetes.io/zone"
AGENT_POOL: Final = "azure-native:containerservice:AgentPool"
_MARK: Final = "lab.airflow/stands-for"
"""Annotation of the node with the list of labels from a simulated cloud."""
_DRIVERS: Final = {"gcp": (PD, FILESTORE), "azure": (AZURE_FILE, AZURE_DISK)}
_POLICIES: Final = {
    "HealthCheckPolicy": "healthcheckpolicies",
    "GCPBackendPolicy": "gcpbackendpolicies",
    "GCPGatewayPolicy": "gcpgatewaypolicies",
}
"""Kinds of GKE policies that stacks attach to Services and Gateways."""


def furnish(api: Api, cloud: str, webhook_address: str, authority: str) -> None:
    """Add drivers, kinds and a webhook of a new cluster of that cloud to the node's cluster.

    There are no controllers: objects of the Gateway API and policies are only stored, unless `lab.gateway` serves the
    Gateways of a class. Nothing serves the policies.
    """
    for driver in DRIVERS:
        if driver.name in _DRIVERS[cloud]:
            manifest = {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "CSIDriver",
                "metadata": {"name": driver.name},
                "spec": dict(driver.spec),
            }
            api.apply(f"/apis/storage.k8s.io/v1/csidrivers/{driver.name}", manifest)
    for definition in _definitions(cloud):
        name = definition["metadata"]["name"]
        api.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", definition)
    if cloud == "azure":
        path = f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{WEBHOOK}"
        api.apply(path, _webhook(webhook_address, authority))


def strip(api: Api) -> None:
    """Remove the webhooks that would change pods of stacks on another cluster."""
    api.delete(f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{WEBHOOK}")


def label(api: Api, node: str, world: World) -> None:
    """Set the labels of the simulated nodes on the node, which represents all pools.

    Taints are left out: otherwise only tasks could be scheduled.
    """
    path = f"/api/v1/nodes/{node}"
    metadata = api.get(path)["metadata"]
    wanted = labels(world)
    before = [name for name in (metadata.get("annotations") or {}).get(_MARK, "").split(",") if name]
    has = metadata.get("labels") or {}
    if {name: has.get(name) for name in wanted} == wanted and set(before) == set(wanted):
        return
    gone = dict.fromkeys((name for name in before if name not in wanted), None)
    api.merge(path, {"metadata": {"labels": {**gone, **wanted}, "annotations": {_MARK: ",".join(wanted) or None}}})


def labels(world: World) -> dict[str, str]:
    """The labels of the simulated clusters' nodes, with the zone that the stack's disk is in.

    One node represents all pools. If pools differ in a label, the node has the label of a pool with a taint: pods for
    such nodes select them by label, all other pods run on any node. A disk can only be attached in its own zone, and
    the node can only be in one zone.
    """
    found: dict[str, str] = {}
    for _, pool in sorted(_pools(world), key=lambda pool: pool[0]):
        found |= pool
    zone = next(filter(None, _zones(world)), "")
    if zone:
        # europe-west1-b and westeurope-1 have the same form.
        found |= {ZONE: zone, REGION: zone.rpartition("-")[0]}
        # Labels that the clouds' drivers add when they register.
        if world.of(google.CLUSTER):
            found["topology.gke.io/zone"] = zone
        if world.of(entra.CLUSTER):
            found["topology.disk.csi.azure.com/zone"] = zone
    return found


def _pools(world: World) -> Iterator[tuple[bool, dict[str, str]]]:
    """For each pool, whether its nodes have a taint, and their labels."""
    for item in world.of(google.NODE_POOL):
        config = item.inputs.get("nodeConfig") or {}
        own = {"cloud.google.com/gke-nodepool": str(item.inputs.get("name") or item.outputs.get("name"))}
        yield bool(config.get("taints")), own | _texts(config.get("labels"))
    for cluster in world.of(entra.CLUSTER):
        for pool in cluster.inputs.get("agentPoolProfiles") or []:
            yield _agents(pool, str(pool.get("name")))
    for item in world.of(AGENT_POOL):
        yield _agents(item.inputs, str(item.inputs.get("agentPoolName")))


def _agents(pool: Mapping[str, Any], name: str) -> tuple[bool, dict[str, str]]:
    own = {"kubernetes.azure.com/agentpool": name, "kubernetes.azure.com/mode": str(pool.get("mode") or "User").lower()}
    kept = [taint for taint in pool.get("nodeTaints") or [] if not str(taint).startswith("CriticalAddonsOnly")]
    return bool(kept), own | _texts(pool.get("nodeLabels"))


def _texts(labels: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (labels or {}).items()}


def _zones(world: World) -> Iterator[str]:
    for disk in world.of("gcp:compute/disk:Disk"):
        yield str(disk.inputs.get("zone") or disk.outputs.get("zone") or "").rpartition("/")[2]
    for disk in world.of("azure-native:compute:Disk"):
        if disk.inputs.get("zones"):
            yield f"{disk.inputs['location']}-{disk.inputs['zones'][0]}"
    for cluster in world.of(google.CLUSTER):
        yield from cluster.outputs.get("nodeLocations") or [str(cluster.outputs.get("location") or "")]
    for cluster in world.of(entra.CLUSTER):
        for pool in cluster.inputs.get("agentPoolProfiles") or []:
            yield from (f"{cluster.inputs.get('location')}-{zone}" for zone in pool.get("availabilityZones") or [])


def _webhook(address: str, authority: str) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": WEBHOOK},
        "webhooks": [
            {
                "name": "mutation.azure-workload-identity.io",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {
                    "url": f"https://{address}{WEBHOOK_PATH}",
                    "caBundle": base64.b64encode(authority.encode()).decode(),
                },
                "failurePolicy": "Fail",
                "reinvocationPolicy": "IfNeeded",
                "sideEffects": "None",
                "objectSelector": {"matchLabels": {entra.LABEL: "true"}},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            }
        ],
    }


def _definitions(cloud: str) -> Iterator[Manifest]:
    folder = module_folder("gateway_api", GATEWAY_MODULE) / "config/crd/standard"
    for path in sorted(Path(folder).glob("*.yaml")):
        for each in yaml.safe_load_all(path.read_text()):
            # An admission policy in the same folder protects upgrades of the definitions, which do not occur here.
            if each and each["kind"] == "CustomResourceDefinition":
                yield each
    if cloud == "gcp":
        yield from (_policy(kind, plural) for kind, plural in _POLICIES.items())


def _policy(kind: str, plural: str) -> Manifest:
    """A CRD of one of GKE's policies, with the fields that stacks use."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    target = {
        "type": "object",
        "required": ["group", "kind", "name"],
        "properties": {key: {"type": "string"} for key in ("group", "kind", "name", "namespace")},
    }
    spec = {"type": "object", "required": ["targetRef"], "properties": {"default": anything, "targetRef": target}}
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": spec, "status": anything}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.networking.gke.io"},
        "spec": {
            "group": "networking.gke.io",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                }
            ],
        },
    }
