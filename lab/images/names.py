"""The names of the lab's images on a node: the default names in the program."""

from __future__ import annotations

from typing import Final

AIRFLOW: Final = "docker.io/apache/airflow:3.3.2"
COMPILED: Final = "localhost/airflow:3.3.2-compiled"
"""The same Airflow with bytecode, built from images/airflow/Containerfile, only on request."""
PANDAS: Final = "localhost/pandas:1.0.0"
"""Built from images/pandas/Containerfile, for pods that tasks start."""
PAPERMILL: Final = "localhost/papermill:1.0.0"
"""Built from images/papermill/Containerfile, for pods that tasks start."""
POSTGRES: Final = "docker.io/library/postgres:17-trixie"
VALKEY: Final = "docker.io/valkey/valkey:8.1-trixie"
ALPINE: Final = "docker.io/library/alpine:3.24.1"
"""The sidecar that holds the results of pods; the default name in cncf.kubernetes 10.22."""
SQL_PROXY: Final = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.28.0"
"""Built only on request, because no stack runs it by default."""
GIT_SYNC: Final = "registry.k8s.io/git-sync/git-sync:v4.5.1"
"""Built only on request, because no stack runs it by default."""
PAUSE: Final = "registry.k8s.io/pause:3.10.2"
"""The container that holds a pod's namespaces; the default name in Kubernetes 1.36 and containerd 2.4."""
CERT_MANAGER: Final = "quay.io/jetstack/cert-manager-controller:v1.21.2"
ACME_SOLVER: Final = "quay.io/jetstack/cert-manager-acmesolver:v1.21.2"
"""The pod that solves ACME challenges; cert-manager creates it with an image of its own version."""
TRAEFIK: Final = "docker.io/library/traefik:v3.7.13"
"""Built only for the test of a Gateway, like cert-manager's."""
