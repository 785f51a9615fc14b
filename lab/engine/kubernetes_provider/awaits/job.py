"""Jobs: complete; a failed one ends the waiting at once."""

from __future__ import annotations

from lab.engine.kubernetes_provider.awaits.awaiter import Awaiter, Show, condition, owned_by
from lab.engine.kubernetes_provider.awaits.pods import PODS, shown, warning
from lab.engine.kubernetes_provider.client import Object
from lab.engine.kubernetes_provider.feeds import Event
from lab.engine.kubernetes_provider.objects import pluck


class JobAwaiter(Awaiter):
    """Waits until the Job is complete, and remembers what went wrong with its pods on the way."""

    related = (PODS,)

    def __init__(self, target: Object, before: Object | None, show: Show) -> None:
        super().__init__(target, before, show)
        self._seen: dict[str, None] = {}

    def see(self, event: Event) -> None:
        """Keep the Job, and every complaint of its pods in the order in which they came."""
        if event.resource.kind != "Pod":
            super().see(event)
        elif not event.gone and owned_by(event.obj, self.target) and (text := warning(event.obj)):
            self._seen[text] = None
            # Every pod is unready for a while; it is no news until the Job fails.
            if "containers with unready status" not in text:
                self.show(text, True)

    def ready(self) -> bool:
        """Whether it is complete."""
        if pluck(self.live, "status", "startTime") is None:
            self.status(f'Waiting for Job "{shown(self.live)}" to start')
            return False
        done = condition(self.live, "Complete").get("status") == "True"
        if not done:
            counts = {word: pluck(self.live, "status", word) or 0 for word in ("active", "succeeded", "failed")}
            progress = " | ".join(f"{word.title()}: {count}" for word, count in counts.items())
            self.status(f'Waiting for Job "{shown(self.live)}" to succeed ({progress})')
        return done and not self.failed()

    def failed(self) -> bool:
        """Whether the Job controller has given up."""
        return bool(self._verdict())

    def reasons(self) -> list[str]:
        """The controller's verdict, and what its pods complained about."""
        verdict = self._verdict()
        return [*self._seen, *([verdict] if verdict else [])]

    def _verdict(self) -> str:
        found = condition(self.live, "Failed")
        if found.get("status") != "True" or found.get("reason") not in ("BackoffLimitExceeded", "DeadlineExceeded"):
            return ""
        return f"[{found['reason']}] {found.get('message', '')}"
