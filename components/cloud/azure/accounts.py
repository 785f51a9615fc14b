"""Storage accounts: shared arguments and firewall rules."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi
from pulumi_azure_native import storage

from components.cloud.azure.network import Network
from components.cloud.azure.scope import AzureScope


@dataclass(frozen=True, kw_only=True)
class AccountArgs:
    """Arguments of a storage account."""

    scope: AzureScope
    network: Network


def create_account(
    name: str,
    args: AccountArgs,
    *,
    use: str,
    sku: str,
    kind: str,
    shared_keys: bool,
    lifecycle: bool,
    parent: pulumi.Resource,
    **rest: Any,
) -> storage.StorageAccount:
    """A storage account that only the stack's network and the allowed ranges of its settings can reach.

    `lifecycle`: whether it has lifecycle rules, which delete old data.
    """
    private = args.network.endpoints is not None
    return storage.StorageAccount(
        name,
        account_name=args.scope.names.alphanumeric_name(use),
        resource_group_name=args.scope.group,
        location=args.scope.settings.region,
        kind=kind,
        sku=storage.SkuArgs(name=sku),
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=shared_keys,
        default_to_o_auth_authentication=True,
        is_local_user_enabled=False,
        minimum_tls_version="TLS1_2",
        # External ranges need the public endpoint, which then admits only them.
        public_network_access="Disabled" if private and not args.scope.settings.storage.allowed_ranges else "Enabled",
        network_rule_set=_firewall(args, lifecycle=lifecycle),
        tags=args.scope.names.tags(),
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=args.scope.protect,
            # `kind` is immutable and decides HDD or SSD shares: a change replaces the account.
            replace_on_changes=["kind"],
            # Account names are unique.
            delete_before_replace=True,
            custom_timeouts=pulumi.CustomTimeouts(create="20m", update="20m", delete="20m"),
        ),
        **rest,
    )


def create_blob_account(
    name: str, args: AccountArgs, *, use: str, lifecycle: bool, parent: pulumi.Resource
) -> tuple[storage.StorageAccount, storage.BlobServiceProperties]:
    """A storage account for blobs, without keys, and its settings of versions and recovery.

    Args:
        name: the beginning of both logical names. In state: renaming loses the content.
        args: the stack and its network.
        use: its purpose, a part of its name.
        lifecycle: whether it has lifecycle rules, which delete old data.
        parent: the component that it belongs to.
    """
    settings = args.scope.settings.storage
    account = create_account(
        f"{name}-account",
        args,
        use=use,
        sku=f"Standard_{settings.redundancy.upper()}",
        kind="StorageV2",
        shared_keys=False,
        lifecycle=lifecycle,
        parent=parent,
        access_tier=storage.AccessTier.HOT,
        enable_https_traffic_only=True,
    )
    service = storage.BlobServiceProperties(
        f"{name}-service",
        blob_services_name="default",
        account_name=account.name,
        resource_group_name=args.scope.group,
        delete_retention_policy=delete_retention(args),
        container_delete_retention_policy=delete_retention(args),
        is_versioning_enabled=settings.versions,
        opts=pulumi.ResourceOptions(parent=parent, deleted_with=account),
    )
    return account, service


def _firewall(args: AccountArgs, *, lifecycle: bool) -> storage.NetworkRuleSetArgs:
    """The listed ranges, and the nodes where they have no private endpoint."""
    private = args.network.endpoints is not None
    return storage.NetworkRuleSetArgs(
        default_action=storage.DefaultAction.DENY,
        # A trusted service of Microsoft applies lifecycle rules, and the firewall blocks it without an error: see
        # the note on firewall rules in
        # https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-overview. Other trusted services
        # still need a role to read or write data.
        bypass="AzureServices" if lifecycle else "None",
        ip_rules=[
            storage.IPRuleArgs(i_p_address_or_range=plain_range(text), action=storage.Action.ALLOW)
            for text in args.scope.settings.storage.allowed_ranges
        ],
        virtual_network_rules=[]
        if private
        else [
            storage.VirtualNetworkRuleArgs(virtual_network_resource_id=args.network.nodes, action=storage.Action.ALLOW)
        ],
    )


def plain_range(text: str) -> str:
    """A range in the form of a storage account's firewall: a single address has no prefix."""
    network = IPv4Network(text)
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else text


def delete_retention(args: AccountArgs) -> storage.DeleteRetentionPolicyArgs:
    """The period in which deleted data can be restored."""
    return storage.DeleteRetentionPolicyArgs(enabled=True, days=args.scope.settings.storage.deleted_kept_days)
