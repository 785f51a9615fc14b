"""The server for the clouds' official host names on the node, run as `python -m`.

- 169.254.169.254: GKE's metadata server, which identifies a pod by its source address.
- login.microsoftonline.com: Entra, which exchanges tokens of ServiceAccounts.
- sqladmin.googleapis.com: the calls of Cloud SQL's connectors.
- storage.googleapis.com and ACCOUNT.blob.core.windows.net: object storage, for identities with the role.
- the webhook of AKS that mounts tokens into labelled pods.

Every decision is based on the current inventory of the simulated clouds.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

import jwt

from lab.certificates import Pair, public_authority
from lab.clouds.inventory import Inventory, World
from lab.node.api import Api, ApiError
from lab.progress import say
from lab.services import entra, google, sql_admin
from lab.services.http import Request, Response, answer, serve, text
from lab.services.stores import BLOB_AUDIENCE, BLOB_SUFFIX, ISSUER, Programs, Stores
from lab.services.tokens import Tokens

METADATA_ADDRESS: Final = "169.254.169.254"
METADATA_NAMES: Final = ("metadata.google.internal", "metadata", "metadata.google.internal.cluster.local")
GOOGLE_NAMES: Final = ("storage.googleapis.com", "www.googleapis.com")
ENTRA_NAMES: Final = ("login.microsoftonline.com",)
WEBHOOK_PATH: Final = "/mutate-v1-pod"
GOOGLE_AUDIENCE: Final = "https://www.googleapis.com/"
TOKEN_SECONDS: Final = 3599
POD_SECONDS: Final = 5.0
"""Time during which a pod may send requests before the API server knows its address."""
_FLAVOR: Final = {"Metadata_Flavor": "Google", "Server": "GKE Metadata Server (simulated)"}
_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)


@dataclass
class Front:
    """The request handlers: `handle` for requests over TLS, `metadata` for the metadata server."""

    inventory: Inventory
    api: Api
    stores: Stores
    tokens: Tokens
    databases: Path
    """Folder of the real servers of simulated databases."""

    @cached_property
    def _cache(self) -> tuple[threading.Lock, dict[str, Any]]:
        return threading.Lock(), {}

    def world(self) -> World:
        """The current inventory; the file is parsed only after a change."""
        lock, cache = self._cache
        try:
            stamp = self.inventory.path.stat().st_mtime_ns
        except FileNotFoundError:
            return World()
        with lock:
            if cache.get("stamp") != stamp:
                cache.update(stamp=stamp, world=self.inventory.read())
            return cache["world"]

    # -- dispatch -----------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Dispatch a request by its host name."""
        if request.path == WEBHOOK_PATH:
            return self._mutate(request)
        if request.host in ENTRA_NAMES:
            return self._entra(request)
        if request.host in GOOGLE_NAMES:
            return self._google(request)
        if request.host in sql_admin.NAMES:
            return self._sql_admin(request)
        if request.host.endswith(BLOB_SUFFIX):
            return self._azure(request)
        return text(f"The lab has no stand-in for {request.host}.\n", 404)

    # -- GKE ----------------------------------------------------------------------------------------------------------

    def metadata(self, request: Request) -> Response:
        """GKE's metadata server. Azure's has the same address, but no identities of pods."""
        if request.path.startswith("/metadata/"):
            return answer({"error": "invalid_request", "error_description": "Identity not found"}, 400)
        if not request.path.startswith("/computeMetadata/"):
            return text("computeMetadata/\n", **_FLAVOR)
        if request.headers.get("metadata-flavor") != "Google":
            return text("Missing Metadata-Flavor:Google header.\n", 403, **_FLAVOR)
        match request.steps[2:]:
            case ["universe", _] | ["universe", _, *_]:
                return text("googleapis.com", **_FLAVOR)
        try:
            world, workload = self.world(), self._workload(request.client)
            # Every pod can query its claimed identity; a token needs the binding.
            is_token = request.path.endswith("/token")
            who = google.principal(world, workload) if is_token else google.claimed(world, workload)
        except google.DeniedError as refused:
            say(f"metadata: {request.client}: {refused}")
            return text(f"Unable to generate access token; {refused}\n", 403, **_FLAVOR)
        match request.steps[2:]:
            case ["project", "project-id"]:
                return text(who.project, **_FLAVOR)
            case ["project", "numeric-project-id"]:
                return text("0", **_FLAVOR)
            case ["instance", "service-accounts"] | ["instance", "service-accounts", ""]:
                return text(f"default/\n{who.email}/\n", **_FLAVOR)
            case ["instance", "service-accounts", account, *what] if account in ("default", who.email):
                return self._account(who, what, request)
        return text("404 page not found\n", 404, **_FLAVOR)

    def _account(self, who: google.Principal, what: Sequence[str], request: Request) -> Response:
        match [step for step in what if step]:
            case []:
                if request.query.get("recursive", "").lower() == "true":
                    account = {"aliases": ["default"], "email": who.email, "scopes": list(_SCOPES)}
                    return answer(account, **_FLAVOR)
                return text("aliases\nemail\nidentity\nscopes\ntoken\n", **_FLAVOR)
            case ["email"]:
                return text(who.email, **_FLAVOR)
            case ["scopes"]:
                return text("\n".join(_SCOPES), **_FLAVOR)
            case ["token"]:
                token = self.tokens.issue(GOOGLE_AUDIENCE, seconds=TOKEN_SECONDS, member=who.member)
                return answer({"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer"}, **_FLAVOR)
        return text("404 page not found\n", 404, **_FLAVOR)

    def _workload(self, address: str) -> google.Workload:
        """The pod with this address.

        Raises:
            DeniedError: there is none.
        """
        deadline = time.monotonic() + POD_SECONDS
        while True:
            found = self.api.get(f"/api/v1/pods?fieldSelector=status.podIP={address}")["items"]
            alive = [pod for pod in found if pod["status"].get("phase") not in ("Succeeded", "Failed")]
            pods = [pod for pod in alive if not pod["spec"].get("hostNetwork")]
            if pods:
                break
            if time.monotonic() > deadline:
                raise google.DeniedError(f"no pod has the address {address}")
            time.sleep(0.2)
        namespace = pods[0]["metadata"]["namespace"]
        name = pods[0]["spec"].get("serviceAccountName", "default")
        return google.Workload(
            namespace=namespace, service_account=name, annotations=self._annotations(namespace, name)
        )

    def _annotations(self, namespace: str, service_account: str) -> dict[str, str]:
        found = self.api.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}")
        return found["metadata"].get("annotations") or {}

    def _google(self, request: Request) -> Response:
        try:
            member = str(self.tokens.read(request.bearer, GOOGLE_AUDIENCE)["member"])
        except (jwt.InvalidTokenError, ValueError) as error:
            return google.error(401, f"Invalid Credentials ({error})", "authError")
        world = self.world()
        try:
            name, needed = google.permissions(request.method, request.path, exists=False)
            bucket = google.bucket(world, name)
            # Only authorised callers learn whether the resource exists.
            for permission in needed:
                google.require(world, member, name, permission)
            if needed == ["storage.objects.create"] and bucket is not None and self._exists(bucket, request):
                google.require(world, member, name, "storage.objects.delete")
        except google.DeniedError as refused:
            say(f"storage: {refused}")
            return google.error(403, str(refused), "forbidden")
        if bucket is None:
            return google.error(404, "The specified bucket does not exist.", "notFound")
        response = self.stores.google(bucket, request)
        if response.status == 404 and needed == ["storage.objects.get"]:
            return _no_such_object(request, name)
        return response

    def _sql_admin(self, request: Request) -> Response:
        try:
            member = str(self.tokens.read(request.bearer, GOOGLE_AUDIENCE)["member"])
            return sql_admin.handle(self.world(), member, request, self.databases)
        except (jwt.InvalidTokenError, ValueError) as error:
            return google.error(401, f"Invalid Credentials ({error})", "authError")
        except google.DeniedError as refused:
            say(f"sqladmin: {refused} ({refused.detail})")
            return google.error(403, str(refused), "notAuthorized")

    def _exists(self, bucket: Any, request: Request) -> bool:
        """Whether the object of an upload already exists."""
        name = request.query.get("name", "")
        if not name and request.query.get("uploadType") in ("multipart", "resumable"):
            start = request.body.find(b"{")
            try:
                name = str(json.JSONDecoder().raw_decode(request.body[start:].decode(errors="replace"))[0]["name"])
            except (ValueError, KeyError):
                return False
        if not name or "upload_id" in request.query:
            return False
        path = f"/storage/v1/b/{bucket.outputs.get('name', bucket.id)}/o/{quote(name, safe='')}"
        asked = Request(method="GET", host=request.host, target=path, headers={})
        return self.stores.google(bucket, asked).status == 200

    # -- Azure --------------------------------------------------------------------------------------------------------

    def _entra(self, request: Request) -> Response:
        steps = request.steps
        if steps[-1] == "openid-configuration":
            return answer(_configuration(steps[0]))
        if steps[-2:] == ["discovery", "instance"]:
            tenant = request.query.get("authorization_endpoint", "").split("/")[3:4] or ["common"]
            names = {"preferred_network": ENTRA_NAMES[0], "preferred_cache": "login.windows.net"}
            known = {
                **names,
                "aliases": [ENTRA_NAMES[0], "login.windows.net", "login.microsoft.com", "sts.windows.net"],
            }
            where = f"{entra.AUTHORITY}{tenant[0]}/v2.0/.well-known/openid-configuration"
            return answer({"tenant_discovery_endpoint": where, "api-version": "1.1", "metadata": [known]})
        if request.method == "POST" and steps[1:] == ["oauth2", "v2.0", "token"]:
            return self._trade(request, steps[0])
        return text("Not found\n", 404)

    def _trade(self, request: Request, tenant: str) -> Response:
        form = request.form
        try:
            if form.get("grant_type") != "client_credentials" or "client_assertion" not in form:
                raise entra.DeniedError(
                    "invalid_request", "AADSTS900144: The request body must contain a client_assertion."
                )
            audience = form.get("scope", "").removesuffix("/.default")
            if audience.rstrip("/") != BLOB_AUDIENCE:
                raise entra.DeniedError("invalid_resource", f"AADSTS500011: The resource {audience} was not found.")
            subject, audiences = self._reviewed(form["client_assertion"])
            who = entra.principal(
                self.world(), client_id=form.get("client_id", ""), tenant=tenant, subject=subject, audiences=audiences
            )
        except entra.DeniedError as refused:
            say(f"entra: {refused}")
            return answer({"error": refused.code, "error_description": str(refused), "error_codes": []}, 401)
        token = self.tokens.issue(
            BLOB_AUDIENCE, seconds=TOKEN_SECONDS, iss=f"{ISSUER}{tenant}/", oid=who.id, appid=who.client_id, tid=tenant
        )
        return answer({"token_type": "Bearer", "expires_in": TOKEN_SECONDS, "access_token": token})

    def _reviewed(self, assertion: str) -> tuple[str, list[str]]:
        """Subject and audiences of a ServiceAccount's token, verified by the cluster.

        Raises:
            DeniedError: it is not a valid token of this cluster.
        """
        try:
            body = assertion.split(".")[1]
            audiences = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["aud"]
        except (IndexError, ValueError, KeyError):
            raise entra.DeniedError("invalid_client", "AADSTS50027: JWT token is invalid or malformed.") from None
        audiences = audiences if isinstance(audiences, list) else [audiences]
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": assertion, "audiences": audiences},
        }
        status = self.api.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)["status"]
        if not status.get("authenticated"):
            message = f"AADSTS700024: Client assertion is not valid: {status.get('error', '')[:200]}"
            raise entra.DeniedError("invalid_client", message)
        return str(status["user"]["username"]), [str(audience) for audience in audiences]

    def _azure(self, request: Request) -> Response:
        account = request.host.removesuffix(BLOB_SUFFIX)
        world = self.world()
        if not any(item.inputs.get("accountName") == account for item in world.of(entra.ACCOUNT)):
            return _azure_error(404, "ResourceNotFound", f"There is no storage account {account}.")
        if not request.bearer:
            return _azure_error(403, "KeyBasedAuthenticationNotPermitted", "Only tokens are taken here.")
        name, *blob = request.steps
        try:
            oid = str(self.tokens.read(request.bearer, BLOB_AUDIENCE)["oid"])
            action = entra.action(request.method, request.query, of_container=not any(blob))
            container = entra.container(world, account, name)
            where = container.id if container is not None else _account_id(world, account)
            entra.require(world, oid, where, action)
        except (jwt.InvalidTokenError, ValueError) as error:
            return _azure_error(401, "InvalidAuthenticationInfo", str(error))
        except entra.DeniedError as refused:
            say(f"blob: {account}/{name}: {refused}")
            return _azure_error(403, refused.code, str(refused))
        if container is None:
            return _azure_error(404, "ContainerNotFound", f"There is no container {name}.")
        return self.stores.azure(account, container, request)

    def _mutate(self, request: Request) -> Response:
        review = json.loads(request.body)
        asked = review["request"]
        response: dict[str, Any] = {"uid": asked["uid"], "allowed": True}
        pod, namespace = asked["object"], asked["namespace"]
        try:
            annotations = self._annotations(namespace, pod["spec"].get("serviceAccountName", "default"))
            patch = entra.mutated(pod, annotations, entra.tenant(self.world()))
            response |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
        except ApiError as error:
            response |= {"allowed": False, "status": {"message": str(error), "code": 400}}
        return answer({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response})


