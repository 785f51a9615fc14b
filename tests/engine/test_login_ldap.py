"""Login with a real LDAP directory, Debian's slapd, as the program configures it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import requests

from lab.certificates import public_authority, unused_authority
from lab.services.directory import LIBRARIES, Directory, directory, directory_root
from tests.engine.airflow_server import RUN, Airflow, free_port, installation, token
from tests.engine.test_login_oidc import configuration, write
from tests.unit.recording.stacks_login import BIND_PASSWORD, BIND_SECRETS, LDAP

pytestmark = pytest.mark.services

TREE = f"""\
dn: dc=example,dc=org
changetype: add
objectClass: domain
dc: example

dn: cn=searcher,dc=example,dc=org
changetype: add
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: searcher
userPassword: {BIND_PASSWORD}

dn: ou=people,dc=example,dc=org
changetype: add
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
changetype: add
objectClass: organizationalUnit
ou: groups
"""
PERSON = """
dn: uid={name},ou=people,dc=example,dc=org
changetype: add
objectClass: inetOrgPerson
uid: {name}
cn: {name}
givenName: {name}
sn: of the directory
mail: {name}@example.org
userPassword: {name} in the directory
"""
GROUP = """
dn: cn={name},ou=groups,dc=example,dc=org
changetype: add
objectClass: groupOfNames
cn: {name}
"""
PEOPLE = ("ada", "bob", "cleo", "eve", "admin")
GROUPS = {"data": ("ada", "admin"), "readers": ("bob", "cleo"), "elsewhere": ("eve",)}
MEMBER = "uid={},ou=people,dc=example,dc=org"
ROLES = {f"cn={group},ou=groups,dc=example,dc=org": role for group, role in (("data", "Op"), ("readers", "Viewer"))}


def tree() -> str:
    """The directory of the tests in LDIF: people, and groups with their members."""
    groups = [
        GROUP.format(name=group) + "".join(f"member: {MEMBER.format(name)}\n" for name in members)
        for group, members in GROUPS.items()
    ]
    return TREE + "".join(PERSON.format(name=name) for name in PEOPLE) + "".join(groups)


def move(person: str, old: str, new: str) -> str:
    """The move of a person from one group to another in LDIF."""
    entry = "dn: cn={},ou=groups,dc=example,dc=org\nchangetype: modify\n{}: member\nmember: {}\n\n"
    member = MEMBER.format(person)
    return entry.format(new, "add", member) + entry.format(old, "delete", member)


@dataclass(frozen=True, kw_only=True)
class Office:
    """A directory, and the installation that logs its people in."""

    airflow: Airflow
    directory: Directory
    url: str


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    authority = public_authority()
    with ExitStack() as stack:
        libraries = directory_root().folder / LIBRARIES
        airflow = stack.enter_context(installation({libraries: "/srv"}))
        folder = airflow.folder / "directory"
        folder.mkdir()
        found = stack.enter_context(directory(folder, free_port(), free_port(), authority))
        found.change(tree())
        configure(airflow, server=found.ldap)
        url = stack.enter_context(airflow.api_server(**VARIABLES))
        yield Office(airflow=airflow, directory=found, url=url)


VARIABLES = {"AIRFLOW__FAB__CONFIG_FILE": f"{RUN}/login/webserver_config.py", "AIRFLOW__FAB__CACHE_TTL": "1"}


def configure(airflow: Airflow, **changed: object) -> None:
    """Write the program's files, with these settings of the section."""
    text = public_authority().certificate.read_text()
    auth = {**LDAP, "ca_certificate": text, "roles": ROLES, **changed}
    variables, files = configuration(auth, BIND_SECRETS)
    assert variables["AIRFLOW__FAB__CONFIG_FILE"].endswith("/webserver_config.py")
    login = json.loads(files["login/login.json"]) | {"secrets": f"{RUN}/secret", "ca_file": f"{RUN}/login/ca.pem"}
    write(airflow.folder, {**files, "login/login.json": json.dumps(login)})


