"""What the provider answers about one resource: its state, and errors in words."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.struct_pb2 import Struct

from lab.engine.kubernetes_provider import names
from lab.engine.kubernetes_provider.client import ApiError, UnknownKindError
from lab.engine.kubernetes_provider.objects import INITIAL_API_VERSION, Object, checkpoint

_LIVE_ONLY = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
_CONTROLLERS_OWN = ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")


@dataclass(frozen=True, kw_only=True)
class Record:
    """How live objects of one resource are put into state."""

    inputs: Object
    source: Object
    """The inputs as the engine sent them: what is secret in them is secret in state."""
    manager: str
    initial_api_version: str

    @classmethod
    def of(cls, inputs: Object, state: Object, source: Object, *, server_side: bool) -> Record:
        """The record of inputs that follow a state; an empty one at creation."""
        return cls(
            inputs=inputs,
            source=source,
            manager=names.field_manager(state, inputs, server_side=server_side),
            initial_api_version=state.get(INITIAL_API_VERSION) or inputs.get("apiVersion", ""),
        )

    def state(self, live: Object) -> Struct:
        """The state with this live object."""
        return checkpoint(
            self.inputs, live, self.source, initial_api_version=self.initial_api_version, manager=self.manager
        )


def as_inputs(live: Object) -> Object:
    """The inputs that would make the live object, for one that is read without having been written by us."""
    result = {key: value for key, value in live.items() if key != "status"}
    metadata = {key: value for key, value in live["metadata"].items() if key not in _LIVE_ONLY}
    annotations = {
        key: value for key, value in (metadata.pop("annotations", None) or {}).items() if key not in _CONTROLLERS_OWN
    }
    if annotations:
        metadata["annotations"] = annotations
    return {**result, "metadata": metadata}


def creation_failed(urn: str, inputs: Object, error: Exception) -> str:
    """Why an object was not created, and what can be done when it is there already."""
    if isinstance(error, UnknownKindError):
        return kind_missing("creation", urn, inputs, error)
    message = f'resource "{urn}" was not successfully created by the Kubernetes API server: {error}'
    if isinstance(error, ApiError) and error.already_exists:
        message += (
            "\n\nThe cluster has an object of this name already.\n"
            "  - A resource that got another name in the program: give it an alias, or use deleteBeforeReplace.\n"
            "  - An object that somebody else owns: change single fields of it with a Patch resource.\n"
            "  - An object that the program is to own from now on: `pulumi import` it.\n"
            "  - Every existing object is to be taken over: set upsertExistingObjects on the provider."
        )
    return message


def kind_missing(what: str, urn: str, inputs: Object, error: Exception) -> str:
    """Why an object of a kind that the server does not have was not written."""
    kind = f"{inputs.get('apiVersion')}/{inputs.get('kind')}"
    return (
        f'{what} of resource "{urn}" with kind {kind} failed: the Kubernetes API server says that the apiVersion for '
        f"this resource does not exist. Verify that any required CRDs have been created: {error}"
    )
