"""The only reader of stack config: all settings of a stack, or all faults in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, cast, get_args, get_origin
from urllib.parse import urlsplit

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from components import kubeconfig
from components.faults import Fault, SettingsError, shape_faults
from components.settings.cloud import GivenDatabase, LocalCloud
from components.settings.executor import CeleryExecutor, KubernetesExecutor, MixedExecutor
from components.settings.stack import Settings

PROJECT: Final = "airflow"
METADATA_URL: Final = "metadata_database_url"
RESULT_URL: Final = "result_database_url"
SECRETS: Final = frozenset({METADATA_URL, RESULT_URL})
"""Secret keys of the stack: read where they are used, checked here, and never part of Settings."""


def load() -> Settings:
    """The settings of the running stack.

    Raises:
        SettingsError: at least one setting cannot be used; the message lists them all.
    """
    return parse({**get_config_env(), **CONFIG.get()})


def parse(config: Mapping[str, str]) -> Settings:
    """The settings in a stack's raw config, whose keys carry the project's name.

    Raises:
        SettingsError: at least one setting cannot be used; the message lists them all.
    """
    raw = {key.removeprefix(f"{PROJECT}:"): text for key, text in config.items() if key.startswith(f"{PROJECT}:")}
    faults: list[Fault] = []
    parsed: dict[str, Any] = {}
    for key in sorted(raw.keys() - Settings.model_fields.keys() - SECRETS):
        faults.extend(_section_faults(key, raw[key], f"no setting; known here: {', '.join(Settings.model_fields)}"))
    for key, field in Settings.model_fields.items():
        if key not in raw:
            if field.is_required():
                remedy = f"set it: pulumi config set --path {PROJECT}:{key}.kind …"
                faults.append(Fault(key=f"{PROJECT}:{key}", value=None, rule="is missing", remedy=remedy))
            continue
        # A field's constraints live beside its annotation; a union's discriminator does too.
        annotation = cast(Any, Annotated).__class_getitem__((field.annotation, *_constraints(field)))
        try:
            parsed[key] = TypeAdapter[Any](annotation).validate_python(_value(raw[key], field))
        except ValidationError as error:
            faults.extend(shape_faults(f"{PROJECT}:{key}", error, known_keys(annotation)))
    faults.extend(_cross_faults(raw, parsed))
    if faults:
        raise SettingsError(faults)
    return Settings.model_validate(parsed)


def _section_faults(key: str, text: str, rule: str) -> Iterator[Fault]:
    yield Fault(key=f"{PROJECT}:{key}", value=text, rule=f"is {rule}", remedy=f"pulumi config rm {PROJECT}:{key}")


def _constraints(field: FieldInfo) -> Sequence[Any]:
    extra = [Field(discriminator=field.discriminator)] if field.discriminator else []
    return [*field.metadata, *extra] or [Field()]


def _value(text: str, field: FieldInfo) -> object:
    """The parsed form of a key's text: Pulumi hands objects over as JSON and everything else as it was written."""
    scalars: set[Any] = {str, bool, int}
    if field.annotation in scalars:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def known_keys(annotation: Any, path: str = "") -> dict[str, Sequence[str]]:
    """For each model inside a type, by the path that pydantic reports, the keys that it takes."""
    found: dict[str, Sequence[str]] = {}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        found[path] = tuple(annotation.model_fields)
        for name, field in annotation.model_fields.items():
            found.update(known_keys(field.annotation, f"{path}.{name}".lstrip(".")))
        return found
    for part in get_args(annotation) if get_origin(annotation) else ():
        if isinstance(part, type) and issubclass(part, BaseModel) and "kind" in part.model_fields:
            tag = get_args(part.model_fields["kind"].annotation)[0]
            found.update(known_keys(part, f"{path}.{tag}".lstrip(".")))
        else:
            found.update(known_keys(part, path))
    return found