def _account_id(world: World, account: str) -> str:
    return next(item.id for item in world.of(entra.ACCOUNT) if item.inputs.get("accountName") == account)


def _configuration(tenant: str) -> dict[str, Any]:
    base = f"{entra.AUTHORITY}{unquote(tenant)}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "issuer": f"{base}/v2.0",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def _no_such_object(request: Request, bucket: str) -> Response:
    """Google's message, by which Airflow recognises that there is no earlier log; otherwise it would not write."""
    message = f"No such object: {bucket}/{request.steps[-1]}"
    is_media = request.query.get("alt") == "media"
    return text(message, 404) if is_media else google.error(404, message, "notFound")


def _azure_error(status: int, code: str, message: str) -> Response:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    headers = {"Content-Type": "application/xml", "x-ms-error-code": code}
    return Response(status=status, body=body.encode(), headers=headers)


def names(address: str) -> dict[str, str]:
    """The host names of this server for the node's DNS, with addresses."""
    official = [*GOOGLE_NAMES, *sql_admin.NAMES, *ENTRA_NAMES, f"*{BLOB_SUFFIX}"]
    return {**dict.fromkeys(METADATA_NAMES, METADATA_ADDRESS), **dict.fromkeys(official, address)}


def certificate(address: str) -> Pair:
    """The server certificate: all official names, and the address that the API server uses for the webhook."""
    hosts = [*GOOGLE_NAMES, *sql_admin.NAMES, *ENTRA_NAMES, f"*{BLOB_SUFFIX}", address]
    return public_authority().issue(f"front-{address}", "front", hosts=hosts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the daemon with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--server", "--address"):
        parser.add_argument(option, required=True)
    for option in ("--authority", "--certificate", "--key", "--folder", "--inventory", "--databases"):
        parser.add_argument(option, type=Path, required=True)
    for option in ("--fake-gcs", "--node", "--azurite"):
        parser.add_argument(option, type=Path, required=True)
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    tokens = Tokens(given.folder / "token.key")
    programs = Programs(fake_gcs=given.fake_gcs, node=given.node, azurite=given.azurite)
    front = Front(
        inventory=Inventory(given.inventory),
        api=Api(given.server, given.authority, Pair(given.certificate, given.key)),
        stores=Stores(given.folder, programs, tokens),
        tokens=tokens,
        databases=given.databases,
    )
    serve(front.metadata, METADATA_ADDRESS, 80)
    serve(front.handle, given.address, 443, certificate(given.address))
    say(f"answering for {', '.join(names(given.address))}")
    signal.pause()


if __name__ == "__main__":
    main()
