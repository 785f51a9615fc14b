"""Calls that Google Cloud refuses for some minutes after it reported success."""

from __future__ import annotations

from typing import Final

from components.cloud.retries import Late

API: Final = Late(
    what="the project's APIs, which were just enabled",
    # Google's own words in the refusal are "wait a few minutes". The provider waits until the list of enabled APIs
    # names it and no longer: https://github.com/hashicorp/terraform-provider-google/issues/24094, open in 2026.
    # The reason SERVICE_DISABLED alone is also given for a login without a quota project, which no waiting mends.
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
    what="the project's pool of workload identities, which comes with its first cluster",
    # https://github.com/hashicorp/terraform-provider-google/issues/6073.
    patterns=("Identity Pool does not exist",),
    bound_seconds=300,
)
AGENT: Final = Late(
    what="the service agent of Service Networking, which comes with its API",
    # Connections alone may wait for this: elsewhere the same words mean that the caller lacks a role.
    # https://github.com/GoogleCloudPlatform/cloud-foundation-fabric/issues/1399 and
    # https://github.com/hashicorp/terraform-provider-google/issues/11195.
    patterns=(r"Required 'compute\.[A-Za-z.]+' permission for 'projects/",),
    bound_seconds=600,
)
LEFTOVERS: Final = Late(
    what="load balancers, firewall rules and machines that leave the network",
    # The provider repeats no such delete (resource_compute_network.go): only "resource not ready" is waited for.
    # https://github.com/hashicorp/terraform-provider-google/issues/5948.
    patterns=("is already being used by",),
    bound_seconds=900,
)
EVERYWHERE: Final = (API, ACCOUNT, POOL)
"""What each resource waits for: no API, account or pool is known everywhere at once."""
