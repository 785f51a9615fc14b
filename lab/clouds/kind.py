"""Base class for the rules of one resource type of a simulated cloud; a cloud is a table of such classes."""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from lab.clouds.backing import Backing
from lab.clouds.inventory import Item, World
from lab.clouds.schema_check import Fault
from lab.engine.provider_diff import Path, path_of

Way = Literal["holds", "goes_with", "ignores"]
Choices = Mapping[str, tuple[Any, ...]]
"""Possible values by path."""
Relation = tuple[Item, Way]
"""A referenced item and the way of the reference."""
RETRIED: Final = frozenset({429, 500, 502, 503, 504})


class ApiError(Exception):
    """A refusal of a cloud's API; with `retry` the plugin retries a limited number of times."""

    def __init__(self, code: int, message: str, *, reason: str = "", retry: bool | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        """The cloud's reason code, such as `alreadyExists` or `PrincipalNotFound`."""
        self.retry = code in RETRIED if retry is None else retry


@dataclass(kw_only=True)
class Call:
    """The data of a call that rules can use."""

    inputs: dict[str, Any]
    """Inputs with secrets opened; the new inputs of an update."""
    config: Mapping[str, Any]
    """Config of the provider, with secrets opened."""
    world: World
    urn: str = ""
    id: str = ""
    old: dict[str, Any] = field(default_factory=dict[str, Any])
    """The previous inputs of an update or delete."""
    item: Item | None = None
    """The existing item of an update, read or delete; the accepted item of a create."""
    backing: Backing
    backed: Any = None
    """The result of the rule's `back`."""
    left: int = 0
    """For a delete, the number of later deletions that its leftovers block."""

    def get(self, path: str, default: Any = None) -> Any:
        """The input at a path without wildcards, or the default."""
        return at(self.inputs, path, default)

    def config_map(self, name: str) -> dict[str, Any]:
        """An object in the provider's config, which is passed as JSON."""
        value = self.config.get(name) or {}
        return dict(json.loads(value) if isinstance(value, str) else value)

    def found(self, kinds: str | Sequence[str], name: str) -> Item | None:
        """The item that a text refers to, unless it has not propagated yet."""
        item = self.world.find(kinds, name)
        if item is not None and item.unsettled > 0:
            item.unsettled -= 1
            return None
        return item


@dataclass(frozen=True, kw_only=True)
class Known:
    """Arguments of a refresh."""

    inputs: Mapping[str, Any]
    """The inputs in the state."""
    before: Mapping[str, Any]
    """The outputs in the state."""
    now: Mapping[str, Any]
    """The current outputs."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An input that refers to another resource."""

    path: str
    """Path of the input; `[*]` means every entry of a list."""
    to: Sequence[str]
    """Type tokens that it can refer to."""
    way: Way = "holds"
    """`holds`: it cannot be deleted before this one; `goes_with`: this one is deleted with it; `ignores`: neither."""
    name: Callable[[str], str | None] = lambda text: text
    """The name in the text; None if the text refers to nothing that must exist."""
    implicit: Callable[[str], bool] = lambda _name: False
    """Whether the resource is built into the cloud."""
    retry: bool = False
    """Whether the plugin retries if it is missing, because propagation takes time."""


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """The rules of a name."""

    pattern: str
    words: str
    """The rules in words, for messages."""
    automatic: int = 0
    """The maximum length of a generated name; 0 means that names are not generated."""
    digits: int = 7
    """Number of random characters of a generated name."""
    separator: str = "-"

    def accepts(self, name: str) -> bool:
        """Whether a name is valid."""
        return re.fullmatch(self.pattern, name) is not None


class Kind:
    """One resource type. A subclass sets `token` and the rules of its API; methods raise ApiError to refuse.

    Order of a create: `faults` (checks without the cloud), `admit`, `id`, existence, `references`, `accept`; the
    duration; `back`; `outputs`. Of an update: `faults`, `replaces`, `admit`, `references`, `change`; the duration;
    `back`; `outputs`. Of a delete: `keeps`, references that hold it, `release`; the duration; `gone`.
    """

    token: ClassVar[str]
    name: ClassVar[str] = "name"
    """The input with its name; "" if it has no name."""
    grammar: ClassVar[Grammar | None] = None
    required: ClassVar[tuple[str, ...]] = ()
    """Inputs that the API requires in addition to those that the SDK requires."""
    values: ClassVar[Choices] = {}
    """Possible values by path, in addition to those in the SDK."""
    immutable: ClassVar[tuple[str, ...]] = ()
    """Immutable paths, in addition to those in the SDK's documentation."""
    mutable: ClassVar[tuple[str, ...]] = ()
    """Mutable paths that the documentation calls immutable."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Top-level inputs whose explicit default means the same as their absence."""
    references: ClassVar[tuple[Reference, ...]] = ()
    secret: ClassVar[frozenset[str]] = frozenset()
    """Secret outputs, in addition to those that the SDK marks."""
    write_only: ClassVar[frozenset[str]] = frozenset()
    """Inputs that the cloud never returns, in addition to all secret inputs."""
    computed: ClassVar[tuple[str, ...]] = ()
    """Paths in input objects that the cloud fills in, and which are therefore unknown in a preview."""
    settling: ClassVar[int] = 0
    """Number of lookups that miss a new item, because propagation takes time."""

    def automatic_name(self, logical: str, drawing: random.Random) -> str | None:
        """The generated name of a resource without a name, None if a name is required; by default from the grammar."""
        if self.grammar is None or not self.grammar.automatic:
            return None
        suffix = "".join(drawing.choices(string.hexdigits[:16], k=self.grammar.digits))
        stem, separator = logical.lower(), self.grammar.separator
        if not separator:
            stem = "".join(filter(str.isalnum, stem))
        return f"{stem[: self.grammar.automatic - len(suffix) - len(separator)]}{separator}{suffix}"

    # -- before the cloud is asked ------------------------------------------------------------------------------------

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors that the plugin finds itself; unknown inputs are left out."""
        yield from ()

    def canonical(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Inputs in the form in which two of them are compared."""
        return {**self.defaults, **{key: value for key, value in inputs.items() if value is not None}}

    def replaces(self, old: dict[str, Any], new: dict[str, Any]) -> Sequence[str]:
        """Further paths that cannot change in place in this case, such as a reduced size."""
        return ()

    def deletes_first(self, *, automatic: bool) -> bool:
        """Whether a replacement deletes the old resource first; `automatic` names are generated by the plugin."""
        return not automatic

    # -- what the cloud does ------------------------------------------------------------------------------------------

    def id(self, call: Call) -> str:
        """The id of a new resource, before its creation: ids are unique."""
        raise NotImplementedError

    def names(self, call: Call) -> Sequence[str]:
        """Names besides the id by which other resources may refer to it. Empty texts are left out."""
        return ()

    def relations(self, call: Call) -> Iterable[Relation]:
        """Items that it refers to, in addition to `references`. Raises if one of them does not exist."""
        return ()

    def admit(self, call: Call) -> None:
        """Refuse a create or update before all other checks, for example because the API is not enabled."""

    def accept(self, call: Call) -> None:
        """Refuse a request that the API refuses."""

    def back(self, call: Call) -> Any:
        """Call the backing; runs without the lock, may take long, must be repeatable."""
        return None

    def echoed(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs in the cloud's answer, before its own outputs are merged."""
        return inputs

    def outputs(self, call: Call) -> dict[str, Any]:
        """The outputs that the cloud adds to the inputs, or returns instead of them."""
        return {}

    def change(self, call: Call) -> None:
        """Refuse a change that the API refuses."""

    def observe(self, call: Call) -> dict[str, Any]:
        """Outputs of a later read that differ from the item's outputs."""
        return {}

    def told(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs of a later read: the API may omit or add values that the plugin treats as a change."""
        return inputs

    def kept(self, call: Call, given: dict[str, Any]) -> dict[str, Any]:
        """Marked inputs as stored by the cloud, with its own additions."""
        return given

    def refreshed(self, call: Call, found: dict[str, Any], known: Known) -> dict[str, Any]:
        """The inputs after a refresh, if they are not just the program's inputs with current values."""
        return found

    def keeps(self, call: Call) -> bool:
        """Whether a delete keeps it in the cloud. Raises to refuse a delete without a call."""
        return False

    def release(self, call: Call) -> None:
        """Refuse a delete that the API refuses."""

    def held(self, call: Call, holders: Sequence[Item]) -> ApiError:
        """The refusal of a delete while others use it."""
        used = ", ".join(sorted(holder.id for holder in holders))
        return ApiError(400, f"The resource '{call.id}' is already being used by '{used}'")

    def gone(self, call: Call) -> None:
        """Update the cloud's facts after the deletion."""

    def exists(self, call: Call) -> ApiError | None:
        """The refusal of a second one with the same id; None if creation can be repeated."""
        return ApiError(409, f"The resource '{call.id}' already exists", reason="alreadyExists")

    def missing(self, call: Call, reference: Reference, name: str) -> ApiError:
        """The refusal of a reference to a missing resource."""
        return ApiError(404, f"The resource '{name}' was not found", reason="notFound")


class Function:
    """One function. A subclass sets `token` and answers `result`."""

    token: ClassVar[str]
    required: ClassVar[tuple[str, ...]] = ()

    def result(self, call: Call) -> dict[str, Any]:
        """The answer; `call.inputs` are the arguments."""
        raise NotImplementedError

    secret: ClassVar[frozenset[str]] = frozenset()
    """Results that are secret."""


def at(values: Any, path: str, default: Any = None) -> Any:
    """The value at a path without wildcards."""
    for step in path_of(path):
        inside = step in values if isinstance(values, Mapping) else isinstance(step, int) and step < len(values or ())
        if not inside:
            return default
        values = values[step]
    return default if values is None else values


def every(values: Any, pattern: str | Path) -> Iterator[tuple[Path, Any]]:
    """Each path that a path with `[*]` matches, with its value; paths without a value are left out."""
    steps = path_of(pattern) if isinstance(pattern, str) else pattern
    if values is None:
        return
    if not steps:
        yield (), values
        return
    first, rest = steps[0], steps[1:]
    if first == "*":
        entries = enumerate(values) if isinstance(values, list) else ()
    elif isinstance(values, Mapping) and first in values:
        entries = ((first, values[first]),)
    else:
        entries = ()
    for step, value in entries:
        for path, found in every(value, rest):
            yield (step, *path), found
