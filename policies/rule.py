"""A rule: which resources it checks, how strictly, and the remedy of a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from policies.resource import Resource

Level = Literal["mandatory", "advisory", "off"]
"""mandatory: a finding fails `preview` and `up`; advisory: it is a warning; off: the rule is not checked."""
Profile = Literal["prod", "dev"]
"""The kind of a stack, which decides the level of each rule."""
PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)
Check = Callable[[Resource], Iterator[str]]
"""The faults of one resource, each a text that names the property, its value and the wanted value."""
StackCheck = Callable[[Sequence[Resource]], Iterator[tuple[Resource, str]]]
"""The faults of a whole stack, each with the resource that it belongs to."""
NO_SETTING: Final = "No setting relaxes this: undo the change of the program, in {}."


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of the pack. It has either checks of single resources or a check of the whole stack."""

    id: str
    """The name of the policy in the engine's reports. Stack owners refer to it in exceptions: never rename one."""
    title: str
    """The requirement, as a sentence."""
    prod: Level
    dev: Level
    remedy: str
    """The setting to change, or the module if no setting decides this."""
    source: str
    """The page that requires or explains it."""
    rows: tuple[str, ...] = ()
    """Rows of the table of cloud properties in policies/README.md."""
    checks: Mapping[str, Check] = field(default_factory=dict[str, Check])
    """By type token, without versions."""
    stack_check: StackCheck | None = None

    def level(self, profile: Profile) -> Level:
        """The level of findings on stacks of a profile."""
        return self.prod if profile == "prod" else self.dev

    def faults(self, resource: Resource) -> Iterator[str]:
        """The faults of one resource; none if the rule is not about its type."""
        check = self.checks.get(resource.kind)
        if check is not None:
            yield from check(resource)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault of one resource."""

    rule: Rule
    resource: Resource
    level: Level
    fault: str
    exception: str | None = None
    """The reason of the exception that covers the finding; such a finding never fails a check."""

    @property
    def fails(self) -> bool:
        """Whether it fails a preview."""
        return self.level == "mandatory" and self.exception is None

    def __str__(self) -> str:
        text = f"{self.rule.id}: {self.resource.name}: {self.fault}. {self.rule.remedy}"
        return text if self.exception is None else f"{text} (excepted: {self.exception})"
