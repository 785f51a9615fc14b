"""StatefulSets and DaemonSets: every replica runs the newest revision."""

from __future__ import annotations

from lab.engine.kubernetes_provider.awaits.awaiter import Awaiter, Show, owned_by
from lab.engine.kubernetes_provider.awaits.pods import PODS, warning
from lab.engine.kubernetes_provider.client import Object
from lab.engine.kubernetes_provider.feeds import Event
from lab.engine.kubernetes_provider.objects import name_of, pluck


class _SetAwaiter(Awaiter):
    related = (PODS,)

    def __init__(self, target: Object, before: Object | None, show: Show) -> None:
        super().__init__(target, before, show)
        self._pods: dict[str, Object] = {}

    def see(self, event: Event) -> None:
        """Keep the set and its pods."""
        if event.resource.kind != "Pod":
            super().see(event)
        elif event.gone:
            self._pods.pop(name_of(event.obj), None)
        elif owned_by(event.obj, self.target):
            self._pods[name_of(event.obj)] = event.obj

    def troubles(self) -> list[str]:
        """What is wrong with its pods."""
        return [text for pod in self._pods.values() if (text := warning(pod))]

    def _number(self, *path: str) -> int:
        return pluck(self.live, *path) or 0

    def _observed(self) -> bool:
        return self._number("status", "observedGeneration") >= self._number("metadata", "generation")

    def _by_hand(self) -> bool:
        """Whether pods get a new revision only when somebody deletes them."""
        return pluck(self.live, "spec", "updateStrategy", "type") == "OnDelete"


class StatefulSetAwaiter(_SetAwaiter):
    """Replicas current and ready, and the current revision is the updated one."""

    def ready(self) -> bool:
        """Whether the rollout is through."""
        first = self._number("metadata", "generation") <= 1
        done = self._observed() and self._replicas_ready() and self._revision_ready()
        ready = min(self._number("status", "readyReplicas"), self._updated())
        wanted = self._number("spec", "replicas")
        if done:
            self.status("StatefulSet initialization complete")
        elif first:
            self.status(f"[1/2] Waiting for StatefulSet to create Pods ({ready}/{wanted} Pods ready)")
        elif not self._replicas_ready():
            self.status(f"[1/3] Waiting for StatefulSet update to roll out ({ready}/{wanted} Pods ready)")
        else:
            self.status("[2/3] Waiting for StatefulSet to update .status.currentRevision")
        return done

    def reasons(self) -> list[str]:
        """What is missing, and what is wrong with the pods."""
        found = []
        if not self._replicas_ready():
            ready = min(self._number("status", "readyReplicas"), self._updated())
            found.append(f"{ready} out of {self._number('spec', 'replicas')} replicas succeeded readiness checks")
        if not self._revision_ready():
            current, update = (pluck(self.live, "status", f"{word}Revision") or "" for word in ("current", "update"))
            found.append(f'StatefulSet controller did not advance from revision "{current}" to revision "{update}"')
        return found + self.troubles()

    def _updated(self) -> int:
        if self._revision_ready():
            return self._number("status", "readyReplicas")
        return self._number("status", "updatedReplicas")

    def _replicas_ready(self) -> bool:
        wanted = self._number("spec", "replicas")
        counted = ["replicas", "readyReplicas"]
        if not (self._by_hand() and self._number("metadata", "generation") > 1):
            counted.append("currentReplicas")
        return all(self._number("status", name) == wanted for name in counted)

    def _revision_ready(self) -> bool:
        if self._by_hand() and self._number("metadata", "generation") > 1:
            return True
        current = pluck(self.live, "status", "currentRevision")
        return bool(current) and current == pluck(self.live, "status", "updateRevision")


class DaemonSetAwaiter(_SetAwaiter):
    """One available pod of the newest revision on every node that should have one."""

    def ready(self) -> bool:
        """Whether the rollout is through."""
        wanted = self._number("status", "desiredNumberScheduled")
        updated = wanted if self._by_hand() else self._number("status", "updatedNumberScheduled")
        ready = self._number("status", "numberReady")
        done = self._observed() and updated == wanted and ready == wanted
        if not done:
            self.status(f"Waiting for DaemonSet to roll out ({ready}/{wanted} Pods ready, {updated} updated)")
        return done

    def reasons(self) -> list[str]:
        """What is missing, and what is wrong with the pods."""
        ready, wanted = self._number("status", "numberReady"), self._number("status", "desiredNumberScheduled")
        return [f"{ready} out of {wanted} Pods are ready", *self.troubles()]
