"""Checks of settings against this machine and the cluster: kubeconfig, Kubernetes version, login programs.

They read files, PATH and one URL, so they are apart from the parser. They take unparsed values, because an error in
another key of the cloud must not hide theirs. Questions to a cloud's API are in components/cloud/preflight.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Final, cast

from components.kubernetes import kubeconfig
from components.settings.errors import SettingError
from components.settings.secret_keys import PROJECT

IMAGE_VOLUMES: Final = (1, 35)
"""The first Kubernetes version with images as volumes on by default, https://kubernetes.io/docs/tasks/configure-pod-container/image-volumes/."""
LOGIN: Final = {
    "gcp": (
        "gke-gcloud-auth-plugin",
        "install it: `gcloud components install gke-gcloud-auth-plugin`, or, where gcloud came from a package "
        "manager, the package google-cloud-cli-gke-gcloud-auth-plugin",
        # https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl#install_plugin
    ),
    "azure": (
        "kubelogin",
        "install it: `az aks install-cli`, or https://azure.github.io/kubelogin/install.html",
    ),
}
"""By kind of cloud: the program that the kubeconfig of its clusters runs, and how to install it."""


def setting_errors(values: Mapping[str, object]) -> Iterator[SettingError]:
    """Errors in the settings of the cloud that only this machine shows.

    Args:
        values: the value of each key of a stack file, without the project's name.
    """
    cloud = values.get("cloud")
    if not isinstance(cloud, Mapping):
        return
    settings = cast("Mapping[str, object]", cloud)
    kind = settings.get("kind")
    if kind == "existing":
        yield from _kubeconfig_errors(settings)
        yield from _image_volume_errors(settings, values.get("dags"))
    elif isinstance(kind, str) and kind in LOGIN:
        yield from _login_errors(kind)


def _login_errors(kind: str) -> Iterator[SettingError]:
    """A missing login program: without this check it shows when cluster and database exist and cost money."""
    program, remedy = LOGIN[kind]
    if shutil.which(program) is None:
        yield SettingError(
            key=f"{PROJECT}:cloud.kind",
            value=kind,
            rule=f"needs the program {program}, which logs in to its cluster and is not on PATH",
            remedy=remedy,
        )


def _kubeconfig_errors(cloud: Mapping[str, object]) -> Iterator[SettingError]:
    """Errors of the kubeconfig and of the context."""
    path, chosen = (str(cloud[key]) if cloud.get(key) else None for key in ("kubeconfig", "context"))
    try:
        config = kubeconfig.read(path)
    except ValueError as error:
        rule, _, remedy = str(error).partition("; ")
        yield SettingError(key=f"{PROJECT}:cloud.kubeconfig", value=path, rule=rule, remedy=remedy)
        return
    context = chosen or config.current_context
    found = _context_error(config, context)
    if found is not None:
        rule, remedy = found
        yield SettingError(key=f"{PROJECT}:cloud.context", value=context, rule=rule, remedy=remedy)


def _image_volume_errors(cloud: Mapping[str, object], dags: object) -> Iterator[SettingError]:
    """Images as volumes in a cluster whose API server refuses such pods."""
    sources = cast("list[object]", dags) if isinstance(dags, list) else []
    mounts = [
        cast("Mapping[str, object]", source).get("mount") if isinstance(source, Mapping) else None for source in sources
    ]
    used = [
        index
        for index, mount in enumerate(mounts)
        if isinstance(mount, Mapping) and cast("Mapping[str, object]", mount).get("kind") == "image_volume"
    ]
    version = _version(cloud) if used else None
    if version is not None and version < IMAGE_VOLUMES:
        for index in used:
            yield SettingError(
                key=f"{PROJECT}:dags[{index}].mount.kind",
                value="image_volume",
                rule=f"requires Kubernetes {'.'.join(map(str, IMAGE_VOLUMES))}, and the cluster runs "
                f"{'.'.join(map(str, version))}",
                remedy='choose kind "copy", or upgrade the cluster',
            )


def _version(cloud: Mapping[str, object]) -> tuple[int, int] | None:
    """The Kubernetes version of the cluster; None if it does not answer, or if the kubeconfig has an error."""
    path, chosen = (str(cloud[key]) if cloud.get(key) else None for key in ("kubeconfig", "context"))
    try:
        config = kubeconfig.read(path)
    except ValueError:
        return None
    context = chosen or config.current_context
    if context is None or context not in config.contexts or not config.cluster_server(context):
        return None
    return config.served_version(context)


def _context_error(config: kubeconfig.Kubeconfig, context: str | None) -> tuple[str, str] | None:
    """The rule that a context breaks, and the remedy."""
    if context is None or context not in config.contexts:
        others = ", ".join(config.contexts)
        rule = f"is not a context of {config.path}"
        if context is None:
            rule = f"is missing, and {config.path} has no current context"
        return rule, f"choose one of {others}" if others else "the file has none; use another one"
    if not config.cluster_server(context):
        return f"has no cluster with a server in {config.path}", "correct the file or choose another context"
    version = config.served_version(context)
    if version is not None and version < kubeconfig.LEAST_KUBERNETES:
        minimum = ".".join(map(str, kubeconfig.LEAST_KUBERNETES))
        return (
            f"runs Kubernetes {'.'.join(map(str, version))}, below {minimum}, the minimum of Airflow 3",
            "upgrade the cluster or choose another context",
        )
    return None
