"""Settings of a stack: models, parser, checks, and `loader`, the only reader of stack config."""
