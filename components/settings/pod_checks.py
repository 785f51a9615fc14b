"""Checks of the additions to pods: their workloads, names that the program sets itself, roll-outs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from components.settings import option_checks
from components.settings.errors import SettingError
from components.settings.secret_keys import PROJECT, SECRET_ENVIRONMENT
from components.settings.sections.executor import Executor
from components.settings.sections.options import Reserved
from components.settings.sections.pods import ALL, FOREIGN, OF_EVERY_WORKLOAD, PodAdditions, Target, additions

KEY: Final = f"{PROJECT}:pods"
OPTION_PREFIX: Final = "AIRFLOW__"
PROGRAM_VARIABLES: Final[Mapping[str, str | None]] = {
    "ADMINISTRATOR_URL": None,
    "ADMIN_EMAIL": f"{PROJECT}:admin.email",
    "ADMIN_PASSWORD": None,
    "ADMIN_USERNAME": f"{PROJECT}:admin.username",
    "AIRFLOW_CONFIG": f"{PROJECT}:options",
    "AIRFLOW_CONN_AZURE_DEFAULT": None,
    "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": None,
    "AIRFLOW_CONN_KUBERNETES_DEFAULT": f"{PROJECT}:pod_operator",
    "AIRFLOW_CONN_WASB_DEFAULT": None,
    "AIRFLOW_HOME": None,
    "AIRFLOW_VERSION_WANTED": f"{PROJECT}:image.version",
    "CONNECTION_CHECK_MAX_COUNT": None,
    "DUMB_INIT_SETSID": None,
    "ENTRIES": None,
    "ENTRIES_KEPT": None,
    "FORWARDED_ALLOW_IPS": f"{PROJECT}:exposure",
    "MPLCONFIGDIR": None,
    "OWNERS": None,
    "PASSWORDS": None,
    "PEOPLE": f"{PROJECT}:auth",
    "PEOPLE_KEPT": None,
    "PGSSLROOTCERT": f"{PROJECT}:cloud.database",
    "SECRET_ENTRIES": None,
    "XDG_CACHE_HOME": None,
}
"""Variables that the program sets in containers with Airflow's image, each with the key that decides it, if any."""
PROGRAM_PREFIXES: Final[Mapping[str, str]] = {
    "AIRFLOW_CONN_DAG_SOURCE_": f"{PROJECT}:dags",
    "GIT_CONFIG_": f"{PROJECT}:dags",
    "GIT_HTTP_": f"{PROJECT}:dags",
    "GIT_TERMINAL_PROMPT": f"{PROJECT}:dags",
}
"""Beginnings of such variables."""
PROGRAM_LABELS: Final = ("app.kubernetes.io/", "airflow.apache.org/", "azure.workload.identity/")
"""Beginnings of labels by which objects of the program find pods."""
EXECUTOR_LABELS: Final = frozenset({"airflow-worker", "kubernetes_executor"})
"""Labels by which the scheduler finds the pods of its executor."""
CHECKSUM: Final = "airflow/checksum"
NOT_ROLLED: Final[Mapping[Target, str]] = {
    "migration": "is a Job, which has no roll-out",
    "task": "is a pod for each task, which has no roll-out",
    "redis": "is one pod with a disk, which always ends before its successor starts",
}
"""Workloads without a roll-out, with the reason."""


def setting_errors(
    pods: Mapping[Target, PodAdditions], executor: Executor | None, reserved: Reserved
) -> Iterator[SettingError]:
    """Errors of the section by itself and beside the executor.

    Args:
        pods: the section.
        executor: the executor; None for an invalid one.
        reserved: options of airflow.cfg that the stack may not set.
    """
    for target, own in pods.items():
        key = f"{KEY}.{target}"
        if executor is not None and (missing := _requirement(target, executor)) is not None:
            remedy = f"remove it, or {missing}"
            yield SettingError(key=key, value=None, rule="is a workload that this stack does not have", remedy=remedy)
        if target in FOREIGN:
            yield from _foreign_errors(key, own)
        for name, value in own.environment.items():
            yield from variable_errors(f"{key}.environment.{name}", name, value, reserved)
        for name in own.secret_environment:
            yield from _secret_name_errors(f"{key}.secret_environment", name, reserved)
        yield from _label_errors(key, own)
        yield from _roll_out_errors(key, target, own)
    for target in pods:
        joined = additions(pods, target)
        if twice := sorted(joined.environment.keys() & set(joined.secret_environment)):
            yield SettingError(
                key=f"{KEY}.{target}.environment.{twice[0]}",
                value=None,
                rule="is also a secret variable of this workload",
                remedy="remove one of the two",
            )


def encrypted() -> SettingError:
    """The error of an encrypted section: the program would write its values in clear text."""
    return SettingError(
        key=KEY,
        value=None,
        rule="has an encrypted value, and pod specs are in clear text in the cluster",
        remedy=f"list the variable under `secret_environment`, and set its value: {command('NAME')}",
    )


