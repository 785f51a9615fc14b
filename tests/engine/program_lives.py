"""The real program on the real engine: complete life cycles of three stacks on one cluster, in parallel.

The engine's events are recorded, and tests check the records. Life cycles that no selected test uses do not run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol

import pytest

from lab.errors import LabError
from lab.testing.cluster import TestCluster
from tests.engine.program_changes import CHANGES, EXECUTOR_CHANGE, IMAGE_CHANGE, PROTECTED_CHANGES, REPLACED_SECRETS
from tests.engine.program_stacks import Config, Life, changed, config, program

MEETING_SECONDS: Final = 300.0
"""Maximum wait of one life cycle for a point in another."""
FAILING_IMAGE: Final = "registry.example.org/failing/airflow:3.3.2"
"""Simulated containers of this image end with exit code 1."""
LIFE_SECONDS: Final = 540.0
"""Maximum wait of a test for the end of a life cycle."""


class Engine(Protocol):
    """The part of the fixture `engine` that life cycles need."""

    environment: dict[str, str]


@dataclass
class Meetings:
    """Points in one life cycle that another waits for."""

    events: dict[str, threading.Event] = field(default_factory=dict)

    def reach(self, point: str) -> None:
        """The point is reached."""
        self.events.setdefault(point, threading.Event()).set()

    def wait(self, point: str) -> None:
        """Wait for the point.

        Raises:
            LabError: it was not reached in time.
        """
        if not self.events.setdefault(point, threading.Event()).wait(MEETING_SECONDS):
            raise LabError(f"{point!r} was not reached within {MEETING_SECONDS:.0f} s.")


@dataclass(frozen=True)
class World:
    """The environment of all life cycles."""

    cluster: TestCluster
    environment: Mapping[str, str]
    factory: pytest.TempPathFactory
    meetings: Meetings

    def born(self, name: str, first: Config) -> Life:
        """An empty stack."""
        return Life(name, program(self.factory.mktemp(name), self.environment, first))


def preview(life: Life, asked: Mapping[str, tuple[Config, Sequence[str]]]) -> None:
    """Preview several configs of one stack, from the same state, each under its name."""
    for number, (name, (wanted, arguments)) in enumerate(asked.items()):
        life.run(name, "preview", *life.stack.configured(wanted, f"preview-{number}"), *arguments)


def changing(world: World) -> Life:
    """Celery, then both executors, then single changes; default name and namespace."""
    celery = config(world.cluster.kubeconfig, "celery", example_dags=True)
    mixed = EXECUTOR_CHANGE.applied(celery)
    life = world.born("changing", celery)
    spaces = ("airflow", "airflow-tasks", "airflow-database")
    try:
        life.run("up", "up")
        life.run("untouched preview", "preview", "--expect-no-changes")
        life.look("up", world.cluster, *spaces)
        life.run("executor changed", "up", *life.stack.configured(mixed, "mixed"))
        life.look("executor changed", world.cluster, *spaces)
        world.meetings.reach("two side by side")
        moved = life.stack.folder / "moved.kubeconfig"
        moved.write_text(world.cluster.kubeconfig.read_text().replace("//127.0.0.1:", "//localhost:"))
        preview(
            life,
            {
                "kubeconfig moved": (changed(mixed, "cloud.kubeconfig", str(moved)), ()),
                **{name: (change.applied(mixed), ()) for name, change in CHANGES.items()},
                **{name: (mixed, ("--replace", life.stack.urn(name))) for name in REPLACED_SECRETS},
            },
        )
        own = life.stack.configured(IMAGE_CHANGE.applied(mixed), "image")
        life.run("image changed", "up", *own)
        life.look("image changed", world.cluster, *spaces)
        world.meetings.wait("the other is gone")
        life.run("jwt key replaced", "up", *own, "--replace", life.stack.urn("airflow-secrets-jwt-key"))
        life.look("jwt key replaced", world.cluster, *spaces)
        life.run("refresh", "refresh", *own)
        life.tell()
        life.run("destroy", "destroy", *own)
        life.look("destroy", world.cluster, *spaces)
    finally:
        world.meetings.reach("two side by side")
    return life


def other(world: World) -> Life:
    """The Kubernetes executor with another name in another namespace, unchanged from up to destroy."""
    life = world.born("other", config(world.cluster.kubeconfig, "kubernetes", name="other", namespace="elsewhere"))
    spaces = ("elsewhere", "elsewhere-tasks", "elsewhere-database")
    try:
        life.run("up", "up")
        life.run("untouched preview", "preview", "--expect-no-changes")
        life.run("second up", "up")
        life.run("refresh", "refresh")
        life.look("up", world.cluster, *spaces)
        life.tell()
        world.meetings.wait("two side by side")
        life.run("destroy", "destroy")
        life.look("destroy", world.cluster, *spaces)
    finally:
        world.meetings.reach("the other is gone")
    return life


def unlucky(world: World) -> Life:
    """Both executors; the first image fails its migration, the corrected stack is protected until near its end."""
    good = config(world.cluster.kubeconfig, "celery+kubernetes", namespace="unlucky", protect=True, example_dags=True)
    life = world.born("unlucky", changed(good, "image.reference", FAILING_IMAGE))
    spaces = ("unlucky", "unlucky-tasks", "unlucky-database")
    life.run("up with a failing migration", "up")
    life.look("up with a failing migration", world.cluster, *spaces)
    life.run("the same again", "preview")
    own = life.stack.configured(good, "good")
    life.run("up", "up", *own)
    life.run("untouched preview", "preview", "--expect-no-changes", *own)
    life.look("up", world.cluster, *spaces)
    life.tell()
    preview(life, {name: (change.applied(good), ()) for name, change in PROTECTED_CHANGES.items()})
    # Including the preview, as by default.
    life.runs["destroy of a protected stack"] = life.stack.pulumi("destroy", "--yes", "--stack", "test", check=False)
    life.look("destroy of a protected stack", world.cluster, *spaces)
    own = life.stack.configured(changed(good, "protect", False), "unprotected")
    life.run("protection taken away", "up", *own)
    life.run("destroy", "destroy", *own)
    life.look("destroy", world.cluster, *spaces)
    return life


STORIES: Final[Mapping[str, Callable[[World], Life]]] = {"changing": changing, "other": other, "unlucky": unlucky}
MEETING: Final = frozenset({"changing", "other"})
"""Life cycles that wait for each other."""


def looked_at(items: Sequence[pytest.Item]) -> set[str]:
    """The life cycles that tests use, by a fixture or by its parameter."""
    asked: set[str] = set()
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
        # Tests of other levels are among the items, with parameters of every kind.
        asked |= {*getattr(item, "fixturenames", ()), *(each for each in parameters if isinstance(each, str))}
    found = {name for name in STORIES if name in asked}
    return found | MEETING if found & MEETING else found


@pytest.fixture(scope="session")
def lives(
    request: pytest.FixtureRequest,
    cluster: TestCluster,
    engine: Engine,
    python: Mapping[str, str],
    side_by_side: ThreadPoolExecutor,
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, Future[Life]]:
    """The life cycles that this session's tests use."""
    world = World(cluster, {**engine.environment, **python}, tmp_path_factory, Meetings())
    chosen = looked_at(request.session.items)
    return {name: side_by_side.submit(story, world) for name, story in STORIES.items() if name in chosen}


@pytest.fixture(params=STORIES)
def life(request: pytest.FixtureRequest, lives: Mapping[str, Future[Life]]) -> Life:
    """Each life cycle, after its end."""
    return lives[request.param].result(LIFE_SECONDS)


@pytest.fixture(name="changing")
def _changing(lives: Mapping[str, Future[Life]]) -> Life:
    return lives["changing"].result(LIFE_SECONDS)


@pytest.fixture(name="other")
def _other(lives: Mapping[str, Future[Life]]) -> Life:
    return lives["other"].result(LIFE_SECONDS)


@pytest.fixture(name="unlucky")
def _unlucky(lives: Mapping[str, Future[Life]]) -> Life:
    return lives["unlucky"].result(LIFE_SECONDS)
