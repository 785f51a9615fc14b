"""Storage accounts: what all of them have in common, and who reaches them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi
from pulumi_azure_native import storage

from components.cloud.azure.names import ResourceNames
from components.cloud.azure.network import Network
from components.settings.azure.cloud import AzureCloud


@dataclass(frozen=True, kw_only=True)
class AccountArgs:
    """Arguments of a storage account."""

    settings: AzureCloud
    names: ResourceNames
    group: pulumi.Input[str]
    network: Network
    protect: bool


def account(
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
    """A storage account that is private but for the stack's own network and what its settings list.

    `lifecycle` says whether it has rules about what is deleted by itself.
    """
    private = args.network.endpoints is not None
    ranges = args.settings.storage.allowed_ranges
    return storage.StorageAccount(
        name,
        account_name=args.names.joined(use),
        resource_group_name=args.group,
        location=args.settings.location,
        kind=kind,
        sku=storage.SkuArgs(name=sku),
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=shared_keys,
        default_to_o_auth_authentication=True,
        is_local_user_enabled=False,
        minimum_tls_version="TLS1_2",
        # Ranges from outside need the public address, which then is for them alone.
        public_network_access="Disabled" if private and not ranges else "Enabled",
        network_rule_set=storage.NetworkRuleSetArgs(
            default_action=storage.DefaultAction.DENY,
            # A trusted service of Microsoft deletes what is old, and a firewall blocks it without a word: the note on
            # firewall rules in https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-overview. Other
            # services that come through need a role to read or write anything.
            bypass="AzureServices" if lifecycle else "None",
            ip_rules=[
                storage.IPRuleArgs(i_p_address_or_range=plain_range(text), action=storage.Action.ALLOW)
                for text in ranges
            ],
            virtual_network_rules=[]
            if private
            else [
                storage.VirtualNetworkRuleArgs(
                    virtual_network_resource_id=args.network.nodes, action=storage.Action.ALLOW
                )
            ],
        ),
        tags=args.names.tags(),
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=args.protect,
            # What kind an account is it stays, and with it whether its shares are on solid-state disks.
            replace_on_changes=["kind"],
            # Two of one name cannot be.
            delete_before_replace=True,
            custom_timeouts=pulumi.CustomTimeouts(create="20m", update="20m", delete="20m"),
        ),
        **rest,
    )


def plain_range(text: str) -> str:
    """A range as a storage account's firewall takes it: a single address has no prefix."""
    network = IPv4Network(text)
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else text


def kept_deleted(args: AccountArgs) -> storage.DeleteRetentionPolicyArgs:
    """The period in which deleted data can be restored."""
    return storage.DeleteRetentionPolicyArgs(enabled=True, days=args.settings.storage.deleted_kept_days)
