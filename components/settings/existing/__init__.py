"""Settings of a stack on an existing cluster."""
