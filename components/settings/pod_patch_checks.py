"""Checks of patches of pod specs: their fields, the containers that they name, and Pod Security `restricted`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from components.kubernetes.patches import field_errors, merged
from components.kubernetes.pod_security import violations
from components.settings.errors import SettingError
from components.settings.pod_checks import KEY, owned_errors
from components.settings.secret_keys import PROJECT
from components.settings.sections.options import Reserved
from components.settings.sections.pods import ALL, PodAdditions, Target, additions

POD_FIELDS: Final[Mapping[str, str | None]] = {
    "affinity": "affinity",
    "automountServiceAccountToken": None,
    "enableServiceLinks": None,
    "ephemeralContainers": None,
    "imagePullSecrets": f"{PROJECT}:image.pull_secret",
    "nodeName": "node_selector",
    "nodeSelector": "node_selector",
    "priority": "priority_class",
    "priorityClassName": "priority_class",
    "restartPolicy": None,
    "serviceAccount": None,
    "serviceAccountName": None,
    "terminationGracePeriodSeconds": None,
    "tolerations": "tolerations",
    "volumes": "volumes",
}
"""Fields of a pod that the program sets, each with the key for it: of this section, or with the project's name."""
CONTAINER_FIELDS: Final[Mapping[str, str | None]] = {
    "args": None,
    "command": None,
    "envFrom": "environment",
    "image": f"{PROJECT}:image.reference",
    "imagePullPolicy": f"{PROJECT}:image.pull_policy",
    "restartPolicy": None,
    "volumeMounts": "mounts",
}
"""The same of a container."""
MAIN: Final[Mapping[Target, str]] = {"task": "base"}
"""Names of main containers that are not those of their workloads."""
WAITING: Final = ("api_server", "scheduler", "dag_processor", "triggerer")
"""Workloads with an init container that waits for the migration."""
HARDENED: Final[Mapping[str, Any]] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of each container, which `components.kubernetes.pods` gives it."""


def setting_errors(pods: Mapping[Target, PodAdditions], reserved: Reserved) -> Iterator[SettingError]:
    """Errors of all patches.

    Args:
        pods: the section.
        reserved: options of airflow.cfg that the stack may not set.
    """
    for target, own in pods.items():
        key = f"{KEY}.{target}.patch"
        wrong = [
            SettingError(key=f"{key}.{path}", value=None, rule=rule, remedy=remedy)
            for path, rule, remedy in field_errors(own.patch)
        ]
        yield from wrong
        # What is no pod spec cannot be merged.
        if own.patch and not wrong:
            yield from _patch_errors(key, own.patch, containers(pods, target), reserved)


def containers(pods: Mapping[Target, PodAdditions], target: Target) -> dict[str, list[str]]:
    """The containers of a workload that a patch may change, by the field that lists them."""
    joined = additions(pods, target)
    own = [each.name for each in (*joined.sidecars, *joined.init_containers)]
    if target == ALL:
        return {"containers": [], "initContainers": own}
    waiting = ["wait-for-migration"] if target in WAITING else []
    return {"containers": [MAIN.get(target, target.replace("_", "-"))], "initContainers": [*own, *waiting]}


def _patch_errors(
    key: str, patch: Mapping[str, Any], known: Mapping[str, Sequence[str]], reserved: Reserved
) -> Iterator[SettingError]:
    yield from _owned(key, patch, POD_FIELDS, key.removesuffix(".patch"))
    unknown = False
    for group, names in known.items():
        for index, container in enumerate(cast("list[Mapping[str, Any]]", patch.get(group) or [])):
            where = f"{key}.{group}[{index}]"
            if container["name"] not in names:
                unknown = True
                rule = f"is not the name of a container in {group} that a patch may change"
                remedy = f"choose one of {', '.join(map(repr, names))}" if names else "remove it"
                yield SettingError(key=f"{where}.name", value=container["name"], rule=rule, remedy=remedy)
            else:
                yield from _container_errors(where, container, key.removesuffix(".patch"), reserved)
    if not unknown:
        yield from _security_errors(key, patch, known)


def _container_errors(
    key: str, container: Mapping[str, Any], section: str, reserved: Reserved
) -> Iterator[SettingError]:
    yield from _owned(key, container, CONTAINER_FIELDS, section)
    for index, variable in enumerate(container.get("env") or []):
        where = f"{key}.env[{index}]"
        if "valueFrom" not in variable:
            rule = "has no valueFrom, and plain values have a key of their own"
            remedy = f"set {section}.environment"
            yield SettingError(key=where, value=None, rule=rule, remedy=remedy)
        else:
            yield from owned_errors(f"{where}.name", str(variable["name"]), reserved)
    context: Mapping[str, Any] = container.get("securityContext") or {}
    if context.get("readOnlyRootFilesystem") is False:
        yield SettingError(
            key=f"{key}.securityContext.readOnlyRootFilesystem",
            value=None,
            rule="is false, and no container writes to its root file system",
            remedy="mount an `empty_dir` where it writes",
        )


def _owned(
    key: str, values: Mapping[str, Any], fields: Mapping[str, str | None], section: str
) -> Iterator[SettingError]:
    for field in sorted(values.keys() & fields.keys()):
        decides = fields[field]
        if decides is None:
            yield SettingError(key=f"{key}.{field}", value=None, rule="is set by this program", remedy="remove it")
            continue
        setting = decides if decides.startswith(f"{PROJECT}:") else f"{section}.{decides}"
        yield SettingError(
            key=f"{key}.{field}", value=None, rule=f"is decided by {setting}", remedy=f"remove it, and set {setting}"
        )


def _security_errors(key: str, patch: Mapping[str, Any], known: Mapping[str, Sequence[str]]) -> Iterator[SettingError]:
    """Fields by which the patched pod breaks Pod Security `restricted`; the namespace would refuse it."""
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    pod: dict[str, Any] = {
        "securityContext": context,
        **{group: [{"name": name, "securityContext": HARDENED} for name in names] for group, names in known.items()},
    }
    listed = {
        f"{group}[{container['name']}]": f"{group}[{index}]"
        for group in known
        for index, container in enumerate(patch.get(group) or [])
    }
    for path, rule in violations(merged(pod, patch)):
        first, dot, rest = path.partition(".")
        yield SettingError(
            key=f"{key}.{listed.get(first, first)}{dot}{rest}",
            value=None,
            rule=f"{rule}, and the namespace has Pod Security restricted",
            remedy="remove it",
        )
