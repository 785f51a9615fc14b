"""Services and Ingresses: what stands behind them has settled, and an address is there where one is due."""

from __future__ import annotations

import time
from typing import Any, Final

from lab.engine.kubernetes_provider.awaits.awaiter import Awaiter, Show
from lab.engine.kubernetes_provider.client import Object, core
from lab.engine.kubernetes_provider.feeds import Event
from lab.engine.kubernetes_provider.objects import name_of, pluck

SETTLE_SECONDS: Final = 10.0
"""How long endpoints have to stay as they are."""
GRACE_SECONDS: Final = 60.0
"""How long an Ingress waits for endpoints that perhaps never come."""

_ENDPOINTS: Final = core("endpoints", "Endpoints")
_SERVICES: Final = core("services", "Service")


class ServiceAwaiter(Awaiter):
    """No endpoint is unready for a while; none at all is fine too."""

    related = (_ENDPOINTS,)

    def __init__(self, target: Object, before: Object | None, show: Show) -> None:
        super().__init__(target, before, show)
        self._seen = False
        self._reachable = False
        self._pending = False
        self.status("[1/3] Finding Pods to direct traffic to")

    def see(self, event: Event) -> None:
        """Keep the Service, and whether its endpoints are ready; each change of them starts the settling anew."""
        if event.resource.kind != "Endpoints":
            super().see(event)
            self._seen = self._seen or self.is_target(event)
        elif name_of(event.obj) == name_of(self.target):
            subsets = [] if event.gone else event.obj.get("subsets") or []
            self._reachable = any(subset.get("addresses") for subset in subsets)
            self._pending = any(subset.get("notReadyAddresses") for subset in subsets)
            self.wake_at = time.monotonic() + SETTLE_SECONDS

    def ready(self) -> bool:
        """Whether traffic can flow."""
        if self._without_pods():
            return self._seen and self._addressed()
        settled = self.wake_at is not None and time.monotonic() >= self.wake_at
        done = self._seen and self._addressed() and settled and not self._pending
        if done:
            self.status("Service initialization complete")
        elif settled and self._reachable:
            self.status("[2/3] Attempting to allocate IP address to Service")
        return done

    def late(self) -> bool:
        """When time is up, endpoints need not have settled."""
        return self._addressed() and (self._without_pods() or not self._pending)

    def reasons(self) -> list[str]:
        """What is missing."""
        if pluck(self.live, "spec", "clusterIP") == "None" or pluck(self.live, "spec", "type") == "ExternalName":
            return []
        found = []
        if not self._reachable:
            found.append(
                "Service does not target any Pods: they may not be ready, "
                "or '.spec.selector' does not match the labels of any"
            )
        if not self._addressed():
            found.append("Service got no IP address; is there something in the cluster that gives one?")
        return found

    def _addressed(self) -> bool:
        if pluck(self.live, "spec", "type") != "LoadBalancer":
            return True
        return bool(pluck(self.live, "status", "loadBalancer", "ingress"))

    def _without_pods(self) -> bool:
        spec = self.live.get("spec") or {}
        return spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector")


class IngressAwaiter(Awaiter):
    """Every path has a Service with endpoints, and a load balancer has taken the Ingress."""

    related = (_ENDPOINTS, _SERVICES)

    def __init__(self, target: Object, before: Object | None, show: Show) -> None:
        super().__init__(target, before, show)
        self._endpoints: set[str] = set()
        self._external: set[str] = set()
        self.wake_at = time.monotonic() + GRACE_SECONDS
        self.status("[1/3] Finding a matching service for each Ingress path")

    def see(self, event: Event) -> None:
        """Keep the Ingress, the names of endpoints, and of Services that have none by nature."""
        name = name_of(event.obj)
        if event.resource.kind == "Endpoints":
            (self._endpoints.discard if event.gone else self._endpoints.add)(name)
            self.wake_at = time.monotonic() + SETTLE_SECONDS
        elif event.resource.kind == "Service":
            external = not event.gone and pluck(event.obj, "spec", "type") == "ExternalName"
            (self._external.add if external else self._external.discard)(name)
        else:
            super().see(event)

    def ready(self) -> bool:
        """Whether every path leads somewhere, or has had the time to, and there is an address."""
        matched = not self._unmatched() or (self.wake_at is not None and time.monotonic() >= self.wake_at)
        if matched and not self._addressed():
            self.status("[2/3] Waiting for update of .status.loadBalancer with hostname/IP")
        return matched and self._addressed()

    def reasons(self) -> list[str]:
        """Paths without a Service, and a missing address."""
        found = [f'No Service with endpoints for the rule "{path}" -> "{name}"' for path, name in self._unmatched()]
        if not self._addressed():
            found.append("Ingress .status.loadBalancer was not updated with a hostname or IP address")
        return found

    def _addressed(self) -> bool:
        return bool(pluck(self.live, "status", "loadBalancer", "ingress"))

    def _unmatched(self) -> list[tuple[str, Any]]:
        found = []
        for rule in pluck(self.live, "spec", "rules") or []:
            for path in pluck(rule, "http", "paths") or []:
                name = pluck(path, "backend", "service", "name")
                if name and name not in self._endpoints and name not in self._external:
                    found.append((f"{rule.get('host', '')}{path.get('path', '')}", name))
        return found
