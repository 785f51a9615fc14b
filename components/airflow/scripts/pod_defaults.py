"""Policy of Airflow that completes the pods of tasks, so that the namespace for tasks accepts them.

Airflow calls it for each pod of the KubernetesPodOperator in the process of the task (cncf.kubernetes 10.22,
operators/pod.py), and for each pod of the Kubernetes executor in the scheduler (pod_generator.py). Airflow loads it as
a plugin of the entry point group `airflow.policy`, so a module `airflow_local_settings` of the image works beside it;
its own `pod_mutation_hook` runs first.

Whatever the author of a DAG has set stays. The defaults are in the file `pod_defaults.json` beside this one.
"""

import functools
import json
import sys
from pathlib import Path

import pluggy

hookimpl = pluggy.HookimplMarker("airflow.policy")
SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
SUFFIX = 9
"""Characters at the end of a pod's name that make it unique, the dash included."""
NAME_MAX = 63


@functools.cache
def defaults():
    """The defaults of this instance."""
    return json.loads((Path(__file__).parent / "pod_defaults.json").read_text())


@hookimpl(trylast=True)
def pod_mutation_hook(pod):
    """Complete a pod in place."""
    keep_results()
    # An import of the client takes a second, and most processes of Airflow create no pod.
    from kubernetes.client import ApiClient

    client = ApiClient()
    # Operators accept models and plain maps, also mixed. In JSON both are the same.
    plain = client.sanitize_for_serialization(pod)
    complete(plain, defaults())
    completed = client._ApiClient__deserialize(plain, "V1Pod")
    pod.metadata, pod.spec = completed.metadata, completed.spec


def keep_results():
    """Let a task keep the result that it has read from its pod when the sidecar for results cannot be stopped.

    BusyBox has no `pgrep -u`, and some container runtimes refuse the signal; the operator then fails the task, and the
    pod is deleted all the same, https://github.com/apache/airflow/issues/71369. Remove this when all supported versions
    of the provider have https://github.com/apache/airflow/pull/72068, which does the same.
    """
    # Only where the operator has imported it: the scheduler needs none of this.
    module = sys.modules.get("airflow.providers.cncf.kubernetes.utils.pod_manager")
    manager = getattr(module, "PodManager", None)
    refused = getattr(module, "PodCommandException", None)
    stop = getattr(manager, "extract_xcom_kill", None)
    # Airflow's own names: another release may have none of them, and then stays as it is.
    if stop is None or refused is None or hasattr(stop, "tolerant"):
        return

    def extract_xcom_kill(self, pod):
        try:
            return stop(self, pod)
        except refused as error:
            self.log.warning("The sidecar for results could not be stopped, and ends with its pod: %s", error)

    extract_xcom_kill.tolerant = True
    manager.extract_xcom_kill = extract_xcom_kill


def complete(pod, values):
    """Complete a pod in JSON in place."""
    metadata, spec = pod.setdefault("metadata", {}), pod.setdefault("spec", {})
    labels = metadata.setdefault("labels", {})
    metadata.setdefault("annotations", {}).setdefault(SAFE_TO_EVICT, "false")
    for key, value in values["labels"].items():
        labels.setdefault(key, value)
    if labels.get("kubernetes_executor") == "True":
        metadata["name"] = executor_name(metadata["name"], values["executor_prefix"])
    else:
        _complete_operator_pod(metadata, spec, values)
    _restrict(spec, values["user"])
    for container in spec.get("containers", []):
        _limit(container, values["resources"])


def executor_name(name, prefix):
    """The name of a pod of the executor: nobody but the scheduler may create or enter pods with this prefix."""
    if name.startswith(prefix):
        return name
    if len(prefix) + len(name) <= NAME_MAX:
        return prefix + name
    head, tail = name[:-SUFFIX], name[-SUFFIX:]
    return prefix + head[: NAME_MAX - len(prefix) - SUFFIX].rstrip("-.") + tail


def _complete_operator_pod(metadata, spec, values):
    """Complete a pod of an operator: name, namespace, account, image pulls, placement, resources."""
    if metadata.get("name", "").startswith(values["executor_prefix"]):
        metadata["name"] = f"pod-{metadata['name']}"[:NAME_MAX].rstrip("-.")
    # A connection without a namespace leads to that of the pod in which the task runs.
    if metadata.get("namespace") in (None, "", values["instance_namespace"]):
        metadata["namespace"] = values["namespace"]
    if not spec.get("serviceAccountName"):
        spec["serviceAccountName"] = values["service_account"]
    if spec.get("automountServiceAccountToken") is None:
        spec["automountServiceAccountToken"] = False
    pull_secret = values["pull_secret"]
    if pull_secret is not None:
        secrets = spec.setdefault("imagePullSecrets", [])
        if {"name": pull_secret} not in secrets:
            secrets.append({"name": pull_secret})
    if not spec.get("nodeSelector") and not spec.get("affinity") and values["node_selector"]:
        spec["nodeSelector"] = dict(values["node_selector"])
        if values["taint"] is not None:
            spec.setdefault("tolerations", []).append(
                {"key": values["taint"], "operator": "Exists", "effect": "NoSchedule"}
            )
    if spec.get("containers"):
        _request(spec["containers"][0], values["resources"])


def _request(container, resources):
    """Give the main container the requests and limits that it lacks."""
    own = container.get("resources") or {}
    requests, limits = own.setdefault("requests", {}), own.setdefault("limits", {})
    for resource, amount in resources.items():
        if resource not in requests and resource not in limits:
            requests[resource] = amount
            if resource != "cpu":
                limits[resource] = amount
    container["resources"] = own


def _limit(container, resources):
    """Limit memory and disk to a request above the default limit, which the namespace's limit range would refuse."""
    from kubernetes.utils.quantity import parse_quantity

    own = container.get("resources") or {}
    requests, limits = own.get("requests") or {}, own.setdefault("limits", {})
    for resource, amount in resources.items():
        requested = requests.get(resource)
        if resource == "cpu" or requested is None or resource in limits:
            continue
        if parse_quantity(requested) > parse_quantity(amount):
            limits[resource] = requested
    container["resources"] = own


def _restrict(spec, user):
    """Complete the security contexts for Pod Security `restricted`."""
    pod = spec.get("securityContext") or {}
    spec["securityContext"] = pod
    pod.setdefault("runAsNonRoot", True)
    pod.setdefault("seccompProfile", {"type": "RuntimeDefault"})
    # Many images start as root, and nothing here may.
    pod.setdefault("runAsUser", user["uid"])
    pod.setdefault("fsGroup", user["fs_group"])
    pod.setdefault("fsGroupChangePolicy", "OnRootMismatch")
    for container in [*(spec.get("initContainers") or []), *spec.get("containers", [])]:
        own = container.get("securityContext") or {}
        container["securityContext"] = own
        # Together with `privileged` it is invalid, and hides that the namespace refuses privileged containers.
        if not own.get("privileged"):
            own.setdefault("allowPrivilegeEscalation", False)
        own.setdefault("capabilities", {}).setdefault("drop", ["ALL"])
