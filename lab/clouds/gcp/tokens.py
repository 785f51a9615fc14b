"""Type tokens that several modules of the simulated Google Cloud use."""

from __future__ import annotations

from typing import Final

SERVICE: Final = "gcp:projects/service:Service"
NETWORK: Final = "gcp:compute/network:Network"
SUBNETWORK: Final = "gcp:compute/subnetwork:Subnetwork"
ROUTER: Final = "gcp:compute/router:Router"
NAT: Final = "gcp:compute/routerNat:RouterNat"
ADDRESS: Final = "gcp:compute/address:Address"
GLOBAL_ADDRESS: Final = "gcp:compute/globalAddress:GlobalAddress"
DISK: Final = "gcp:compute/disk:Disk"
SSL_POLICY: Final = "gcp:compute/sSLPolicy:SSLPolicy"
CONNECTION: Final = "gcp:servicenetworking/connection:Connection"
CLUSTER: Final = "gcp:container/cluster:Cluster"
NODE_POOL: Final = "gcp:container/nodePool:NodePool"
SERVER: Final = "gcp:sql/databaseInstance:DatabaseInstance"
DATABASE: Final = "gcp:sql/database:Database"
USER: Final = "gcp:sql/user:User"
BUCKET: Final = "gcp:storage/bucket:Bucket"
DATASET: Final = "gcp:bigquery/dataset:Dataset"
FILESTORE: Final = "gcp:filestore/instance:Instance"
ACCOUNT: Final = "gcp:serviceaccount/account:Account"
REPOSITORY: Final = "gcp:artifactregistry/repository:Repository"
CERTIFICATE: Final = "gcp:certificatemanager/certificate:Certificate"
CERTIFICATE_MAP: Final = "gcp:certificatemanager/certificateMap:CertificateMap"
DNS_AUTHORIZATION: Final = "gcp:certificatemanager/dnsAuthorization:DnsAuthorization"
