"""The programs of the services, each built or installed once."""

from __future__ import annotations

from typing import Final

from lab.tools.go import GoProgram
from lab.tools.npm import NpmProgram

FAKE_GCS: Final = GoProgram(name="fake-gcs-server", module="fakegcs", package="github.com/fsouza/fake-gcs-server")
AZURITE: Final = NpmProgram(name="azurite", script="azurite/dist/src/blob/main.js")
CSI: Final = GoProgram(name="csi-descriptor", module="csi", package=".")
"""Prints the message descriptors of the Container Storage Interface."""
