"""Volumes, claims, quotas, token Secrets: kinds that are ready when one field of theirs says so."""

from __future__ import annotations

from typing import Final

from lab.engine.kubernetes_provider.awaits.awaiter import Awaiter
from lab.engine.kubernetes_provider.client import Object, Resource
from lab.engine.kubernetes_provider.feeds import Event
from lab.engine.kubernetes_provider.objects import name_of, pluck

_CLASSES: Final = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)


class VolumeAwaiter(Awaiter):
    """A PersistentVolume that can be claimed or is."""

    own_limit_seconds = 300.0

    def ready(self) -> bool:
        """Whether it is available or bound."""
        return pluck(self.live, "status", "phase") in ("Available", "Bound")


class ClaimAwaiter(Awaiter):
    """A claim that is bound, or that waits for its first pod because its class says so."""

    related = (_CLASSES,)
    own_limit_seconds = 300.0

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._modes: dict[str, str] = {}

    def see(self, event: Event) -> None:
        """Keep the claim, and how each storage class binds."""
        if event.resource == _CLASSES:
            self._modes[name_of(event.obj)] = event.obj.get("volumeBindingMode", "")
        else:
            super().see(event)

    def ready(self) -> bool:
        """Whether pods can be made that use it."""
        phase = pluck(self.live, "status", "phase")
        if self._modes.get(pluck(self.live, "spec", "storageClassName") or "") == "WaitForFirstConsumer":
            return phase in ("Pending", "Bound")
        return phase == "Bound"

    def reasons(self) -> list[str]:
        """Where it stands."""
        return [f"PersistentVolumeClaim is {pluck(self.live, 'status', 'phase') or 'not seen by any controller'}"]


class QuotaAwaiter(Awaiter):
    """A ResourceQuota whose limits the controller has taken over."""

    own_limit_seconds = 60.0

    def ready(self) -> bool:
        """Whether the limits in force are those wanted."""
        return pluck(self.live, "spec", "hard") == pluck(self.live, "status", "hard")


class TokenAwaiter(Awaiter):
    """A Secret; only one for a service account's token is filled later."""

    own_limit_seconds = 5.0

    def ready(self) -> bool:
        """Whether it has what it will have."""
        return self.live.get("type") != "kubernetes.io/service-account-token" or bool(self.live.get("data"))


class ReplicationControllerAwaiter(Awaiter):
    """As many available replicas as wanted."""

    own_limit_seconds = 600.0

    def ready(self) -> bool:
        """Whether they are all there."""
        return self._count("status", "availableReplicas") == self._count("spec", "replicas")

    def _count(self, *path: str) -> Object | int:
        return pluck(self.live, *path) or 0
