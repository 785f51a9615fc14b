"""A check passes only if everything was computed, no data is lost without the label, and no policy fails."""

from __future__ import annotations

import pytest

from operations.review.changes import read
from operations.review.protected import LOST, losses
from operations.review.verdict import Verdict, judge
from tests.unit.cloud.clouds import CLOUDS
from tests.unit.operations.review.events import DATABASE, message, policy, step, stream, summary

PACKS = {"airflow": "v1"}


def verdict(*events: object, labels: tuple[str, ...] = (), packs: tuple[str, ...] = ()) -> Verdict:
    found = read(stream(*events))
    return judge(found, labels=labels, allow_label="allow-replace", policy_packs=packs)


def test_a_harmless_preview_passes() -> None:
    found = verdict(step("update"), step("delete"), step("replace", name="b"), summary())
    assert (found.code, found.failures, found.problems) == (0, (), ())


@pytest.mark.parametrize("operation", ["replace", "delete", "delete-replaced", "create-replacement"])
@pytest.mark.parametrize("type_", LOST)
def test_data_is_not_lost_without_the_label(type_: str, operation: str) -> None:
    found = verdict(step(operation, type_, "kept"), summary())
    assert found.code == 1
    assert "`kept` would be " in found.failures[0]
    assert "set the label `allow-replace`" in found.failures[0]


def test_the_label_allows_it_and_the_comment_still_names_it() -> None:
    found = verdict(step("replace", DATABASE, "db"), summary(), labels=("other", "allow-replace"))
    assert (found.code, [loss.change.name for loss in found.allowed]) == (0, ["db"])
    assert verdict(step("replace", DATABASE, "db"), summary(), labels=("allow",)).code == 1


def test_an_update_of_a_database_is_no_loss() -> None:
    assert verdict(step("update", DATABASE, "db"), step("create", DATABASE, "new"), summary()).code == 0


def test_a_version_in_a_type_does_not_hide_it() -> None:
    assert verdict(step("delete", "azure-native:storage/v20240101:StorageAccount", "a"), summary()).code == 1


def test_what_the_engine_protects_is_a_loss_whatever_its_type() -> None:
    event = step("delete", "kubernetes:core/v1:ConfigMap", "kept", old={})
    event["resourcePreEvent"]["metadata"]["old"]["protect"] = True
    assert verdict(event, summary()).code == 1


def test_every_type_that_a_stack_protects_is_in_the_table() -> None:
    """A new resource with data needs a row, so that a stack without protection has the check as well."""
    protected: set[str] = set()
    for cloud in CLOUDS:
        protected |= {each.type for each in cloud.recorded(cloud.everything).registrations if each.protect}
    assert len(protected) > 5
    assert "\n".join(sorted(protected - LOST.keys())) == ""


@pytest.mark.parametrize(
    ("events", "code", "text"),
    [
        ((policy("mandatory", resource="db"), summary("failed", PACKS)), 1, "The policy `tls` is violated by `db`"),
        ((policy("mandatory"), message("preview failed"), summary("failed", PACKS)), 1, "The policy `tls` is violated"),
        ((policy("advisory"), summary(packs=PACKS)), 0, ""),
        ((message("no quota"), summary("failed", PACKS)), 2, "The preview failed"),
        ((message("no quota"), policy("mandatory"), summary("failed", PACKS)), 2, "The preview failed"),
        ((summary("failed", PACKS),), 2, "failed without an error message"),
        ((step("create"),), 2, "did not end"),
        ((summary(),), 2, "did not run"),
        ((message("crashed"),), 2, "The preview failed"),
    ],
)
def test_a_check_never_passes_because_something_is_not_known(events: tuple[object, ...], code: int, text: str) -> None:
    found = verdict(*events, packs=("policies",))
    assert found.code == code
    assert text in " ".join([*found.failures, *found.problems])


def test_a_digest_cannot_stand_for_policies() -> None:
    found = judge(read('{"steps": [], "changeSummary": {}}'), labels=(), allow_label="x", policy_packs=("policies",))
    assert found.code == 2
    assert "PULUMI_ENABLE_STREAMING_JSON_PREVIEW" in found.problems[0]


def test_losses_are_told_with_what_is_lost() -> None:
    [loss] = losses(read(stream(step("delete", "gcp:storage/bucket:Bucket", "logs"), summary())))
    assert (
        str(loss)
        == "`logs` would be deleted: this destroys the files in it: logs of tasks, DAG files or data of projects"
    )
