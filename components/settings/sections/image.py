"""The Airflow image: reference, version, and access to its registry."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator, model_validator

from components.settings.types import ImageReference, Model

LEAST_AIRFLOW: Final = (3, 0)


OFFICIAL_TAG: Final = re.compile(r"(?:^|/)apache/airflow:(\d+\.\d+\.\d+)(?![\w.])")
"""Tag of an official image, which begins with Airflow's version."""


SLIM_TAG: Final = re.compile(r"(?:^|/)apache/airflow:slim-")
"""Official images without any extra, https://airflow.apache.org/docs/docker-stack/index.html."""


class Image(Model):
    """The Airflow image. Its Airflow version must be `version`."""

    reference: ImageReference = "apache/airflow:3.3.2"
    """Repository with tag or digest; never `latest`."""
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+\Z")] = "3.3.2"
    """The Airflow version in the image."""
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """When a node pulls the image."""
    pull_secret: str | None = None
    """Name of an existing Secret of type kubernetes.io/dockerconfigjson in the namespace. For a Secret that this stack
    creates, leave this out and set the secret `airflow:image_pull_config`."""

    @field_validator("reference")
    @classmethod
    def _complete(cls, reference: str) -> str:
        if SLIM_TAG.search(reference):
            raise ValueError(
                "is a slim image, which has no PostgreSQL driver, auth manager, Celery or Kubernetes executor; "
                "use the tag without slim-, or build your own image from it with these extras"
            )
        return reference

    @field_validator("version")
    @classmethod
    def _supported(cls, version: str) -> str:
        if tuple(int(part) for part in version.split(".")[:2]) < LEAST_AIRFLOW:
            raise ValueError("is below Airflow 3, the minimum of this program; use an image of Airflow 3")
        return version

    @model_validator(mode="after")
    def _agree(self) -> Image:
        official = OFFICIAL_TAG.search(self.reference)
        if official and official[1] != self.version:
            raise ValueError(f"has Airflow {official[1]}, but version is {self.version}; make both the same")
        return self
