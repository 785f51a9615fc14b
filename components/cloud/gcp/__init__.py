"""The cloud layer of a stack on Google Cloud."""
