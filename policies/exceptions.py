"""Exceptions: findings that a stack's owners accept, each with its reason.

The file is the engine's own, a policy pack config of version 2: `pulumi preview --policy-pack policies
--policy-pack-config policies/exceptions.json`. The engine reports an excepted finding and does not fail because of it,
https://www.pulumi.com/docs/discovery-governance/concepts/policy-as-code/policy-exceptions/.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class ExceptionsError(Exception):
    """An exceptions file that cannot be used. The message names file, key, rule and remedy."""


@dataclass(frozen=True)
class PolicyException:
    """One accepted combination of rules and resources."""

    id: str
    reason: str
    rules: frozenset[str]
    urns: frozenset[str]

    def covers(self, rule: str, urn: str) -> bool:
        """Whether it covers findings of a rule on a resource."""
        return rule in self.rules and urn in self.urns


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Match(_Model):
    policies: Annotated[list[Text], Field(min_length=1)]
    targets: Annotated[list[Text], Field(min_length=1)]


class _Entry(_Model):
    reason: Text
    match: Annotated[list[_Match], Field(min_length=1)]


class _File(_Model):
    version: Literal[2]
    policies: dict[str, Any] = {}
    environments: list[str] = []
    exceptions: dict[str, _Entry] = {}


def read(path: Path, known: Collection[str]) -> list[PolicyException]:
    """The exceptions of a file.

    Args:
        path: of the file.
        known: the ids of all rules.

    Raises:
        ExceptionsError: the file is not a policy pack config of version 2, or an exception has no reason, no rule, an
            unknown rule or no resource. All errors are reported together.
    """
    try:
        content = _File.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ExceptionsError(f"{path}: {error.strerror}; create it as docs/policies.md shows.") from error
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors()]
        raise ExceptionsError(f"{path}: {'; '.join(lines)}; write it as docs/policies.md shows.") from error
    unknown = sorted(
        {
            f"exceptions.{name}: {rule} is no rule of this pack"
            for name, entry in content.exceptions.items()
            for match in entry.match
            for rule in match.policies
            if rule not in known
        }
    )
    if unknown:
        raise ExceptionsError(f"{path}: {'; '.join(unknown)}; docs/policies.md lists all rules.")
    return [
        PolicyException(name, entry.reason, frozenset(match.policies), frozenset(match.targets))
        for name, entry in content.exceptions.items()
        for match in entry.match
    ]
