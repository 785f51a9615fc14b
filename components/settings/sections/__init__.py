"""One file for each top-level key of the stack file, named like the key."""
