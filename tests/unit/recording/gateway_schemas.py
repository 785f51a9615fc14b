"""Strict JSON schemas of the Gateway API's objects, with the fields that this program uses: unknown fields are errors.

Written after https://gateway-api.sigs.k8s.io/reference/spec/; the definitions themselves come with the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jsonschema

HOST: Final = {"type": "string", "pattern": r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
SECTION: Final = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 253}
PORT: Final = {"type": "integer", "minimum": 1, "maximum": 65_535}
NAME: Final = {"type": "string", "minLength": 1, "maxLength": 253}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(items: Any, *, least: int = 1, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


METADATA: Final = _object(
    ("name", "namespace"),
    name=NAME,
    namespace=NAME,
    labels={"type": "object", "additionalProperties": {"type": "string"}},
    annotations={"type": "object", "additionalProperties": {"type": "string"}},
)
GATEWAY: Final = _object(
    ("gatewayClassName", "listeners"),
    gatewayClassName=NAME,
    addresses=_list(_object(("value",), type={"type": "string"}, value=NAME), most=16),
    infrastructure=_object(
        annotations={"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 8}
    ),
    listeners=_list(
        _object(
            ("name", "port", "protocol"),
            name=SECTION,
            hostname=HOST,
            port=PORT,
            protocol={"enum": ["HTTP", "HTTPS", "TLS", "TCP", "UDP"]},
            tls=_object(
                mode={"enum": ["Terminate", "Passthrough"]},
                certificateRefs=_list(_object(("name",), kind={"enum": ["Secret"]}, name=NAME), most=64),
            ),
            allowedRoutes=_object(
                namespaces=_object(
                    **{"from": {"enum": ["All", "Same", "Selector", "None"]}},
                    selector=_object(
                        ("matchExpressions",),
                        matchExpressions=_list(
                            _object(
                                ("key", "operator"),
                                key=NAME,
                                operator={"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
                                values=_list(NAME, most=64),
                            ),
                            most=64,
                        ),
                    ),
                ),
                kinds=_list(_object(("kind",), kind={"type": "string"}), most=8),
            ),
        ),
        most=64,
    ),
)
HTTP_ROUTE: Final = _object(
    parentRefs=_list(_object(("name",), name=NAME, namespace=NAME, sectionName=SECTION), most=32),
    hostnames=_list(HOST, most=16),
    rules=_list(
        _object(
            backendRefs=_list(_object(("name", "port"), name=NAME, port=PORT), most=16),
            filters=_list(
                _object(
                    ("type", "requestRedirect"),
                    type={"enum": ["RequestRedirect"]},
                    requestRedirect=_object(scheme={"enum": ["http", "https"]}, statusCode={"enum": [301, 302]}),
                ),
                most=16,
            ),
        ),
        most=16,
    ),
)
KINDS: Final = {
    kind: _object(
        ("apiVersion", "kind", "metadata", "spec"),
        apiVersion={"const": "gateway.networking.k8s.io/v1"},
        kind={"const": kind},
        metadata=METADATA,
        spec=spec,
    )
    for kind, spec in (("Gateway", GATEWAY), ("HTTPRoute", HTTP_ROUTE))
}


def violations(document: Mapping[str, Any]) -> list[str]:
    """Fields and values of an object that the Gateway API would refuse."""
    validator = jsonschema.validators.Draft202012Validator(KINDS[document["kind"]])
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in validator.iter_errors(document)]
