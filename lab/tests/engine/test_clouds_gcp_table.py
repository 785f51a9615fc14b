"""The table of behaviours of the simulated Google Cloud, with their documentation.

Pages are below cloud.google.com; `provider` is github.com/hashicorp/terraform-provider-google, which the official
plugin is generated from, with files below google/services or numbers of its issues; `bridge` is
github.com/pulumi/pulumi-terraform-bridge. Every test of the simulation's rules has a row, every row a test.
"""

from __future__ import annotations

import ast
from pathlib import Path

TABLE: dict[str, tuple[str, ...]] = {
    "everything lives a whole life": ("the installed SDK: outputs that are not optional",),
    "a kinds rules name properties that the sdk has": ("the installed SDK",),
    # Inputs
    "bad input is refused before anything happens": (
        "compute/docs/naming-resources",
        "vpc/docs/subnets#ipv4-ranges",
        "sql/docs/postgres/instance-settings",
        "storage/docs/buckets#naming",
        "storage/docs/soft-delete",
        "provider: bigquery/resource_bigquery_dataset.go (validateDatasetId)",
        "filestore/docs/service-tiers",
        "iam/docs/service-accounts-create",
        "certificate-manager/docs/certificates",
        "provider: container/resource_container_cluster.go (validation)",
    ),
    "without a project the missing setting is named": ("provider: tpgresource/utils.go (GetProject)",),
    "what the api refuses fails in its words": (
        "nat/docs/ports-and-addresses",
        "kubernetes-engine/docs/concepts/alias-ips#cluster_sizing_secondary_range_pods",
        "kubernetes-engine/docs/how-to/workload-identity",
        "kubernetes-engine/docs/concepts/network-isolation",
        "kubernetes-engine/docs/how-to/encrypting-secrets",
        "sql/docs/postgres/machine-series-overview",
        "sql/docs/postgres/editions-intro",
        "sql/docs/postgres/flags",
        "sql/docs/postgres/backup-recovery/pitr",
        "storage/docs/locations",
        "bigquery/docs/locations",
    ),
    # Changes
    "a change updates or replaces as the official plugin does": (
        "provider: compute/resource_compute_subnetwork.go (IsShrinkageIpCidr)",
        "provider: container/resource_container_cluster.go, resource_container_node_pool.go (ForceNew)",
        "provider: sql/resource_sql_database_instance.go (isDiskShrinkage, privateNetworkCustomizeDiff)",
        "provider: compute/resource_compute_disk.go (isDiskShrinkage)",
        "provider: storage/resource_storage_bucket.go (caseDiffSuppress)",
        "the installed SDK: documentation of properties",
    ),
    "a version goes up in place and never down": ("sql/docs/postgres/upgrade-major-db-version-inplace",),
    "a cluster shows its endpoints and a preview knows none": ("bridge: pkg/tfbridge/schema.go (unknown of computed)",),
    "an update leaves a servers address and authority alone": ("sql/docs/postgres/configure-ssl-instance",),
    # APIs and quotas
    "an api that is not enabled is named with where to enable it": ("apis/docs/troubleshooting (SERVICE_DISABLED)",),
    "an api stays enabled when the stack goes": ("provider: resourcemanager/resource_google_project_service.go",),
    "a quota can be made smaller": ("compute/resource-usage#troubleshooting",),
    # Order and protection
    "what is used cannot be deleted": ("compute/docs/troubleshooting (resourceInUseByAnotherResource)",),
    "a clusters pools go with it": ("kubernetes-engine/docs/how-to/deleting-a-cluster",),
    "a database with a private address needs the connection": ("sql/docs/postgres/configure-private-services-access",),
    "the connection is in use for hours after the last database": ("provider: 16275, 19908",),
    "removing the peering asks nobody": ("github.com/GoogleCloudPlatform/magic-modules 18476",),
    "a connection that is let go of blocks its network": ("the installed SDK: servicenetworking.Connection",),
    "what owns something cannot be dropped and goes with the server": (
        "provider: sql/resource_sql_user.go, resource_sql_database.go (deletion_policy)",
    ),
    "protection is on unless it is switched off by an update": (
        "provider: container/resource_container_cluster.go (deletion_protection)",
        "provider: sql/resource_sql_database_instance.go (deletion_protection)",
    ),
    "the servers own protection is a second switch": ("sql/docs/postgres/deletion-protection",),
    "a share has a protection of its own": ("filestore/docs/deletion-protection",),
    "a policy prevents until an update takes it away": ("the installed SDK: deletionPolicy",),
    "a bucket with objects stays unless they may go": ("provider: storage/resource_storage_bucket.go (force_destroy)",),
    "a dataset with tables stays unless they may go": (
        "bigquery/docs/reference/rest/v2/datasets/delete",
        "provider: bigquery/resource_bigquery_dataset.go (delete_contents_on_destroy)",
    ),
    "a datasets name is there once in a project": ("bigquery/docs/datasets#dataset-naming",),
    "a servers name is blocked for a week": ("sql/docs/postgres/delete-instance",),
    "a network waits for what a cluster left": (
        "kubernetes-engine/docs/troubleshooting/load-balancing",
        "github.com/pulumi/pulumi-kubernetes 1787",
    ),
    # Identity
    "a binding needs the pool that comes with the first cluster": (
        "github.com/terraform-google-modules/terraform-google-kubernetes-engine 916",
    ),
    "news of an account that come late cost one more up": (
        "iam/docs/access-change-propagation",
        "provider: 18024",
        "github.com/GoogleCloudPlatform/magic-modules 10813, 14447",
    ),
    "an account that does not exist gets no role": ("iam/docs/reference/rest/v1/Policy",),
    "a role has to exist for what it is given on": ("iam/docs/roles-permissions/storage",),
    "a dataset has roles on data without conditions": (
        "bigquery/docs/access-control#bigquery.jobUser",
        "provider: bigquery/iam_bigquery_dataset.go (policyToAccess)",
    ),
    "a role given twice is there once": ("provider: tpgiamresource/resource_iam_member.go",),
    "what the api leaves out or adds is a change after a refresh": (
        "provider: sql/resource_sql_database_instance.go (final_backup_config, password_validation_policy)",
        "provider: 25918",
    ),
    "disks that nodes start from use up the quota of disks": ("compute/resource-usage",),
    # Names, labels, functions
    "an unnamed resource gets its logical name with random characters": ("bridge: pkg/tfbridge/names.go (AutoName)",),
    "a resource named by the program goes before its replacement comes": (
        "bridge: pkg/tfbridge/schema.go (nameRequiresDeleteBeforeReplace)",
    ),
    "labels come out with the plugins own and secret": (
        "www.pulumi.com/registry/packages/gcp/how-to-guides/7-0-migration (labels)",
    ),
    "functions answer in the sdks shape": ("the installed SDK",),
    "a cluster of a kubeconfig is what a simulated cluster hands out": ("ours",),
}


def _tests() -> set[str]:
    folder = Path(__file__).parent
    trees = [ast.parse((folder / f"test_clouds_{part}.py").read_text()) for part in ("gcp", "gcp_order", "kinds")]
    names = [node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {name.removeprefix("test_").replace("_", " ") for name in names if name.startswith("test_")}


def test_every_rule_of_the_simulated_google_cloud_has_a_source() -> None:
    assert sorted(_tests() - set(TABLE)) == []
    assert [name for name, sources in TABLE.items() if not all(sources)] == []


def test_every_row_of_the_google_table_has_a_test() -> None:
    assert sorted(set(TABLE) - _tests()) == []
