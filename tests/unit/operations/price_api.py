"""A local server that answers like the Azure Retail Prices API and the Cloud Billing Catalog API, page by page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 2
"""Items of one page: so few that every answer has several pages."""
CONDITION = re.compile(r"serviceName eq '([^']+)' and armRegionName eq '([^']+)' and priceType eq 'Consumption'")


class PriceApi:
    """Items and SKUs that the server has, and the requests that it got."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.services: list[dict[str, Any]] = []
        self.skus: dict[str, list[dict[str, Any]]] = {}
        self.refused: tuple[int, str] | None = None
        """Status and message of every answer; None: answers."""
        self.requests: list[str] = []
        self.url = ""

    def answer(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """The JSON of one page."""
        if path == "/azure":
            return self._azure(query)
        if path == "/google/v1/services":
            return self._google("services", self.services, query)
        return self._google("skus", self.skus[path.removeprefix("/google/v1/").removesuffix("/skus")], query)

    def _azure(self, query: dict[str, str]) -> dict[str, Any]:
        found = CONDITION.fullmatch(query["$filter"])
        assert found is not None, query
        assert query["currencyCode"] == "USD"
        service, region = found.groups()
        chosen = [i for i in self.items if i["serviceName"] == service and i["armRegionName"] == region]
        start = int(query.get("$skip", "0"))
        following = None
        if start + PAGE < len(chosen):
            condition = query["$filter"].replace(" ", "%20")
            following = f"{self.url}/azure?currencyCode=USD&$filter={condition}&$skip={start + PAGE}"
        return {"BillingCurrency": "USD", "Items": chosen[start : start + PAGE], "NextPageLink": following}

    def _google(self, name: str, items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        assert query["key"] == "the-key"
        start = int(query.get("pageToken") or "0")
        following = str(start + PAGE) if start + PAGE < len(items) else ""
        return {name: items[start : start + PAGE], "nextPageToken": following}


@contextmanager
def serving() -> Iterator[PriceApi]:
    """A running server; it ends with the block."""
    api = PriceApi()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            api.requests.append(parts.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            status, content = 200, None
            if api.refused is not None:
                status, message = api.refused
                content = {"error": {"message": message}}
            body = json.dumps(content or api.answer(parts.path, query)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The test's output stays clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
