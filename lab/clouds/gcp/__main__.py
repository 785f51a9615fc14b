"""Entry point of the plugin `gcp`."""

from __future__ import annotations

from lab.clouds.gcp.provider import GcpProvider
from lab.engine.provider import serve

if __name__ == "__main__":
    serve(GcpProvider())
