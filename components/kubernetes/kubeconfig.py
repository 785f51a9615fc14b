"""Reader of kubeconfig files."""

from __future__ import annotations

import base64
import json
import os
import ssl
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, cast

import yaml

LEAST_KUBERNETES: Final = (1, 30)
"""The oldest Kubernetes version that Airflow 3.3 is tested on, https://airflow.apache.org/docs/apache-airflow/stable/installation/prerequisites.html."""
ANSWER_SECONDS: Final = 3.0
"""Timeout of the request for the cluster's version; a preview works without an answer."""


@dataclass(frozen=True, kw_only=True)
class Kubeconfig:
    """One kubeconfig file and its content."""

    path: Path
    content: dict[str, Any]

    @property
    def contexts(self) -> list[str]:
        """The names of its contexts."""
        return [str(entry["name"]) for entry in self._entries("contexts") if "name" in entry]

    @property
    def current_context(self) -> str | None:
        """The context that kubectl uses."""
        return self.content.get("current-context") or None

    def cluster_server(self, context: str) -> str:
        """The API server's URL of a context, which distinguishes two clusters; empty if the file has none."""
        return str(self._cluster(context).get("server") or "")

    def served_version(self, context: str) -> tuple[int, int] | None:
        """Major and minor version of the context's cluster, or None if it does not answer."""
        cluster = self._cluster(context)
        try:
            request = urllib.request.Request(f"{self.cluster_server(context).rstrip('/')}/version")  # noqa: S310 - the user's own URL
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS, context=self._trust(cluster)) as answer:  # noqa: S310
                version = json.load(answer)
            return int(version["major"]), int("".join(filter(str.isdigit, version["minor"])))
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return None

    def _cluster(self, context: str) -> dict[str, Any]:
        name = self._named("contexts", context, "context").get("cluster")
        return self._named("clusters", name, "cluster") if name else {}

    def _entries(self, kind: str) -> list[dict[str, Any]]:
        """The entries of a list; elements that are not mappings are ignored."""
        listed: Any = self.content.get(kind)
        entries = cast("list[Any]", listed) if isinstance(listed, list) else []
        return [cast("dict[str, Any]", entry) for entry in entries if isinstance(entry, dict)]

    def _named(self, kind: str, name: object, key: str) -> dict[str, Any]:
        """The value under `key` of the entry with that name; empty if there is none."""
        for entry in self._entries(kind):
            if entry.get("name") == name and isinstance(entry.get(key), dict):
                return cast("dict[str, Any]", entry[key])
        return {}

    def _trust(self, cluster: dict[str, Any]) -> ssl.SSLContext:
        if cluster.get("insecure-skip-tls-verify"):
            return ssl._create_unverified_context()  # noqa: S323 # pyright: ignore[reportPrivateUsage] - as the user's kubectl does
        if data := cluster.get("certificate-authority-data"):
            return ssl.create_default_context(cadata=base64.b64decode(data).decode())
        if file := cluster.get("certificate-authority"):
            return ssl.create_default_context(cafile=self.path.parent / file)
        return ssl.create_default_context()


def read(path: str | None) -> Kubeconfig:
    """Read a kubeconfig: the file at `path`, else the first file of KUBECONFIG, else ~/.kube/config.

    Raises:
        ValueError: the file does not exist, is not readable, or is not a kubeconfig; the message is "rule; remedy".
    """
    path = path or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or "~/.kube/config"
    # Not Path.expanduser, which raises if there is no home folder.
    file = Path(os.path.expanduser(path))  # noqa: PTH111
    remedy = "point KUBECONFIG or airflow:cloud.kubeconfig at the cluster's kubeconfig, or run `make demo`"
    try:
        content: Any = yaml.safe_load(file.read_text())
    except OSError as error:
        raise ValueError(f"cannot be read ({file}: {error.strerror}); {remedy}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ValueError(f"is not YAML ({file}); {remedy}") from None
    if not isinstance(content, dict) or "clusters" not in content:
        raise ValueError(f"is not a kubeconfig ({file} has no clusters); {remedy}")
    return Kubeconfig(path=file, content=cast("dict[str, Any]", content))
