"""Durations in Google Cloud, in seconds: medians of reports in documentation, issue trackers and by users."""

from __future__ import annotations

from typing import Final

from lab.clouds.latency import Table

SECONDS: Final[Table] = {
    "gcp:projects/service:Service": {"create": 20, "delete": 5},
    "gcp:compute/network:Network": {"create": 20, "delete": 20},
    "gcp:compute/subnetwork:Subnetwork": {"create": 20, "delete": 20},
    "gcp:compute/router:Router": {"create": 12, "delete": 12},
    "gcp:compute/routerNat:RouterNat": {"create": 12, "delete": 12},
    "gcp:compute/address:Address": {"create": 10, "delete": 10},
    "gcp:compute/globalAddress:GlobalAddress": {"create": 10, "delete": 10},
    "gcp:compute/disk:Disk": {"create": 12, "delete": 12, "update": 12},
    "gcp:compute/sSLPolicy:SSLPolicy": {"create": 10, "update": 10, "delete": 10},
    "gcp:compute/firewall:Firewall": {"create": 10, "delete": 10},
    "gcp:servicenetworking/connection:Connection": {"create": 60, "delete": 10},
    # https://cloud.google.com/kubernetes-engine/docs/troubleshooting/cluster-creation: 5 to 8 minutes.
    "gcp:container/cluster:Cluster": {"create": 360, "update": 120, "delete": 240},
    "gcp:container/nodePool:NodePool": {"create": 90, "update": 180, "delete": 150},
    # https://github.com/hashicorp/terraform-provider-google/issues/6066 and others of its issues: 6 to 12 minutes.
    "gcp:sql/databaseInstance:DatabaseInstance": {"create": 480, "update": 120, "delete": 30},
    "gcp:sql/database:Database": {"create": 3, "delete": 3},
    "gcp:sql/user:User": {"create": 3, "delete": 3},
    "gcp:filestore/instance:Instance": {"create": 240, "update": 60, "delete": 120},
    "gcp:storage/bucket:Bucket": {"create": 2, "delete": 2},
    "gcp:bigquery/dataset:Dataset": {"create": 2, "delete": 2},
    "gcp:serviceaccount/account:Account": {"create": 12, "delete": 2},
    "gcp:projects/iAMMember:IAMMember": {"create": 10, "delete": 10},
    "gcp:serviceaccount/iAMMember:IAMMember": {"create": 5, "delete": 5},
    "gcp:storage/bucketIAMMember:BucketIAMMember": {"create": 5, "delete": 5},
    "gcp:bigquery/datasetIamMember:DatasetIamMember": {"create": 5, "delete": 5},
    "gcp:artifactregistry/repository:Repository": {"create": 12, "delete": 12},
    "gcp:certificatemanager/certificate:Certificate": {"create": 15, "delete": 12},
    "gcp:certificatemanager/certificateMap:CertificateMap": {"create": 10, "delete": 10},
    "gcp:certificatemanager/certificateMapEntry:CertificateMapEntry": {"create": 10, "delete": 10},
}
