"""The Pulumi engine of the lab: which command line and plugins are used, and the environment they work in."""
