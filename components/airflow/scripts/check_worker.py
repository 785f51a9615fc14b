"""Whether the Celery worker of this pod reads from its broker: exit code 0 or 1.

The worker sends itself messages through the broker, and touches a file when one arrives (start.py): the way that tasks
take. Looking at the file takes 0.02 s of a processor, where `celery inspect ping` loads all of Airflow.

A broker that is away is not the worker's fault, and a restart would end its tasks: then the check passes, unless no
message has arrived yet. Environment: AIRFLOW__CELERY__BROKER_URL.
"""

import os
import sys
import time

ARRIVED = "/tmp/worker-message-arrived"
SECONDS = 60


def broker_answers():
    """Whether the broker lets a client in; without any library, which would take longer than all else here."""
    import socket
    from urllib.parse import unquote, urlsplit

    url = urlsplit(os.environ["AIRFLOW__CELERY__BROKER_URL"])
    try:
        with socket.create_connection((url.hostname, url.port or 6379), timeout=3) as connection:
            connection.sendall(f"AUTH {unquote(url.password or '')}\r\nPING\r\n".encode())
            connection.settimeout(3)
            said = b""
            while said.count(b"\n") < 2:
                more = connection.recv(1024)
                if not more:
                    break
                said += more
    except OSError:
        return False
    return b"+PONG" in said


try:
    age = time.time() - os.stat(ARRIVED).st_mtime
except FileNotFoundError:
    sys.exit("no message of this worker to itself has arrived yet")
if age > SECONDS:
    said = f"the last message of this worker to itself arrived {age:.0f} s ago"
    if broker_answers():
        sys.exit(said)
    print(f"{said}, and the broker does not answer")
