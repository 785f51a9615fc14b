"""FAB's configuration for a login with an identity provider or a directory, as decided by login.json beside this file.

The api-server reads it ([fab] config_file). Secrets are files of a folder that only the api-server mounts. An account
is created at its first login, and its roles are those of its groups at each login. A person in none of the groups is
refused, and an account that is in none any more loses its roles.
"""

import json
import logging
from pathlib import Path

from airflow.providers.fab.auth_manager.security_manager.override import FabAirflowSecurityManagerOverride
from flask_appbuilder.const import AUTH_LDAP, AUTH_OAUTH

LOGIN = json.loads(Path(__file__).with_name("login.json").read_text())
log = logging.getLogger("airflow.login")


def secret(name):
    """The text of a file of the Secret, without a line break at its end."""
    return Path(LOGIN["secrets"], name).read_text().rstrip("\r\n")


def claim(claims, name):
    """A claim by its name, or by a path with dots such as Keycloak's realm_access.roles; None without it."""
    if name in claims:
        return claims[name]
    for step in name.split("."):
        claims = claims.get(step) if isinstance(claims, dict) else None
    return claims


def texts(value):
    """The texts of a claim that is a list or one text."""
    return [value] if isinstance(value, str) else [text for text in value or () if isinstance(text, str)]


def oidc_identity(remote, token):
    """The person of an ID token, which Authlib has verified; claims that it lacks come from the userinfo endpoint.

    Raises:
        PermissionError: the person is outside the domains, or has no verified address.
        KeyError: the provider sent no ID token, or it has no name.
    """
    claims = dict(token["userinfo"])
    wanted = (LOGIN["username_claim"], "email", *([LOGIN["groups_claim"]] if LOGIN["groups_claim"] else ()))
    endpoint = remote.load_server_metadata().get("userinfo_endpoint")
    if endpoint and any(claim(claims, name) is None for name in wanted):
        more = remote.userinfo(token=token)
        if more["sub"] != claims["sub"]:
            raise PermissionError("the userinfo endpoint answers about another person than the ID token")
        claims = {**more, **claims}
    groups = texts(claim(claims, LOGIN["groups_claim"])) if LOGIN["groups_claim"] else []
    if LOGIN["domains"]:
        # The domain of the address may be any that its owner has; `hd` is the organisation that manages the account.
        if claims.get("hd") not in LOGIN["domains"] or claims.get("email_verified") is not True:
            raise PermissionError(f"{claims.get('email')} belongs to none of the domains")
        groups = [claims["hd"], claims["email"]]
    name = claim(claims, LOGIN["username_claim"])
    if not isinstance(name, str) or not name:
        raise KeyError(f"no claim {LOGIN['username_claim']}")
    return {
        "username": name,
        "email": claims.get("email", ""),
        "first_name": claims.get("given_name") or claims.get("name") or name,
        "last_name": claims.get("family_name") or "",
        "role_keys": groups,
    }


def github_identity(remote, token):
    """The person of a token of GitHub, who is a member of the organization; teams are groups.

    Raises:
        PermissionError: the person is not an active member.
    """

    def read(path):
        answer = remote.get(path, token=token)
        answer.raise_for_status()
        return answer.json()

    organization, me = LOGIN["organization"], read("user")
    membership = remote.get(f"user/memberships/orgs/{organization}", token=token)
    if membership.status_code != 200 or membership.json()["state"] != "active":
        raise PermissionError(f"{me['login']} is not a member of {organization}")
    groups, page = [LOGIN["member_group"]], 1
    while found := read(f"user/teams?per_page=100&page={page}"):
        groups += [team["slug"] for team in found if team["organization"]["login"].lower() == organization.lower()]
        page += 1
    return {
        # A name with this prefix is no name of an account with a password.
        "username": f"github_{me['login']}",
        "email": me.get("email") or "",
        "first_name": me.get("name") or me["login"],
        "last_name": "",
        "role_keys": groups,
    }


IDENTITIES = {"oidc": oidc_identity, "github": github_identity}


class LoginSecurityManager(FabAirflowSecurityManagerOverride):
    """FAB's security manager, which refuses people without a role and names of the stack's own accounts."""

    # Accounts are created at the first login: the forms by which strangers register are not served.
    registeruserdbview = registeruseroauthview = staticmethod(lambda: None)

    def get_oauth_user_info(self, provider, resp):
        """The person of a token."""
        return IDENTITIES[LOGIN["protocol"]](self.oauth_remotes[provider], resp)

    def auth_user_oauth(self, userinfo, rotate_session_id=True):
        """The account of a person who may log in; None for all others."""
        name = userinfo["username"]
        if self._is_local(name):
            return None
        if not self.get_roles_from_keys(userinfo["role_keys"]):
            self._refuse(name)
            return None
        return super().auth_user_oauth(userinfo, rotate_session_id)

    def auth_user_ldap(self, username, password, rotate_session_id=True):
        """The account of a person whom the directory knows and who may log in; None for all others."""
        if self._is_local(username or ""):
            return None
        user = super().auth_user_ldap(username, password, rotate_session_id)
        if user is not None and not user.roles:
            self._refuse(username)
            return None
        return user

    def _is_local(self, name):
        """Whether an account with a password has this name: nobody else may log in as it."""
        if name.lower() in LOGIN["local_users"]:
            log.warning("Login refused: %s is an account with a password", name)
            return True
        return False

    def _refuse(self, name):
        """Take the roles of an account, if there is one, whose person is in none of the groups."""
        log.warning("Login refused: %s is in none of the groups that have a role", name)
        user = self.find_user(name)
        if user is not None and user.roles:
            user.roles = []
            self.update_user(user)


SECURITY_MANAGER_CLASS = LoginSecurityManager
AUTH_USER_REGISTRATION = True
# No role without a group; FAB would take the public one.
AUTH_USER_REGISTRATION_ROLE = None
AUTH_ROLES_MAPPING = {group: [role] for group, role in LOGIN["roles"].items()}
AUTH_ROLES_SYNC_AT_LOGIN = True

if LOGIN["protocol"] == "ldap":
    AUTH_TYPE = AUTH_LDAP
    AUTH_LDAP_SERVER = LOGIN["server"]
    AUTH_LDAP_USE_TLS = LOGIN["start_tls"]
    AUTH_LDAP_TLS_DEMAND = True
    AUTH_LDAP_TLS_CACERTFILE = LOGIN["ca_file"]
    AUTH_LDAP_BIND_USER = LOGIN["bind_dn"]
    AUTH_LDAP_BIND_PASSWORD = secret("auth-bind-password")
    AUTH_LDAP_SEARCH = LOGIN["search_base"]
    AUTH_LDAP_SEARCH_FILTER = LOGIN["search_filter"]
    AUTH_LDAP_UID_FIELD = LOGIN["user_attribute"]
    AUTH_LDAP_GROUP_FIELD = LOGIN["group_attribute"]
else:
    AUTH_TYPE = AUTH_OAUTH
    OAUTH_PROVIDERS = [
        {
            "name": LOGIN["provider"],
            "icon": "fa-key",
            "token_key": "access_token",
            "remote_app": {
                "client_id": LOGIN["client_id"],
                "client_secret": secret("auth-client-secret"),
                "client_kwargs": {
                    "scope": " ".join(LOGIN["scopes"]),
                    "code_challenge_method": "S256",
                    **({"verify": LOGIN["ca_file"]} if LOGIN["ca_file"] else {}),
                },
                **LOGIN["endpoints"],
            },
        }
    ]
