"""A stand-in for BigQuery, the metadata server and a feed, for Google's client library: it stores what is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "the identity of the pod"
JOB = {"projectId": "simulated-project", "jobId": "job", "location": "EU"}


@dataclass(kw_only=True)
class BigQuery:
    """Tables by their path, as lists of rows, and refusals of requests without the identity's token."""

    port: int = 0
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    schemas: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    stations: list[dict[str, Any]] = field(default_factory=list)
    loaded: int = 0

    def load(self, body: bytes, content_type: str) -> dict[str, Any]:
        """The job of a multipart upload: its description, and the rows as lines of JSON.

        https://cloud.google.com/bigquery/docs/reference/api-uploads.
        """
        boundary = re.search(r'boundary="?([^";]+)', content_type)
        assert boundary is not None, content_type
        _, job, data, _ = body.split(b"--" + boundary[1].encode())
        described = json.loads(job.partition(b"\r\n\r\n")[2])["configuration"]["load"]
        assert described["sourceFormat"] == "NEWLINE_DELIMITED_JSON"
        rows = [json.loads(line) for line in data.partition(b"\r\n\r\n")[2].splitlines() if line.strip()]
        table = ".".join(described["destinationTable"][part] for part in ("projectId", "datasetId", "tableId"))
        self.schemas[table] = described["schema"]["fields"]
        assert described["writeDisposition"] == "WRITE_APPEND"
        self.tables.setdefault(table, []).extend(rows)
        self.loaded = len(rows)
        return self.job()

    def job(self) -> dict[str, Any]:
        """The finished job."""
        return {
            "kind": "bigquery#job",
            "id": "simulated-project:EU.job",
            "jobReference": JOB,
            "configuration": {"jobType": "LOAD", "load": {}},
            "status": {"state": "DONE"},
            "statistics": {"load": {"outputRows": str(self.loaded)}},
        }


@contextmanager
def serving() -> Iterator[BigQuery]:
    """The stand-in on a port of this machine."""
    state = BigQuery()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            del args

        def _answer(self, content: object, status: int = 200) -> None:
            body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            # By this header clients recognize the metadata server.
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Type", "application/text" if isinstance(content, str) else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/gbfs/station_status.json":
                self._answer({"data": {"stations": state.stations}})
            elif path.endswith("/token"):
                self._answer({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
            elif path.endswith("/project/project-id"):
                self._answer("another-project")
            elif path.startswith("/computeMetadata") or path == "/":
                email = "worker@simulated-project.iam.gserviceaccount.com"
                self._answer({"email": email, "scopes": [], "aliases": []})
            else:
                self._answer(state.job())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                state.refused.append(self.path)
                self._answer({"error": {"code": 401, "message": "no token of the identity"}}, 401)
            elif self.path.startswith("/upload/bigquery/v2/projects/simulated-project/jobs?uploadType=multipart"):
                self._answer(state.load(body, self.headers["Content-Type"]))
            else:
                self._answer({"error": {"code": 404, "message": self.path}}, 404)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
