"""Calls that Google Cloud refuses for some minutes after it reported success."""

from __future__ import annotations

from typing import Final

from components.cloud.retries import Late

API: Final = Late(
    what="the project's APIs, which were just enabled",
    # Google's refusal says "wait a few minutes". The provider waits only until the API is in the list of enabled APIs:
    # https://github.com/hashicorp/terraform-provider-google/issues/24094, open in 2026.
    # The reason SERVICE_DISABLED is not enough: a login without a quota project gets it too, and waiting does not help.
    patterns=(r"has not been used in project \S+ before or it is disabled",),
    bound_seconds=600,
)
ACCOUNT: Final = Late(
    what="new service accounts to be known everywhere",
    # "you might need to wait for 60 seconds or more before you use the service account",
    # https://cloud.google.com/iam/docs/service-accounts-create.
    patterns=(r"[Ss]ervice account \S+ does not exist",),
    bound_seconds=300,
)
POOL: Final = Late(
    what="the project's workload identity pool, which is created with its first cluster",
    # https://github.com/hashicorp/terraform-provider-google/issues/6073.
    patterns=("Identity Pool does not exist",),
    bound_seconds=300,
)
AGENT: Final = Late(
    what="the service agent of Service Networking, which is created with its API",
    # Only for connections: elsewhere the same message means that the caller lacks a role.
    # https://github.com/GoogleCloudPlatform/cloud-foundation-fabric/issues/1399 and
    # https://github.com/hashicorp/terraform-provider-google/issues/11195.
    patterns=(r"Required 'compute\.[A-Za-z.]+' permission for 'projects/",),
    bound_seconds=600,
)
LEFTOVERS: Final = Late(
    what="load balancers, firewall rules and machines that leave the network",
    # The provider does not repeat such a delete (resource_compute_network.go): it waits only for "resource not ready".
    # https://github.com/hashicorp/terraform-provider-google/issues/5948.
    patterns=("is already being used by",),
    bound_seconds=900,
)
EVERYWHERE: Final = (API, ACCOUNT, POOL)
"""Every resource waits for these: no API, account or pool is effective everywhere at once."""
