"""Entry point of the plugin `azure-native`."""

from __future__ import annotations

from lab.clouds.azure.provider import AzureProvider
from lab.engine.provider import serve

if __name__ == "__main__":
    serve(AzureProvider())
