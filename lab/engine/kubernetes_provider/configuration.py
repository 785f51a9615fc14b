"""The provider's own settings: which cluster, and how it is treated."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import yaml
from kubernetes.client import ApiClient
from kubernetes.config import ConfigException, new_client_from_config_dict
from pulumi.runtime.proto import provider_pb2

from lab.engine.kubernetes_provider import certificates
from lab.engine.provider_values import is_unknown

IN_CLUSTER_NAMESPACE: Final = "default"
_CONNECTIONS: Final = 256
"""As many calls at once as the plugin's server takes; watches hold one each."""

_CLUSTER_KEYS: Final = ("kubeconfig", "context", "cluster")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the provider was configured with; a switch that is not set falls back to its environment variable."""

    kubeconfig: str | None
    context: str | None
    cluster: str | None
    namespace: str | None
    delete_unreachable: bool
    skip_update_unreachable: bool
    server_side_apply: bool
    mutable_config_maps: bool
    mutable_secrets: bool
    patch_force: bool
    upsert: bool
    render_to: Path | None
    always_render: bool

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Settings:
        """The settings from the provider's inputs."""
        directory = values.get("renderYamlToDirectory")
        return cls(
            kubeconfig=_text(values, "kubeconfig"),
            context=_text(values, "context"),
            cluster=_text(values, "cluster"),
            namespace=_text(values, "namespace"),
            delete_unreachable=_switch(values, "deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
            skip_update_unreachable=_switch(values, "skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
            server_side_apply=_switch(
                values, "enableServerSideApply", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", default=True
            ),
            mutable_config_maps=_switch(values, "enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
            mutable_secrets=_switch(values, "enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
            patch_force=_switch(values, "enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
            upsert=_switch(values, "upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
            render_to=Path(directory) if directory else None,
            always_render=_switch(values, "alwaysRender", ""),
        )

    def client(self) -> tuple[ApiClient, str]:
        """A client for the cluster, and the namespace of objects that name none.

        Raises:
            ValueError: the kubeconfig cannot be read, or has no such context.
        """
        config = loaded(self.kubeconfig) if self.kubeconfig else _ambient()
        if self.cluster:
            config = _with_cluster(config, self.context, self.cluster)
        # The library makes it for what a program that logs in prints.
        folder = Path(tempfile.gettempdir()) / f"kubeconfig-{uuid4().hex}"
        try:
            with certificates.in_memory(config) as held:
                api = new_client_from_config_dict(
                    held, context=self.context, persist_config=False, temp_file_path=str(folder)
                )
                api.configuration.connection_pool_maxsize = _CONNECTIONS
                # The pool was made with the old size.
                api = ApiClient(configuration=api.configuration)
                certificates.keep(api)
        except (ConfigException, AttributeError, KeyError, TypeError, OSError) as error:
            raise ValueError(str(error)) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        active = _entry(config.get("contexts"), self.context or config.get("current-context"), "context")
        return api, self.namespace or active.get("namespace") or IN_CLUSTER_NAMESPACE


def _text(values: Mapping[str, Any], key: str) -> str | None:
    found = values.get(key)
    return found if isinstance(found, str) and found else None


def _switch(values: Mapping[str, Any], key: str, variable: str, *, default: bool = False) -> bool:
    found = values.get(key)
    if found is None and variable in os.environ:
        found = os.environ[variable]
    return default if found is None else found is True or found == "true"


def loaded(path_or_contents: str) -> dict[str, Any]:
    """A kubeconfig from its contents (YAML or JSON) or from the file that the text names.

    Raises:
        ValueError: neither.
    """
    text = path_or_contents
    try:
        path = Path(text).expanduser()
        if path.exists():
            text = path.read_text()
    except OSError as error:
        # Contents are longer than a path may be; anything else is a file that we may not read.
        if "\n" not in path_or_contents and len(path_or_contents) < 4096:
            raise ValueError(str(error)) from error
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(config, dict):
        raise ValueError(f"neither a file nor a kubeconfig: {path_or_contents[:80]!r}")
    return config


def _ambient() -> dict[str, Any]:
    paths = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    for path in paths.split(os.pathsep):
        if path and Path(path).exists():
            return loaded(path)
    raise ValueError("invalid configuration: no configuration has been provided, and there is none in ~/.kube/config")


def _entry(entries: Any, name: str | None, key: str) -> dict[str, Any]:
    for entry in entries or []:
        if entry.get("name") == name:
            return entry.get(key) or {}
    return {}


def _with_cluster(config: dict[str, Any], context: str | None, cluster: str) -> dict[str, Any]:
    active = context or config.get("current-context")
    contexts = [
        {**entry, "context": {**entry["context"], "cluster": cluster}} if entry.get("name") == active else entry
        for entry in config.get("contexts") or []
    ]
    return {**config, "contexts": contexts}


def check(values: Mapping[str, Any]) -> list[provider_pb2.CheckFailure]:
    """What is wrong with the provider's inputs: rendering to files excludes naming a cluster."""
    if not values.get("renderYamlToDirectory"):
        return []
    return [
        provider_pb2.CheckFailure(property=key, reason=f'"{key}" and "renderYamlToDirectory" exclude each other')
        for key in ("cluster", "context", "kubeconfig")
        if values.get(key)
    ]


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> provider_pb2.DiffResponse:
    """What changed in the provider, which is replaced (and every object with it) only when the cluster is another one.

    `clusterIdentifier` decides alone where it is set before and after. Otherwise the cluster's entry in the
    kubeconfig decides; one that is not known yet counts as another.
    """
    changed = [key for key in [*old, *(key for key in new if key not in old)] if old.get(key) != new.get(key)]
    changed = [key for key in changed if not key.startswith("__")]
    response = provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
    if not changed:
        return response
    response.changes = provider_pb2.DiffResponse.DIFF_SOME
    replaces = []
    identified = [side.get("clusterIdentifier") for side in (old, new)]
    if all(identified) and identified[0] != identified[1]:
        replaces.append("clusterIdentifier")
    unknown = [key for key in _CLUSTER_KEYS if is_unknown(new.get(key))]
    if unknown:
        changed = unknown[:1]
        replaces += changed
    else:
        if "renderYamlToDirectory" in changed:
            replaces.append("renderYamlToDirectory")
        before, after = _active_cluster(old), _active_cluster(new)
        if before and after and before != after:
            replaces += [key for key in _CLUSTER_KEYS if key in changed]
    response.diffs.extend(changed)
    if not (identified[1] and identified[0] == identified[1]):
        response.replaces.extend(replaces)
    return response


def _active_cluster(values: Mapping[str, Any]) -> dict[str, Any]:
    if not values.get("kubeconfig"):
        return {}
    config = loaded(values["kubeconfig"]) if isinstance(values["kubeconfig"], str) else values["kubeconfig"]
    context = _entry(config.get("contexts"), values.get("context") or config.get("current-context"), "context")
    return _entry(config.get("clusters"), values.get("cluster") or context.get("cluster"), "cluster")
