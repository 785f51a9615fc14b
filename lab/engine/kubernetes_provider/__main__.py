"""Serve the kubernetes plugin stand-in to the engine."""

from __future__ import annotations

from lab.engine.kubernetes_provider.server import KubernetesProvider
from lab.engine.provider import serve

serve(KubernetesProvider())
