"""Deployments of templates: checks of their content and references, and the operations that they block.

The resources in a template are not simulated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.clouds.azure.arm import GROUP, ArmError, ArmKind, subscription, uid
from lab.clouds.azure.authorization import ASSIGNMENT
from lab.clouds.azure.busy import attach, mark
from lab.clouds.azure.cluster_work import deployed_clusters, refuse_work_on_cluster, switches_gateways_on
from lab.clouds.azure.egress import ADDRESS
from lab.clouds.kind import Call, Grammar, at
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import has_unknown

_USED_PARAMETER: Final = re.compile(r"parameters\('(\w+)'\)")


class Deployment(ArmKind):
    """A deployment of a template into a resource group."""

    token = "azure-native:resources:Deployment"  # noqa: S105 - the token of a type
    name = "deploymentName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.Resources/deployments/{deploymentName}"
    grammar = Grammar(
        pattern=r"[\w.()-]{1,64}", words="1 to 64 letters, digits, underscores, hyphens, parentheses and dots"
    )
    required = ("properties.mode",)
    settles = False

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of undeclared and missing parameters."""
        yield from super().faults(inputs, config)
        template = at(inputs, "properties.template")
        given = at(inputs, "properties.parameters") or {}
        if template is None and at(inputs, "properties.templateLink") is None:
            yield "properties.template", "is required, or templateLink is"
        elif isinstance(template, dict) and not has_unknown(template):
            yield from _template_faults(template, given, "properties.template")

    def located(self) -> bool:
        """A deployment into a group has no location."""
        return False

    def relations(self, call: Call) -> Iterator[Any]:
        """Refuse ids of missing resources in parameters."""
        yield from super().relations(call)
        for name, given in (call.get("properties.parameters", {}) or {}).items():
            value = given.get("value") if isinstance(given, Mapping) else None
            if isinstance(value, str) and value.startswith(f"{subscription(call)}/resourceGroups/"):
                item = next((each for each in call.world.items.values() if each.id == value), None)
                if item is None:
                    raise ArmError(
                        404, "ResourceNotFound", f"The Resource '{value}' of parameter '{name}' was not found."
                    )
                if item.type != GROUP:
                    yield item, "ignores"

    def accept(self, call: Call) -> None:
        """A cluster in a template is busy like with any other operation."""
        self._write(call, "create")
        super().accept(call)

    def change(self, call: Call) -> None:
        """The same rules as at creation."""
        self._write(call, "update")
        super().change(call)

    def _write(self, call: Call, op: str) -> None:
        for cluster in deployed_clusters(call):
            refuse_work_on_cluster(call, cluster.id)
            mark(call, cluster.id, self.token, op)
        if switches_gateways_on(call.get("properties.template")):
            _attach_addresses(call)

    def echoed(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Inputs without the template, of which Azure only returns a hash."""
        kept = {key: value for key, value in inputs["properties"].items() if key != "template"}
        return {**inputs, "properties": kept}

    def outputs(self, call: Call) -> dict[str, Any]:
        """The state of a successful deployment."""
        for cluster in deployed_clusters(call):
            mark(call, cluster.id, "", "")
        return {
            "properties": {
                "correlationId": uid(call.id),
                "duration": "PT30S",
                "provisioningState": "Succeeded",
                "templateHash": str(int(uid(call.id).replace("-", "")[:15], 16)),
                "timestamp": "2026-01-01T00:00:00.0000000Z",
                "dependencies": [],
                "outputResources": [],
                "providers": [],
            }
        }


def _template_faults(template: Mapping[str, Any], given: Mapping[str, Any], path: str) -> Iterator[Fault]:
    for key in ("$schema", "contentVersion", "resources"):
        if key not in template:
            yield f"{path}.{key}", "is required in a template"
    declared = template.get("parameters") or {}
    for name in given.keys() - declared.keys():
        yield f"{path}.parameters", f"do not declare {name}, which is given"
    for name, parameter in declared.items():
        if name not in given and "defaultValue" not in parameter:
            yield f"{path}.parameters.{name}", "has no default and is not given"
    resources = template.get("resources") or []
    for index, resource in enumerate(resources):
        place = f"{path}.resources[{index}]"
        for key in ("type", "apiVersion", "name"):
            if not resource.get(key):
                yield f"{place}.{key}", "is required"
        # An expression may replace all properties or a single one.
        properties = resource.get("properties")
        parts = dict(properties) if isinstance(properties, Mapping) else {"": properties}
        inner = parts.pop("template", None)
        outside = {**resource, "properties": parts}
        for name in sorted(set(_USED_PARAMETER.findall(str(outside))) - set(declared)):
            yield place, f"uses the parameter {name}, which is not declared"
        if isinstance(inner, Mapping):
            yield from _template_faults(inner, parts.get("parameters") or {}, f"{place}.properties.template")


def _attach_addresses(call: Call) -> None:
    """Attach the addresses that a cluster may write to its load balancer, as a Gateway's Service does."""
    writers = {
        place["principalId"]
        for cluster in deployed_clusters(call)
        for place in (cluster.outputs["identity"].get("userAssignedIdentities") or {}).values()
    }
    for role in call.world.of(ASSIGNMENT):
        scope = str(role.inputs["scope"])
        if role.inputs["principalId"] in writers and call.world.get(ADDRESS, scope) is not None:
            attach(call, scope)
