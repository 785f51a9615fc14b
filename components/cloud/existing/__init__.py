"""The cloud layer of a stack on an existing cluster."""
