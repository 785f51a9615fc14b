"""Names of keys in a stack's config."""

from __future__ import annotations

from typing import Final

PROJECT: Final = "airflow"
METADATA_URL: Final = "metadata_database_url"
RESULT_URL: Final = "result_database_url"
SECRETS: Final = frozenset({METADATA_URL, RESULT_URL})
"""Secret keys of the stack: read where they are used, checked with the settings, and never part of them."""
