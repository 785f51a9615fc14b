"""Checks of projects: their names, their data on this cloud, and the values of their secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from components.settings.errors import SettingError, nearest
from components.settings.secret_keys import PROJECT, PROJECT_SECRETS
from components.settings.secret_maps import form_errors, json_map
from components.settings.sections.projects import Project

KEY: Final = f"{PROJECT}:projects"
SECRETS_KEY: Final = f"{PROJECT}:{PROJECT_SECRETS}"


def setting_errors(
    projects: Sequence[Project],
    *,
    instance: str,
    sources: Sequence[str] | None,
    pod_operator: bool,
    existing_cluster: bool | None,
) -> Iterator[SettingError]:
    """Errors of the projects themselves.

    Args:
        projects: the projects.
        instance: the instance's name.
        sources: names of the sources of DAG files; None is unknown.
        pod_operator: whether tasks may start pods.
        existing_cluster: whether the stack runs on an existing cluster; None is unknown.
    """
    if projects and not pod_operator:
        rule = "are about pods that tasks start, which this stack forbids"
        yield SettingError(key=KEY, value=None, rule=rule, remedy=f"set {PROJECT}:pod_operator.enabled to true")
    seen: set[str] = set()
    owners: dict[str, str] = {}
    for index, project in enumerate(projects):
        key = f"{KEY}[{index}]"
        yield from _name_errors(f"{key}.name", project.name, instance, seen)
        seen.add(project.name)
        if twice := sorted(project.config.keys() & set(project.secrets)):
            yield SettingError(
                key=f"{key}.config.{twice[0]}",
                value=None,
                rule="is also one of the project's secrets",
                remedy="remove one of the two",
            )
        if repeated := sorted({name for name in project.secrets if project.secrets.count(name) > 1}):
            yield SettingError(key=f"{key}.secrets", value=repeated[0], rule="is listed twice", remedy="list it once")
        if project.dags is not None and sources is not None:
            yield from _source_errors(f"{key}.dags", project.dags, project.name, sources, owners)
        if existing_cluster is not None:
            yield from _data_errors(f"{key}.data", project, existing_cluster=existing_cluster)


def _name_errors(key: str, name: str, instance: str, seen: set[str]) -> Iterator[SettingError]:
    rule = None
    if name in seen:
        rule = "is the name of another project, and ConfigMap, Secret, ServiceAccount, claim and pool have that name"
    elif name == instance:
        rule = "is the instance's own name"
    elif name.startswith(f"{instance}-"):
        rule = f"begins like the names of the instance's own objects, {instance}-"
    elif "--" in name:
        rule = "has two dashes in a row, which separate the project's name from the rest in the names of its pods"
    if rule is not None:
        yield SettingError(key=key, value=name, rule=rule, remedy="choose another name")


def _source_errors(
    key: str, source: str, project: str, sources: Sequence[str], owners: dict[str, str]
) -> Iterator[SettingError]:
    """Sources that do not exist, and those of two projects. Adds the project to `owners`."""
    if source not in sources:
        rule = f"is not the name of a source in {PROJECT}:dags"
        yield SettingError(key=key, value=source, rule=rule, remedy=f"choose one of {', '.join(map(repr, sources))}")
    elif (other := owners.setdefault(source, project)) != project:
        rule = f"belongs to project {other!r}, and the DAGs of a source belong to one project"
        yield SettingError(key=key, value=source, rule=rule, remedy="give each project a source of its own")


def _data_errors(key: str, project: Project, *, existing_cluster: bool) -> Iterator[SettingError]:
    claim = project.data.claim
    if project.data.bucket and existing_cluster:
        rule = "is the object storage of a cloud, which is not available on an existing cluster"
        yield SettingError(key=f"{key}.kind", value="bucket", rule=rule, remedy='choose kind "volume"')
    if claim is not None and not existing_cluster and claim.access_mode == "ReadWriteMany" and not claim.storage_class:
        yield SettingError(
            key=f"{key}.access_mode",
            value=claim.access_mode,
            rule="needs a storage class of shares, and the default class of a cloud's cluster has disks",
            remedy='set storage_class to a class of shares (GKE: "standard-rwx", AKS: "azurefile-csi"), or choose kind '
            '"bucket"',
        )


def secret_errors(text: str | None, projects: Sequence[Project], *, encrypted: bool) -> Iterator[SettingError]:
    """Errors of the values of secrets. Messages never contain them.

    Args:
        text: the text of the key, JSON of values by project and name; None if the stack does not set it.
        projects: the projects.
        encrypted: whether the stack keeps it encrypted.
    """
    named = {project.name: project.secrets for project in projects}
    found = json_map(text, nested=True) if text is not None else {}
    yield from form_errors(
        found,
        key=SECRETS_KEY,
        form="projects, each with a map of names and values",
        command=_command("PROJECT", "NAME"),
        encrypted=encrypted or text is None,
    )
    if found is None:
        return
    for project, names in named.items():
        for name in names:
            if name not in found.get(project, {}):
                rule = f"is missing, and {KEY} lists it"
                yield SettingError(
                    key=f"{SECRETS_KEY}.{project}.{name}", value=None, rule=rule, remedy=_command(project, name)
                )
    for project, inner in found.items():
        yield from _value_errors(project, inner, named)


def _value_errors(
    project: str, values: Mapping[str, object], named: Mapping[str, Sequence[str]]
) -> Iterator[SettingError]:
    if project not in named:
        remedy = nearest(project, named) if named else f"remove it, or add the project to {KEY}"
        rule = "belongs to a project that this stack does not have"
        yield SettingError(key=f"{SECRETS_KEY}.{project}", value=None, rule=rule, remedy=remedy)
        return
    for name, value in values.items():
        key = f"{SECRETS_KEY}.{project}.{name}"
        if name not in named[project]:
            rule = f"is a value of no secret in {KEY}"
            remedy = f"list {name} under `secrets` of project {project}, or remove it: pulumi config rm --path '{key}'"
            yield SettingError(key=key, value=None, rule=rule, remedy=remedy)
        elif not isinstance(value, str) or not value:
            rule = "is empty or not text"
            yield SettingError(key=key, value=None, rule=rule, remedy=_command(project, name))


def _command(project: str, name: str) -> str:
    return f"pulumi config set --secret --path '{SECRETS_KEY}.{project}.{name}'"
