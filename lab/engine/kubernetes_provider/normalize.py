"""Inputs in the form in which the API server will give them back, so that only real changes are differences.

The official plugin converts through Kubernetes' Go types; the rules here are those of that conversion which inputs of
built-in kinds meet: quantities in canonical form, empty values that the types leave out, the data of Secrets.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from decimal import ROUND_UP, Decimal
from typing import Any, Final

from lab.engine.kubernetes_provider.objects import Object, remove_path
from lab.engine.provider_values import has_unknown

BUILT_IN_GROUPS: Final = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)

_READ_ONLY: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)

# Maps whose values are quantities, and single fields that are.
_QUANTITY_MAPS: Final = frozenset(
    {
        "limits",
        "requests",
        "capacity",
        "hard",
        "default",
        "defaultRequest",
        "max",
        "min",
        "maxLimitRequestRatio",
        "podFixed",
    }
)
_QUANTITIES: Final = frozenset({"sizeLimit", "divisor", "averageValue"})
# Free maps: their keys are the user's, so no rule about field names holds in them.
_FREE: Final = frozenset(
    {
        "annotations",
        "binaryData",
        "data",
        "labels",
        "matchLabels",
        "nodeSelector",
        "parameters",
        "stringData",
        "volumeAttributes",
    }
)

# Fields of plain Go types with omitempty: these values are not stored.
_OMITTED_FALSE: Final = frozenset(
    {"hostIPC", "hostNetwork", "hostPID", "paused", "publishNotReadyAddresses", "readOnly", "stdin", "stdinOnce", "tty"}
)
_OMITTED_ZERO: Final = frozenset(
    {
        "failureThreshold",
        "hostPort",
        "initialDelaySeconds",
        "minReadySeconds",
        "nodePort",
        "periodSeconds",
        "successThreshold",
    }
)
_OMITTED_EMPTY_TEXT: Final = frozenset(
    {
        "clusterIP",
        "externalName",
        "hostname",
        "loadBalancerIP",
        "nodeName",
        "priorityClassName",
        "schedulerName",
        "serviceAccountName",
        "subPath",
        "subPathExpr",
        "subdomain",
        "volumeName",
    }
)
_OMITTED_EMPTY: Final = _FREE | frozenset(
    {
        "args",
        "command",
        "egress",
        "env",
        "envFrom",
        "finalizers",
        "hostAliases",
        "imagePullSecrets",
        "ingress",
        "initContainers",
        "limits",
        "matchExpressions",
        "ports",
        "requests",
        "resourceNames",
        "secrets",
        "tolerations",
        "volumeMounts",
        "volumes",
    }
)


def built_in(api_version: str) -> bool:
    """Whether the apiVersion is one of Kubernetes' own, not a custom resource's."""
    return api_version.rpartition("/")[0] in BUILT_IN_GROUPS


def normalized(inputs: Object) -> Object:
    """The inputs in canonical form and without fields that only the server sets; untouched while values are unknown."""
    result = inputs
    if not has_unknown(inputs) and built_in(str(inputs.get("apiVersion", ""))):
        match inputs.get("kind"):
            case "Secret":
                result = _secret(inputs)
            case "CustomResourceDefinition":
                result = {key: value for key, value in inputs.items() if key != "status"}
            case _:
                result = _canonical(inputs, "")
    else:
        result = dict(inputs)
    for name in _READ_ONLY:
        metadata = result.get("metadata")
        if isinstance(metadata, dict) and name in metadata:
            result["metadata"] = {key: value for key, value in metadata.items() if key not in _READ_ONLY}
            break
    if (
        result.get("kind") == "CustomResourceDefinition"
        and result.get("spec", {}).get("preserveUnknownFields") is False
    ):
        result["spec"] = dict(result["spec"])
        remove_path(result, ("spec", "preserveUnknownFields"))
    return result


def _secret(inputs: Object) -> Object:
    result = dict(inputs)
    text = result.get("stringData") or {}
    data = dict(result.get("data") or {})
    if text:
        del result["stringData"]
        data |= {key: base64.b64encode(str(value).encode()).decode() for key, value in text.items()}
    if data:
        result["data"] = {key: _recoded(value) for key, value in data.items()}
    return result


def _recoded(value: Any) -> Any:
    # The server decodes and encodes again, which drops line breaks.
    try:
        return base64.b64encode(base64.b64decode("".join(value.split()), validate=True)).decode()
    except (AttributeError, binascii.Error):
        return value


def _canonical(value: Any, field: str) -> Any:
    if isinstance(value, dict):
        free = field in _FREE
        result = {}
        for key, item in value.items():
            if field in _QUANTITY_MAPS or key in _QUANTITIES:
                result[key] = quantity(item)
            elif free:
                result[key] = item
            elif not _omitted(key, item, field):
                result[key] = _canonical(item, key)
        return result
    if isinstance(value, list):
        return [_canonical(item, field) for item in value]
    return value


def _omitted(key: str, value: Any, field: str) -> bool:
    if value is False:
        return key in _OMITTED_FALSE
    if value == "":
        return key in _OMITTED_EMPTY_TEXT or (key == "value" and field in ("env", "tolerations"))
    if value == 0:
        return key in _OMITTED_ZERO
    if value in ({}, []):
        return key in _OMITTED_EMPTY
    return False


_BINARY: Final = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_QUANTITY: Final = re.compile(r"^([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$")


def quantity(value: Any) -> Any:
    """A resource quantity as Kubernetes writes it: 1024Mi is 1Gi, 0.5 is 500m; anything else stays as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    found = _QUANTITY.match(str(value))
    if not found:
        return value
    number, suffix = Decimal(found.group(1)), found.group(2) or ""
    if suffix in _BINARY:
        return _shortest(number * 1024 ** _BINARY[suffix], 1024, list(_BINARY), lambda power: 1024**power)
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    return _decimal(number * Decimal(10) ** exponent)


def _shortest(amount: Decimal, below: int, suffixes: list[str], unit: Callable[[int], int]) -> str:
    if abs(amount) < below or amount != amount.to_integral_value():
        return _decimal(amount)
    for power in range(len(suffixes), 0, -1):
        if amount % unit(power) == 0:
            return f"{int(amount // unit(power))}{suffixes[power - 1]}"
    return str(int(amount))


def _decimal(amount: Decimal) -> str:
    amount = amount.quantize(Decimal("1e-9"), ROUND_UP) if amount.as_tuple().exponent < -9 else amount  # type: ignore[operator]
    if amount == 0:
        return "0"
    for suffix, exponent in sorted(_DECIMAL.items(), key=lambda item: -item[1]):
        scaled = amount / Decimal(10) ** exponent
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return str(amount)
