"""Conditions on one property of a resource, from which most rules are built.

An unknown value, which a preview cannot see, fulfils every condition: the engine checks the resource again in `up`,
with the value, before it creates or changes the resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from policies.resource import Resource, at, is_unknown
from policies.rule import Check

LONGEST: Final = 80
"""Characters of a value in a message; longer ones are cut."""
EVERYWHERE: Final = frozenset({"*", "Internet", "Any"})
"""Azure's names for the whole internet in security rules."""


@dataclass(frozen=True)
class Must:
    """A condition on the value at a path."""

    path: str
    holds: Callable[[Any], bool]
    wanted: str
    """The end of the sentence "PATH is VALUE and must be …"."""

    def __call__(self, resource: Resource) -> Iterator[str]:
        """The fault, if the condition does not hold."""
        value = at(resource.props, self.path)
        if not is_unknown(value) and not self.holds(value):
            yield f"{self.path} {shown(value)} and must be {self.wanted}"


@dataclass(frozen=True)
class Every:
    """A condition on each element of a list; an absent list has no element."""

    path: str
    of: Check

    def __call__(self, resource: Resource) -> Iterator[str]:
        """The faults of all elements, each with its index."""
        for index, element in enumerate(listed(at(resource.props, self.path))):
            if isinstance(element, Mapping):
                for fault in self.of(resource._replace(props=cast("Mapping[str, Any]", element))):
                    yield f"{self.path}[{index}].{fault}"


@dataclass(frozen=True)
class All:
    """Several conditions, each of which must hold."""

    of: tuple[Check, ...]

    def __call__(self, resource: Resource) -> Iterator[str]:
        """The faults of all of them."""
        for condition in self.of:
            yield from condition(resource)


@dataclass(frozen=True)
class Where:
    """A condition only for the resources for which `applies` is true."""

    applies: Callable[[Resource], bool]
    of: Check

    def __call__(self, resource: Resource) -> Iterator[str]:
        """The faults of a resource to which the condition applies."""
        if self.applies(resource):
            yield from self.of(resource)


def shown(value: Any) -> str:
    """The value as it stands in a message: "is 'ZONAL'", or "is not set".

    The content of objects is left out: parts of it could be secrets.
    """
    if value is None:
        return "is not set"
    if isinstance(value, Mapping):
        return "is an object"
    if any(isinstance(element, Mapping) for element in listed(value)):
        return "is a list of objects"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return f"is {text if len(text) <= LONGEST else text[:LONGEST] + '…'}"


def listed(value: Any) -> Sequence[Any]:
    """The elements of a list; none if the value is absent or unknown."""
    return cast("Sequence[Any]", value) if isinstance(value, Sequence) and not isinstance(value, str) else ()


def must_be(path: str, *allowed: object) -> Must:
    """The value is one of those given; False also forbids that the property is absent."""
    return Must(path, lambda value: value in allowed, " or ".join(shown(each).removeprefix("is ") for each in allowed))


def must_not_be(path: str, *forbidden: object) -> Must:
    """The value is absent or none of those given."""
    texts = " or ".join(shown(each).removeprefix("is ") for each in forbidden)
    return Must(path, lambda value: value not in forbidden, f"other than {texts}")


def must_be_set(path: str) -> Must:
    """The value is neither absent nor empty."""
    return Must(path, lambda value: value not in (None, "", [], {}), "set")


def must_be_absent(path: str) -> Must:
    """The property is absent or empty."""
    return Must(path, lambda value: value in (None, "", [], {}), "absent")


def must_be_at_least(path: str, minimum: float) -> Must:
    """The value is a number, and not below the minimum."""
    return Must(
        path,
        lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and value >= minimum,
        f"at least {minimum}",
    )


def must_have_at_least(path: str, minimum: int) -> Must:
    """The value is a list with that many elements."""
    return Must(path, lambda value: len(listed(value)) >= minimum, f"a list of at least {minimum}")


def must_hold(path: str, *wanted: str) -> Must:
    """The value is a list that holds all of the given elements."""
    return Must(path, lambda value: {*wanted} <= {*listed(value)}, f"a list with {' and '.join(wanted)}")


def all_of(*conditions: Check) -> All:
    """Several conditions, each of which must hold."""
    return All(conditions)


def is_everywhere(cidr: object) -> bool:
    """Whether an address range is the whole internet, in IPv4 or IPv6."""
    return isinstance(cidr, str) and (cidr.endswith("/0") or cidr in EVERYWHERE)


def must_not_be_everywhere(path: str) -> Must:
    """No element of the list of ranges is the whole internet."""
    return Must(path, lambda value: not any(map(is_everywhere, listed(value))), "a list without 0.0.0.0/0 and ::/0")
