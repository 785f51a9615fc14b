"""The cloud or cluster of a stack."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.settings.azure.cloud import AzureCloud
from components.settings.existing.cloud import ExistingCluster
from components.settings.gcp.cloud import GcpCloud

Cloud = Annotated[ExistingCluster | GcpCloud | AzureCloud, Field(discriminator="kind")]