def allowed(url: str, bearer: str) -> dict[str, int]:
    headers = {"Authorization": f"Bearer {bearer}"}
    return {
        path: requests.get(f"{url}/api/v2/{path}", headers=headers, timeout=60).status_code
        for path in ("dags", "pools", "connections")
    }


def in_the_directory(office: Office, person: str) -> str | None:
    """A token for the person's password of the directory."""
    return token(office.url, person, f"{person} in the directory")


def test_people_log_in_with_the_roles_of_their_groups_over_starttls(office: Office) -> None:
    of_ada, of_bob = in_the_directory(office, "ada"), in_the_directory(office, "bob")
    assert of_ada is not None
    assert of_bob is not None
    assert allowed(office.url, of_ada) == {"dags": 200, "pools": 200, "connections": 200}
    assert allowed(office.url, of_bob) == {"dags": 200, "pools": 200, "connections": 403}
    rows = office.airflow.query("SELECT first_name, last_name, email FROM ab_user WHERE username = 'ada'")
    assert rows == [("ada", "of the directory", "ada@example.org")]


def test_the_page_with_name_and_password_opens_a_session(office: Office) -> None:
    session = requests.Session()
    session.trust_env = False
    page = session.get(f"{office.url}/auth/login/", timeout=60)
    csrf = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert csrf is not None
    form = {"username": "ada", "password": "ada in the directory", "csrf_token": csrf[1]}
    session.post(f"{office.url}/auth/login/", form, timeout=60)
    assert session.get(f"{office.url}/api/v2/connections", timeout=60).status_code == 200
    session.get(f"{office.url}/auth/logout", timeout=60)
    assert session.get(f"{office.url}/api/v2/connections", timeout=60).status_code == 401


def test_a_wrong_or_empty_password_and_a_person_of_no_group_are_refused(office: Office) -> None:
    assert token(office.url, "ada", "another password") is None
    assert in_the_directory(office, "eve") is None
    assert in_the_directory(office, "nobody") is None
    # A bind without a password is anonymous, and succeeds.
    answer = requests.post(f"{office.url}/auth/token", json={"username": "ada", "password": ""}, timeout=60)
    assert answer.status_code == 400
    # A name that is a filter matches nobody.
    assert token(office.url, "a*", "ada in the directory") is None


def test_the_first_user_keeps_its_own_password_whatever_the_directory_says(office: Office) -> None:
    assert in_the_directory(office, "admin") is None
    assert token(office.url, "admin", "first password") is not None


def test_the_next_login_has_the_roles_of_the_groups_of_that_day(office: Office) -> None:
    bearer = in_the_directory(office, "bob")
    assert bearer is not None
    office.directory.change(move("bob", "readers", "data"))
    bearer = in_the_directory(office, "bob")
    assert bearer is not None
    assert allowed(office.url, bearer)["connections"] == 200
    office.directory.change(move("bob", "data", "elsewhere"))
    assert in_the_directory(office, "bob") is None
    # A token that is still valid has no rights any more, once the cache of users is older than its second.
    time.sleep(2)
    assert set(allowed(office.url, bearer).values()) <= {401, 403}
    office.directory.change(move("bob", "elsewhere", "data"))


@pytest.mark.parametrize(
    ("tls", "trusted", "admitted"),
    [("ldaps", True, True), ("ldaps", False, False), ("ldap", False, False)],
    ids=["TLS from the start", "TLS with another certificate", "StartTLS with another certificate"],
)
def test_the_servers_certificate_is_verified(office: Office, tls: str, trusted: bool, admitted: bool) -> None:
    changed: dict[str, object] = {"server": getattr(office.directory, tls)}
    if not trusted:
        changed["ca_certificate"] = unused_authority("of somebody else")
    configure(office.airflow, **changed)
    with office.airflow.api_server(**VARIABLES) as url:
        found = token(url, "ada", "ada in the directory")
    assert (found is not None) is admitted
