"""All resource types and functions that the simulated Google Cloud models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lab.clouds.gcp import (
    addresses,
    bigquery,
    cluster,
    database,
    exposure,
    iam,
    network,
    nodes,
    private_services,
    registry,
    server,
    server_certificates,
    services,
    storage,
)
from lab.clouds.kind import Function, Kind

KINDS: Final[Mapping[str, Kind]] = {
    kind.token: kind
    for kind in (
        services.Service(),
        network.Network(),
        network.Subnetwork(),
        network.Router(),
        network.RouterNat(),
        addresses.GlobalAddress(),
        addresses.Address(),
        private_services.Connection(),
        cluster.Cluster(),
        nodes.NodePool(),
        server.DatabaseInstance(),
        database.Database(),
        database.User(),
        storage.Bucket(),
        storage.Disk(),
        storage.FilestoreInstance(),
        bigquery.Dataset(),
        iam.Account(),
        iam.ProjectMember(),
        iam.AccountMember(),
        iam.BucketMember(),
        iam.DatasetMember(),
        iam.RepositoryMember(),
        iam.ProxyMember(),
        registry.Repository(),
        exposure.SslPolicy(),
        exposure.DnsAuthorization(),
        exposure.Certificate(),
        exposure.CertificateMap(),
        exposure.CertificateMapEntry(),
    )
}
FUNCTIONS: Final[Mapping[str, Function]] = {
    function.token: function
    for function in (
        server_certificates.GetCaCerts(),
        services.GetClientConfig(),
        services.GetProject(),
        services.GetZones(),
    )
}
