"""One secret value in the environment of some workloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.contract.workloads import Workload


@dataclass(frozen=True, kw_only=True)
class StoredSecret:
    """A Secret in the cluster and the hash of its values."""

    name: pulumi.Output[str]
    keys: frozenset[str]
    checksum: pulumi.Output[str]
    """sha256 of the values, in hexadecimal: a change restarts the readers."""
    key_names: Mapping[str, str] = field(default_factory=dict[str, str])
    """The name in the Secret of keys that have another name there."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """One key of a Secret as an environment variable, and the workloads that may read it."""

    variable: str
    secret: StoredSecret
    key: str
    readers: frozenset[Workload]

    def __post_init__(self) -> None:
        if self.key not in self.secret.keys:
            raise ValueError(f"{self.variable} reads the key {self.key}, and its Secret has {sorted(self.secret.keys)}")
