"""What an update would change, and which changes need a new object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pulumi.runtime.proto import provider_pb2

from lab.engine.kubernetes_provider.objects import Object, annotated_true, name_of, namespace_of
from lab.engine.provider_diff import Path, below, path_of
from lab.engine.provider_values import is_unknown

Kind = provider_pb2.PropertyDiff
_REPLACING: Final = {Kind.ADD: Kind.ADD_REPLACE, Kind.DELETE: Kind.DELETE_REPLACE, Kind.UPDATE: Kind.UPDATE_REPLACE}
_MISSING: Final = object()

_IDENTITY: Final = ("metadata.name", "metadata.namespace")
_SELECTOR: Final = ("spec.selector",)
_JOB: Final = ("spec.completions", "spec.parallelism", "spec.selector", "spec.template")
_STATEFUL_SET: Final = (
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
)
_VOLUME_SOURCES: Final = (
    "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs "
    "hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume"
)
_POD_FIELDS: Final = (
    "affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork "
    "hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName "
    "readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName "
    "shareProcessNamespace subdomain terminationGracePeriodSeconds volumes"
)
_CONTAINER_FIELDS: Final = (
    "args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext "
    "stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir"
)

# Group and kind to the fields that cannot be changed in place. The official table is by version too, but
# only these versions are served today.
_IMMUTABLE: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("apps", "DaemonSet"): _SELECTOR,
    ("apps", "Deployment"): _SELECTOR,
    ("apps", "StatefulSet"): _STATEFUL_SET,
    ("batch", "Job"): _JOB,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
    ("", "PersistentVolume"): tuple(f"spec.{name}" for name in _VOLUME_SOURCES.split()),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("", "Pod"): (
        *(f"spec.{name}" for name in _POD_FIELDS.split()),
        *(
            f"spec.{group}[*].{name}"
            for group in ("containers", "initContainers")
            for name in _CONTAINER_FIELDS.split()
        ),
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Secret"): ("type",),
    ("", "Service"): ("spec.clusterIP",),
}


def immutable_fields(obj: Object, *, mutable_secrets: bool, mutable_config_maps: bool) -> list[Path]:
    """The fields of an object whose change replaces it.

    Data of Secrets and ConfigMaps replaces unless the provider allows mutation and the object is not immutable.
    """
    group, _, _ = str(obj.get("apiVersion", "")).rpartition("/")
    kind = str(obj.get("kind", ""))
    fields = [*_IDENTITY, *_IMMUTABLE.get((group, kind), ())]
    frozen = obj.get("immutable") is True
    if (group, kind) == ("", "Secret") and (not mutable_secrets or frozen):
        fields += ["stringData", "data"]
    if (group, kind) == ("", "ConfigMap") and (not mutable_config_maps or frozen):
        fields += ["binaryData", "data"]
    return [path_of(field) for field in fields]


def difference(
    old: Object, new: Object, *, immutable: list[Path], ignored: Iterable[str], unchanged: Object
) -> provider_pb2.DiffResponse:
    """What turns the old object (live, cut to the old inputs' shape) into the new inputs.

    `unchanged` are the old inputs: an empty value that stood in them already and that the server does not keep is
    no difference.
    """
    response = provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE, hasDetailedDiff=True)
    found: dict[Path, tuple[int, bool]] = {}
    patch = merge_patch(_with_dropped(old, new, unchanged), new)
    _walk_map((), patch, old, new, old, False, found)
    skipped = below(ignored)
    for path, (kind, by_input) in found.items():
        if skipped(path):
            continue
        text = _text(path)
        if _replaces(path, _at(patch, path), immutable):
            kind = _REPLACING[kind]
            response.replaces.append(text)
        elif kind == Kind.DELETE and path == ("metadata",):
            response.replaces.append(text)
        response.detailedDiff[text].kind = kind
        response.detailedDiff[text].inputDiff = by_input
        response.changes = provider_pb2.DiffResponse.DIFF_SOME
    return response


def delete_first(old: Object, new: Object, *, autonamed: str) -> bool:
    """Whether a replacement has to delete before it creates: a name of the user's own that stays the same."""
    return (
        bool(name_of(new))
        and not annotated_true(new, autonamed)
        and name_of(new) == name_of(old)
        and namespace_of(new) == namespace_of(old)
    )


def merge_patch(old: Any, new: Any) -> Any:
    """The JSON merge patch (RFC 7386) from one object to another; lists that differ are in it as a whole."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, item in new.items():
        if key not in old:
            patch[key] = item
        elif isinstance(item, dict) and isinstance(old[key], dict):
            below = merge_patch(old[key], item)
            if below:
                patch[key] = below
        elif item != old[key] or type(item) is not type(old[key]):
            patch[key] = item
    return patch


def _with_dropped(old: Any, new: Any, unchanged: Any) -> Any:
    """The old object with the empty values that it lacks, where the old and the new inputs have the same one."""
    if isinstance(old, dict) and isinstance(new, dict) and isinstance(unchanged, dict):
        result = {key: _with_dropped(item, new.get(key), unchanged.get(key)) for key, item in old.items()}
        for key, item in unchanged.items():
            if key not in old and item in ({}, [], "", 0, False) and new.get(key, _MISSING) == item:
                result[key] = item
        return result
    if isinstance(old, list) and isinstance(new, list) and isinstance(unchanged, list) and len(old) == len(new):
        return [_with_dropped(a, b, c) for a, b, c in zip(old, new, [*unchanged, *[None] * len(old)], strict=False)]
    return old


def _walk(
    path: Path, value: Any, old: Any, new: Any, was: Any, in_list: bool, found: dict[Path, tuple[int, bool]]
) -> None:
    # Without a new input only a deletion is a difference; without an old one too, the server set it.
    if new is _MISSING and (value is not None or was is _MISSING):
        return
    by_input = False
    if value is None:
        if is_unknown(new):
            kind = Kind.ADD if old is _MISSING else Kind.UPDATE
        else:
            kind, by_input = Kind.DELETE, True
    elif old is _MISSING:
        kind = Kind.ADD
    elif isinstance(value, dict) and isinstance(old, dict):
        _walk_map(path, value, old, _map(new), _map(was), in_list, found)
        return
    elif isinstance(value, list) and isinstance(old, list):
        _walk_list(path, value, old, _list(new), _list(was), found)
        return
    elif value == old and not is_unknown(value):
        # A merge patch replaces lists whole, so it repeats what did not change.
        return
    else:
        kind = Kind.UPDATE
    found[path] = (kind, by_input)


def _walk_map(
    path: Path,
    value: dict[str, Any],
    old: dict[str, Any],
    new: dict[str, Any],
    was: dict[str, Any],
    in_list: bool,
    found: dict[Path, tuple[int, bool]],
) -> None:
    items = dict(value)
    if in_list:
        items |= {key: None for key in old if key not in value}
    for key, item in items.items():
        at = (*path, key)
        _walk(at, item, old.get(key, _MISSING), new.get(key, _MISSING), was.get(key, _MISSING), in_list, found)


def _walk_list(
    path: Path, value: list[Any], old: list[Any], new: list[Any], was: list[Any], found: dict[Path, tuple[int, bool]]
) -> None:
    for index in range(max(len(value), len(old))):
        item = value[index] if index < len(value) else None
        before = old[index] if index < len(old) else _MISSING
        wanted = new[index] if index < len(new) else None
        had = was[index] if index < len(was) else None
        _walk((*path, index), item, before, wanted, had, True, found)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(path: Path) -> str:
    """A path as the official plugin writes it: keys are quoted only where they would be misread."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif any(mark in step for mark in '."[]'):
            text += '["' + step.replace('"', '\\"') + '"]'
        else:
            text += f".{step}" if text else step
    return text


def _at(patch: Any, path: Path) -> Any:
    for step in path:
        try:
            patch = patch[step]
        except (KeyError, IndexError, TypeError):
            return None
    return patch


def _replaces(path: Path, value: Any, immutable: list[Path]) -> bool:
    """Whether an immutable field is at or above the changed place, or in what is added there."""
    return any(_touches(path, value, field) for field in immutable)


def _touches(path: Path, value: Any, field: Path) -> bool:
    shared = min(len(path), len(field))
    if any(want not in ("*", step) for step, want in zip(path[:shared], field[:shared], strict=True)):
        return False
    return len(field) <= len(path) or _holds(value, field[len(path) :])


def _holds(value: Any, field: Path) -> bool:
    if not field:
        return True
    if field[0] == "*":
        return isinstance(value, list) and any(_holds(item, field[1:]) for item in value)
    return isinstance(value, dict) and field[0] in value and _holds(value[field[0]], field[1:])
