"""External access to the UI."""
