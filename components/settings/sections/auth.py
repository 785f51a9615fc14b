"""Login of people and programs: accounts of the database, identity providers, directories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from components.settings.secret_keys import AUTH_BIND_PASSWORD, AUTH_CLIENT_SECRET
from components.settings.sections.accounts import Accounts, ExternalLogin, RoleName
from components.settings.types import Hostname, KubernetesName

GUID: Final = r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"
MEMBER_GROUP: Final = "*"
"""The group of all members of an organization of GitHub; no team has this name."""


def _https_url(text: str) -> str:
    """The URL without a slash at its end.

    Raises:
        ValueError: not an HTTPS URL of a provider; "rule; remedy".
    """
    url = urlsplit(text)
    if url.scheme == "http":
        raise ValueError("is not encrypted: anyone between could log in as anybody; use an https:// URL")
    if url.scheme != "https" or not url.hostname or url.query or url.fragment or url.username:
        raise ValueError("is not the HTTPS URL of an issuer; write https://HOST/PATH, without /.well-known")
    if "/.well-known/" in url.path:
        raise ValueError("is the URL of the provider's configuration; leave out /.well-known and what follows")
    return text.rstrip("/")


def _pem(text: str) -> str:
    """The certificates.

    Raises:
        ValueError: not PEM certificates; "rule; remedy".
    """
    if not text.strip().startswith("-----BEGIN CERTIFICATE-----"):
        raise ValueError("is not a text of PEM certificates; paste the file of the CA bundle")
    return text.strip() + "\n"


def _ldap_url(text: str) -> str:
    """The URL.

    Raises:
        ValueError: not an LDAP URL of a server; "rule; remedy".
    """
    url = urlsplit(text)
    if url.scheme not in ("ldap", "ldaps") or not url.hostname or url.path.strip("/") or url.query:
        raise ValueError("is not the URL of a directory server; write ldaps://HOST or ldap://HOST")
    return text.rstrip("/")


def _filter(text: str) -> str:
    """The filter.

    Raises:
        ValueError: parentheses do not match; "rule; remedy".
    """
    if not (text.startswith("(") and text.endswith(")") and text.count("(") == text.count(")")):
        raise ValueError("is not an LDAP filter in parentheses; write for example (objectClass=person)")
    return text


Certificates = Annotated[str, AfterValidator(_pem)]
ClientId = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S+\Z")]
ClaimName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S+\Z")]
DistinguishedName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9.-]*=.+\Z", title="distinguished name")]
Attribute = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*\Z", title="name of an attribute")]
GroupRoles = Annotated[dict[str, RoleName], Field(min_length=1, title="group, role")]


class PasswordLogin(Accounts):
    """A name and a password, both in Airflow's database."""

    kind: Literal["password"]


class _SingleSignOn(Accounts):
    """Common fields of identity providers."""

    client_id: ClientId
    """Id of the application that is registered with the provider. Its redirect URI is the output `auth_redirect_uri`;
    its secret is `airflow:auth_client_secret`."""
    client_secret_name: KubernetesName | None = None
    """Name of an existing Secret in the stack's namespace with the key `auth-client-secret`; default: created from
    `airflow:auth_client_secret`."""

    def _external(
        self, provider: str, issuer: str | None, config: Mapping[str, Any], ca_certificate: str | None = None
    ) -> ExternalLogin:
        return ExternalLogin(
            provider=provider,
            issuer=issuer,
            config={"provider": provider, "client_id": self.client_id, **config},
            secret_key=AUTH_CLIENT_SECRET,
            existing_secret=self.client_secret_name,
            ca_certificate=ca_certificate,
        )


