"""The certificates and keys of a kubeconfig: read once, and left nowhere.

The client library writes them into temporary files, which it deletes when its process ends by itself. A plugin is
killed; and every connection would read the files again.
"""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from typing import Any, Final

from kubernetes.client import ApiClient
from urllib3.util.ssl_ import create_urllib3_context

_AS_DATA: Final = {
    "certificate-authority-data": "certificate-authority",
    "client-certificate-data": "client-certificate",
    "client-key-data": "client-key",
}
"""Keys of a kubeconfig's clusters and users by which they are held, and those by which a file is named."""
_IN_POOL: Final = ("ca_certs", "cert_file", "key_file")


@contextmanager
def in_memory(config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A kubeconfig that names files in this process's memory in the place of what it holds, as long as the block lasts.

    Raises:
        ValueError: something in it is no base64.
    """
    changed = deepcopy(dict(config))
    with ExitStack() as files:
        for section, key in (("clusters", "cluster"), ("users", "user")):
            for entry in changed.get(section) or []:
                part = entry.get(key) or {}
                for held, named in _AS_DATA.items():
                    if part.get(held):
                        file = files.enter_context(os.fdopen(os.memfd_create(named), "wb", buffering=0))
                        file.write(base64.b64decode(part.pop(held)))
                        part[named] = f"/proc/self/fd/{file.fileno()}"
        yield changed


def keep(api: ApiClient) -> None:
    """Read the files that a client names: it works without them from here on.

    Raises:
        OSError: a file is not there, or holds no certificate or key.
    """
    chosen = api.configuration
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if chosen.verify_ssl else ssl.CERT_NONE)
    if chosen.ssl_ca_cert:
        context.load_verify_locations(chosen.ssl_ca_cert)
    elif chosen.verify_ssl:
        context.load_default_certs()
    if chosen.cert_file:
        context.load_cert_chain(chosen.cert_file, chosen.key_file)
    of_connections = api.rest_client.pool_manager.connection_pool_kw
    for name in _IN_POOL:
        of_connections.pop(name, None)
    of_connections["ssl_context"] = context
