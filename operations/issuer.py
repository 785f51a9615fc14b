"""Preflight check of the identity provider of `airflow:auth`: whether it describes itself under the stack's issuer."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, Final

from components.cloud.preflight.findings import Finding, missing, ok, unknown
from components.settings.sections.accounts import Accounts

PATH: Final = "/.well-known/openid-configuration"
TIMEOUT_SECONDS: Final = 10.0
KEY: Final = "airflow:auth.issuer"


def findings(auth: Accounts) -> Iterator[Finding]:
    """One finding about the provider; none where the login has no provider that describes itself."""
    login = auth.external
    if login is None or login.issuer is None:
        return
    url = f"{login.issuer}{PATH}"
    context = ssl.create_default_context(cadata=login.ca_certificate)
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS, context=context) as answer:  # noqa: S310 - HTTPS by settings
            described: Any = json.loads(answer.read())
        named = described["issuer"]
    except urllib.error.HTTPError as error:
        yield missing(f"{url} answers with status {error.code}", f"correct {KEY}")
    except OSError as error:
        remedy = f"correct {KEY}; if only the cluster reaches the provider, look from a pod"
        yield unknown(f"{url} does not answer: {getattr(error, 'reason', error)}", remedy)
    except (ValueError, KeyError, TypeError):
        yield missing(f"{url} is not the description of a provider", f"correct {KEY}")
    else:
        # Tokens carry the issuer that the provider names, and a login with any other is refused.
        if str(named).rstrip("/") == login.issuer:
            yield ok(f"{login.issuer} describes its provider of OpenID Connect")
        else:
            yield missing(f"the provider at {login.issuer} names itself {named}", f"set {KEY} to that")
