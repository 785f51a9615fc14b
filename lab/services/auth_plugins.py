"""Stand-ins for `gke-gcloud-auth-plugin` and `kubelogin`, which the kubeconfigs of GKE and AKS run to log in.

The real plugins exchange a user's cloud login for a token; these issue a client certificate of the lab's cluster that
is valid for an hour. Like the real ones they do not connect to the cluster.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

VALID: Final = datetime.timedelta(hours=1)
CONTROL_PLANE: Final = "LAB_CONTROL_PLANE"
"""Environment variable with the folder of the control plane to log in to; default: that of the lab's node."""
GKE: Final = "gke-gcloud-auth-plugin"
AKS: Final = "kubelogin"
LOGINS: Final = "LAB_LOGINS"
"""Environment variable with the simulated logins to Google Cloud, separated by commas: `adc` for application default
credentials (`gcloud auth application-default login`, or a key or federation of CI), `gcloud` for the login of `gcloud`
itself (`gcloud auth login`). They are independent."""
DEFAULT_LOGINS: Final = "adc"
"""Default logins: the provider of Google Cloud needs application default credentials anyway."""
AKS_SERVER: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The Entra application for which every AKS cluster accepts tokens,
https://learn.microsoft.com/en-us/azure/aks/kubelogin-authentication."""
AKS_LOGINS: Final = (
    "devicecode",
    "interactive",
    "spn",
    "ropc",
    "msi",
    "azurecli",
    "azd",
    "workloadidentity",
    "azurepipelines",
)
AKS_NEEDS: Final[Mapping[str, Mapping[str, str]]] = {
    "devicecode": {"--client-id": "", "--tenant-id": ""},
    "spn": {
        "--client-id": "AZURE_CLIENT_ID",
        "--client-secret": "AZURE_CLIENT_SECRET",
        "--tenant-id": "AZURE_TENANT_ID",
    },
    "workloadidentity": {
        "--client-id": "AZURE_CLIENT_ID",
        "--federated-token-file": "AZURE_FEDERATED_TOKEN_FILE",
        "--tenant-id": "AZURE_TENANT_ID",
    },
}
"""Options that a login method requires, and the environment variable that can replace the option ("" means none):
pkg/internal/token/devicecodecredential.go, clientsecretcredential.go, workloadidentitycredential.go and options.go of
https://github.com/Azure/kubelogin. `azurecli` uses the tenant of the default subscription if none is given."""
USERS: Final = {GKE: "lab-user@simulated.google", AKS: "lab-user@simulated.entra"}


class RefusedError(Exception):
    """The real plugin would refuse this call."""


def install(folder: Path) -> None:
    """Install both into a folder for the PATH of `pulumi`."""
    from lab.engine.launcher import write_launcher

    for name in USERS:
        write_launcher(folder / name, __name__, name)


def credential(plugin: str, arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """The answer of a plugin: an ExecCredential of the version that the client requests.

    Raises:
        RefusedError: arguments or environment that the real plugin refuses.
    """
    {GKE: _check_gke, AKS: _check_aks}[plugin](arguments, environment)
    version = _asked_version(environment)
    certificate, key, until = _issue(_control_plane(environment), USERS[plugin])
    status = {
        "clientCertificateData": certificate,
        "clientKeyData": key,
        "expirationTimestamp": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {"kind": "ExecCredential", "apiVersion": version, "spec": {"interactive": False}, "status": status}


def _check_gke(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Refuse if the login that the arguments select is missing, with the real plugin's message.

    https://github.com/kubernetes/cloud-provider-gcp, cmd/gke-gcloud-auth-plugin/cred.go: without the flag the token
    comes from `gcloud config config-helper`, with it from application default credentials and nowhere else.
    """
    parser = _Parser(prog=GKE)
    parser.add_argument("--use_application_default_credentials", action="store_true")
    parser.add_argument("--impersonate_service_account")
    logins = environment.get(LOGINS, DEFAULT_LOGINS).split(",")
    failed = "print credential failed with error: Failed to retrieve access token::"
    if parser.parse_args(arguments).use_application_default_credentials:
        if "adc" not in logins:
            raise RefusedError(
                f"{failed} google: could not find default credentials. See "
                "https://cloud.google.com/docs/authentication/external/set-up-adc for more information"
            )
    elif "gcloud" not in logins:
        raise RefusedError(
            f"{failed} failure while executing gcloud, with args [config config-helper --format=json]: exit status 1 "
            "(err: ERROR: (gcloud.config.config-helper) You do not currently have an active account selected.)"
        )


def _check_aks(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    parser = _Parser(prog=AKS)
    parser.add_argument("command", choices=["get-token"])
    parser.add_argument("--server-id", required=True)
    parser.add_argument("--login", "-l", choices=AKS_LOGINS, default="devicecode")
    for option in (
        "--client-id",
        "--client-secret",
        "--environment",
        "--federated-token-file",
        "--tenant-id",
        "--token-cache-dir",
    ):
        parser.add_argument(option)
    given = parser.parse_args(arguments)
    for option, variable in AKS_NEEDS.get(given.login, {}).items():
        name = option.removeprefix("--")
        if not (getattr(given, name.replace("-", "_")) or (variable and environment.get(variable))):
            raise RefusedError(f"{name} cannot be empty")
    if given.server_id != AKS_SERVER:
        raise RefusedError(f"no application {given.server_id} is known; that of AKS is {AKS_SERVER}")


class _Parser(argparse.ArgumentParser):
    """Raises in place of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise RefusedError(message)


def _asked_version(environment: Mapping[str, str]) -> str:
    asked = environment.get("KUBERNETES_EXEC_INFO")
    if not asked:
        raise RefusedError("KUBERNETES_EXEC_INFO is not set; kubectl and client libraries set it")
    version = str(json.loads(asked).get("apiVersion"))
    if version not in ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"):
        raise RefusedError(f"{version} is not a version of ExecCredential")
    return version


def _control_plane(environment: Mapping[str, str]) -> Path:
    if given := environment.get(CONTROL_PLANE):
        return Path(given)
    from lab.node.instance import Instance

    return Instance().layout.folder


def _issue(control_plane: Path, user: str) -> tuple[str, str, datetime.datetime]:
    """Certificate and key as PEM, and their expiry."""
    from lab.certificates import CertificateAuthority

    pki = control_plane / "pki"
    if not (pki / "ca.key").exists():
        raise RefusedError(f"there is no cluster to log in to ({pki / 'ca.key'} does not exist)")
    until = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + VALID
    return (*CertificateAuthority(pki).client(user, groups=["system:masters"], until=until), until)


def main() -> None:
    """Run the plugin in the first argument; a refusal prints one line and exits with code 1."""
    plugin, *arguments = sys.argv[1:]
    if "--version" in arguments:
        print(f"{plugin}: a stand-in of the lab")
        return
    try:
        print(json.dumps(credential(plugin, arguments, os.environ)))
    except RefusedError as error:
        print(f"{plugin}: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