def _openid(
    issuer: str, username_claim: str, groups_claim: str | None, scopes: tuple[str, ...], domains: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The values of login.json for a provider of OpenID Connect."""
    return {
        "protocol": "oidc",
        "endpoints": {"server_metadata_url": f"{issuer}/.well-known/openid-configuration"},
        "scopes": list(scopes),
        "username_claim": username_claim,
        "groups_claim": groups_claim,
        "domains": list(domains),
    }


class OidcLogin(_SingleSignOn):
    """Any provider of OpenID Connect, such as Keycloak, Okta, Auth0 or authentik."""

    kind: Literal["oidc"]
    issuer: Annotated[str, AfterValidator(_https_url), Field(title="HTTPS URL")]
    """URL of the issuer; the provider answers at /.well-known/openid-configuration below it."""
    roles: GroupRoles
    """Role by group. A person in several groups has all their roles; a person in none is refused."""
    scopes: Annotated[tuple[ClaimName, ...], Field(strict=False)] = ("openid", "profile", "email")
    """Scopes that Airflow asks for; `openid` is always among them. Some providers name groups with a scope `groups`."""
    username_claim: ClaimName = "preferred_username"
    """The claim with the login name. Choose one that people cannot change themselves; `sub` is one."""
    groups_claim: ClaimName = "groups"
    """The claim with the groups; a path with dots leads into objects: realm_access.roles."""
    ca_certificate: Certificates | None = None
    """PEM certificates of the CA that verify the provider; default: the public CAs of the image."""

    @property
    def group_roles(self) -> Mapping[str, str]:
        """Role by group."""
        return self.roles

    @property
    def external(self) -> ExternalLogin:
        """The provider."""
        scopes = tuple(dict.fromkeys(("openid", *self.scopes)))
        config = _openid(self.issuer, self.username_claim, self.groups_claim, scopes)
        return self._external("oidc", self.issuer, config, self.ca_certificate)


class GoogleLogin(_SingleSignOn):
    """Accounts that an organization manages with Google Workspace or Cloud Identity."""

    kind: Literal["google"]
    domains: Annotated[tuple[Hostname, ...], Field(strict=False, min_length=1)]
    """Domains of the organization. Accounts that it does not manage are refused, whatever their address."""
    roles: GroupRoles
    """Role by domain or e-mail address: Google names no groups. A person with both has both roles; with none, the
    person is refused."""

    @property
    def group_roles(self) -> Mapping[str, str]:
        """Role by domain or e-mail address."""
        return self.roles

    @property
    def external(self) -> ExternalLogin:
        """Google's provider, https://accounts.google.com/.well-known/openid-configuration."""
        issuer = "https://accounts.google.com"
        return self._external(
            "google", issuer, _openid(issuer, "email", None, ("openid", "profile", "email"), self.domains)
        )


class EntraLogin(_SingleSignOn):
    """Accounts of one tenant of Microsoft Entra ID."""

    kind: Literal["entra"]
    tenant: Annotated[str, Field(pattern=GUID, title="GUID in lower case")]
    """Id of the tenant. Accounts of other tenants are refused."""
    groups_from: Literal["roles", "groups"] = "roles"
    """The claim with the groups: `roles` has the values of the application's app roles, `groups` the object ids of
    security groups. Entra leaves out `groups` for people in more than 200."""
    roles: GroupRoles
    """Role by value of an app role, or by object id of a group. A person in none is refused."""

    @property
    def group_roles(self) -> Mapping[str, str]:
        """Role by app role or group."""
        return self.roles

    @property
    def external(self) -> ExternalLogin:
        """The tenant's provider, https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc."""
        issuer = f"https://login.microsoftonline.com/{self.tenant}/v2.0"
        config = _openid(issuer, "preferred_username", self.groups_from, ("openid", "profile", "email"))
        return self._external("entra", issuer, config)


class GithubLogin(_SingleSignOn):
    """Members of one organization of GitHub, by an OAuth app."""

    kind: Literal["github"]
    organization: Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?\Z")]
    """Name of the organization. People outside it are refused."""
    roles: dict[str, RoleName] = Field(default_factory=dict, title="team, role")
    """Role by team, as the team's URL names it."""
    member_role: RoleName | None = None
    """Role of every member of the organization; default: members of no listed team are refused."""

    @property
    def group_roles(self) -> Mapping[str, str]:
        """Role by team, and that of all members."""
        return {**self.roles, **({MEMBER_GROUP: self.member_role} if self.member_role is not None else {})}

    @property
    def external(self) -> ExternalLogin:
        """GitHub's OAuth, https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps."""
        config = {
            "protocol": "github",
            "endpoints": {
                "api_base_url": "https://api.github.com/",
                "authorize_url": "https://github.com/login/oauth/authorize",
                "access_token_url": "https://github.com/login/oauth/access_token",
            },
            # Membership of teams needs read:org, https://docs.github.com/rest/teams/teams#list-teams-for-the-authenticated-user.
            "scopes": ["read:user", "user:email", "read:org"],
            "organization": self.organization,
            "member_group": MEMBER_GROUP,
        }
        return self._external("github", None, config)


class LdapLogin(Accounts):
    """Accounts of an LDAP directory, such as OpenLDAP or Active Directory."""

    kind: Literal["ldap"]
    server: Annotated[str, AfterValidator(_ldap_url), Field(title="URL of a server")]
    """URL of the server: ldaps://HOST, or ldap://HOST, where the connection is encrypted by StartTLS. The server's
    certificate is verified."""
    unencrypted: bool = False
    """Whether passwords go to an ldap:// server without encryption; an ldaps:// server always encrypts."""
    ca_certificate: Certificates | None = None
    """PEM certificates of the CA that verify the server; default: the public CAs of the image."""
    bind_dn: DistinguishedName
    """The account with which Airflow searches people; its password is `airflow:auth_bind_password`."""
    bind_secret_name: KubernetesName | None = None
    """Name of an existing Secret in the stack's namespace with the key `auth-bind-password`; default: created from
    `airflow:auth_bind_password`."""
    search_base: DistinguishedName
    """The entry below which people are searched."""
    search_filter: Annotated[str, AfterValidator(_filter)] | None = None
    """Filter that people must match, such as (objectClass=person); default: none."""
    user_attribute: Attribute = "uid"
    """Attribute with the login name; sAMAccountName in Active Directory."""
    group_attribute: Attribute = "memberOf"
    """Attribute of people with the distinguished names of their groups."""
    roles: GroupRoles
    """Role by distinguished name of a group, written as the directory has it. A person in none is refused."""

    @property
    def group_roles(self) -> Mapping[str, str]:
        """Role by group."""
        return self.roles

    @property
    def external(self) -> ExternalLogin:
        """The directory."""
        config = {
            "protocol": "ldap",
            "server": self.server,
            "start_tls": self.server.startswith("ldap:") and not self.unencrypted,
            "bind_dn": self.bind_dn,
            "search_base": self.search_base,
            "search_filter": "" if self.search_filter is None else self.search_filter,
            "user_attribute": self.user_attribute,
            "group_attribute": self.group_attribute,
        }
        return ExternalLogin(
            provider=None,
            issuer=None,
            config=config,
            secret_key=AUTH_BIND_PASSWORD,
            existing_secret=self.bind_secret_name,
            ca_certificate=self.ca_certificate,
        )


Auth = Annotated[
    PasswordLogin | OidcLogin | GoogleLogin | EntraLogin | GithubLogin | LdapLogin, Field(discriminator="kind")
]
