"""The command `doctor`: what a machine and a login lack to work with a stack."""