def command(name: str) -> str:
    """The command that sets the value of a secret variable."""
    return f"pulumi config set --secret --path '{PROJECT}:{SECRET_ENVIRONMENT}.{name}'"


def _requirement(target: Target, executor: Executor) -> str | None:
    """The remedy for a workload that the stack does not have; None if it has it."""
    celery = executor.celery
    if target in ("worker", "redis") and celery is None:
        return "choose an executor with Celery"
    if target == "flower" and (celery is None or not celery.flower.enabled):
        return f"set {PROJECT}:executor.flower.enabled to true"
    if target == "task" and executor.pods is None:
        return "choose an executor with Kubernetes"
    return None


def _foreign_errors(key: str, own: PodAdditions) -> Iterator[SettingError]:
    """Additions that only containers with Airflow's image can have. Roll-outs are checked apart."""
    for field in sorted(own.model_fields_set - OF_EVERY_WORKLOAD - {"min_ready_seconds", "strategy", "patch"}):
        rule = "is for workloads with Airflow's image only"
        yield SettingError(key=f"{key}.{field}", value=None, rule=rule, remedy="remove it")


def variable_errors(key: str, name: str, value: str, reserved: Reserved) -> Iterator[SettingError]:
    """Variables that the program sets itself, and secrets in clear text. Messages never contain values."""
    yield from owned_errors(key, name, reserved)
    section, _, option = name.removeprefix(OPTION_PREFIX).lower().partition("__")
    if not name.startswith(OPTION_PREFIX):
        section, option = "", name.lower()
    if option_checks.is_secret(section, option, value) or option_checks.CREDENTIAL.search(value):
        remedy = f"list {name} under `secret_environment`, and set its value: {command(name)}"
        if section:
            remedy = f"remove it, and set the option: {option_checks.secret_command(section, option)}"
        rule = "is a secret, and pod specs are in clear text in the cluster"
        yield SettingError(key=key, value=None, rule=rule, remedy=remedy)


def owned_errors(key: str, name: str, reserved: Reserved) -> Iterator[SettingError]:
    """Variables that the program sets, or relies on at their defaults."""
    if name.startswith(OPTION_PREFIX):
        section, _, option = name.removeprefix(OPTION_PREFIX).lower().partition("__")
        if (found := option_checks.owner((section, option), reserved)) is not None:
            yield SettingError(key=key, value=None, rule=found[0], remedy=found[1])
        return
    owned, decides = name in PROGRAM_VARIABLES, PROGRAM_VARIABLES.get(name)
    for prefix, deciding in PROGRAM_PREFIXES.items():
        if name.startswith(prefix):
            owned, decides = True, deciding
    if owned:
        rule = "is set by this program" if decides is None else f"is decided by {decides}"
        remedy = "remove it" if decides is None else f"remove it, and set {decides}"
        yield SettingError(key=key, value=None, rule=rule, remedy=remedy)


def _secret_name_errors(key: str, name: str, reserved: Reserved) -> Iterator[SettingError]:
    owned = list(owned_errors(key, name, reserved))
    yield from (SettingError(key=key, value=name, rule=error.rule, remedy=error.remedy) for error in owned)
    if name.startswith(OPTION_PREFIX) and not owned:
        section, _, option = name.removeprefix(OPTION_PREFIX).lower().partition("__")
        remedy = f"remove it, and set the option: {option_checks.secret_command(section, option)}"
        yield SettingError(key=key, value=name, rule="is an option of airflow.cfg", remedy=remedy)


def _label_errors(key: str, own: PodAdditions) -> Iterator[SettingError]:
    """Labels and annotations that the program sets."""
    for label, value in own.labels.items():
        if label.startswith(PROGRAM_LABELS) or label in EXECUTOR_LABELS:
            rule = "is a label by which the program or Airflow finds pods"
            yield SettingError(key=f"{key}.labels.{label}", value=value, rule=rule, remedy="choose another label")
    if CHECKSUM in own.annotations:
        rule = "is the annotation by which the program restarts pods"
        yield SettingError(
            key=f"{key}.annotations.{CHECKSUM}", value=None, rule=rule, remedy="choose another annotation"
        )


def _roll_out_errors(key: str, target: Target, own: PodAdditions) -> Iterator[SettingError]:
    """Roll-outs of what has none, and those that break a workload."""
    if target in NOT_ROLLED:
        for field in ("min_ready_seconds", "strategy"):
            if getattr(own, field) is not None:
                yield SettingError(key=f"{key}.{field}", value=None, rule=NOT_ROLLED[target], remedy="remove it")
    elif target == ALL and own.strategy is not None:
        rule = "differs between workloads: two DAG processors must not run at once"
        yield SettingError(key=f"{key}.strategy", value=None, rule=rule, remedy="set it for each workload")
    elif target == "dag_processor" and own.strategy is not None and own.strategy.rolling is not None:
        rule = "would run two DAG processors at once, which write the same rows"
        yield SettingError(
            key=f"{key}.strategy.kind",
            value=own.strategy.kind,
            rule=rule,
            remedy='remove it, or choose kind "recreate"',
        )
