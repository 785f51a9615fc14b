"""Managed disks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, ArmKind, normal, uid
from lab.clouds.azure.catalogue import ZONED
from lab.clouds.kind import Call, Grammar, at
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

SIZE_MAX_GIB: Final = 32_767
"""https://learn.microsoft.com/azure/virtual-machines/disks-types."""


class Disk(ArmKind):
    """A managed disk."""

    token = "azure-native:compute:Disk"  # noqa: S105 - the token of a type
    name = "diskName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/disks/{diskName}"
    grammar = Grammar(
        pattern=r"[A-Za-z0-9]([\w.-]{0,78}\w)?",
        words="1 to 80 letters, digits, underscores, dots and hyphens, from a letter or digit to a letter, digit or _",
    )

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of the size, and of zones that do not match its kind."""
        yield from super().faults(inputs, config)
        size, sku, zones = inputs.get("diskSizeGB"), at(inputs, "sku.name", "Standard_LRS"), inputs.get("zones") or []
        if at(inputs, "creationData.createOption") == "Empty" and size is None:
            yield "diskSizeGB", "is required for createOption Empty"
        if isinstance(size, int) and not 1 <= size <= SIZE_MAX_GIB:
            yield "diskSizeGB", f"is {size}, not between 1 and {SIZE_MAX_GIB}"
        if is_unknown(sku) or is_unknown(inputs.get("zones")):
            return
        if len(zones) > 1:
            yield "zones", "has several entries; a disk is in one zone, or redundant over all by its sku"
        if str(sku).endswith("_ZRS") and zones:
            yield "zones", f"exclude sku.name {sku}, which is in all zones"
        if sku in ("PremiumV2_LRS", "UltraSSD_LRS") and inputs.get("tier"):
            yield "tier", f"does not go with sku.name {sku}"

    def check(self, call: Call) -> None:
        """Refuse zone redundancy in a location without zones."""
        place, sku = normal(str(call.get("location"))), str(call.get("sku.name", "Standard_LRS"))
        if sku.endswith("_ZRS") and place not in ZONED:
            raise ArmError(
                400, "InvalidParameter", f"SKU {sku} is not supported for resource type Disk in this region: {place}."
            )

    def change(self, call: Call) -> None:
        """Refuse smaller disks, and another location."""
        super().change(call)
        if call.item is None:
            return
        old, new = call.item.inputs, call.inputs
        if int(new.get("diskSizeGB") or 0) < int(old.get("diskSizeGB") or 0):
            raise ArmError(
                400,
                "OperationNotAllowed",
                f"Disk of size {old.get('diskSizeGB')} GB cannot be resized to {new.get('diskSizeGB')} GB: it shrinks.",
            )
        for key in ("zones", "creationData", "osType", "hyperVGeneration"):
            if (old.get(key) or None) != (new.get(key) or None):
                raise ArmError(400, "PropertyChangeNotAllowed", f"Changing property '{key}' is not allowed.")
        skus = [str(at(each, "sku.name", "Standard_LRS")) for each in (old, new)]
        if skus[0].endswith("_ZRS") != skus[1].endswith("_ZRS"):
            raise ArmError(400, "OperationNotAllowed", f"The sku of a disk cannot change from {skus[0]} to {skus[1]}.")

    def outputs(self, call: Call) -> dict[str, Any]:
        """The outputs of an unattached disk."""
        size = int(call.get("diskSizeGB", 0))
        return {
            "diskSizeBytes": size * 2**30,
            "diskState": "Unattached",
            "diskIOPSReadWrite": call.get("diskIOPSReadWrite", 500),
            "diskMBpsReadWrite": call.get("diskMBpsReadWrite", 60),
            "encryption": {"type": "EncryptionAtRestWithPlatformKey", **call.get("encryption", {})},
            "networkAccessPolicy": call.get("networkAccessPolicy", "AllowAll"),
            "publicNetworkAccess": call.get("publicNetworkAccess", "Enabled"),
            "sku": {**call.get("sku", {}), "tier": str(call.get("sku.name", "Standard_LRS")).partition("_")[0]},
            "timeCreated": "2026-01-01T00:00:00.0000000+00:00",
            "uniqueId": uid(call.id),
        }
