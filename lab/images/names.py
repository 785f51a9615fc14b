"""The names under which the lab's images are known to a node: those that the program asks for by default."""

from __future__ import annotations

from typing import Final

AIRFLOW: Final = "docker.io/apache/airflow:3.3.2"
COMPILED: Final = "localhost/airflow:3.3.2-compiled"
"""The same Airflow with bytecode, as images/airflow/Containerfile makes it; built only by what asks for it."""
POSTGRES: Final = "docker.io/library/postgres:17-trixie"
VALKEY: Final = "docker.io/valkey/valkey:8.1-trixie"
SQL_PROXY: Final = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.28.0"
"""Built only by what asks for it, as no stack runs it by default."""
PAUSE: Final = "registry.k8s.io/pause:3.10.2"
"""What holds a pod's namespaces; the name that Kubernetes 1.36 and containerd 2.4 have by default."""
CERT_MANAGER: Final = "quay.io/jetstack/cert-manager-controller:v1.21.2"
ACME_SOLVER: Final = "quay.io/jetstack/cert-manager-acmesolver:v1.21.2"
"""The pod that proves the possession of a host; cert-manager makes it with an image of its own version."""
TRAEFIK: Final = "docker.io/library/traefik:v3.7.13"
"""Built only for the test of a Gateway, like cert-manager's."""
