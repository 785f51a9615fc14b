"""The cluster of a stack: whether it answers, and the rights of the login that kubectl has."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from components.cloud.preflight.findings import Finding, missing, ok, unknown
from operations import programs, stacks
from operations.errors import OperationError, error_line

TIMEOUT_SECONDS: Final = 4.0
"""Maximum time of one request."""
RIGHTS: Final = (
    ("create", "namespaces"),
    ("create", "validatingadmissionpolicies.admissionregistration.k8s.io"),
    ("create", "roles.rbac.authorization.k8s.io"),
    ("create", "deployments.apps"),
    ("create", "secrets"),
)
"""Some of what `up` creates: each needs a right that a common role lacks."""


def findings(cloud: Mapping[str, Any], namespace: str, outputs: Mapping[str, Any]) -> Iterator[Finding]:
    """Findings about the cluster; none before a cloud's first `up`, when there is no cluster yet.

    Args:
        cloud: the setting `airflow:cloud`, as written.
        namespace: the namespace of the instance.
        outputs: the outputs of the stack; empty before its first `up`.
    """
    command = _kubectl(cloud, outputs)
    if command is None:
        return
    try:
        answer = _run([*command, "version", "--output=json"])
        if answer is not None:
            login = outputs.get("kubeconfig_command")
            remedy = f"log in to the cluster: {login}" if login else "check airflow:cloud.kubeconfig, and your network"
            yield missing(f"the cluster does not answer ({answer})", remedy)
            return
        yield ok("the cluster answers")
        yield from _rights(command, namespace)
    except OperationError as error:
        yield unknown(f"cluster: {error}", "check your network, and the address of the cluster")


def _rights(command: Sequence[str], namespace: str) -> Iterator[Finding]:
    def lacks(right: tuple[str, str]) -> bool:
        return _run([*command, "auth", "can-i", *right, "--namespace", namespace]) is not None

    with ThreadPoolExecutor(len(RIGHTS)) as pool:
        refused = [" ".join(right) for right, no in zip(RIGHTS, pool.map(lacks, RIGHTS), strict=True) if no]
    if refused:
        remedy = "ask an administrator of the cluster for the ClusterRole cluster-admin"
        yield missing(f"this login may not {', '.join(refused)} in the cluster", remedy)
    else:
        yield ok(f"this login has the {len(RIGHTS)} rights in the cluster that are asked for")


def _kubectl(cloud: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[str] | None:
    """The command for the stack's cluster; None without a cluster."""
    timeout = f"--request-timeout={TIMEOUT_SECONDS:.0f}s"
    if outputs.get("kubectl"):
        return [*shlex.split(outputs["kubectl"]), timeout]
    if cloud.get("kind") != "existing":
        return None
    chosen = [f"--{option}={cloud[option]}" for option in ("kubeconfig", "context") if cloud.get(option)]
    return ["kubectl", *chosen, timeout]


def _run(command: Sequence[str]) -> str | None:
    """The error of a command; None if it succeeded."""
    done = programs.run(
        command,
        folder=stacks.project_folder(),
        timeout_seconds=TIMEOUT_SECONDS + 1,
        missing="there is no `kubectl` on the PATH",
        late="it does not answer",
    )
    return None if done.returncode == 0 else error_line(done.stderr, f"it ended with {done.returncode}")
