"""Managed identities and what may act as them from outside."""

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
"""Federated credentials of one identity."""
UNSETTLED_LOOKS: Final = 2
"""How many looks into the directory miss an identity that was just made."""


class UserAssignedIdentity(ArmKind):
    """A managed identity. The directory learns of it a little later than the subscription."""

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
        """News of it take their time."""
        super().accept(call)
        call.world.facts.setdefault("directory", {})[uid(f"principal {call.id}")] = UNSETTLED_LOOKS

    def outputs(self, call: Call) -> dict[str, Any]:
        """What it is called in the directory."""
        return {"clientId": uid(f"client {call.id}"), "principalId": uid(f"principal {call.id}"), "tenantId": TENANT}

    def released(self, call: Call, holder: Item) -> ArmError:
        """Azure does not ask who uses an identity."""
        return ArmError(409, "Conflict", f"Identity {call.id} is in use by {holder.id}.")


class FederatedIdentityCredential(ArmKind):
    """Who may act as an identity: one subject of one issuer."""

    token = CREDENTIAL
    name = "federatedIdentityCredentialResourceName"
    path = f"{UserAssignedIdentity.path}/federatedIdentityCredentials/{{federatedIdentityCredentialResourceName}}"
    parent = IDENTITY
    grammar = Grammar(
        pattern=r"[A-Za-z0-9][\w-]{2,119}", words="3 to 120 letters, digits, hyphens and underscores, first no hyphen"
    )
    settles = False

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """One audience."""
        yield from super().faults(inputs, config)
        audiences = inputs.get("audiences")
        if isinstance(audiences, list) and len(audiences) != 1:
            yield "audiences", f"has {len(audiences)} entries, not 1"
        issuer = inputs.get("issuer")
        if isinstance(issuer, str) and not is_unknown(issuer) and not issuer.startswith("https://"):
            yield "issuer", f"is {issuer!r}, no https:// address"

    def accept(self, call: Call) -> None:
        """One is written at a time; the plugin tries again."""
        self._refuse_busy(call)
        super().accept(call)
        mark(call, parent_id(call.id), self.token, "create")

    def change(self, call: Call) -> None:
        """One is written at a time; the plugin tries again."""
        self._refuse_busy(call)
        super().change(call)
        mark(call, parent_id(call.id), self.token, "update")

    def check(self, call: Call) -> None:
        """A pair of issuer and subject once, and not more than there is room for."""
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
        """Others can go on."""
        mark(call, parent_id(call.id), "", "")
        return {}

    def release(self, call: Call) -> None:
        """One is deleted at a time; the plugin tries again."""
        self._refuse_busy(call)
        mark(call, parent_id(call.id), self.token, "delete")

    def gone(self, call: Call) -> None:
        """Others can go on."""
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
    """Everyone in the directory that things in the subscription can be: principal id to the id of the resource."""
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
    """Whether news of a principal have reached the directory; each look counts."""
    waiting = world.facts.get("directory", {})
    left = int(waiting.get(principal, 0))
    if left > 0:
        waiting[principal] = left - 1
    return left == 0
