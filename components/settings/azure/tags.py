"""Tags of Azure resources: limits of names and values."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

OWN: Final = ("app", "instance", "managed-by")
"""Tags that the program sets."""
TAGS_MAX: Final = 12
"""Private DNS zones and their links accept 15, all other resources 50,
https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources."""
NAME_MAX: Final = 128
"""Limit of storage accounts; of all other resources 512."""
VALUE_MAX: Final = 256
FORBIDDEN: Final = "<>%&\\?/"
RESERVED: Final = ("microsoft", "azure", "windows")


def _name(text: str) -> str:
    """The name, if every resource of a stack accepts a tag of that name.

    Raises:
        ValueError: one does not; "rule; remedy".
    """
    if not text or len(text) > NAME_MAX:
        raise ValueError(f"has a name of {len(text)} characters; use 1 to {NAME_MAX}")
    if any(character in FORBIDDEN for character in text):
        raise ValueError(f"has the name {text!r}, with one of {' '.join(FORBIDDEN)}; use other characters")
    if text.lower().startswith(RESERVED):
        raise ValueError(f"has the name {text!r}; names that begin with {', '.join(RESERVED)} are reserved by Azure")
    if text.lower() in OWN:
        raise ValueError(f"has the name {text!r}, of a tag that this program sets; use another name")
    return text


def _tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags, if Azure accepts all of them.

    Raises:
        ValueError: it does not; "rule; remedy".
    """
    for name, value in tags.items():
        _name(name)
        if len(value) > VALUE_MAX:
            raise ValueError(f"has {len(value)} characters in the value of {name!r}; use at most {VALUE_MAX}")
    if len({name.lower() for name in tags}) < len(tags):
        raise ValueError("has two names that differ only in case, which Azure does not distinguish; use one")
    return tags


Tags = Annotated[dict[str, str], AfterValidator(_tags), Field(max_length=TAGS_MAX, title="tag, text")]
TagNames = Annotated[
    list[Annotated[str, AfterValidator(_name)]], Field(max_length=TAGS_MAX, title="list of names of tags")
]
