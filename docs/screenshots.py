"""Pictures of a running Airflow's UI, taken in a real browser: `make screenshots URL=… PASSWORD=…`.

Needs Chromium, the package `playwright` (docs/requirements.txt), and successful runs of the example DAGs. Writes
docs/images/ui-*.png, and docs/images/ui.json with the version of the Airflow that they show.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from playwright.sync_api import APIRequestContext, Page

FOLDER: Final = Path(__file__).resolve().parent / "images"
RECORD: Final = "ui.json"
SIZE_MAX: Final = 200_000
"""Largest size of one picture, in bytes: they are part of every clone of the repository."""
WIDTH, HEIGHT = 1280, 720
TIMEOUT_MS: Final = 60_000
SETTLE_MS: Final = 1_500
"""Time for animations and late requests of a page that has its text."""
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class ScreenshotError(Exception):
    """A picture that cannot be taken; the message says why and names the remedy."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One page of the UI, and a text that is there once the page is complete."""

    name: str
    path: str
    text: str

    @property
    def file(self) -> str:
        """Name of the picture's file."""
        return f"ui-{self.name}.png"


def finished_run(api: APIRequestContext, headers: dict[str, str], dag: str) -> str:
    """The id of the latest run of a DAG that succeeded.

    Raises:
        ScreenshotError: the DAG has no such run.
    """
    found = _get(api, headers, f"/api/v2/dags/{dag}/dagRuns?state=success&order_by=-run_after&limit=1")
    if not found["dag_runs"]:
        raise ScreenshotError(f"DAG {dag!r} has no successful run; run it once: airflow dags trigger {dag}.")
    return str(found["dag_runs"][0]["dag_run_id"])


def pictures(hello: str, fan_out: str) -> tuple[Picture, ...]:
    """All pictures. The arguments are ids of successful runs of the example DAGs."""
    return (
        Picture(name="dags", path="/dags", text="fan_out"),
        Picture(name="grid", path=f"/dags/fan_out/runs/{quote(fan_out, safe='')}", text="fan_out"),
        Picture(name="log", path=f"/dags/hello/runs/{quote(hello, safe='')}/tasks/greet", text="Hello"),
    )


def take(url: str, user: str, password: str, folder: Path = FOLDER) -> list[Path]:
    """Take all pictures and write them and their record. Returns the written files.

    Raises:
        ScreenshotError: no browser, a refused login, a missing run, a page without its text, or a picture that is
            larger than SIZE_MAX.
    """
    with _page(url) as page:
        headers = _token(page.request, user, password)
        version = str(_get(page.request, headers, "/api/v2/version")["version"])
        chosen = pictures(*(finished_run(page.request, headers, dag) for dag in ("hello", "fan_out")))
        _log_in(page, user, password)
        written = [_shot(page, picture, folder) for picture in chosen]
    record = folder / RECORD
    record.write_text(json.dumps({"airflow": version, "pictures": [path.name for path in written]}, indent=2) + "\n")
    return [*written, record]


@contextmanager
def _page(url: str) -> Iterator[Page]:
    """An empty page of a browser that has nothing stored."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise ScreenshotError("the package playwright is missing; install docs/requirements.txt.") from error
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise ScreenshotError("Chromium is missing; install it, on Debian with: apt-get install chromium.")
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    try:
        with sync_playwright() as playwright:
            started = playwright.chromium.launch(executable_path=browser, args=flags)
            context = started.new_context(
                base_url=url, viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", locale="en-US"
            )
            context.set_default_timeout(TIMEOUT_MS)
            yield context.new_page()
            started.close()
    except Error as error:
        reason = str(error).splitlines()[0]
        raise ScreenshotError(f"{url}: {reason}; open the URL in a browser, and forward the port first.") from error


def _token(api: APIRequestContext, user: str, password: str) -> dict[str, str]:
    """The header that logs a request of the API in."""
    answer = api.post("/auth/token", data={"username": user, "password": password})
    if not answer.ok:
        raise ScreenshotError(
            f"user {user!r} was refused with status {answer.status}; the password is the output admin_password."
        )
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def _get(api: APIRequestContext, headers: dict[str, str], path: str) -> Any:
    answer = api.get(path, headers=headers)
    if not answer.ok:
        raise ScreenshotError(f"{path} answered with status {answer.status}; run the example DAGs first.")
    return answer.json()


def _log_in(page: Page, user: str, password: str) -> None:
    page.goto("/auth/login/")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.click("input[type=submit]")
    page.wait_for_url(lambda address: "/auth/login" not in address)


def _shot(page: Page, picture: Picture, folder: Path) -> Path:
    page.goto(picture.path)
    page.get_by_text(picture.text).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLE_MS)
    folder.mkdir(exist_ok=True)
    path = folder / picture.file
    page.screenshot(path=path, animations="disabled")
    if (size := path.stat().st_size) > SIZE_MAX:
        raise ScreenshotError(f"{path.name} has {size} bytes, above {SIZE_MAX}; make WIDTH and HEIGHT smaller.")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the pictures and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://localhost:8080", help="address of the UI")
    parser.add_argument("--user", default="admin", help="login name")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write; default: docs/images/")
    options = parser.parse_args(arguments)
    if (password := os.environ.get("AIRFLOW_PASSWORD", "")) == "":
        parser.error("set the password of the user in the variable AIRFLOW_PASSWORD")
    try:
        written = take(options.url, options.user, password, options.folder)
    except ScreenshotError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.writelines(f"{path}\n" for path in written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
