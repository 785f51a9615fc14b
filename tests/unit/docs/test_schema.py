"""The JSON Schema of stack files accepts what the settings accept, and names the key of what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from docs import schema
from tests.unit.recording.stacks import ROOT, STACKS
from tests.unit.settings.cases import cases

SHIPPED: Final = sorted([*ROOT.glob("Pulumi.*.yaml"), *(ROOT / "docs/stacks").glob("*.yaml")])
VALIDATOR: Final = jsonschema.Draft7Validator(schema.schema())
UNSEEN: Final[dict[str, tuple[str, ...]]] = {
    "addresses, and sizes of shares and servers, follow from calculations": (
        "cloud_azure: one address for a subnet",
        "cloud_azure: a range with bits behind its prefix",
        "cloud_azure: a subnet outside the network",
        "cloud_azure: subnets that overlap",
        "cloud_azure: pods inside the network",
        "cloud_azure: services inside the pods' range",
        "cloud_azure: services that AKS has itself",
        "cloud_azure: services larger than a cluster takes",
        "cloud_azure: a database's subnet without room",
        "cloud_azure: nodes without addresses",
        "cloud_azure: pods without addresses",
        "cloud_azure: a firewall's range that is too small",
        "cloud_gcp: ranges that overlap",
        "cloud_gcp: a range that overlaps a default",
        "cloud_gcp: a range with bits behind its prefix",
        "cloud_gcp: a range that the database does not answer",
        "cloud_gcp: nodes that the database does not answer",
        "cloud_gcp: pods that the database does not answer",
        "cloud_gcp: a range too small for the database",
        "cloud_gcp: pods without room",
        "cloud_gcp: nodes without room",
        "cloud_gcp: an odd number of processors",
        "cloud_gcp: too little memory",
        "dags: an SSD share below its least",
        "dags: a zonal share below its least",
        "dags: a zonal share between two sizes",
        "dags: a share between the small and the large sizes",
        "dags: a large share between two sizes",
        "dags: a share above its most",
        "logs: a basic share below a TiB",
        "logs: a regional share below its least",
        "logs: an enterprise share between two sizes",
    ),
    "the value of another key decides": (
        "cloud_azure: a server that cannot serve all pools",
        "cloud_azure: a system disk where there is none",
        "cloud_azure: fewer nodes at most than at least",
        "cloud_azure: a shared processor with a second server in another zone",
        "cloud_azure: a shared processor with a second server in the same zone",
        "cloud_azure: fast shares with copies in the pair",
        "cloud_azure: NFS on hard disks",
        "cloud_existing: a server in the cluster that cannot serve all pools",
        "cloud_gcp: fewer nodes at most than at least",
        "cloud_gcp: high availability on a shared core",
        "cloud_gcp: high availability without the logs it takes",
        "cloud_gcp: a tier of the other edition",
        "cloud_gcp: an edition without its tiers",
        "cloud_gcp: too few connections",
        "cloud_gcp: a disk above its limit",
        "cloud_gcp: a proxy without a Gateway",
        "dags: a folder of the node on a cloud",
        "dags: a share without a cloud",
        "cloud_gcp: two datasets of one name",
        "dags: two sources of one name",
        "git: a branch and a commit",
        "git: nothing to check out",
        "git: SSH without credentials",
        "dags: the name of the example DAGs",
        "dags: one folder for two sources",
        "dags: a second share",
        "dags: a second bucket",
        "dags: a bucket on Azure",
        "dags: a bucket without a cloud",
        "dags: plugins in two sources",
        "dags: the option for example DAGs",
        "dags: no source",
        "executor: a worker without memory for its tasks",
        "exposure: a gateway without a cloud",
        "exposure: a managed certificate where none is made",
        "exposure: one host for two services",
        "exposure: a host for a Flower that is not there",
        "image: an image of airflow 2 that is called 3",
        "pod_operator: quotas that leave no room for the pods of the executor",
        "projects: names that give the same objects",
        "projects: a bucket without a cloud",
        "projects: a volume for several nodes on disks",
        "projects: a source of DAGs that is not there, or belongs to another project",
        "projects: one variable twice",
        "projects: projects without pods",
        "logs: logs on workers with task pods",
        "logs: logs on workers with task pods, on a cloud",
        "logs: a log store without a cloud",
        "logs: a log volume of one node on a cloud",
        "auth: two users of one name",
        "auth: a user of the first user's name",
        "auth: two users of one address",
        "auth: an unknown role",
        "auth: a role of one's own with a name of Airflow's",
        "auth: a lifetime of sessions that the options decide as well",
        "entries: pools twice, and of a project",
        "auth: a group with a role that does not exist",
        "auth: an organization of which nobody may log in",
        "auth: a configuration of FAB beside a provider",
        "secrets_backend: a backend of another cloud",
        "secrets_backend: a backend on an existing cluster",
        "secrets_backend: prefixes that begin alike, and options of a backend",
        "stack: data of production without protection",
        "stack: data of production whose protection is turned off",
        "pods: workloads of another executor",
        "pods: workloads of Celery without it",
        "pods: one variable twice",
        "pods: roll-outs that do not exist or break a workload",
        "pods: tolerations that the API server refuses",
        "pods: affinities that the API server refuses",
        "pods: mounts of no volume, and at taken paths",
        "pods: containers with taken names",
        "pods: containers that a patch may not change",
        "pods: a quota without room for the sidecars of tasks",
    ),
    "the region's entry in a catalogue decides": (
        "cloud_azure: a zone outside its region",
        "cloud_azure: a second zone where there is one",
        "cloud_azure: a second zone where Azure blocks it for new servers",
        "cloud_azure: copies of backups that Azure does not make everywhere",
        "cloud_azure: copies in zones of a region that has zones alone",
        "cloud_azure: backups in a pair that there is not",
        "cloud_azure: copies in zones that there are not",
        "cloud_azure: copies in a pair that there is not",
        "cloud_gcp: a zone outside its region",
        "cloud_gcp: a zone that its region has not",
        "cloud_gcp: a letter that is no zone of the region",
    ),
    "examples are valid in the shipped files": (
        "cloud_azure: the subscription of the shipped file",
        "cloud_gcp: the project of the shipped file",
        "cloud_gcp: operators on an address of documentation",
        "exposure: a host of an example",
    ),
    "an encrypted section has no visible content": (
        "admin: an encrypted value",
        "image: an encrypted section",
        "pods: encrypted additions",
    ),
    "a secret has no visible content, and another key decides whether it is needed": (
        "secrets: an external database without its URL",
        "secrets: celery without a URL for its results",
        "secrets: a URL of another kind of database",
        "secrets: a URL with a port that is none",
        "secrets: a URL with options that would be dropped",
        "secrets: workers with the metadata's user",
        "secrets: a login to a registry twice",
        "secrets: a login to a registry that is no Docker configuration",
        "secrets: a login to a registry that a credential store keeps",
        "secrets: a Docker configuration without logins",
        "secrets: a certificate without its key",
        "secrets: a key that is none",
        "secrets: a certificate that nothing uses",
        "projects: secrets without values, and values without secrets",
        "projects: secrets that are no map",
        "git: SSH without the keys of the server",
        "git: the keys of another server",
        "git: a public key in place of the private one",
        "git: a token for SSH",
        "git: an SSH key for HTTPS",
        "git: an empty token",
        "git: credentials of no source",
        "git: credentials without git",
        "git: a token that is no map",
        "keys: keys that are none",
        "keys: a second Fernet key that is none",
        "keys: a key in clear text",
        "keys: a key as secret config and in a Secret",
        "keys: the password of a broker that is not there",
        "secrets_backend: connections that the identity of pods hides, on Google Cloud",
        "secrets_backend: connections that the identity of pods hides, on Azure",
        "entries: a connection that is not parseable",
        "entries: fields of a connection that cannot be used",
        "entries: two connections of one id",
        "entries: connections that are no map",
        "entries: a variable twice, once encrypted",
        "auth: a password of no user",
        "auth: a short password",
        "auth: passwords that are no map",
        "pods: secret variables without values, and values without readers",
        "pods: secret variables that are no map",
        "auth: a provider without the client's secret",
        "auth: the client's secret twice",
        "auth: a client's secret in clear text",
        "auth: a client's secret without a provider",
        "auth: an empty client's secret",
        "auth: a directory without the password of its searcher",
        "secret_options: options without a value, and names that are none",
        "secret_options: one option twice",
        "secret_options: secret options that are no map",
    ),
    "which options are free is decided by the features": (
        "options: an option that the program sets",
        "options: a secret option by way of a command",
        "options: a port that probes and Services rely on",
        "options: a path that probes do not know",
        "options: a password in an option",
        "options: a password in the URL of an option",
        "options: a credential among the arguments of a secrets backend",
        "options: an option that cannot be a variable",
        "options: a hostname that probes do not look for",
        "options: another URL than the Gateway's",
        "options: a password in the URL of the broker",
        "options: an option that a setting decides",
        "pods: variables that the program sets",
        "options: an option that Airflow 3 does not read",
        "secret_options: options of the program",
        "secret_options: an option among the secret variables",
        "pods: secrets in clear text",
        "pods: labels and annotations of the program",
        "pods: fields that are no fields of a pod",
        "pods: fields that the program sets",
        "pods: patches that break Pod Security",
    ),
    "this machine's kubeconfig decides": (
        "cloud_existing: an unknown context",
        "cloud_existing: an unreadable kubeconfig",
    ),
    "names that are taken, in any case of letters": (
        "cloud_azure: a tag that this program gives itself",
        "cloud_azure: a tag that Azure keeps for itself",
        "cloud_azure: tags that Azure takes for one",
        "cloud_azure: a foreign tag without a name",
        "cloud_gcp: a flag that another setting decides",
        "cloud_gcp: a flag that leaves no connections",
        "stack: a name that no bucket may have",
        "projects: names that are no names of objects",
    ),
    "lists of names in Airflow decide": (
        "auth: a permission of another form",
        "auth: a permission on a resource that Airflow does not have",
    ),
    "the rest of a URL, a certificate and a filter are checked by programs": (
        "auth: an issuer without TLS",
        "auth: an issuer that is the URL of the configuration",
        "auth: a certificate that is none",
        "auth: a directory of another protocol, and a filter that does not close",
    ),
    "the time zones of this machine": ("scheduling: a time zone that nobody lives in",),
    "Python's `$` accepts a newline at the end; JavaScript's does not": (
        "admin: a user with a line's end",
        "stack: a name that ends with a line",
    ),
    "one of several errors is of another class": (
        "several: errors in every section",
        "entries: names and values of variables",
        "several: URLs of a database beside other errors",
        "several: a URL without a host",
        "several: several errors of Google Cloud",
        "several: several errors of Azure",
        "several: errors of an existing cluster",
        "several: a zone and a size that Google Cloud does not offer",
        "several: a region and a standby that Azure does not offer",
        "several: an external database without URLs",
        "pods: keys that are not known",
    ),
}
"""Bad input that a schema cannot see, by the reason."""


def keys(config: dict[str, Any]) -> Iterator[str]:
    """The keys of all errors that the schema finds in the `config` of a stack file."""
    for error in VALIDATOR.iter_errors({"config": config}):
        path = [str(step) for step in error.absolute_path][1:]
        names: list[str] = [""]
        if error.validator == "required":
            names = [name for name in error.validator_value if name not in error.instance]
        elif error.validator == "additionalProperties" and error.validator_value is False:
            names = [name for name in error.instance if f"'{name}'" in error.message]
        elif "propertyNames" in error.absolute_schema_path:
            names = [error.instance]
        for name in names:
            # Entries of lists in the form of the settings' own reports.
            yield re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", ".".join([*path, *filter(None, [name])]))


def test_the_files_are_up_to_date() -> None:
    assert [file.name for file, text in schema.files().items() if file.read_text() != text] == [], "run: make schema"


def test_a_stale_file_fails_the_check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["schema", "--check"])
    schema.main()
    monkeypatch.setitem(schema.KEYS, "Image.version", {"pattern": "^4"})
    with pytest.raises(SystemExit) as ended:
        schema.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "stack.schema.json is out of date: make schema\n"


def test_it_is_a_schema_of_its_draft() -> None:
    jsonschema.Draft7Validator.check_schema(VALIDATOR.schema)
    assert VALIDATOR.schema["$schema"] == jsonschema.Draft7Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_a_shipped_file_is_valid_and_names_the_schema_in_its_first_line(file: Path) -> None:
    content = yaml.safe_load(file.read_text())
    assert [error.message for error in VALIDATOR.iter_errors(content)] == []
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", file.read_text().splitlines()[0])
    assert found is not None
    named = file.parent / found[1]
    reference = json.loads(named.read_text()).get("$ref")
    assert (named if reference is None else named.parent / reference).resolve() == schema.FILE
    assert (ROOT / found[1]) == schema.FILE, "a copy at the top names the schema too"


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_of_the_tests_is_valid(stack: str) -> None:
    assert list(keys(STACKS[stack])) == []


@pytest.mark.parametrize("case", cases())
def test_bad_input_is_refused_with_its_key_unless_a_schema_cannot_see_it(case: str) -> None:
    reported = {line.partition(" ")[0].rstrip(":") for line in cases()[case].report.splitlines()}
    found = set(keys(cases()[case].config))
    missed = {key for key in reported if not any(f"{other}.".startswith(f"{key}.") for other in found)}
    unseen = [reason for reason, names in UNSEEN.items() if case in names]
    assert bool(missed) == bool(unseen), f"reported {sorted(reported)}, found {sorted(found)}"


def test_every_listed_case_exists_once() -> None:
    listed = [name for names in UNSEEN.values() for name in names]
    assert sorted({name for name in listed if listed.count(name) > 1 or name not in cases()}) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"airflow:protect": "true"}, None),
        ({"airflow:protect": "yes"}, "airflow:protect"),
        ({"airflow:logs": {"secure": "v1:abc"}}, None),
        ({"airflow:logs": {"secure": 1}}, "airflow:logs.kind"),
        ({"airflow:tls_certificate": {"secure": "v1:abc"}}, None),
        ({"airflow:tls_certificate": {"secure": "v1:abc", "more": 1}}, "airflow:tls_certificate.more"),
        ({"gcp:project": "x", "other:a": {"b": [1]}}, None),
        ({"airflow:exectuor": {"kind": "celery"}}, "airflow:exectuor"),
    ],
)
def test_texts_encrypted_values_and_other_namespaces_are_known(change: dict[str, Any], key: str | None) -> None:
    stack = {"airflow:cloud": {"kind": "existing"}, "airflow:executor": {"kind": "celery"}, **change}
    assert list(keys(stack)) == ([] if key is None else [key])


def test_a_file_with_an_environment_needs_no_config() -> None:
    assert VALIDATOR.is_valid({"environment": ["team/airflow"]})
    assert not VALIDATOR.is_valid({"secretsprovider": "passphrase"})
