"""Managed identities and their federated credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.clouds.azure.arm import TENANT, ArmError, ArmKind, parent_id, uid
from lab.clouds.azure.busy import mark, refuse_busy
from lab.clouds.inventory import Item, World
from lab.clouds.kind import Call, Grammar
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

IDENTITY: Final = "azure-native:managedidentity:UserAssignedIdentity"
CREDENTIAL: Final = "azure-native:managedidentity:FederatedIdentityCredential"
CREDENTIALS_MAX: Final = 20
"""Maximum of federated credentials of one identity."""
UNSETTLED_LOOKS: Final = 2
"""Number of lookups in the tenant that miss a new identity."""


class UserAssignedIdentity(ArmKind):
    """A managed identity. It appears in the tenant a little later than in the subscription."""

    token = IDENTITY
    name = "resourceName"
    path = (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"
    )
    grammar = Grammar(
        pattern=r"[A-Za-z0-9][\w-]{2,127}", words="3 to 128 letters, digits, hyphens and underscores, first no hyphen"
    )
    settles = False

    def accept(self, call: Call) -> None:
        """It propagates to the tenant after some time."""
        super().accept(call)
        call.world.facts.setdefault("directory", {})[uid(f"principal {call.id}")] = UNSETTLED_LOOKS

    def outputs(self, call: Call) -> dict[str, Any]:
        """Its ids in the tenant."""
        return {"clientId": uid(f"client {call.id}"), "principalId": uid(f"principal {call.id}"), "tenantId": TENANT}

    def released(self, call: Call, holder: Item) -> ArmError:
        """Azure deletes an identity even if it is in use."""
        return ArmError(409, "Conflict", f"Identity {call.id} is in use by {holder.id}.")


class FederatedIdentityCredential(ArmKind):
    """A federated credential: one subject of one issuer that may use an identity."""

    token = CREDENTIAL
    name = "federatedIdentityCredentialResourceName"
    path = f"{UserAssignedIdentity.path}/federatedIdentityCredentials/{{federatedIdentityCredentialResourceName}}"
    parent = IDENTITY
    grammar = Grammar(
        pattern=r"[A-Za-z0-9][\w-]{2,119}", words="3 to 120 letters, digits, hyphens and underscores, first no hyphen"
    )
    settles = False

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of audiences and issuer."""
        yield from super().faults(inputs, config)
        audiences = inputs.get("audiences")
        if isinstance(audiences, list) and len(audiences) != 1:
            yield "audiences", f"has {len(audiences)} entries, not 1"
        issuer = inputs.get("issuer")
        if isinstance(issuer, str) and not is_unknown(issuer) and not issuer.startswith("https://"):
            yield "issuer", f"is {issuer!r}, no https:// address"

    def accept(self, call: Call) -> None:
        """Refuse a concurrent write; the plugin retries."""
        self._refuse_busy(call)
        super().accept(call)
        mark(call, parent_id(call.id), self.token, "create")

    def change(self, call: Call) -> None:
        """Refuse a concurrent write; the plugin retries."""
        self._refuse_busy(call)
        super().change(call)
        mark(call, parent_id(call.id), self.token, "update")

    def check(self, call: Call) -> None:
        """Refuse duplicate pairs of issuer and subject, and more than the maximum."""
        others = [
            item
            for item in call.world.of(CREDENTIAL)
            if parent_id(item.id) == parent_id(call.id) and item.id != call.id
        ]
        if len(others) >= CREDENTIALS_MAX:
            raise ArmError(
                400,
                "TooManyFederatedIdentityCredentials",
                f"The managed identity {parent_id(call.id)} has {len(others)} federated identity credentials, the most "
                "there can be.",
            )
        pair = (call.get("issuer"), call.get("subject"))
        if any((item.inputs["issuer"], item.inputs["subject"]) == pair for item in others):
            raise ArmError(
                409,
                "DuplicateFederatedIdentityCredential",
                f"Issuer and subject combination already exists for this Managed Identity: {pair[0]}, {pair[1]}.",
            )

    def outputs(self, call: Call) -> dict[str, Any]:
        """The identity is not busy any more."""
        mark(call, parent_id(call.id), "", "")
        return {}

    def release(self, call: Call) -> None:
        """Refuse a concurrent deletion; the plugin retries."""
        self._refuse_busy(call)
        mark(call, parent_id(call.id), self.token, "delete")

    def gone(self, call: Call) -> None:
        """The identity is not busy any more."""
        mark(call, parent_id(call.id), "", "")

    def _refuse_busy(self, call: Call) -> None:
        refuse_busy(
            call,
            parent_id(call.id),
            ArmError(
                409,
                "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
                f"Too many Federated Identity Credentials are written concurrently for the managed identity "
                f"'{parent_id(call.id)}'. Concurrent Federated Identity Credentials writes under the same managed "
                "identity are not supported.",
                retry=True,
            ),
        )


def principals(world: World) -> dict[str, str]:
    """All principals of resources in the subscription: principal id to the id of the resource."""
    found: dict[str, str] = {}
    for item in world.items.values():
        identity = item.outputs.get("identity")
        for place in (item.outputs, identity if isinstance(identity, dict) else {}):
            if isinstance(place.get("principalId"), str) and item.type != "azure-native:authorization:RoleAssignment":
                found[place["principalId"]] = item.id
        kubelet = (item.outputs.get("identityProfile") or {}).get("kubeletidentity") or {}
        if "objectId" in kubelet:
            found[kubelet["objectId"]] = item.id
    return found


def reached(world: World, principal: str) -> bool:
    """Whether a principal has propagated to the tenant; each lookup is counted."""
    waiting = world.facts.get("directory", {})
    left = int(waiting.get(principal, 0))
    if left > 0:
        waiting[principal] = left - 1
    return left == 0
