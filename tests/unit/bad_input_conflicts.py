"""Invalid combinations of settings, with the required line of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.unit.bad_input import bad
from tests.unit.recording.recorder import Config
from tests.unit.recording.stacks import AZURE, GATEWAY, GCP, PROVIDED

CASES: Final[Mapping[str, tuple[Config, str, str, str, str]]] = {
    # name: config, key, value as shown, rule, remedy
    "logs on workers with task pods": (
        bad(kind="celery+kubernetes", logs={"kind": "worker"}),
        "airflow:logs.kind",
        "'worker'",
        "loses every log of a task pod",
        'choose kind "volume"',
    ),
    "logs on workers with task pods, on a cloud": (
        bad(kind="celery+kubernetes", cloud=GCP, logs={"kind": "worker"}),
        "airflow:logs.kind",
        "'worker'",
        "loses every log of a task pod",
        'choose kind "store"',
    ),
    "a log store without a cloud": (
        bad(logs={"kind": "store"}),
        "airflow:logs.kind",
        "'store'",
        "not available on an existing cluster",
        'choose kind "volume"',
    ),
    "logs kept for no time": (
        bad(cloud=AZURE, logs={"kind": "store", "retention_days": 0}),
        "airflow:logs.retention_days",
        "0",
        "below 1, the least",
        "use 1",
    ),
    "a log volume of one node on a cloud": (
        bad(cloud=AZURE, logs={"kind": "volume", "access_mode": "ReadWriteOnce"}),
        "airflow:logs.access_mode",
        "'ReadWriteOnce'",
        "ties every pod to one node",
        "use ReadWriteMany",
    ),
    "a folder of the node on a cloud": (
        bad(cloud=GCP, dags={"kind": "host_path", "path": "/dags"}),
        "airflow:dags.kind",
        "'host_path'",
        "supported on existing clusters only",
        'choose kind "image" or "share"',
    ),
    "a share without a cloud": (
        bad(dags={"kind": "share", "size_gib": 100}),
        "airflow:dags.kind",
        "'share'",
        "not available on an existing cluster",
        'choose kind "image" or "host_path"',
    ),
    "a way out of the share": (
        bad(cloud=GCP, dags={"kind": "share", "size_gib": 1024, "sub_path": "dags/../.."}),
        "airflow:dags.sub_path",
        "'dags/../..'",
        "does not match",
        "of that form",
    ),
    "a gateway without a cloud": (
        bad(exposure=GATEWAY),
        "airflow:exposure.kind",
        "'gateway'",
        "not available on an existing cluster",
        'choose kind "node_port"',
    ),
    "a managed certificate where none is made": (
        bad(cloud=AZURE, exposure={**GATEWAY, "tls": {"kind": "managed"}}),
        "airflow:exposure.tls.kind",
        "'managed'",
        "cloud 'azure' does not make",
        'choose kind "cert_manager"',
    ),
    "a gateway without a certificate": (
        bad(cloud=GCP, exposure={"kind": "gateway", "host": "airflow.simulated.test"}),
        "airflow:exposure.tls",
        "",
        "is missing",
        "set it",
    ),
    "a host that is an address": (
        bad(cloud=GCP, exposure={**GATEWAY, "host": "10.0.0.1"}),
        "airflow:exposure.host",
        "'10.0.0.1'",
        "does not match",
        "of that form",
    ),
    "a host with a scheme": (
        bad(cloud=GCP, exposure={**GATEWAY, "host": "https://airflow.simulated.test"}),
        "airflow:exposure.host",
        "'https://airflow.simulated.test'",
        "does not match",
        "of that form",
    ),
    "one host for two services": (
        bad(cloud=GCP, exposure={**GATEWAY, "flower_host": GATEWAY["host"]}),
        "airflow:exposure.flower_host",
        "'airflow.simulated.test'",
        "is the UI's host",
        "use another host",
    ),
    "a server that cannot serve all pools": (
        bad(
            cloud={**AZURE, "database": {"size": "Standard_B1ms", "high_availability": "none"}},
            executor_with={"workers": {"replicas": 2}},
        ),
        "airflow:cloud.database.size",
        "'Standard_B1ms'",
        "takes 35 connections beside its own, and this stack may hold 100",
        "use a larger size",
    ),
    "a server in the cluster that cannot serve all pools": (
        bad(executor_with={"workers": {"replicas": 20}}),
        "airflow:cloud.database.kind",
        "'in_cluster'",
        "takes 297 connections beside its own, and this stack may hold 424",
        "fewer workers",
    ),
    "a worker without memory for its tasks": (
        bad(executor_with={"workers": {"concurrency": 16, "memory_mib": 2048}}),
        "airflow:executor.workers.memory_mib",
        "2048",
        "is below 2800, the least for 16 tasks at once",
        "use 2800 or more, or a lower concurrency",
    ),
    "two DAG processors": (
        bad(components={"dag_processor": {"replicas": 2}}),
        "airflow:components.dag_processor.replicas",
        "2",
        "Airflow does not support two DAG processors",
        "use 1",
    ),
    "a slim image": (
        bad(image={"reference": "apache/airflow:slim-3.3.2"}),
        "airflow:image.reference",
        "'apache/airflow:slim-3.3.2'",
        "is a slim image",
        "use the tag without slim-",
    ),
    "a hostname that probes do not look for": (
        bad(options={"core": {"hostname_callable": "socket.getfqdn"}}),
        "airflow:options.core.hostname_callable",
        "",
        "is set by this program",
        "remove it",
    ),
    "another URL than the Gateway's": (
        bad(cloud=GCP, exposure=GATEWAY, options={"api": {"base_url": "https://example.org"}}),
        "airflow:options.api.base_url",
        "",
        "is decided by the host",
        "remove it",
    ),
    "the project of the shipped file": (
        bad(cloud={**GCP, "project": "my-project"}),
        "airflow:cloud.project",
        "'my-project'",
        "is the example of the shipped stack file",
        "gcloud config get-value project",
    ),
    "the subscription of the shipped file": (
        bad(cloud={**AZURE, "subscription_id": "00000000-0000-0000-0000-000000000000"}),
        "airflow:cloud.subscription_id",
        "'00000000-0000-0000-0000-000000000000'",
        "is the example of the shipped stack file",
        "az account show",
    ),
    "operators on an address of documentation": (
        bad(cloud={**GCP, "cluster": {"endpoint": {"kind": "authorized_ranges", "ranges": ["198.51.100.7/32"]}}}),
        "airflow:cloud.cluster.endpoint.ranges.0",
        "'198.51.100.7/32'",
        "would lock you out",
        "curl -4 https://ifconfig.me",
    ),
    "a host of an example": (
        bad(cloud=GCP, exposure={**GATEWAY, "host": "airflow.example.org"}),
        "airflow:exposure.host",
        "'airflow.example.org'",
        "is a name reserved for examples",
        "a domain that is yours",
    ),
    "a login to a registry twice": (
        {**bad(image={"pull_secret": "mine"}), "airflow:image_pull_config": PROVIDED["airflow:image_pull_config"]},
        "airflow:image_pull_config",
        "",
        "makes a Secret, and airflow:image.pull_secret names another one",
        "remove one of the two",
    ),
    "a login to a registry that is no Docker configuration": (
        {**bad(), "airflow:image_pull_config": {"secure": "user:password"}},
        "airflow:image_pull_config",
        "(secret)",
        "is not the JSON of a Docker configuration file",
        "pulumi config set --secret image_pull_config < ~/.docker/config.json",
    ),
    "a login to a registry that a credential store keeps": (
        {**bad(), "airflow:image_pull_config": {"secure": '{"auths": {"ghcr.io": {}}, "credsStore": "desktop"}'}},
        "airflow:image_pull_config",
        "(secret)",
        "holds no login for ghcr.io",
        "pulumi config set --secret",
    ),
    "a Docker configuration without logins": (
        {**bad(), "airflow:image_pull_config": {"secure": '{"credsStore": "desktop"}'}},
        "airflow:image_pull_config",
        "(secret)",
        "has no logins under `auths`",
        "pulumi config set --secret",
    ),
    "a certificate without its key": (
        {
            **bad(cloud=AZURE, exposure={**GATEWAY, "tls": {"kind": "secret"}}),
            "airflow:tls_certificate": PROVIDED["airflow:tls_certificate"],
        },
        "airflow:tls_private_key",
        "",
        "is missing with a certificate of your own",
        "pulumi config set --secret tls_private_key < FILE",
    ),
    "a key that is none": (
        {
            **bad(cloud=AZURE, exposure={**GATEWAY, "tls": {"kind": "secret"}}),
            **PROVIDED,
            "airflow:tls_private_key": {"secure": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nx"},
        },
        "airflow:tls_private_key",
        "(secret)",
        "is not a PEM file with a private key without a passphrase",
        "pulumi config set --secret tls_private_key < FILE",
    ),
    "a certificate that nothing uses": (
        {**bad(cloud=AZURE, exposure=GATEWAY), "airflow:tls_certificate": PROVIDED["airflow:tls_certificate"]},
        "airflow:tls_certificate",
        "",
        'belongs to a Gateway with tls of kind "secret" and without a name',
        "pulumi config rm tls_certificate",
    ),
    "a host for a Flower that is not there": (
        bad(kind="kubernetes", cloud=GCP, exposure={**GATEWAY, "flower_host": "flower.simulated.test"}),
        "airflow:exposure.flower_host",
        "'flower.simulated.test'",
        "a Flower that this stack does not have",
        "remove it",
    ),
}
"""All invalid combinations, with the required line of the report."""