def _cross_faults(raw: Mapping[str, str], parsed: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults between settings, and between settings and what they point at."""
    cloud, executor = parsed.get("cloud"), parsed.get("executor")
    if cloud is not None and not isinstance(cloud, LocalCloud):
        yield Fault(
            key=f"{PROJECT}:cloud.kind",
            value=cloud.kind,
            rule="is not there yet: this version deploys to clusters that exist already",
            remedy='choose kind "local", or use stack local: pulumi up -s local',
        )
    yield from _cluster_faults(raw)
    if isinstance(cloud, LocalCloud) and isinstance(cloud.database, GivenDatabase):
        yield from _url_fault(raw, METADATA_URL)
        if isinstance(executor, CeleryExecutor | MixedExecutor):
            yield from _url_fault(raw, RESULT_URL)
    logs, dags = parsed.get("logs"), parsed.get("dags")
    if isinstance(executor, KubernetesExecutor | MixedExecutor) and logs is not None and logs.kind == "worker":
        yield Fault(
            key=f"{PROJECT}:logs.kind",
            value=logs.kind,
            rule=f"loses every log of a task pod when the pod ends, with executor {executor.kind!r}",
            remedy='choose kind "volume"',
        )
    if dags is not None and dags.kind == "host_path" and cloud is not None and not isinstance(cloud, LocalCloud):
        yield Fault(
            key=f"{PROJECT}:dags.kind",
            value=dags.kind,
            rule="reads a folder of the node, which only a local cluster has",
            remedy='choose kind "image"',
        )


def _cluster_faults(raw: Mapping[str, str]) -> Iterator[Fault]:
    """What is wrong with the kubeconfig; told even when other keys of the cloud are at fault."""
    try:
        cloud: Any = json.loads(raw.get("cloud", ""))
    except ValueError:
        return
    if not isinstance(cloud, dict) or cast("dict[str, Any]", cloud).get("kind") != "local":
        return
    path, wanted = (str(cloud[key]) if cloud.get(key) else None for key in ("kubeconfig", "context"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    try:
        config = kubeconfig.read(path)
    except ValueError as error:
        rule, _, remedy = str(error).partition("; ")
        yield Fault(key=f"{PROJECT}:cloud.kubeconfig", value=path, rule=rule, remedy=remedy)
        return
    context = wanted or config.current_context
    if context not in config.contexts:
        yield Fault(
            key=f"{PROJECT}:cloud.context",
            value=context,
            rule=f"is not a context of {config.path}",
            remedy=f"choose one of {', '.join(config.contexts) or 'none: the file has no contexts'}",
        )
        return
    version = config.served_version(context)
    if version is not None and version < kubeconfig.LEAST_KUBERNETES:
        least = ".".join(map(str, kubeconfig.LEAST_KUBERNETES))
        yield Fault(
            key=f"{PROJECT}:cloud.context",
            value=context,
            rule=f"runs Kubernetes {'.'.join(map(str, version))}, below {least}, the least that Airflow 3 is made for",
            remedy="upgrade the cluster or choose another context",
        )


def _url_fault(raw: Mapping[str, str], key: str) -> Iterator[Fault]:
    text = raw.get(key)
    remedy = f"pulumi config set --secret {key} postgresql://USER:PASSWORD@HOST:5432/DATABASE"
    if text is None:
        yield Fault(key=f"{PROJECT}:{key}", value=None, rule="is missing with a given database", remedy=remedy)
        return
    try:
        url = urlsplit(text.strip())
        complete = url.scheme in ("postgresql", "postgres") and url.hostname and url.username and url.password
        named = len(url.path) > 1 and (url.port or 0) >= 0
    except ValueError:
        complete, named = None, False
    if not complete or not named:
        rule = "is not a PostgreSQL URL with user, password, host and database"
        yield Fault(key=f"{PROJECT}:{key}", value=None, rule=rule, remedy=remedy, secret=True)


def required_secret(key: str) -> pulumi.Output[str]:
    """One of SECRETS, as a secret output."""
    return pulumi.Config(PROJECT).require_secret(key)
