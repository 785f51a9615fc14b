"""Creating and updating objects."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lab.engine.kubernetes_provider import managers
from lab.engine.kubernetes_provider.client import (
    APPLY,
    JSON_PATCH,
    MERGE_PATCH,
    ApiError,
    Cluster,
    Resource,
    UnknownKindError,
)
from lab.engine.kubernetes_provider.diff import merge_patch
from lab.engine.kubernetes_provider.names import CREATOR, PATCH_FORCE, unique
from lab.engine.kubernetes_provider.objects import Object, annotated_true, name_of, namespace_of

ATTEMPTS: Final = 6
FIRST_PAUSE_SECONDS: Final = 1.0
CONFLICT_HELP: Final = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/"
    "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources"
)


class NamespaceMissingError(Exception):
    """A preview cannot ask the server: the object's namespace is to be created in the same update."""


class ApplyConflictError(Exception):
    """Another field manager owns a field that we would change."""


@dataclass(frozen=True, kw_only=True)
class Writer:
    """How objects are written for one resource of the program."""

    cluster: Cluster
    manager: str
    preview: bool
    server_side: bool
    force: bool
    upsert: bool
    status: Callable[[str], None]
    """Shows what is being waited for."""
    cancelled: threading.Event = field(default_factory=threading.Event)

    def create(self, inputs: Object) -> Object:
        """Create the object; kinds and namespaces that are not there yet are waited for, half a minute at most.

        Raises:
            ApiError: refused; `already_exists` when it is there and may not be upserted.
            UnknownKindError: no such kind on the server.
            NamespaceMissingError: at preview, the namespace is not there.
        """
        pause = FIRST_PAUSE_SECONDS
        for attempt in range(ATTEMPTS):
            try:
                return self._created(inputs)
            except (ApiError, UnknownKindError) as error:
                missing = isinstance(error, UnknownKindError) or error.not_found
                if self.preview and isinstance(error, ApiError) and error.namespace_missing:
                    raise NamespaceMissingError(name_of(inputs)) from error
                if not missing or attempt == ATTEMPTS - 1 or self.cancelled.wait(pause):
                    raise
                self.status(f"Retry #{attempt}; creation failed: {error}")
                pause *= 2
        raise AssertionError("the last attempt returns or raises")

    def _created(self, inputs: Object) -> Object:
        resource = self._resource(inputs)
        namespace = namespace_of(inputs) or "default"
        if not (self.server_side and self.upsert):
            return self.cluster.call(
                "POST", resource.path(namespace), body=inputs, fieldManager=CREATOR, **self._dry_run()
            )
        force = self._force(inputs, None)
        try:
            return self._applied(resource, inputs, namespace, name_of(inputs), force=force)
        except ApiError as error:
            if not (self.preview and error.code == 422 and "field is immutable" in str(error)):
                raise
            # A dry run cannot replace; under another name the server still fills in its defaults.
            renamed = copy.deepcopy(inputs)
            renamed["metadata"]["name"] = unique(name_of(inputs))
            return self._applied(resource, renamed, namespace, name_of(renamed), force=force)

    def update(self, inputs: Object, live: Object, old_inputs: Object, ignored: Sequence[str]) -> Object:
        """Bring the live object to the inputs.

        Raises:
            ApiError: refused.
            ApplyConflictError: others manage fields that would change.
        """
        resource = self._resource(inputs)
        namespace, name = namespace_of(live), name_of(live)
        if inputs.get("kind") == "CustomResourceDefinition":
            version = live["metadata"]["resourceVersion"]
            body = {**inputs, "metadata": {**inputs["metadata"], "resourceVersion": version}}
            query = {"fieldManager": self.manager, **self._dry_run()}
            return self.cluster.call("PUT", resource.path(namespace, name), body=body, **query)
        wanted = copy.deepcopy(inputs)
        if not self.server_side:
            managers.leave_to_others(wanted, live, self.manager, ignored)
            patch = merge_patch(old_inputs, wanted)
            query = {"fieldManager": self.manager, **self._dry_run()}
            path = resource.path(namespace, name)
            return self.cluster.call("PATCH", path, body=patch, content=MERGE_PATCH, **query)
        if not self.preview:
            live = self._take_over(resource, live)
        managers.leave_to_others(wanted, live, self.manager, ignored)
        return self._applied(resource, wanted, namespace, name, force=self._force(inputs, live))

    def relinquish(self, live: Object, manager: str) -> None:
        """Give up what a former manager of ours owned; the fields stay as they are where we own them too."""
        resource = self._resource(live)
        body = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": {"name": name_of(live)}}
        self.cluster.call(
            "PATCH",
            resource.path(namespace_of(live), name_of(live)),
            body=body,
            content=APPLY,
            fieldManager=manager,
            force="true",
        )

    def _applied(self, resource: Resource, inputs: Object, namespace: str, name: str, *, force: bool) -> Object:
        try:
            return self.cluster.call(
                "PATCH",
                resource.path(namespace, name),
                body=inputs,
                content=APPLY,
                fieldManager=self.manager,
                force="true" if force else "false",
                **self._dry_run(),
            )
        except ApiError as error:
            if not error.conflict:
                raise
            raise ApplyConflictError(
                f"Server-Side Apply field conflict, see {CONFLICT_HELP} for what can be done: annotate the object with "
                f'{PATCH_FORCE}: "true" to take the fields over, or leave them to the other manager (ignoreChanges).\n'
                f'The resource managed by field manager "{self.manager}" had an apply conflict: {error}'
            ) from error

    def _take_over(self, resource: Resource, live: Object) -> Object:
        entries = managers.handed_over(live, self.manager)
        if entries is None:
            return live
        patch = [{"op": "replace", "path": "/metadata/managedFields", "value": entries}]
        path = resource.path(namespace_of(live), name_of(live))
        return self.cluster.call("PATCH", path, body=patch, content=JSON_PATCH)

    def _force(self, inputs: Object, live: Object | None) -> bool:
        if annotated_true(inputs, PATCH_FORCE) or self.force:
            return True
        if self.preview and (live is None or managers.created_by_us(live)):
            return True
        return live is not None and not managers.managed_fields(live)

    def _resource(self, obj: Object) -> Resource:
        return self.cluster.resource(obj["apiVersion"], obj["kind"])

    def _dry_run(self) -> dict[str, str]:
        return {"dryRun": "All"} if self.preview else {}
