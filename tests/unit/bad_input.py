"""Invalid values of single settings, with the required line of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.unit.recording.recorder import Config
from tests.unit.recording.stacks import GIVEN, config

SECRET: Final = "topsecret-value"
GIVEN_DATABASE: Final = {"database": {"kind": "external"}}
CELERY: Final = "airflow:executor"


def bad(**sections: Any) -> Config:
    """A stack that is valid except for the given sections."""
    return config(sections.pop("kind", "celery"), **sections)


def without(key: str) -> Config:
    return {name: value for name, value in bad().items() if name != key}


CASES: Final[Mapping[str, tuple[Config, str, str, str, str]]] = {
    # name: config, key, value as shown, rule, remedy
    "an unknown key": (bad(flavour="x"), "airflow:flavour", "'x'", "is no setting", "known here: cloud, executor,"),
    "a misspelt key": (bad(executer="x"), "airflow:executer", "'x'", "is no setting", "did you mean 'executor'"),
    "a misspelt key of a section": (
        bad(executor_with={"workers": {"replica": 2}}),
        "airflow:executor.workers.replica",
        "2",
        "not known here",
        "did you mean 'replicas'",
    ),
    "an unknown key of a section": (
        bad(image={"colour": "red"}),
        "airflow:image.colour",
        "'red'",
        "not known here",
        "known here: reference, version, pull_policy, pull_secret",
    ),
    "no cloud": (
        without("airflow:cloud"),
        "airflow:cloud",
        "",
        "is missing",
        "pulumi config set --path airflow:cloud.kind",
    ),
    "no executor": (without(CELERY), CELERY, "", "is missing", "pulumi config set --path airflow:executor.kind"),
    "no kind": (
        {**bad(), CELERY: {}},
        f"{CELERY}.kind",
        "",
        "is missing",
        "'celery', 'kubernetes', 'celery+kubernetes'",
    ),
    "an unknown kind": (bad(kind="celry"), f"{CELERY}.kind", "'celry'", "not a known kind", "'celery', 'kubernetes'"),
    "a kind alone": ({**bad(), CELERY: "celery"}, CELERY, "'celery'", "not a map of keys", "indented"),
    "a missing key of a section": (bad(dags={"kind": "host_path"}), "airflow:dags.path", "", "is missing", "set it"),
    "no kind of database": (
        bad(cloud_with={"database": {}}),
        "airflow:cloud.database.kind",
        "",
        "is missing",
        "'in_cluster', 'external'",
    ),
    "text for a number": (
        bad(executor_with={"workers": {"replicas": "two"}}),
        "airflow:executor.workers.replicas",
        "'two'",
        "not a whole number",
        "without quotes or unit",
    ),
    "a quoted number": (
        bad(executor_with={"workers": {"replicas": "2"}}),
        "airflow:executor.workers.replicas",
        "'2'",
        "not a whole number",
        "without quotes or unit",
    ),
    "true for a number": (
        bad(executor_with={"workers": {"replicas": True}}),
        "airflow:executor.workers.replicas",
        "True",
        "not a whole number",
        "without quotes or unit",
    ),
    "a number with a unit": (
        bad(components={"api_server": {"memory_mib": "2Gi"}}),
        "airflow:components.api_server.memory_mib",
        "'2Gi'",
        "not a whole number",
        "without quotes or unit",
    ),
    "a fraction": (
        bad(components={"scheduler": {"cpu_milli": 0.5}}),
        "airflow:components.scheduler.cpu_milli",
        "0.5",
        "not a whole number",
        "without quotes or unit",
    ),
    "text for a switch": (bad(protect="maybe"), "airflow:protect", "'maybe'", "neither true nor false", "write one"),
    "text for a switch in a section": (
        bad(executor_with={"flower": {"enabled": "no"}}),
        "airflow:executor.flower.enabled",
        "'no'",
        "neither true nor false",
        "unquoted",
    ),
    "a version that YAML made a number": (
        bad(image={"version": 3.3}),
        "airflow:image.version",
        "3.3",
        "is not text",
        "put it in quotes",
    ),
    "a number as the value of an option": (
        bad(options={"core": {"parallelism": 8}}),
        "airflow:options.core.parallelism",
        "8",
        "is not text",
        "put it in quotes",
    ),
    "a section that is a list": (bad(image=["a:1"]), "airflow:image", "['a:1']", "not a map of keys", "indented"),
    "a section that is not YAML": (bad(image='{"version"'), "airflow:image", "'{\"version\"'", "not a map", "indented"),
    "keys of celery under kubernetes": (
        bad(kind="kubernetes", executor_with={"workers": {"replicas": 2}}),
        "airflow:executor.workers",
        "{'replicas': 2}",
        "not known here",
        "known here: kind, task_pods",
    ),
    "keys of kubernetes under celery": (
        bad(executor_with={"task_pods": {}}),
        "airflow:executor.task_pods",
        "{}",
        "not known here",
        "known here: workers, broker, flower, kind",
    ),
    "too few": (
        bad(executor_with={"workers": {"replicas": 0}}),
        "airflow:executor.workers.replicas",
        "0",
        "below 1, the least",
        "use 1",
    ),
    "too many": (
        bad(executor_with={"workers": {"replicas": 21}}),
        "airflow:executor.workers.replicas",
        "21",
        "above 20, the most",
        "use 20",
    ),
    "too small a volume": (
        bad(logs={"kind": "volume", "size_gib": 0}),
        "airflow:logs.size_gib",
        "0",
        "below 1, the least",
        "use 1",
    ),
    "too large a volume": (
        bad(cloud_with={"database": {"kind": "in_cluster", "size_gib": 10**9}}),
        "airflow:cloud.database.size_gib",
        "1000000000",
        "above 65536, the most",
        "use 65536",
    ),
    "a port that nodes do not open": (
        bad(exposure={"kind": "node_port", "port": 80}),
        "airflow:exposure.port",
        "80",
        "below 30000, the least",
        "use 30000",
    ),
    "a name that is too long": (
        bad(name="a" * 31),
        "airflow:name",
        repr("a" * 31),
        "has 31 characters, 30 are the most",
        "shorten it",
    ),
    "a name with capitals": (bad(name="Airflow"), "airflow:name", "'Airflow'", "does not match ^[a-z]", "of that form"),
    "a name that begins with a digit": (bad(name="1st"), "airflow:name", "'1st'", "does not match", "of that form"),
    "a name that ends with a line": (bad(name="a\n"), "airflow:name", r"'a\n'", "does not match", "of that form"),
    "an empty name": (bad(namespace=""), "airflow:namespace", "''", "does not match", "of that form"),
    "a namespace that is the cluster's own": (
        bad(namespace="kube-system"),
        "airflow:namespace",
        "'kube-system'",
        "belongs to the cluster",
        "choose another name",
    ),
    "the namespace that everybody uses": (
        bad(namespace="default"),
        "airflow:namespace",
        "'default'",
        "belongs to the cluster",
        "choose another name",
    ),
    "a user that is no name": (
        bad(admin={"username": "a b"}),
        "airflow:admin.username",
        "'a b'",
        "does not match",
        "of that form",
    ),
    "a user with a line's end": (
        bad(admin={"username": "admin\n"}),
        "airflow:admin.username",
        r"'admin\n'",
        "does not match",
        "of that form",
    ),
    "a folder that is not absolute": (
        bad(dags={"kind": "host_path", "path": "dags"}),
        "airflow:dags.path",
        "'dags'",
        "does not match",
        "of that form",
    ),
    "a choice that is none": (
        bad(logs={"kind": "volume", "access_mode": "RWX"}),
        "airflow:logs.access_mode",
        "'RWX'",
        "not known here",
        "choose 'ReadWriteMany' or 'ReadWriteOnce'",
    ),
    "airflow 2": (
        bad(image={"reference": "apache/airflow:2.10.4", "version": "2.10.4"}),
        "airflow:image.version",
        "'2.10.4'",
        "below Airflow 3",
        "use an image of Airflow 3",
    ),
    "an image of airflow 2 that is called 3": (
        bad(image={"reference": "apache/airflow:2.10.4"}),
        "airflow:image",
        "{'reference': 'apache/airflow:2.10.4'}",
        "holds Airflow 2.10.4, but version says 3.3.2",
        "make both the same",
    ),
    "an image without a tag": (
        bad(image={"reference": "apache/airflow"}),
        "airflow:image.reference",
        "'apache/airflow'",
        "no image with a tag",
        "write repository:tag",
    ),
    "the latest image": (
        bad(executor_with={"broker": {"image": "redis:latest"}}),
        "airflow:executor.broker.image",
        "'redis:latest'",
        "other than latest",
        "write repository:tag",
    ),
    "an unknown context": (
        bad(cloud_with={"context": "nowhere"}),
        "airflow:cloud.context",
        "'nowhere'",
        "is not a context of",
        "choose one of test",
    ),
    "an unreadable kubeconfig": (
        bad(cloud_with={"kubeconfig": "/nowhere/kubeconfig"}),
        "airflow:cloud.kubeconfig",
        "'/nowhere/kubeconfig'",
        "cannot be read (/nowhere/kubeconfig: No such file or directory)",
        "point KUBECONFIG or airflow:cloud.kubeconfig",
    ),
    "an external database without its URL": (
        bad(kind="kubernetes", cloud_with=GIVEN_DATABASE),
        "airflow:metadata_database_url",
        "",
        "is missing with an external database",
        "pulumi config set --secret metadata_database_url postgresql://",
    ),
    "celery without a URL for its results": (
        {
            **bad(cloud_with=GIVEN_DATABASE),
            "airflow:metadata_database_url": GIVEN["airflow:metadata_database_url"],
        },
        "airflow:result_database_url",
        "",
        "is missing with an external database",
        "pulumi config set --secret result_database_url postgresql://",
    ),
    "a URL of another kind of database": (
        {
            **bad(cloud_with=GIVEN_DATABASE),
            **GIVEN,
            "airflow:metadata_database_url": {"secure": f"mysql://u:{SECRET}@h/d"},
        },
        "airflow:metadata_database_url",
        "(secret)",
        "is not a PostgreSQL URL",
        "pulumi config set --secret",
    ),
    "a URL with a port that is none": (
        {
            **bad(cloud_with=GIVEN_DATABASE),
            **GIVEN,
            "airflow:result_database_url": {"secure": f"postgresql://u:{SECRET}@h:99999/d"},
        },
        "airflow:result_database_url",
        "(secret)",
        "is not a PostgreSQL URL",
        "pulumi config set --secret",
    ),
    "a URL with options that would be dropped": (
        {
            **bad(cloud_with=GIVEN_DATABASE),
            **GIVEN,
            "airflow:result_database_url": {"secure": f"postgresql://u:{SECRET}@h/d?sslmode=require&options=x"},
        },
        "airflow:result_database_url",
        "(secret)",
        "has options other than sslmode",
        "pulumi config set --secret",
    ),
    "workers with the metadata's user": (
        {
            **bad(cloud_with=GIVEN_DATABASE),
            "airflow:metadata_database_url": {"secure": f"postgresql://u:{SECRET}@h/metadata"},
            "airflow:result_database_url": {"secure": f"postgresql://u:{SECRET}@h/results"},
        },
        "airflow:result_database_url",
        "(secret)",
        "has the user of airflow:metadata_database_url",
        "create a user",
    ),
    "an option that the program sets": (
        bad(options={"Core": {"Executor": "LocalExecutor"}}),
        "airflow:options.Core.Executor",
        "",
        "is set by this program",
        "remove it",
    ),
    "a secret option by way of a command": (
        bad(options={"database": {"sql_alchemy_conn_cmd": "cat /x"}}),
        "airflow:options.database.sql_alchemy_conn_cmd",
        "",
        "is set by this program",
        "remove it",
    ),
    "a port that probes and Services rely on": (
        bad(options={"api": {"port": "80"}}),
        "airflow:options.api.port",
        "",
        "is set by this program",
        "remove it",
    ),
    "a path that probes do not know": (
        bad(options={"api": {"base_url": "https://example.org/airflow"}}),
        "airflow:options.api.base_url",
        "'https://example.org/airflow'",
        "has a path",
        "without a path",
    ),
    "a password in an option": (
        bad(options={"smtp": {"smtp_password": SECRET}}),
        "airflow:options.smtp.smtp_password",
        "",
        "is a secret, and options are written in clear to a ConfigMap",
        "set smtp_password_secret to its name there",
    ),
    "a password in the URL of an option": (
        bad(options={"metrics": {"statsd_host": f"https://user:{SECRET}@host"}}),
        "airflow:options.metrics.statsd_host",
        "",
        "is a secret",
        "keep the value in your secrets backend",
    ),
    "a credential among the arguments of a secrets backend": (
        bad(options={"secrets": {"backend_kwargs": f'{{"vault_url": "https://x", "token": "{SECRET}"}}'}}),
        "airflow:options.secrets.backend_kwargs",
        "",
        "is a secret",
        "backend_kwargs_secret",
    ),
    "encrypted options": (
        {**bad(), "airflow:options": {"secure": f'{{"email": {{"from_email": "{SECRET}"}}}}'}},
        "airflow:options",
        "",
        "holds an encrypted value",
        "pulumi config rm --path",
    ),
    "an option that cannot be a variable": (
        bad(options={"core": {"a-b c": "x"}}),
        "airflow:options.core.a-b c",
        "",
        "is no name of a section and an option",
        "as in airflow.cfg",
    ),
}
"""All invalid values, with the required line of the report."""
