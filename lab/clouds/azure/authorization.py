"""Role assignments and locks: extension resources for permissions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Final

from lab.clouds.azure.arm import (
    LOCK,
    OPERATOR,
    TENANT,
    ArmError,
    ArmKind,
    Naming,
    at_scope,
    name_of,
    subscription,
    within,
)
from lab.clouds.azure.busy import refuse_settling, settle
from lab.clouds.azure.catalogue import ROLES
from lab.clouds.azure.identity import principals, reached
from lab.clouds.kind import Call, Grammar, Relation
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

SPREADING_SECONDS: Final = 300
"""Time until a role is effective everywhere: "up to 10 minutes", mostly less,
https://learn.microsoft.com/azure/role-based-access-control/troubleshooting."""
ASSIGNMENT: Final = "azure-native:authorization:RoleAssignment"
_UUID: Final = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ROLE: Final = re.compile(
    rf"(/subscriptions/[^/]+)?/providers/Microsoft\.Authorization/roleDefinitions/(?P<id>{_UUID})", re.IGNORECASE
)


class _Extension(ArmKind):
    """An extension resource: its id continues the id of its target."""

    scope: ClassVar[str] = "scope"
    settles = False

    def id(self, call: Call) -> str:
        """The id, below the scope."""
        return f"{self.target(call)}/{self.path.format_map(call.inputs)}"

    def target(self, call: Call) -> str:
        """The id of its target."""
        return "/" + str(call.inputs["scope"]).strip("/")

    def relations(self, call: Call) -> Iterator[Relation]:
        """It is deleted with its target."""
        target = self.target(call)
        if target.lower() == subscription(call).lower():
            return
        item = at_scope(call.world, target)
        if item is None:
            raise ArmError(
                404,
                "ResourceNotFound",
                f"The Resource '{'/'.join(target.split('/')[-3:])}' was not found. For more details please go to "
                "https://aka.ms/ARMResourceNotFoundFix",
            )
        yield item, "goes_with"


class RoleAssignment(_Extension):
    """A role of a principal at a scope."""

    token = ASSIGNMENT
    name = "roleAssignmentName"
    path = "providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}"
    grammar = Grammar(pattern=_UUID, words="a UUID")
    immutable = ("scope", "principalId", "roleDefinitionId")

    @property
    def naming(self) -> Naming:
        """Names must be UUIDs."""
        return "uuid"

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of incomplete ids."""
        yield from super().faults(inputs, config)
        principal, role = inputs.get("principalId"), inputs.get("roleDefinitionId")
        if not is_unknown(principal) and not re.fullmatch(_UUID, str(principal)):
            yield "principalId", f"is {principal!r}, no object id of the directory"
        if not is_unknown(role) and not _ROLE.fullmatch(str(role)):
            yield "roleDefinitionId", f"is {role!r}, no id of a role definition"

    def check(self, call: Call) -> None:
        """Refuse unknown roles and principals, and roles that the principal already has."""
        role = role_id(str(call.get("roleDefinitionId")))
        if role not in ROLES:
            raise ArmError(
                404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{role}' does not exist."
            )
        self._check_principal(call, str(call.get("principalId")), call.get("principalType"))
        for other in call.world.of(ASSIGNMENT):
            if other.id != call.id and _triple(other.inputs) == _triple(call.inputs):
                raise ArmError(
                    409,
                    "RoleAssignmentExists",
                    f"The role assignment already exists. The ID of the conflicting role assignment is "
                    f"{name_of(other.id).replace('-', '')}.",
                )

    def _check_principal(self, call: Call, principal: str, kind: str | None) -> None:
        known = principals(call.world)
        actual = "User" if principal == OPERATOR else "ServicePrincipal" if principal in known else None
        if kind is not None and actual is not None and kind != actual:
            raise ArmError(
                400,
                "UnmatchedPrincipalType",
                f"The PrincipalId '{principal.replace('-', '')}' has type '{actual}', which is different "
                f"from specified PrinciaplType '{kind}'.",
            )
        # Users and groups of the tenant are not modelled individually; the operator always exists.
        if kind in ("User", "Group", "ForeignGroup", "Device") or principal == OPERATOR:
            return
        # With a type, Azure does not check the principal; without one it does, possibly before its propagation.
        if principal not in known or (kind is None and not reached(call.world, principal)):
            raise ArmError(
                400,
                "PrincipalNotFound",
                f"Principal {principal.replace('-', '')} does not exist in the directory {TENANT}. Check that you have "
                "the correct principal ID. If you are creating this principal and then immediately assigning a role, "
                "this error might be related to a replication delay. In this case, set the role assignment "
                "principalType property to a value, such as ServicePrincipal, User, or Group. See "
                "https://aka.ms/docs-principaltype",
            )

    def outputs(self, call: Call) -> dict[str, Any]:
        """Its creator, and the scope in Azure's form. It becomes effective later."""
        if call.item is None or not call.item.ready:
            settle(call, call.id, SPREADING_SECONDS)
        return {
            "principalType": call.get(
                "principalType", "User" if call.get("principalId") == OPERATOR else "ServicePrincipal"
            ),
            "scope": self.target(call),
            "createdOn": "2026-01-01T00:00:00.0000000Z",
            "updatedOn": "2026-01-01T00:00:00.0000000Z",
            "createdBy": "",
            "updatedBy": "",
        }


class ManagementLockByScope(_Extension):
    """A lock on one resource and everything below it."""

    token = LOCK
    name = "lockName"
    path = "providers/Microsoft.Authorization/locks/{lockName}"
    grammar = Grammar(
        pattern=r"[\w.()-]{0,89}[\w()-]", words="1 to 90 letters, digits, underscores, hyphens, parentheses and dots"
    )
    immutable = ("scope",)
    values: ClassVar[Mapping[str, tuple[Any, ...]]] = {"level": ("CanNotDelete", "ReadOnly")}

    def keeps(self, call: Call) -> bool:
        """A lock does not protect itself."""
        return False

    def refuse_lock(self, call: Call, what: str) -> None:
        """Locks can always be created and changed."""

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of notes that are too long."""
        yield from super().faults(inputs, config)
        if len(str(inputs.get("notes") or "")) > 512:
            yield "notes", "has more than 512 characters"


def refuse_unspread(call: Call, principals: Collection[str], scope: str) -> None:
    """Refuse the first use of a role that was assigned a moment ago.

    Stricter than Azure, where it may already be effective; and only the first time.

    Raises:
        ArmError: ResourceMissingPermissionError, the error of AKS.
    """
    for item in call.world.of(ASSIGNMENT):
        if item.inputs["principalId"] in principals and within(scope, str(item.inputs["scope"])):
            error = ArmError(
                400,
                "ResourceMissingPermissionError",
                f"Service principal or user-assigned identity must be given permission to resource {scope}. Check "
                "access result not allowed for action Microsoft.Network/virtualNetworks/subnets/join/action.",
            )
            refuse_settling(call, item.id, error)


def role_id(definition: str) -> str:
    """The UUID at the end of a role definition's id."""
    found = _ROLE.fullmatch(definition)
    return found["id"].lower() if found else ""


def _triple(inputs: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(inputs["scope"]).strip("/").lower(), str(inputs["principalId"]), role_id(str(inputs["roleDefinitionId"]))
