"""Reviews and drift on the real engine and simulated clouds, with a forge of this machine: what a pull request gets."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from lab.clouds.gcp import tokens as gcp
from lab.engine.toolchain import Toolchain
from lab.paths import PROJECT
from lab.testing.cluster import TestCluster
from lab.testing.engine import Engine
from tests.engine.cloud_stacks import CloudLife, Clouds, altered, furnished
from tests.unit.operations.review import forges
from tests.unit.operations.review.forges import FakeForge, serving

GIT: Final = ("git", "-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false")
SECONDS: Final = 240


@dataclass(frozen=True)
class Request:
    """A deployed stack, whose file on the base branch is committed, and the forge of its pull requests."""

    life: CloudLife
    forge: FakeForge

    @property
    def file(self) -> Path:
        return self.life.stack.folder / f"Pulumi.{self.life.stack.name}.yaml"

    def change(self, **changes: Any) -> None:
        """Write the stack's file with these changes to the deployed one; see `cloud_stacks.altered`."""
        own = yaml.safe_load(self.file.read_text())
        own["config"] = altered(self.life.config, **changes)
        self.file.write_text(yaml.safe_dump(own))

    def run(self, command: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `python -m operations` as a job of GitHub."""
        return subprocess.run(
            [sys.executable, "-m", "operations", command, "--forge", "github", *arguments],
            cwd=self.life.stack.folder,
            env={
                **self.life.stack.environment,
                **forges.github_environment(self.forge, GITHUB_RUN_ID="5"),
                "PYTHONPATH": str(PROJECT),
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def review(self, *arguments: str, stack: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        stack = stack or self.life.stack.name
        return self.run(
            "review", "--stack", stack, "--base", "HEAD", "--policy-pack", "policies", *arguments, **variables
        )

    def drift(self) -> subprocess.CompletedProcess[str]:
        return self.run("drift", "--stack", self.life.stack.name)

    @property
    def comment(self) -> str:
        [found] = self.forge.comments
        return str(found["body"])


@pytest.fixture(scope="module")
def clouds(
    cluster: TestCluster, engine: Engine, python: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Clouds:
    tools: Toolchain = engine.tools
    return Clouds(cluster, furnished(cluster, tools, tmp_path_factory.mktemp("review"), python), tmp_path_factory)


@pytest.fixture(scope="module")
def deployed(clouds: Clouds) -> dict[str, CloudLife]:
    """The stacks dev and prod, deployed from their own files."""
    found: dict[str, CloudLife] = {}
    for name in ("dev", "prod"):
        # Other tests deploy the same files in the same cluster.
        life = clouds.born(name, namespace=f"review-{name}")
        life.stack.up()
        folder = life.stack.folder
        for command in (["init", "--quiet"], ["add", "Pulumi.test.yaml"], ["commit", "--quiet", "--message", "base"]):
            subprocess.run([*GIT, *command], cwd=folder, check=True, capture_output=True)
        found[name] = life
    return found


@pytest.fixture
def dev(deployed: dict[str, CloudLife]) -> Iterator[Request]:
    yield from request(deployed["dev"])


@pytest.fixture
def prod(deployed: dict[str, CloudLife]) -> Iterator[Request]:
    yield from request(deployed["prod"])


def suffixless(text: str) -> str:
    return re.sub(r"-options-[0-9a-f]{8}", "-options", text)


def request(life: CloudLife) -> Iterator[Request]:
    with serving(forges.github()) as fake:
        found = Request(life, fake)
        before = found.file.read_text()
        yield found
        found.file.write_text(before)


def test_more_workers_are_one_comment_with_changes_price_and_policies(dev: Request) -> None:
    dev.change(executor__workers__replicas=3, cloud__cluster__system_nodes__nodes_max=4)
    first = dev.review()
    assert (first.returncode, first.stderr) == (0, ""), first.stdout
    text = dev.comment
    assert "- **`dev-worker`** `kubernetes:apps/v1:Deployment`\n  - `spec.replicas`: `2` → `3`" in text
    assert "**+$0 to +$" in text
    assert "#### Policies" in text
    assert text.startswith("<!-- airflow-review: test -->")
    second = dev.review()
    assert second.returncode == 0
    assert [method for method, _ in dev.forge.writes()] == ["POST", "PATCH"]
    # New names of ConfigMaps have another suffix in each preview.
    assert suffixless(dev.comment) == suffixless(text)


def test_a_stack_for_production_gets_the_same(prod: Request) -> None:
    prod.change(components__api_server__replicas=3)
    done = prod.review()
    assert (done.returncode, done.stderr) == (0, "")
    assert "`spec.replicas`: `2` → `3`" in prod.comment
    assert "No change: $" in prod.comment


def test_a_pull_request_that_replaces_cluster_and_database_fails_without_the_label(dev: Request) -> None:
    dev.change(cloud__region="us-central1")
    done = dev.review()
    assert done.returncode == 1, done.stdout
    assert "`dev-cloud-cluster-gke` would be replaced: this destroys the cluster" in dev.comment
    assert "`dev-cloud-database-server` would be replaced: this destroys the metadata" in dev.comment
    assert "`europe-west1` → `us-central1` (forces the replacement)" in dev.comment
    dev.forge.labels = ["allow-replace"]
    assert dev.review().returncode == 0
    assert "The label allows these changes:" in dev.comment


def test_the_engine_refuses_to_replace_what_is_protected_whatever_the_label(prod: Request) -> None:
    prod.change(cloud__region="uksouth")
    prod.forge.labels = ["allow-replace"]
    assert prod.review().returncode == 2
    assert "as it is currently marked for protection" in prod.comment


def test_a_violated_policy_fails_the_check_and_names_its_remedy(prod: Request) -> None:
    """A failed policy alone is a failed check, not a preview that could not be computed."""
    prod.change(cloud__database__high_availability="none")
    done = prod.review()
    assert done.returncode == 1, done.stdout
    assert "❌ **The check fails.**" in prod.comment
    assert "Set airflow:cloud.database.high_availability" in prod.comment


def test_a_preview_that_fails_is_told_with_its_error(dev: Request) -> None:
    dev.change(executor__workers__replicas=0)
    done = dev.review()
    assert done.returncode == 2
    assert "⚠️ **The check fails: the review is not complete.**" in dev.comment
    assert "airflow:executor.workers.replicas" in dev.comment


def test_a_stack_that_does_not_exist_is_told_with_the_command_that_makes_it(dev: Request) -> None:
    done = dev.review(stack="nowhere")
    assert done.returncode == 2
    assert "There is no stack nowhere in this back end; create it with" in dev.comment


def test_without_a_login_the_comment_says_how_to_log_in(dev: Request, tmp_path: Path) -> None:
    done = dev.review(PULUMI_BACKEND_URL="", PULUMI_HOME=str(tmp_path), PULUMI_ACCESS_TOKEN="")
    assert done.returncode == 2
    assert "Pulumi is not logged in to a back end; run `pulumi login URL`" in dev.comment


def test_without_the_passphrase_the_comment_names_the_variable(dev: Request) -> None:
    done = dev.review(PULUMI_CONFIG_PASSPHRASE="wrong")
    assert done.returncode == 2
    assert "PULUMI_CONFIG_PASSPHRASE" in dev.comment


def test_no_secret_of_the_stack_is_in_a_review(dev: Request, deployed: dict[str, CloudLife]) -> None:
    dev.change(cloud__database__version=18, executor__workers__replicas=3)
    done = dev.review()
    secrets = [value for key, value in deployed["dev"].stack.outputs().items() if "password" in key]
    assert secrets
    assert [value for value in secrets if value in done.stdout + dev.comment] == []


def test_drift_is_one_issue_until_it_is_gone(dev: Request) -> None:
    inventory = dev.life.inventory
    [bucket] = inventory.read().of(gcp.BUCKET)
    assert dev.drift().returncode == 0
    assert dev.forge.issues == []
    # Somebody lets old logs stay in the console, and an autoscaler adds nodes, which is no drift.
    inventory.drift(dev.life.item(gcp.NODE_POOL), "nodeCount", 3)
    before = bucket.inputs["publicAccessPrevention"]
    inventory.drift(bucket.key, "publicAccessPrevention", "inherited")
    for _ in range(2):
        done = dev.drift()
        assert (done.returncode, done.stderr) == (1, "")
    [issue] = dev.forge.issues
    assert (issue["title"], issue["state"]) == ("Drift in stack test", "open")
    assert "updated: **`dev-cloud-logs-bucket`**" in issue["body"]
    assert "`publicAccessPrevention`: `inherited` → `enforced`" in issue["body"].partition("#### Seen")[0]
    inventory.drift(bucket.key, "publicAccessPrevention", before)
    assert dev.drift().returncode == 0
    assert [each["state"] for each in dev.forge.issues] == ["closed"]


def test_a_stack_of_several_node_pools_has_no_drift_of_its_own(prod: Request) -> None:
    """Azure lists all pools in the cluster."""
    done = prod.drift()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert prod.forge.issues == []


def test_drift_that_cannot_be_known_is_an_issue_as_well(dev: Request) -> None:
    done = dev.run("drift", "--stack", "nowhere")
    assert done.returncode == 2
    [issue] = dev.forge.issues
    assert issue["title"] == "Drift of stack nowhere is not known"
    assert "There is no stack nowhere in this back end" in issue["body"]


def test_a_fork_gets_the_same_from_simulated_clouds_without_any_secret(tmp_path: Path) -> None:
    """As its job: the variables of a login, a passphrase and a token are absent."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LAB_CACHE", "LAB_TOOLS") if key in os.environ}
    output = tmp_path / "preview.jsonl"
    both = ["--stack", "dev", "--base", "HEAD", "--policy-pack", "policies"]
    lab = [sys.executable, "-m", "lab", "preview", *both, "--output", str(output)]
    done = subprocess.run(lab, cwd=PROJECT, env=kept, capture_output=True, text=True, check=False, timeout=SECONDS * 2)
    assert done.returncode == 0, done.stderr
    review = [sys.executable, "-m", "operations", "review", *both, "--preview", str(output), "--simulated"]
    shown = subprocess.run(review, cwd=PROJECT, env=kept, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "_Simulated:" in shown.stdout
    assert "#### Policies" in shown.stdout
    assert "a month (list prices of" in shown.stdout
