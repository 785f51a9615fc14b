"""The options of a workload in its pods: as variables of the environment, or as a file airflow.cfg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
from pulumi_kubernetes.core.v1 import (
    ConfigMapEnvSourceArgs,
    ConfigMapVolumeSourceArgs,
    EnvFromSourceArgs,
    VolumeArgs,
    VolumeMountArgs,
)

from components.airflow.feature import option_of

FOLDER: Final = "/opt/airflow-options"
FILE: Final = "airflow.cfg"
VOLUME: Final = "options"


@dataclass(frozen=True, kw_only=True)
class OptionsSource:
    """The fields by which the containers with Airflow's image read the options of their workload."""

    env_from: list[EnvFromSourceArgs] | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    volumes: tuple[VolumeArgs, ...] = ()
    mounts: tuple[VolumeMountArgs, ...] = ()


def options_source(name: pulumi.Input[str], *, file: bool) -> OptionsSource:
    """The source of the options in the ConfigMap of this name.

    Args:
        name: the ConfigMap, whose content is `options_data`.
        file: whether it holds a file.
    """
    if not file:
        return OptionsSource(env_from=[EnvFromSourceArgs(config_map_ref=ConfigMapEnvSourceArgs(name=name))])
    return OptionsSource(
        environment={"AIRFLOW_CONFIG": f"{FOLDER}/{FILE}"},
        volumes=(VolumeArgs(name=VOLUME, config_map=ConfigMapVolumeSourceArgs(name=name)),),
        mounts=(VolumeMountArgs(name=VOLUME, mount_path=FOLDER, read_only=True),),
    )


def options_data(variables: Mapping[str, pulumi.Input[str]], *, file: bool) -> Mapping[str, Any]:
    """The content of the ConfigMap with a workload's options.

    Args:
        variables: the options as variables of the environment.
        file: whether they are written as a file.
    """
    if not file:
        return variables
    return {FILE: pulumi.Output.all(**variables).apply(airflow_cfg)}


def airflow_cfg(variables: Mapping[str, str]) -> str:
    """The text of airflow.cfg with these options.

    Airflow reads the file with `configparser`, which takes `%` for a reference and needs further lines indented; the
    values of variables have neither rule.
    """
    sections: dict[str, list[str]] = {}
    for variable in sorted(variables):
        section, name = option_of(variable)
        value = variables[variable].replace("%", "%%").replace("\n", "\n    ")
        sections.setdefault(section, []).append(f"{name} = {value}")
    return "\n".join("\n".join((f"[{section}]", *lines, "")) for section, lines in sections.items())
