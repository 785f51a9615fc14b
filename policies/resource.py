"""A resource as rules see it, and the values of its properties."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

UNKNOWN_TEXTS: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""The engine's texts for values that a preview cannot know (pulumi/pulumi on GitHub,
sdk/go/common/resource/plugin/rpc.go)."""
HIDDEN_TEXT: Final = "[secret]"
"""The text by which the engine replaces secrets in its reports, such as `pulumi preview --json`."""
_VERSION: Final = re.compile(r"/v\d{8}\w*(?=:)")


class Resource(NamedTuple):
    """One resource of a stack."""

    urn: str
    type: str
    """The type token, such as gcp:storage/bucket:Bucket."""
    name: str
    """The logical name."""
    props: Mapping[str, Any]
    """The inputs in the form of the provider's API."""
    protect: bool
    """The option `protect`: whether the engine refuses to delete the resource."""

    @property
    def kind(self) -> str:
        """The type token without version."""
        return kind_of(self.type)


def kind_of(type_: str) -> str:
    """A type token without the version that azure-native has in tokens of its versioned modules."""
    return _VERSION.sub("", type_)


def is_unknown(value: object) -> bool:
    """Whether a value is known only after the resource or one that it refers to was created."""
    return isinstance(value, str) and value in UNKNOWN_TEXTS


def may_be(value: object, *wanted: object) -> bool:
    """Whether a value is, or can turn out to be, one of those given."""
    return is_unknown(value) or value in wanted


def mapping(value: object) -> Mapping[str, Any]:
    """The value as an object; empty if it is absent, unknown or no object."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def at(value: Any, path: str) -> Any:
    """The value at a path such as settings.ipConfiguration.sslMode.

    None if a step is absent; the text of an unknown value if a step is unknown.
    """
    for key in path.split("."):
        if is_unknown(value):
            return value
        value = mapping(value).get(key)
    return value
