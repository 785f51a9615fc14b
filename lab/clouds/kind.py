"""The rules of one resource type of a simulated cloud, as a class; a cloud is a table of such classes."""

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
"""An item that another one refers to, and in which way."""
RETRIED: Final = frozenset({429, 500, 502, 503, 504})


class ApiError(Exception):
    """What a cloud's API answers when it refuses; `retry` means that the plugin tries again, boundedly."""

    def __init__(self, code: int, message: str, *, reason: str = "", retry: bool | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        """The cloud's own word for it, such as `alreadyExists` or `PrincipalNotFound`."""
        self.retry = code in RETRIED if retry is None else retry


@dataclass(kw_only=True)
class Call:
    """What a rule can see of the call that it is asked about."""

    inputs: dict[str, Any]
    """Opened; of an update, the new ones."""
    config: Mapping[str, Any]
    """Of the provider, opened."""
    world: World
    urn: str = ""
    id: str = ""
    old: dict[str, Any] = field(default_factory=dict[str, Any])
    """Of an update or delete, the inputs until now."""
    item: Item | None = None
    """Of an update, read or delete, what the cloud holds; of a create, what has just been accepted."""
    backing: Backing
    backed: Any = None
    """What the rule's `back` answered."""
    left: int = 0
    """Of a delete, how many later deletions are refused because of what this one leaves behind."""

    def get(self, path: str, default: Any = None) -> Any:
        """The input at a path without wildcards, or the default where there is none."""
        return at(self.inputs, path, default)

    def config_map(self, name: str) -> dict[str, Any]:
        """An object in the provider's config, which arrives there as JSON."""
        value = self.config.get(name) or {}
        return dict(json.loads(value) if isinstance(value, str) else value)

    def found(self, kinds: str | Sequence[str], name: str) -> Item | None:
        """The item that a text means, unless news of it has not arrived yet."""
        item = self.world.find(kinds, name)
        if item is not None and item.unsettled > 0:
            item.unsettled -= 1
            return None
        return item


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a refresh compares."""

    inputs: Mapping[str, Any]
    """In the state."""
    before: Mapping[str, Any]
    """The outputs in the state."""
    now: Mapping[str, Any]
    """The outputs now."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An input that names another resource."""

    path: str
    """Where it stands; `[*]` is every entry of a list."""
    to: Sequence[str]
    """Type tokens of what it can mean."""
    way: Way = "holds"
    """`holds`: what it names cannot be deleted before; `goes_with`: this is deleted with it; `ignores`: neither."""
    name: Callable[[str], str | None] = lambda text: text
    """The name in the text; None when this text names nothing that has to exist."""
    implicit: Callable[[str], bool] = lambda _name: False
    """Whether the cloud has this one by itself."""
    retry: bool = False
    """Whether the plugin tries again when it is missing, because news of new things take their time."""


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """What a name may look like."""

    pattern: str
    words: str
    """The same for people."""
    automatic: int = 0
    """The longest name that the plugin makes by itself when there is none; 0 makes none."""
    digits: int = 7
    """Random characters of such a name."""
    separator: str = "-"

    def accepts(self, name: str) -> bool:
        """Whether a name is one."""
        return re.fullmatch(self.pattern, name) is not None


class Kind:
    """One resource type. A subclass sets `token` and what else its API insists on; methods raise ApiError to refuse.

    Order of a create: `faults` (no cloud is asked), `admit`, `id`, existence, `references`, `accept`; the time that it
    takes; `back`; `outputs`. Of an update: `faults`, `replaces`, `admit`, `references`, `change`; time; `back`;
    `outputs`. Of a delete: `keeps`, users that hold it, `release`; time; `gone`.
    """

    token: ClassVar[str]
    name: ClassVar[str] = "name"
    """The input that names it; "" when it has no name of its own."""
    grammar: ClassVar[Grammar | None] = None
    required: ClassVar[tuple[str, ...]] = ()
    """Inputs that the API wants beyond those that the SDK wants."""
    values: ClassVar[Choices] = {}
    """Possible values by path, beyond what the SDK lists."""
    immutable: ClassVar[tuple[str, ...]] = ()
    """Paths that cannot change in place, beyond those of which the SDK's documentation says so."""
    mutable: ClassVar[tuple[str, ...]] = ()
    """Paths that can, although the documentation says otherwise."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Top-level inputs that mean the same whether they are written or left out."""
    references: ClassVar[tuple[Reference, ...]] = ()
    secret: ClassVar[frozenset[str]] = frozenset()
    """Outputs that are secret beyond those that the SDK marks."""
    write_only: ClassVar[frozenset[str]] = frozenset()
    """Inputs that the cloud never tells again, besides all that the program marks secret."""
    computed: ClassVar[tuple[str, ...]] = ()
    """Paths inside given objects that the cloud fills, and that a preview therefore does not know."""
    settling: ClassVar[int] = 0
    """How many looks miss a new one, because news take their time."""

    def automatic_name(self, logical: str, drawing: random.Random) -> str | None:
        """The name of one that the program does not name, None where it has to; by default as the grammar says."""
        if self.grammar is None or not self.grammar.automatic:
            return None
        suffix = "".join(drawing.choices(string.hexdigits[:16], k=self.grammar.digits))
        stem, separator = logical.lower(), self.grammar.separator
        if not separator:
            stem = "".join(filter(str.isalnum, stem))
        return f"{stem[: self.grammar.automatic - len(suffix) - len(separator)]}{separator}{suffix}"

    # -- before the cloud is asked ------------------------------------------------------------------------------------

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """What the plugin refuses by itself; unknown inputs are left out."""
        yield from ()

    def canonical(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Inputs in the form in which two of them are compared."""
        return {**self.defaults, **{key: value for key, value in inputs.items() if value is not None}}

    def replaces(self, old: dict[str, Any], new: dict[str, Any]) -> Sequence[str]:
        """Further paths that cannot change in place in this case, such as a size that shrinks."""
        return ()

    def deletes_first(self, *, automatic: bool) -> bool:
        """Whether a replacement deletes the old one before it makes the new one; `automatic` names are the plugin's."""
        return not automatic

    # -- what the cloud does ------------------------------------------------------------------------------------------

    def id(self, call: Call) -> str:
        """The id of a new one, before it is made: two with one id cannot be."""
        raise NotImplementedError

    def names(self, call: Call) -> Sequence[str]:
        """What others may call it by, besides the id. Empty texts are left out."""
        return ()

    def relations(self, call: Call) -> Iterable[Relation]:
        """Items that it refers to, besides those that `references` can say. Raises when one of them is not there."""
        return ()

    def admit(self, call: Call) -> None:
        """Refuse a create or update before anything else is looked at, for example because the API is not enabled."""

    def accept(self, call: Call) -> None:
        """Refuse what the API refuses when it gets the request."""

    def back(self, call: Call) -> Any:
        """Ask the backing; runs without the lock, may take long, must be repeatable."""
        return None

    def echoed(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs that the cloud answers with, before its own outputs are put over them."""
        return inputs

    def outputs(self, call: Call) -> dict[str, Any]:
        """What the cloud adds to the inputs, or answers in place of them."""
        return {}

    def change(self, call: Call) -> None:
        """Refuse a change that the API refuses."""

    def observe(self, call: Call) -> dict[str, Any]:
        """What a later look shows otherwise than the item's outputs do."""
        return {}

    def told(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs as a later look finds them: the API may leave out or add what the plugin takes for a change."""
        return inputs

    def kept(self, call: Call, given: dict[str, Any]) -> dict[str, Any]:
        """Marked inputs as the cloud keeps them, with what it adds to them by itself."""
        return given

    def refreshed(self, call: Call, found: dict[str, Any], known: Known) -> dict[str, Any]:
        """The inputs that a refresh finds, where they are not just the program's with the values of now."""
        return found

    def keeps(self, call: Call) -> bool:
        """Whether a delete lets go of it and leaves it in the cloud. Raises to refuse a delete without asking it."""
        return False

    def release(self, call: Call) -> None:
        """Refuse a delete that the API refuses."""

    def held(self, call: Call, holders: Sequence[Item]) -> ApiError:
        """The refusal of a delete while others use it."""
        used = ", ".join(sorted(holder.id for holder in holders))
        return ApiError(400, f"The resource '{call.id}' is already being used by '{used}'")

    def gone(self, call: Call) -> None:
        """What the cloud remembers after it was deleted."""

    def exists(self, call: Call) -> ApiError | None:
        """The refusal of a second one with the same id; None where asking twice is fine."""
        return ApiError(409, f"The resource '{call.id}' already exists", reason="alreadyExists")

    def missing(self, call: Call, reference: Reference, name: str) -> ApiError:
        """The refusal of a reference to what is not there."""
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
    """Each place that a path with `[*]` reaches, with its value; places without a value are left out."""
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
