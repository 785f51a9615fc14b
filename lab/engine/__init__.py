"""The Pulumi engine of the lab: selection of the command line and plugins, and their environment."""
