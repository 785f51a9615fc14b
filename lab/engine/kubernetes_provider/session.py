"""A configured provider at work: the cluster it talks to, or why it cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from lab.engine.kubernetes_provider.apply import Writer
from lab.engine.kubernetes_provider.awaits import awaiter
from lab.engine.kubernetes_provider.awaits.awaiter import Awaiter, Show
from lab.engine.kubernetes_provider.awaits.conditions import ConditionsAwaiter
from lab.engine.kubernetes_provider.awaits.kinds import AWAITERS, LOOKED_AT
from lab.engine.kubernetes_provider.client import ApiError, Cluster, Object, UnreachableError
from lab.engine.kubernetes_provider.configuration import Settings
from lab.engine.kubernetes_provider.feeds import Feeds
from lab.engine.kubernetes_provider.names import SKIP_AWAIT, WAIT_FOR
from lab.engine.kubernetes_provider.objects import annotated_true, annotation, name_of, namespace_of
from lab.engine.serving import CallError

GUIDE = "https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/"

# Known without a server, so that a preview without one names no namespace where none belongs.
_CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "ClusterRole",
        "ClusterRoleBinding",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "CustomResourceDefinition",
        "FlowSchema",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    }
)


@dataclass
class Session:
    """What Configure made: settings, and a cluster unless it is out of reach for a reason."""

    settings: Settings
    namespace: str
    cluster: Cluster | None
    feeds: Feeds | None
    unreachable: str
    cancelled: threading.Event

    @classmethod
    def open(cls, settings: Settings, cancelled: threading.Event) -> Session:
        """Read the kubeconfig and greet the server; neither has to succeed."""
        opened = cls(settings, settings.namespace or "default", None, None, "", cancelled)
        try:
            api, opened.namespace = settings.client()
        except ValueError as error:
            opened.unreachable = (
                f"no Kubernetes client can be made from the kubeconfig: {error}. How the provider is set up: {GUIDE}"
            )
            return opened
        cluster = Cluster(api)
        try:
            cluster.require_reachable()
        except (UnreachableError, ApiError) as error:
            opened.unreachable = f"unable to load schema information from the API server: {error}"
            return opened
        opened.cluster, opened.feeds = cluster, Feeds(cluster)
        return opened

    def require_cluster(self) -> Cluster:
        """The cluster.

        Raises:
            CallError: it is out of reach; the message says why.
        """
        if self.cluster is None:
            raise CallError(f"configured Kubernetes cluster is unreachable: {self.unreachable}")
        return self.cluster

    def serves(self, obj: Object) -> bool:
        """Whether the cluster is there and has the object's kind."""
        return self.cluster is not None and self.cluster.known(str(obj.get("apiVersion")), str(obj.get("kind")))

    def live(self, recorded: Object) -> Object:
        """The live object behind a recorded one.

        Raises:
            ApiError: it is not there, or may not be read.
            CallError: the cluster is out of reach.
        """
        cluster = self.require_cluster()
        resource = cluster.resource(recorded["apiVersion"], recorded["kind"])
        return cluster.get(resource, namespace_of(recorded), name_of(recorded))

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of the kind live in a namespace; an unknown kind is taken to."""
        if kind in _CLUSTER_SCOPED:
            return False
        if self.cluster is not None and self.cluster.known(api_version, kind):
            return self.cluster.resource(api_version, kind).namespaced
        return True

    def writer(self, manager: str, status: Callable[[str], None], *, preview: bool = False) -> Writer:
        """A writer for one object.

        Raises:
            CallError: the cluster is out of reach.
        """
        settings = self.settings
        return Writer(
            cluster=self.require_cluster(),
            manager=manager,
            preview=preview,
            server_side=settings.server_side_apply,
            force=settings.patch_force,
            upsert=settings.upsert,
            status=status,
            cancelled=self.cancelled,
        )

    def wait(self, written: Object, before: Object | None, inputs: Object, seconds: float | None, show: Show) -> Object:
        """Wait until what was written is ready, if there is something to wait for; the last that was seen of it.

        Raises:
            NotReadyError: it is not, in time.
            ValueError: the waitFor annotation cannot be understood.
        """
        waiting = self._awaiter(written, before, inputs, show)
        if waiting is None or self.cluster is None or self.feeds is None:
            return written
        limit = seconds or awaiter.DEFAULT_SECONDS
        try:
            return awaiter.wait(waiting, self.cluster, self.feeds, seconds=limit, cancelled=self.cancelled)
        finally:
            show("", False)

    def look(self, live: Object, inputs: Object, show: Show) -> None:
        """See once whether a live object is ready.

        Raises:
            NotReadyError: it is not.
        """
        kind = AWAITERS.get((live["apiVersion"], live["kind"]))
        if kind is None or live["kind"] not in LOOKED_AT or annotated_true(inputs, SKIP_AWAIT):
            return
        awaiter.look(kind(live, None, show), self.require_cluster())

    @staticmethod
    def _awaiter(written: Object, before: Object | None, inputs: Object, show: Show) -> Awaiter | None:
        if annotated_true(inputs, SKIP_AWAIT):
            return None
        text = annotation(written, WAIT_FOR)
        if text:
            return ConditionsAwaiter(written, before, show, text)
        kind = AWAITERS.get((written["apiVersion"], written["kind"]))
        return kind(written, before, show) if kind else None
