"""An e-mail from Airflow's own code in its image to a real SMTP server, with what the pods of a stack have.

The environment is that of a recorded worker: options from its ConfigMap, the login from its Secret.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from lab.images import airflow_root
from tests.unit.conftest import isolated_environment
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import config
from tests.unit.recording.workloads import Pod, options_of, pod_of

pytestmark = [
    pytest.mark.services,
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning"),
]

USER: Final = "airflow"
PASSWORD: Final = "p@ss:w/rd?#%&=+ x"
ENCODED: Final = "p%40ss%3Aw%2Frd%3F%23%25%26%3D%2B%20x"
SENDER: Final = "airflow@simulated.test"
RECEIVER: Final = "team@simulated.test"
PYTHON: Final = "/home/airflow/.local/bin/python"
RUN: Final = "/mnt"
SEND: Final = f"""
from airflow.utils.email import send_email

send_email("{RECEIVER}", "Task failed", "<b>It failed.</b>")
"""
VARIABLE: Final = "AIRFLOW_CONN_SMTP_DEFAULT"


@dataclass
class Mailbox:
    """A server that takes mail from clients that log in."""

    received: list[Envelope] = field(default_factory=list[Envelope])

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        del server, session
        self.received.append(envelope)
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        del server, session, envelope, mechanism
        expected = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == expected, handled=False)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    controller = Controller(
        box, hostname="127.0.0.1", port=port, auth_required=True, auth_require_tls=False, authenticator=box.authenticate
    )
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def environment(recording: Recording, pod: Pod) -> dict[str, str]:
    """The variables of a pod's main container, those from its Secrets included."""
    secrets = {found.object_name: found.plain["stringData"] for found in recording.of_type("Secret")}
    references = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in pod.main["env"] if "valueFrom" in each}
    own = {name: secrets[each["name"]][each["key"]] for name, each in references.items()}
    return {**options_of(recording, pod), **own}


def sent(port: int, password: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Send a mail as a worker of a stack with this login would."""
    stack = config(
        "celery",
        options={
            "smtp": {
                "smtp_host": "127.0.0.1",
                "smtp_port": str(port),
                "smtp_starttls": "False",
                "smtp_mail_from": SENDER,
                "smtp_retry_limit": "0",
            }
        },
        pods={"worker": {"secret_environment": [VARIABLE]}},
    )
    values = json.dumps({VARIABLE: f"smtp://{USER}:{password}@127.0.0.1:{port}"})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in isolated_environment(folder).items():
            patch.setenv(name, value)
        recording = recorder.run({**stack, "airflow:secret_environment": {"secure": values}})
    assert recording.error is None, recording.error
    pod = pod_of(recording, "worker")
    chosen = {
        name: value
        for name, value in environment(recording, pod).items()
        if name.startswith(("AIRFLOW__SMTP__", "AIRFLOW__EMAIL__", VARIABLE))
    }
    assert password not in json.dumps(pod.spec)
    return in_the_image(folder, chosen)


def in_the_image(folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    own = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "AIRFLOW_HOME": f"{RUN}/home",
        "PYTHONPYCACHEPREFIX": f"{RUN}/compiled",
        **variables,
    }
    line = airflow_root().command([PYTHON, "-c", SEND], mounts={folder: RUN})
    return subprocess.run(line, env=own, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="airflow-mail-") as path:
        yield Path(path)


def test_a_mail_arrives_with_the_login_that_only_a_secret_has(mailbox: tuple[Mailbox, int], folder: Path) -> None:
    box, port = mailbox
    done = sent(port, ENCODED, folder)
    assert done.returncode == 0, done.stderr[-2000:]
    [envelope] = box.received
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, [RECEIVER])
    content = envelope.content
    assert isinstance(content, bytes)
    message = message_from_bytes(content)
    assert message["Subject"] == "Task failed"
    [part] = [each for each in message.walk() if each.get_content_type() == "text/html"]
    assert b"<b>It failed.</b>" in part.get_payload(decode=True)  # type: ignore[operator]


def test_the_server_refuses_a_mail_with_another_password(mailbox: tuple[Mailbox, int], folder: Path) -> None:
    box, port = mailbox
    done = sent(port, "another", folder)
    assert done.returncode != 0
    assert "SMTPAuthenticationError" in done.stderr
    assert box.received == []
