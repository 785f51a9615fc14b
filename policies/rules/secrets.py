"""Rules for secrets in clear: values that everybody reads who may read the object, the cloud's console or the log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from policies.conditions import listed
from policies.pods import CONFIG_MAP, TYPES, pods
from policies.resource import HIDDEN_TEXT, Resource, at, is_unknown, mapping
from policies.rule import Rule

PASSWORD_IN_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:(?P<password>[^\s/@'\"]+)@", re.IGNORECASE)
PRIVATE_KEY: Final = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")
SECRET_NAME: Final = re.compile(
    r"(password|passwd|passphrase|secret|token|api_?key|private_?key|fernet_?key|access_?key|credential)s?$",
    re.IGNORECASE,
)
"""Names of values that are secrets. A name that ends otherwise is that of a file, a Secret or a command."""
OPTION: Final = re.compile(r"^\s*(?P<name>[\w.]+)\s*[=:]\s*(?P<value>\S.*)$", re.MULTILINE)
"""An option in the text of a file such as airflow.cfg."""
ARGUMENT: Final = re.compile(r"^--?(?P<name>[\w-]+)=(?P<value>.+)$", re.DOTALL)
REFERENCE: Final = re.compile(r"\$[({]?\w+[)}]?|\{\{.*\}\}|<.*>|none|null|true|false|\d+", re.IGNORECASE)
"""Values that only refer to a secret, or cannot be one."""
CODE: Final = (".py", ".sh")
"""Ends of keys whose texts are programs, in which a name followed by = is a variable."""
CLUSTER: Final = "gcp:container/cluster:Cluster"
POOL: Final = "gcp:container/nodePool:NodePool"
INSTANCES: Final = ("gcp:compute/instance:Instance", "gcp:compute/instanceTemplate:InstanceTemplate")
REMEDY: Final = "Put the value into a Kubernetes Secret, as components/airflow/secrets does, and refer to it."
PRACTICES: Final = "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"


def _secret_in(text: Any) -> str | None:
    """The kind of secret that a text holds in clear, whatever its name is; never the secret itself."""
    if not isinstance(text, str) or is_unknown(text):
        return None
    if text == HIDDEN_TEXT:
        return "a value that is secret in the stack's state"
    if PRIVATE_KEY.search(text):
        return "a private key"
    for found in PASSWORD_IN_URL.finditer(text):
        if not REFERENCE.fullmatch(found["password"]):
            return "a URL with a password"
    return None


def _secret_named(name: str, value: Any) -> str | None:
    """The kind of secret that a value is, by its name or by its text."""
    if found := _secret_in(value):
        return found
    if isinstance(value, str) and value and not is_unknown(value) and SECRET_NAME.search(name.replace("-", "_")):
        return None if REFERENCE.fullmatch(value) else "a secret by its name"
    return None


def _environment(resource: Resource) -> Iterator[str]:
    for pod in pods(resource):
        for path, container in pod.containers:
            for variable in listed(at(container, "env")):
                name = str(at(variable, "name"))
                if found := _secret_named(name, at(variable, "value")):
                    yield f"{path}.env[{name}] is {found} in clear"


def _arguments(resource: Resource) -> Iterator[str]:
    for pod in pods(resource):
        for path, container in pod.containers:
            for key in ("command", "args"):
                for index, argument in enumerate(listed(at(container, key))):
                    option = ARGUMENT.match(argument) if isinstance(argument, str) else None
                    found = _secret_named(option["name"], option["value"]) if option else None
                    if found := found or _secret_in(argument):
                        yield f"{path}.{key}[{index}] is {found} in clear"


def _config_map(resource: Resource) -> Iterator[str]:
    for key, text in [*mapping(at(resource.props, "data")).items(), *mapping(at(resource.props, "binaryData")).items()]:
        if found := _secret_named(key, text):
            yield f"data[{key}] is {found} in clear"
        elif isinstance(text, str) and not key.endswith(CODE):
            for option in OPTION.finditer(text):
                if SECRET_NAME.search(option["name"]) and not REFERENCE.fullmatch(option["value"].strip("\"' ")):
                    yield f"data[{key}] has the option {option['name']}, a secret by its name, in clear"


def _metadata(resource: Resource) -> Iterator[str]:
    objects = [("metadata.", at(resource.props, "metadata"))]
    objects += [(f"{pod.path}metadata.", at(pod.content, "metadata")) for pod in pods(resource)]
    for path, metadata in objects:
        for key in ("annotations", "labels"):
            for name, value in mapping(at(metadata, key)).items():
                if found := _secret_named(name.rpartition("/")[2], value):
                    yield f"{path}{key}[{name}] is {found} in clear"


def _machine_metadata(resource: Resource) -> Iterator[str]:
    for path in ("metadata", "metadataStartupScript", "nodeConfig.metadata", "labels", "nodeConfig.labels"):
        value = at(resource.props, path)
        if found := _secret_in(value):
            yield f"{path} is {found} in clear"
        for name, text in mapping(value).items():
            if found := _secret_named(name, text):
                yield f"{path}[{name}] is {found} in clear"


RULES: Final = (
    Rule(
        id="secret-environment",
        title="No environment variable is a secret in clear.",
        prod="mandatory",
        dev="mandatory",
        remedy=REMEDY,
        source=PRACTICES,
        checks=dict.fromkeys(TYPES, _environment),
    ),
    Rule(
        id="secret-arguments",
        title="No argument of a container is a secret in clear.",
        prod="mandatory",
        dev="mandatory",
        remedy=REMEDY,
        source=PRACTICES,
        checks=dict.fromkeys(TYPES, _arguments),
    ),
    Rule(
        id="secret-config-map",
        title="No ConfigMap holds a secret.",
        prod="mandatory",
        dev="mandatory",
        remedy=f"{REMEDY} Options of airflow.cfg that are secrets do not belong in airflow:options.",
        source=PRACTICES,
        checks={CONFIG_MAP: _config_map},
    ),
    Rule(
        id="secret-metadata",
        title="No annotation or label is a secret in clear.",
        prod="mandatory",
        dev="mandatory",
        remedy=REMEDY,
        source=PRACTICES,
        checks=dict.fromkeys((*TYPES, "kubernetes:core/v1:Service", "kubernetes:core/v1:Namespace"), _metadata),
    ),
    Rule(
        id="secret-machine-metadata",
        title="No metadata of a machine is a secret in clear: every pod and process on it can read them.",
        prod="mandatory",
        dev="mandatory",
        remedy="Remove the value. The program itself gives nodes no metadata.",
        source="https://cloud.google.com/compute/docs/metadata/overview",
        checks=dict.fromkeys((CLUSTER, POOL, *INSTANCES), _machine_metadata),
    ),
)
