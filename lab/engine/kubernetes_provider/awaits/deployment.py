"""Deployments: the new ReplicaSet is available, and every claim of its pods is bound."""

from __future__ import annotations

from typing import Final

from lab.engine.kubernetes_provider.awaits.awaiter import Awaiter, Show, condition, owned_by
from lab.engine.kubernetes_provider.awaits.pods import PODS, warning
from lab.engine.kubernetes_provider.client import Object, Resource, core
from lab.engine.kubernetes_provider.feeds import Event
from lab.engine.kubernetes_provider.objects import annotation, name_of, pluck

REVISION: Final = "deployment.kubernetes.io/revision"
_REPLICA_SETS: Final = Resource("apps", "v1", "replicasets", "ReplicaSet", namespaced=True)
_CLAIMS: Final = core("persistentvolumeclaims", "PersistentVolumeClaim")


class DeploymentAwaiter(Awaiter):
    """Waits for the rollout that the last write started, if it started one."""

    related = (_REPLICA_SETS, PODS, _CLAIMS)

    def __init__(self, target: Object, before: Object | None, show: Show) -> None:
        super().__init__(target, before, show)
        self._replica_sets: dict[str, Object] = {}
        self._pods: dict[str, Object] = {}
        self._claims: dict[str, Object] = {}

    def see(self, event: Event) -> None:
        """Keep the Deployment, its ReplicaSets by revision, their pods, and claims by name."""
        known = {"Pod": self._pods, "PersistentVolumeClaim": self._claims}.get(event.resource.kind)
        key = name_of(event.obj)
        if event.resource.kind == "ReplicaSet":
            if not owned_by(event.obj, self.target):
                return
            known, key = self._replica_sets, annotation(event.obj, REVISION)
        if known is None:
            super().see(event)
        elif event.gone:
            known.pop(key, None)
        else:
            known[key] = event.obj

    def ready(self) -> bool:
        """Whether the controller has seen our write and its newest ReplicaSet has what it should have."""
        if not self._reconciled() or not self._revision:
            return False
        # In this order, so that how far it is gets shown.
        done = self._rolled_out() and self._available() and not self._unbound()
        if self._revision != "1":
            done = done and self._progressed()
        if done:
            self.status("Deployment initialization complete")
        return done

    def reasons(self) -> list[str]:
        """What the conditions, the claims and the pods say."""
        found = []
        for kind in ("Progressing", "Available"):
            entry = condition(self.live, kind)
            if entry and entry.get("status") != "True":
                found.append(f"[{entry.get('reason', '')}] {entry.get('message', '')}")
        if self._unbound():
            found.append(f'PersistentVolumeClaims are not bound: "{",".join(self._unbound())}"')
        if not self._available():
            found.append("Minimum number of live Pods was not attained")
        elif self._revision != "1" and not self._progressed():
            found.append("Minimum number of Pods to consider the application live was not attained")
        elif not self._rolled_out():
            found.append("The new ReplicaSet did not get its minimum number of live Pods")
        return found + self.troubles()

    def troubles(self) -> list[str]:
        """What is wrong with the pods of the newest ReplicaSet."""
        newest = self._replica_sets.get(self._revision)
        return [text for pod in self._pods.values() if owned_by(pod, newest) and (text := warning(pod))]

    @property
    def _revision(self) -> str:
        return annotation(self.live, REVISION)

    def _reconciled(self) -> bool:
        return pluck(self.live, "status", "observedGeneration") == pluck(self.live, "metadata", "generation")

    def _available(self) -> bool:
        return condition(self.live, "Available").get("status") == "True"

    def _progressed(self) -> bool:
        found = condition(self.live, "Progressing")
        return found.get("status") == "True" and found.get("reason") == "NewReplicaSetAvailable"

    def _rolled_out(self) -> bool:
        newest = self._replica_sets.get(self._revision)
        if newest is None:
            return False
        wanted = pluck(newest, "spec", "replicas")
        wanted = 1 if wanted is None else wanted
        ready = pluck(newest, "status", "readyReplicas") or 0
        if ready < wanted:
            self.status(f"Waiting for app ReplicaSet to be available ({ready}/{wanted} Pods available)")
        return ready >= wanted

    def _unbound(self) -> list[str]:
        volumes = pluck(self.live, "spec", "template", "spec", "volumes") or []
        used = [pluck(volume, "persistentVolumeClaim", "claimName") for volume in volumes]
        claims = [self._claims[name] for name in used if name in self._claims]
        return [name_of(claim) for claim in claims if pluck(claim, "status", "phase") != "Bound"]
