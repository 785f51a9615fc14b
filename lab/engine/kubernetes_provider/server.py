"""The plugin protocol of the kubernetes stand-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2, provider_pb2

from lab.engine.kubernetes_provider import configuration, delete, diff, names, render
from lab.engine.kubernetes_provider.apply import ApplyConflictError, NamespaceMissingError
from lab.engine.kubernetes_provider.awaits.awaiter import NotReadyError, Show, condition
from lab.engine.kubernetes_provider.client import ApiError, UnknownKindError, UnreachableError
from lab.engine.kubernetes_provider.configuration import Settings
from lab.engine.kubernetes_provider.normalize import normalized
from lab.engine.kubernetes_provider.objects import (
    Object,
    annotated_true,
    engine_form,
    from_checkpoint,
    identifier,
    marked,
    name_of,
    namespace_of,
    plain,
    pluck,
    pruned,
    split_identifier,
)
from lab.engine.kubernetes_provider.records import Record, as_inputs, creation_failed, kind_missing
from lab.engine.kubernetes_provider.session import Session
from lab.engine.plugins import sdk_version
from lab.engine.provider import Provider
from lab.engine.provider_values import has_secret, has_unknown, opened
from lab.engine.serving import CallError

_FORGET: Final = 'set the environment variable PULUMI_K8S_DELETE_UNREACHABLE to "true" and run the command again'
_REFUSED: Final = (ApiError, ApplyConflictError, UnknownKindError, UnreachableError, ValueError)


class KubernetesProvider(Provider):
    """Objects of every kind that the cluster has, written by server-side apply and awaited."""

    def __init__(self) -> None:
        super().__init__("kubernetes", sdk_version("kubernetes"))
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """What Configure made."""
        if self._session is None:
            raise CallError("the provider is not configured")
        return self._session

    # -- the provider resource ----------------------------------------------------------------------------------------

    def CheckConfig(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Accept the inputs, unless they ask for rendering and for a cluster at once."""
        return provider_pb2.CheckResponse(inputs=request.news, failures=configuration.check(opened(request.news)))

    def DiffConfig(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Replace the provider only when the cluster is another one."""
        try:
            return configuration.difference(plain(request.olds), plain(request.news))
        except ValueError as error:
            raise CallError(f"failed to parse kubeconfig: {error}") from error

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Find the cluster; one that cannot be reached fails later, and only what needs it."""
        self.config = plain(request.args)
        self._session = Session.open(Settings.read(self.config), self.cancelled)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    # -- resources ----------------------------------------------------------------------------------------------------

    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Complete the inputs: name, namespace, canonical form, secrecy of a Secret's data."""
        session, urn = self.session, request.urn
        if session.cluster is None and session.settings.skip_update_unreachable:
            self.log(
                "Cluster is unreachable; skipUpdateUnreachable is set, so the resource stays as it is.",
                urn=urn,
                severity=engine_pb2.WARNING,
            )
            return provider_pb2.CheckResponse(inputs=request.olds)
        if refusal := names.refusal(urn):
            raise CallError(refusal)
        news = marked(request.news)
        inputs = normalized(plain(news))
        old = plain(request.olds)
        for key in pluck(inputs, "metadata", "annotations") or {}:
            if key.startswith(names.AUTONAMED):
                self.log(
                    f'ignoring user-specified value for internal annotation "{key}"',
                    urn=urn,
                    severity=engine_pb2.WARNING,
                )
        if old:
            names.keep_name(inputs, old)
        else:
            try:
                naming = request.autonaming
                names.give_name(inputs, urn, request.randomSeed, naming.proposed_name, naming.mode)
            except ValueError as error:
                return provider_pb2.CheckResponse(
                    inputs=request.news,
                    failures=[provider_pb2.CheckFailure(property="metadata.name", reason=str(error))],
                )
        if not name_of(inputs) and pluck(inputs, "metadata", "generateName"):
            raise CallError("`.metadata.generateName` is not supported in Server-Side Apply mode")
        metadata = inputs.get("metadata")
        namespaced = session.namespaced(*names.group_version_kind(urn))
        if namespaced and isinstance(metadata, dict) and not metadata.get("namespace"):
            metadata["namespace"] = session.namespace
        if session.settings.render_to and has_secret(news):
            self.log("the rendered manifest will hold a secret in the clear", urn=urn, severity=engine_pb2.WARNING)
        return provider_pb2.CheckResponse(inputs=engine_form(inputs, news))

    def Diff(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Compare the new inputs with the recorded live object, as far as the old inputs reach."""
        session = self.session
        new = normalized(plain(request.news))
        old_inputs, live = from_checkpoint(marked(request.olds))
        old_inputs = normalized(old_inputs)
        old = pruned(live, old_inputs)
        for side in (old, new):
            metadata = side.setdefault("metadata", {})
            if not isinstance(metadata, dict):
                continue
            if session.namespaced(*names.group_version_kind(request.urn)):
                metadata["namespace"] = metadata.get("namespace") or "default"
            else:
                metadata.pop("namespace", None)
        old["metadata"].pop("resourceVersion", None)
        if name_of(new):
            old["metadata"]["name"] = name_of(live)
        settings = session.settings
        immutable = diff.immutable_fields(
            new, mutable_secrets=settings.mutable_secrets, mutable_config_maps=settings.mutable_config_maps
        )
        response = diff.difference(old, new, immutable=immutable, ignored=request.ignoreChanges, unchanged=old_inputs)
        if annotated_true(new, names.REPLACE_UNREADY) and self._is_unready_job(live, request.urn):
            response.changes = provider_pb2.DiffResponse.DIFF_SOME
            response.replaces.append(f'.metadata.annotations["{names.REPLACE_UNREADY}"]')
        response.deleteBeforeReplace = bool(response.replaces) and diff.delete_first(
            live, new, autonamed=names.AUTONAMED
        )
        return response

    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        """Create the object and wait until it is ready; at preview, let the server try it without doing it."""
        session, urn = self.session, request.urn
        inputs, source = plain(request.properties), marked(request.properties)
        unseen = provider_pb2.CreateResponse(properties=request.properties)
        render_to = session.settings.render_to
        if request.preview:
            if has_unknown(inputs) or render_to or not session.serves(inputs) or not session.settings.server_side_apply:
                return unseen
        elif not render_to:
            session.require_cluster()
        record = self._record(inputs, {}, source)
        if render_to:
            path = render.render(render_to, inputs)
            self.log(f"rendered {path}", urn=urn, status=True)
            return provider_pb2.CreateResponse(id=identifier(inputs), properties=record.state(inputs))
        writer = session.writer(record.manager, self._status(urn), preview=request.preview)
        try:
            live = writer.create(inputs)
        except NamespaceMissingError:
            return unseen
        except _REFUSED as error:
            if request.preview and isinstance(error, ApiError) and (error.forbidden or error.already_exists):
                return unseen
            raise CallError(creation_failed(urn, inputs, error)) from error
        if request.preview:
            live.pop("status", None)
            return provider_pb2.CreateResponse(properties=record.state(live))
        self._status(urn)("")
        try:
            limit = names.timeout_seconds(request.timeout, inputs)
            live = session.wait(live, None, inputs, limit, self._show(urn))
        except NotReadyError as error:
            self._not_ready(error, record, error.obj, f'resource "{urn}" was successfully created, but: {error}')
        except ValueError as error:
            raise CallError(creation_failed(urn, inputs, error)) from error
        if inputs.get("kind") == "CustomResourceDefinition":
            session.require_cluster().forget_kinds()
        return provider_pb2.CreateResponse(id=identifier(live), properties=record.state(live))

    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        """Apply the new inputs and wait until the object is ready again."""
        session, urn = self.session, request.urn
        inputs, source = normalized(plain(request.news)), marked(request.news)
        unseen = provider_pb2.UpdateResponse(properties=request.news)
        render_to = session.settings.render_to
        if request.preview:
            if has_unknown(inputs) or render_to or not session.serves(inputs):
                return unseen
        elif not render_to:
            session.require_cluster()
        state = marked(request.olds)
        old_inputs, recorded = from_checkpoint(state)
        record = self._record(inputs, state, source)
        if render_to:
            path = render.render(render_to, inputs)
            self.log(f"rendered {path}", urn=urn, status=True)
            return provider_pb2.UpdateResponse(properties=record.state(inputs))
        cluster = session.require_cluster()
        writer = session.writer(record.manager, self._status(urn), preview=request.preview)
        try:
            before = session.live(recorded)
            live = writer.update(inputs, before, pruned(recorded, normalized(old_inputs)), request.ignoreChanges)
            if request.preview:
                return provider_pb2.UpdateResponse(properties=record.state(live))
            limit = names.timeout_seconds(request.timeout, inputs)
            live = session.wait(live, before, inputs, limit, self._show(urn))
        except (*_REFUSED, NotReadyError) as error:
            if request.preview and isinstance(error, ApiError) and error.forbidden:
                return unseen
            if isinstance(error, UnknownKindError):
                raise CallError(kind_missing("update", urn, inputs, error)) from error
            try:
                live = session.live(recorded)
            except (ApiError, UnreachableError) as lost:
                raise CallError(
                    f'update of resource "{urn}" failed: {error}\nunable to get cluster state: {lost}'
                ) from error
            self._not_ready(error, record, live, f'the update of "{identifier(live)}" did not succeed: {error}')
        former = names.field_manager(state, old_inputs, server_side=session.settings.server_side_apply)
        if session.settings.server_side_apply and former != record.manager:
            writer.relinquish(live, former)
        if inputs.get("kind") == "CustomResourceDefinition":
            cluster.forget_kinds()
        return provider_pb2.UpdateResponse(properties=record.state(live))

    def Read(  # noqa: N802
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        """The live object, and inputs that show what of them was changed by others; without inputs, all of it."""
        session, urn = self.session, request.urn
        gone = provider_pb2.ReadResponse()
        as_recorded = provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
        if session.settings.render_to:
            return as_recorded
        if session.cluster is None:
            if self._forgets_unreachable(urn):
                return gone
            if session.settings.skip_update_unreachable:
                return as_recorded
            raise CallError(
                f"the resource cannot be read, since its cluster is unreachable. If the cluster is gone, {_FORGET}"
            )
        state, source = marked(request.properties), marked(request.inputs)
        inputs = normalized(plain(source))
        _, recorded = from_checkpoint(state)
        namespace, name = split_identifier(request.id)
        from_cluster = not inputs.get("kind")
        if from_cluster:
            api_version, kind = names.group_version_kind(urn)
            if recorded.get("kind"):
                api_version, kind, from_cluster = recorded["apiVersion"], recorded["kind"], False
            inputs = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
            if namespace:
                inputs["metadata"]["namespace"] = namespace
        try:
            resource = session.cluster.resource(inputs["apiVersion"], inputs["kind"])
            live = session.cluster.get(resource, namespace_of(inputs) or namespace or "default", name)
        except UnknownKindError:
            return gone
        except ApiError as error:
            if error.not_found:
                return gone
            raise CallError(str(error)) from error
        except UnreachableError as error:
            raise CallError(str(error)) from error
        live_inputs = pruned(live, inputs)
        if from_cluster:
            live_inputs = as_inputs(live)
        properties = self._record(live_inputs, state, source).state(live)
        read_inputs = engine_form(live_inputs, source)
        try:
            if not from_cluster:
                session.look(live, inputs, self._show(urn))
        except NotReadyError as error:
            self.init_failed(request.id, properties, read_inputs, [str(error), *error.reasons], str(error))
        return provider_pb2.ReadResponse(id=request.id, properties=properties, inputs=read_inputs)

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        """Delete the object and wait until it is gone."""
        session, urn = self.session, request.urn
        state = marked(request.properties)
        inputs, live = from_checkpoint(state)
        if session.settings.render_to:
            self.log(f"deleted {render.remove(session.settings.render_to, live)}", urn=urn, status=True)
            return Empty()
        if session.cluster is None or session.feeds is None:
            if self._forgets_unreachable(urn):
                return Empty()
            raise CallError(f"configured Kubernetes cluster is unreachable. If the cluster is gone, {_FORGET}")
        _, name = split_identifier(request.id)
        try:
            delete.delete(
                session.cluster,
                session.feeds,
                live,
                inputs,
                name,
                seconds=names.timeout_seconds(request.timeout, inputs),
                status=self._status(urn),
                warn=lambda text: self.log(text, urn=urn, severity=engine_pb2.WARNING),
                cancelled=self.cancelled,
            )
        except NotReadyError as error:
            record = self._record(inputs, state, state)
            self._not_ready(error, record, error.obj, str(error))
        except (ApiError, UnreachableError) as error:
            raise CallError(str(error)) from error
        if live.get("kind") == "CustomResourceDefinition":
            session.cluster.forget_kinds()
        self._status(urn)("")
        return Empty()

    def Invoke(  # noqa: N802
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        """No functions: YAML, Helm and Kustomize are not modelled."""
        self.refuse(f"{request.tok} is not modelled by the lab's kubernetes stand-in; use typed resources")

    def Construct(  # noqa: N802
        self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConstructResponse:
        """No components, for the same reason."""
        self.refuse(f"{request.type} is not modelled by the lab's kubernetes stand-in; use typed resources")

    # -- parts of the above -------------------------------------------------------------------------------------------

    def _record(self, inputs: Object, state: Object, source: Object) -> Record:
        return Record.of(inputs, state, source, server_side=self.session.settings.server_side_apply)

    def _status(self, urn: str) -> Callable[[str], None]:
        show = self._show(urn)
        return lambda message: show(message, False)

    def _show(self, urn: str) -> Show:
        """Shows a status of the resource; what was just shown is not repeated."""
        last: list[tuple[str, bool]] = []

        def show(message: str, warning: bool) -> None:
            if last != [(message, warning)]:
                last[:] = [(message, warning)]
                severity = engine_pb2.WARNING if warning else engine_pb2.INFO
                self.log(message, urn=urn, severity=severity, status=True)

        return show

    def _not_ready(self, error: Exception, record: Record, live: Object, message: str) -> NoReturn:
        reasons = error.reasons if isinstance(error, NotReadyError) else []
        self.init_failed(identifier(live), record.state(live), engine_form({}, {}), [message, *reasons], message)

    def _is_unready_job(self, live: Object, urn: str) -> bool:
        if self.session.cluster is None:
            self.log("Cluster is unreachable, skipping replaceUnready check", urn=urn, severity=engine_pb2.WARNING)
            return False
        if live.get("kind") != "Job":
            message = "replaceUnready annotation is not supported for this resource"
            self.log(message, urn=urn, severity=engine_pb2.WARNING)
            return False
        try:
            return condition(self.session.live(live), "Complete").get("status") != "True"
        except (ApiError, UnreachableError):
            return False

    def _forgets_unreachable(self, urn: str) -> bool:
        session = self.session
        message = f"configured Kubernetes cluster is unreachable: {session.unreachable}"
        self.log(message, urn=urn, severity=engine_pb2.WARNING)
        if session.settings.delete_unreachable:
            self.log("deleteUnreachable is set, so the resource is removed from the state of the stack", urn=urn)
        return session.settings.delete_unreachable
