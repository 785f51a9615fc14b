"""GKE in the simulated Google Cloud: clusters and node pools."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from lab.clouds.backing import ClusterAccess, ClusterRequest, invented_address
from lab.clouds.gcp.nodes import NODES, VERSION, require_machines
from lab.clouds.gcp.regions import region_of, zones_of
from lab.clouds.gcp.resource import GcpKind, fingerprint, last, project_number, project_of, require_api
from lab.clouds.gcp.tokens import ACCOUNT, CLUSTER, NETWORK, SUBNETWORK
from lab.clouds.kind import ApiError, Call, Choices, Grammar, Reference
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

_LINK: Final = "https://container.googleapis.com/v1"


class Cluster(GcpKind):
    """A GKE cluster."""

    token = CLUSTER
    api = "container.googleapis.com"
    labels = "resourceLabels"
    link = _LINK
    path = "projects/{project}/locations/{location}/clusters/{name}"
    placed = ("location",)
    protection = "deletionProtection"
    protected_by_default = True
    grammar = Grammar(
        pattern=r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
        words="1 to 40 of a-z, 0-9 and -, beginning with a letter and not ending with -",
        automatic=40,
    )
    immutable = (
        "name",
        "project",
        "location",
        "network",
        "subnetwork",
        "networkingMode",
        "ipAllocationPolicy.clusterIpv4CidrBlock",
        "ipAllocationPolicy.servicesIpv4CidrBlock",
        "ipAllocationPolicy.clusterSecondaryRangeName",
        "ipAllocationPolicy.servicesSecondaryRangeName",
        "ipAllocationPolicy.stackType",
        "clusterIpv4Cidr",
        "datapathProvider",
        "defaultMaxPodsPerNode",
        "description",
        "enableAutopilot",
        "enableKubernetesAlpha",
        "enableTpu",
        "initialNodeCount",
        "masterAuth.clientCertificateConfig",
        "confidentialNodes",
        "nodeConfig",
        "privateClusterConfig.masterIpv4CidrBlock",
    )
    # https://github.com/hashicorp/terraform-provider-google, resource_container_cluster.go: fields without ForceNew.
    mutable = ("nodeConfig.imageType", "nodeConfig.workloadMetadataConfig", "nodeConfig.resourceLabels")
    values: ClassVar[Choices] = {
        **NODES,
        "networkingMode": ("VPC_NATIVE", "ROUTES"),
        "datapathProvider": ("DATAPATH_PROVIDER_UNSPECIFIED", "LEGACY_DATAPATH", "ADVANCED_DATAPATH"),
        "releaseChannel.channel": ("UNSPECIFIED", "RAPID", "REGULAR", "STABLE", "EXTENDED"),
        "gatewayApiConfig.channel": ("CHANNEL_DISABLED", "CHANNEL_EXPERIMENTAL", "CHANNEL_STANDARD"),
        "databaseEncryption.state": ("ENCRYPTED", "DECRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED"),
        "binaryAuthorization.evaluationMode": ("DISABLED", "PROJECT_SINGLETON_POLICY_ENFORCE"),
        "securityPostureConfig.mode": ("DISABLED", "BASIC", "ENTERPRISE"),
        "securityPostureConfig.vulnerabilityMode": (
            "VULNERABILITY_DISABLED",
            "VULNERABILITY_BASIC",
            "VULNERABILITY_ENTERPRISE",
        ),
        "anonymousAuthenticationConfig.mode": ("ENABLED", "LIMITED"),
        "loggingConfig.enableComponents[*]": (
            "SYSTEM_COMPONENTS",
            "WORKLOADS",
            "APISERVER",
            "CONTROLLER_MANAGER",
            "SCHEDULER",
            "KCP_CONNECTION",
            "KCP_SSHD",
            "KCP_HPA",
        ),
        "monitoringConfig.enableComponents[*]": (
            "SYSTEM_COMPONENTS",
            "APISERVER",
            "SCHEDULER",
            "CONTROLLER_MANAGER",
            "STORAGE",
            "HPA",
            "POD",
            "DAEMONSET",
            "DEPLOYMENT",
            "STATEFULSET",
            "KUBELET",
            "CADVISOR",
            "DCGM",
            "JOBSET",
        ),
    }
    defaults: ClassVar[Mapping[str, Any]] = {"enableLegacyAbac": False, "enableShieldedNodes": True}
    references = (
        Reference(path="network", to=(NETWORK,), way="holds"),
        Reference(path="subnetwork", to=(SUBNETWORK,), way="holds"),
        Reference(path="nodeConfig.serviceAccount", to=(ACCOUNT,), way="ignores"),
    )
    computed = (
        "masterAuth.clientCertificate",
        "masterAuth.clientKey",
        "masterAuth.clusterCaCertificate",
        "controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint",
        "controlPlaneEndpointsConfig.ipEndpointsConfig.enabled",
        "privateClusterConfig.privateEndpoint",
        "privateClusterConfig.publicEndpoint",
        "privateClusterConfig.peeringName",
        "ipAllocationPolicy.clusterIpv4CidrBlock",
        "ipAllocationPolicy.servicesIpv4CidrBlock",
    )

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Fields that exclude or require each other, by the plugin's rules."""
        yield from super().faults(inputs, config)
        if not inputs.get("nodePools") and not inputs.get("initialNodeCount") and not inputs.get("enableAutopilot"):
            yield "initialNodeCount", "is required unless node pools are given: a cluster begins with nodes"
        policy = inputs.get("ipAllocationPolicy", {})
        for block, name in (
            ("clusterIpv4CidrBlock", "clusterSecondaryRangeName"),
            ("servicesIpv4CidrBlock", "servicesSecondaryRangeName"),
        ):
            if policy.get(block) and policy.get(name):
                yield f"ipAllocationPolicy.{block}", f"excludes {name}"
        if inputs.get("removeDefaultNodePool") and inputs.get("nodePools"):
            yield "removeDefaultNodePool", "excludes nodePools"
        yield from location_faults(inputs)

    def accept(self, call: Call) -> None:
        """Refuse missing ranges of the subnet, a cluster without endpoint, and windows that are too short."""
        self._require_ranges(call)
        self._require_consistent(call)
        zones = call.get("nodeLocations") or zones_of(call.inputs["location"])[:3]
        require_machines(call, len(zones), call.get("initialNodeCount", 1))

    def change(self, call: Call) -> None:
        """The same rules as at creation."""
        self._require_consistent(call)

    def _require_ranges(self, call: Call) -> None:
        if call.get("networkingMode", "VPC_NATIVE") != "VPC_NATIVE":
            return
        subnet = call.world.find(SUBNETWORK, call.get("subnetwork", ""))
        if subnet is None:
            return
        region = region_of(call.inputs["location"])
        if subnet.inputs["region"] != region:
            raise ApiError(400, f'Subnetwork "{subnet.id}" is not in region "{region}".', reason="badRequest")
        known = {entry["rangeName"] for entry in subnet.inputs.get("secondaryIpRanges", [])}
        for use, path in (("Pod", "clusterSecondaryRangeName"), ("Service", "servicesSecondaryRangeName")):
            name = call.get(f"ipAllocationPolicy.{path}")
            if name is not None and name not in known:
                raise ApiError(
                    400,
                    f'{use} secondary range "{name}" does not exist in network '
                    f'"{call.get("network")}", subnetwork "{subnet.id}".',
                    reason="badRequest",
                )

    def _require_consistent(self, call: Call) -> None:
        if call.get("binaryAuthorization.evaluationMode", "DISABLED") != "DISABLED":
            # https://cloud.google.com/binary-authorization/docs/creating-cluster, "Before you begin".
            require_api(call, "binaryauthorization.googleapis.com")
        pool = call.get("workloadIdentityConfig.workloadPool")
        if pool is not None and pool != f"{project_of(call)}.svc.id.goog":
            raise ApiError(
                400, f'Workload Identity Pool must be "{project_of(call)}.svc.id.goog".', reason="badRequest"
            )
        by_name = call.get("controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic", False)
        by_address = call.get("controlPlaneEndpointsConfig.ipEndpointsConfig.enabled", True)
        if not by_address and not by_name and call.get("controlPlaneEndpointsConfig") is not None:
            raise ApiError(
                400,
                "At least one of DNS endpoint or IP endpoints must be enabled for the control plane.",
                reason="badRequest",
            )
        advanced = call.get("datapathProvider") == "ADVANCED_DATAPATH"
        if advanced and call.get("networkPolicy.enabled", False):
            raise ApiError(
                400,
                "Enabling NetworkPolicy for clusters with DatapathProvider=ADVANCED_DATAPATH is not allowed.",
                reason="badRequest",
            )
        if call.get("enableIntranodeVisibility") and call.get("networkingMode", "VPC_NATIVE") != "VPC_NATIVE":
            raise ApiError(400, "Intranode visibility requires a VPC-native cluster.", reason="badRequest")
        if call.get("databaseEncryption.state") == "ENCRYPTED" and not call.get("databaseEncryption.keyName"):
            raise ApiError(400, "Database encryption key name must be set.", reason="badRequest")
        if call.get("gatewayApiConfig.channel") == "CHANNEL_STANDARD" and call.get(
            "addonsConfig.httpLoadBalancing.disabled", False
        ):
            raise ApiError(400, "Gateway API requires the HTTP Load Balancing add-on.", reason="badRequest")
        if call.get("maintenancePolicy.recurringWindow") is not None and not call.get(
            "maintenancePolicy.recurringWindow.recurrence", ""
        ).startswith("FREQ="):
            raise ApiError(400, "Recurrence of the maintenance window is no RRULE.", reason="badRequest")

    def back(self, call: Call) -> ClusterAccess:
        """Get the address of its API from the backing."""
        request = ClusterRequest(cloud="gcp", id=call.id, name=call.inputs["name"], properties=call.inputs)
        return call.backing.cluster(request)

    def outputs(self, call: Call) -> dict[str, Any]:
        """Endpoints, certificate, versions, and the workload identity pool, which the first cluster creates."""
        access: ClusterAccess = call.backed
        location, project = call.inputs["location"], project_of(call)
        if call.get("workloadIdentityConfig.workloadPool"):
            pools = call.world.facts.setdefault("workload_pools", {})
            # The first binding that refers to a new pool does not find it,
            # https://github.com/hashicorp/terraform-provider-google/issues/6073.
            if (pool := f"{project}.svc.id.goog") not in pools:
                call.world.facts.setdefault("late", {})[f"pool {pool}"] = 1
            pools[pool] = project
        known = dict(call.item.outputs) if call.item is not None else {}
        ranges = self._ranges(call)
        private = (
            invented_address(call.id, "10.10.0")[:11] if call.get("privateClusterConfig.enablePrivateNodes") else ""
        )
        return {
            "endpoint": access.host,
            "selfLink": f"{_LINK}/{call.id}",
            "operation": f"operation-{fingerprint(call.id)}",
            "labelFingerprint": fingerprint(str(call.get("resourceLabels"))),
            "location": location,
            "nodeLocations": call.get("nodeLocations")
            or list(zones_of(location)[:3] if location != zones_of(location)[0] else []),
            "masterVersion": known.get("masterVersion") or call.get("minMasterVersion") or VERSION,
            "nodeVersion": known.get("nodeVersion") or call.get("nodeVersion") or VERSION,
            "networkingMode": call.get("networkingMode", "VPC_NATIVE"),
            "datapathProvider": call.get("datapathProvider", "LEGACY_DATAPATH"),
            "defaultMaxPodsPerNode": call.get("defaultMaxPodsPerNode", 110),
            "clusterIpv4Cidr": ranges[0],
            "servicesIpv4Cidr": ranges[1],
            "ipAllocationPolicy": {"clusterIpv4CidrBlock": ranges[0], "servicesIpv4CidrBlock": ranges[1]},
            "loggingService": "logging.googleapis.com/kubernetes",
            "monitoringService": "monitoring.googleapis.com/kubernetes",
            "masterAuth": {
                "clientCertificate": "",
                "clientKey": "",
                "clusterCaCertificate": base64.b64encode(access.authority.encode()).decode(),
                "clientCertificateConfig": {
                    "issueClientCertificate": call.get(
                        "masterAuth.clientCertificateConfig.issueClientCertificate", False
                    )
                },
            },
            "controlPlaneEndpointsConfig": {
                "dnsEndpointConfig": {"endpoint": self._dns_name(call, access)},
                "ipEndpointsConfig": {
                    "enabled": call.get("controlPlaneEndpointsConfig.ipEndpointsConfig.enabled", True)
                },
            },
            "privateClusterConfig": {"privateEndpoint": private, "publicEndpoint": access.host, "peeringName": ""},
            "releaseChannel": {"channel": call.get("releaseChannel.channel", "REGULAR")},
            "workloadIdentityConfig": call.get("workloadIdentityConfig", {}),
            "nodePools": [],
        }

    def _dns_name(self, call: Call, access: ClusterAccess) -> str:
        if access.named:
            return access.host
        region = region_of(call.inputs["location"])
        return f"gke-{fingerprint(call.id, 32)}-{project_number(project_of(call))}.{region}.gke.goog"

    def _ranges(self, call: Call) -> tuple[str, str]:
        subnet = call.world.find(SUBNETWORK, call.get("subnetwork", ""))
        named = {}
        if subnet is not None:
            named = {entry["rangeName"]: entry["ipCidrRange"] for entry in subnet.inputs.get("secondaryIpRanges", [])}
        pods = named.get(call.get("ipAllocationPolicy.clusterSecondaryRangeName"), "10.96.0.0/14")
        services = named.get(call.get("ipAllocationPolicy.servicesSecondaryRangeName"), "34.118.224.0/20")
        return pods, services

    def protected_message(self, call: Call) -> str:
        """Refuse in the plugin's words while deletion protection is on."""
        return (
            "Cannot destroy cluster because deletion_protection is set to true. Set it to false to proceed with "
            "cluster deletion."
        )

    def release(self, call: Call) -> None:
        """Refuse while nodes are created or deleted."""
        if call.item is None:
            return
        busy = [item.id for item in call.world.users(call.item, "goes_with") if not item.ready]
        if busy:
            raise ApiError(
                400, f"Cluster is running incompatible operation {busy[0]}.", reason="failedPrecondition", retry=True
            )

    def gone(self, call: Call) -> None:
        """Endpoint groups of its Gateways' load balancers may remain."""
        if call.left:
            group = f"zones/{zones_of(call.inputs['location'])[0]}/networkEndpointGroups/k8s1-{fingerprint(call.id, 8)}"
            call.world.facts.setdefault("leftovers", {})[last(call.inputs["network"])] = [group, call.left]


def location_faults(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Errors of node zones outside the cluster's region."""
    location = inputs.get("location")
    if not isinstance(location, str) or is_unknown(location):
        return
    for index, zone in enumerate(inputs.get("nodeLocations") or []):
        if isinstance(zone, str) and not is_unknown(zone) and region_of(zone) != region_of(location):
            yield f"nodeLocations[{index}]", f"is {zone!r}, which is not in {region_of(location)}"
