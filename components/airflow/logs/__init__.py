"""Storage of task logs."""
