"""Plugin of pytest for tests of simulated clouds without an engine: a new project, a new subscription."""

from lab.testing.azure import azure
from lab.testing.gcp import gcp, new_project

__all__ = ["azure", "gcp", "new_project"]
