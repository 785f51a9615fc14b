"""Programs on this machine that the engine runs to log in to a managed cluster."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Final

from components.settings.errors import SettingError
from components.settings.secret_keys import PROJECT
from components.settings.sections.cloud import Cloud

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
"""By kind of cloud: the program that the kubeconfig of its clusters runs, and how to get it."""


def setting_errors(cloud: Cloud) -> Iterator[SettingError]:
    """A missing login program: without this check it shows when cluster and database exist and cost money."""
    program, remedy = LOGIN.get(cloud.kind, ("", ""))
    if program and shutil.which(program) is None:
        yield SettingError(
            key=f"{PROJECT}:cloud.kind",
            value=cloud.kind,
            rule=f"needs the program {program}, which logs in to its cluster and is not on PATH",
            remedy=remedy,
        )
