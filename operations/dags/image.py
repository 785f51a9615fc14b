"""The command `image`: build and push an image with the project's DAG files, and set it in a stack file."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from operations import programs, stack_file, stacks
from operations.errors import OperationError, error_line

CONTAINERFILE: Final = "images/dags/Containerfile"
BUILDERS: Final = ("podman", "docker")
"""Programs that build images, the first that is installed is used."""
TAG_LENGTH: Final = 12
"""Characters of the commit that become the image's tag."""
TIMEOUT_SECONDS: Final = 1200


@dataclass(frozen=True, kw_only=True)
class DagImage:
    """The image of a stack's source, as the stack file has it."""

    file: Path
    """The stack file."""
    reference: str

    @property
    def repository(self) -> str:
        """The reference without tag and digest."""
        name = self.reference.partition("@")[0]
        head, _, last = name.rpartition("/")
        return f"{head}/{last.partition(':')[0]}".lstrip("/")


def run(stack: str, *, source: str | None, propose: bool) -> int:
    """Build and push the image of the current commit, set it in the stack file, and return the exit code.

    With `propose`, the changed stack file becomes a pull request on GitHub.

    Raises:
        OperationError: the stack has no such image, DAG files are not committed, or a program failed.
    """
    folder = stacks.project_folder()
    image = of_stack(folder / f"Pulumi.{stack}.yaml", source)
    if _output(folder, "git", "status", "--porcelain", "--", "dags", CONTAINERFILE):
        raise OperationError("Files in dags/ are not committed, and the tag of the image is the commit; commit them.")
    commit = _output(folder, "git", "rev-parse", f"--short={TAG_LENGTH}", "HEAD")
    reference = f"{image.repository}:{commit}"
    if reference == image.reference:
        print(f"{image.file.name} has {reference} already.")
        return 0
    builder = _builder()
    _run(folder, builder, "build", "--file", CONTAINERFILE, "--tag", reference, ".")
    _log_in(folder, image.repository.partition("/")[0])
    _run(folder, builder, "push", reference)
    image.file.write_text(image.file.read_text().replace(image.reference, reference))
    print(f"{image.file.name}: {image.reference} is replaced by {reference}.")
    if propose:
        _propose(folder, image.file.name, stack, commit)
    else:
        print(f"Deploy it: pulumi up -s {stack}")
    return 0


def of_stack(file: Path, source: str | None) -> DagImage:
    """The image in a stack file.

    Raises:
        OperationError: the file has no such image, or the settings are invalid.
    """
    images = {each.name: each.image.reference for each in stack_file.settings(file).dags if each.image is not None}
    if not images:
        raise OperationError(
            f"{file.name} has no source of kind oci in airflow:dags; add one, with any tag of the repository."
        )
    names = [name for name in images if source in (name, None)]
    if len(names) != 1:
        wrong = f"no source {source!r}" if source is not None else "several sources"
        raise OperationError(f"{file.name} has {wrong} of kind oci; choose one: --source {' or '.join(images)}.")
    return DagImage(file=file, reference=images[names[0]])


def _builder() -> str:
    found = next((name for name in BUILDERS if shutil.which(name)), None)
    if found is None:
        raise OperationError("There is no podman and no docker on the PATH; install one: https://podman.io.")
    return found


def _log_in(folder: Path, registry: str) -> None:
    """Log in to a registry of a cloud with the cloud's command line. Other registries need a login beforehand."""
    if registry.endswith("-docker.pkg.dev"):
        _run(folder, "gcloud", "auth", "configure-docker", registry, "--quiet")
    elif registry.endswith(".azurecr.io"):
        _run(folder, "az", "acr", "login", "--name", registry.partition(".")[0])


def _propose(folder: Path, file: str, stack: str, commit: str) -> None:
    """A branch with the changed stack file, and a pull request for it, by GitHub's command line."""
    branch, title = f"dags-{stack}-{commit}", f"Deploy the DAG files of {commit} to {stack}"
    _run(folder, "git", "switch", "--create", branch)
    _run(folder, "git", "commit", "--message", title, "--", file)
    _run(folder, "gh", "auth", "setup-git")
    _run(folder, "git", "push", "origin", branch)
    _run(folder, "gh", "pr", "create", "--head", branch, "--title", title, "--body", "By `operations dags image`.")
    print(f"Pull request {title!r} is created.")


def _run(folder: Path, *command: str) -> None:
    _output(folder, *command)


def _output(folder: Path, *command: str) -> str:
    """The output of a program.

    Raises:
        OperationError: it is missing or failed.
    """
    done = programs.run(
        command,
        folder=folder,
        timeout_seconds=TIMEOUT_SECONDS,
        missing=f"There is no `{command[0]}` on the PATH; install it.",
        late=f"`{_short(command)}` did not end within {TIMEOUT_SECONDS} s.",
    )
    if done.returncode != 0:
        raise OperationError(f"`{_short(command)}` failed: {error_line(done.stderr, f'exit code {done.returncode}')}")
    return done.stdout.strip()


def _short(command: Sequence[str]) -> str:
    return " ".join(command[:2])
