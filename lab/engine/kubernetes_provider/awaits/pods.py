"""What keeps a pod from being ready, in words."""

from __future__ import annotations

from typing import Any, Final

from lab.engine.kubernetes_provider.awaits.awaiter import Awaiter, condition
from lab.engine.kubernetes_provider.client import Object, core
from lab.engine.kubernetes_provider.objects import name_of, namespace_of, pluck

PODS: Final = core("pods", "Pod")


def shown(obj: Object) -> str:
    """The object's name, with its namespace unless that is `default`."""
    namespace = namespace_of(obj)
    return name_of(obj) if namespace in ("", "default") else f"{namespace}/{name_of(obj)}"


def stage(pod: Object) -> tuple[str, str]:
    """How far the pod is (scheduled, initialized, ready; "" when it is all that) and what is wrong, if anything."""
    if condition(pod, "PodScheduled").get("status") != "True":
        return "scheduled", ""
    for kind, word in (("Initialized", "initialized"), ("Ready", "ready")):
        found = condition(pod, kind)
        done = found.get("status") == "True" or (kind == "Ready" and pluck(pod, "status", "phase") == "Succeeded")
        if not found or not done:
            return word, _trouble(pod, found) if found else ""
    return "", ""


def warning(pod: Object) -> str:
    """What is wrong with the pod, or ""."""
    return stage(pod)[1]


def _trouble(pod: Object, found: Object) -> str:
    errors = [error for status in pluck(pod, "status", "containerStatuses") or [] for error in _errors(status)]
    message = found.get("message") or ""
    if not errors and not message:
        return ""
    said = message if found.get("reason") else ""
    return f"[Pod {shown(pod)}]: {said}" + "\n".join(errors)


def _errors(status: dict[str, Any]) -> list[str]:
    if status.get("ready"):
        return []
    errors = []
    waiting = pluck(status, "state", "waiting")
    if waiting and waiting.get("reason") != "ContainerCreating":
        errors.append(f"[{waiting.get('reason', '')}] {_trimmed(waiting.get('message', ''))}")
    ended = pluck(status, "state", "terminated")
    if ended and ended.get("reason"):
        if ended.get("message"):
            errors.append(f"[{ended['reason']}] {_trimmed(ended['message'])}")
        else:
            errors.append(f'container "{status["name"]}" completed with exit code {ended.get("exitCode", 0)}')
    last = pluck(status, "lastState", "terminated")
    if last:
        how = f"{last.get('reason', '')}: exit code {last.get('exitCode', 0)}"
        errors.append(f'container "{status["name"]}" terminated at {last.get("finishedAt", "")} ({how})')
        if last.get("message"):
            errors.append(last["message"])
    return errors


def _trimmed(message: str) -> str:
    return message.removeprefix("rpc error: code = Unknown desc = Error response from daemon: ").removesuffix(
        ": manifest unknown"
    )


class PodAwaiter(Awaiter):
    """A pod by itself: ready, or ended well."""

    def ready(self) -> bool:
        """Whether it is scheduled, initialized and ready."""
        word, _ = stage(self.live)
        if word:
            self.status(f'Waiting for Pod "{shown(self.live)}" to be {word}')
        return not word

    def reasons(self) -> list[str]:
        """What is wrong with it."""
        return [text for text in (warning(self.live),) if text]
