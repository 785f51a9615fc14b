"""The program from an empty stack to an empty stack, on the real engine and a real control plane."""

from __future__ import annotations

from typing import Final

from tests.engine.program_stacks import Life, done, identities, moments, names

WORKLOADS: Final = ("Deployment", "StatefulSet", "Job")
CLAIMS: Final = {
    "changing": {"airflow-logs", "airflow-celery-broker-data", "airflow-cloud-postgres-data"},
    "other": {"other-logs", "other-cloud-postgres-data"},
    "unlucky": {"airflow-logs", "airflow-celery-broker-data", "airflow-cloud-postgres-data"},
}
NAMESPACES: Final = {
    "changing": {"airflow-namespace", "airflow-task-namespace", "airflow-cloud-postgres-namespace"},
    "other": {"other-namespace", "other-task-namespace", "other-cloud-postgres-namespace"},
    "unlucky": {"airflow-namespace", "airflow-task-namespace", "airflow-cloud-postgres-namespace"},
}


def test_a_stack_comes_up_with_each_executor(life: Life) -> None:
    run = life.runs["up"]
    assert (run.code, run.messages()) == (0, [])
    waiting = [
        each["metadata"]["name"]
        for each in life.live["up"]
        if each["kind"] == "Pod" and each["status"]["phase"] not in ("Running", "Succeeded")
    ]
    assert waiting == []


def test_an_untouched_stack_previews_without_changes(life: Life) -> None:
    """A random or time-dependent input, or a default that the server adds, would show here."""
    run = life.runs["untouched preview"]
    assert (run.code, run.changes(), run.messages()) == (0, {}, [])


def test_a_second_up_and_a_refresh_change_nothing(other: Life) -> None:
    assert (other.runs["second up"].code, other.runs["second up"].changes()) == (0, {})
    assert refreshed(other) == {"same"}


def test_after_many_changes_a_refresh_finds_nothing(changing: Life) -> None:
    """After an update the cluster matches the state, and the destruction of another stack did not change it."""
    assert refreshed(changing) == {"same"}


def refreshed(life: Life) -> set[str]:
    run = life.runs["refresh"]
    assert run.code == 0, run.messages()
    [summary] = [event["summaryEvent"] for event in run.events("summaryEvent")]
    return set(summary["resourceChanges"])


def test_destroy_leaves_no_object_and_no_namespace(life: Life) -> None:
    run = life.runs["destroy"]
    assert (run.code, run.messages()) == (0, [])
    assert names(life.live["destroy"], *{each["kind"] for each in life.live["destroy"]}) == set()
    assert life.stack.state().get("resources", []) == []


def test_workloads_go_before_claims_and_claims_before_their_namespace(life: Life) -> None:
    """A claim that is deleted before its pods waits for them; a namespace deleted first ends pods without order."""
    run = life.runs["destroy"]
    at = moments(run)
    deleted = {step.name: step.type.rpartition(":")[2] for step in run.steps("delete")}
    workloads = {name for name, kind in deleted.items() if kind in WORKLOADS}
    assert len(workloads) >= 6
    late = [
        f"{first} ended after {then} had begun"
        for before, after in ((workloads, CLAIMS[life.name]), (CLAIMS[life.name], NAMESPACES[life.name]))
        for first in before
        for then in after
        if at["end", first] > at["start", then]
    ]
    assert late == []


def test_the_database_goes_after_everything_that_uses_it(life: Life) -> None:
    """A terminating scheduler writes its state; without its database it hangs until it is killed."""
    at = moments(life.runs["destroy"])
    [server] = [name for _, name in at if name.endswith("-postgres-server")][:1]
    users = [f"{server.partition('-')[0]}-{part}" for part in ("api-server", "dag-processor", "scheduler", "triggerer")]
    assert [user for user in users if at["end", user] > at["start", server]] == []


def test_nothing_that_needs_the_schema_is_created_before_the_migration_is_through(life: Life) -> None:
    run = life.runs["up"]
    at = moments(run)
    migration = next(name for point, name in at if name.endswith("-migrate-job"))
    others = {
        step.name
        for step in run.steps("create")
        if step.type.endswith((":Deployment", ":StatefulSet"))
        and not step.name.endswith(("-redis", "-postgres-server"))
    }
    if life.name != "unlucky":
        # Its second run finds half of the other resources in place.
        assert at["end", f"{migration.partition('-')[0]}-cloud-postgres-server"] < at["start", migration]
    assert len(others) >= 4
    assert [name for name in others if at["start", name] < at["end", migration]] == []


def test_a_migration_that_fails_ends_the_run_with_pod_and_cause_before_anything_needs_it(unlucky: Life) -> None:
    run = unlucky.runs["up with a failing migration"]
    assert run.code != 0
    [said] = [message for message in run.messages() if "airflow-migrate-job" in message]
    assert "[Pod unlucky/airflow-migration-" in said
    assert "exit code 1" in said
    live = unlucky.live["up with a failing migration"]
    assert names(live, "Deployment") == set()
    assert {name for name in names(live, "StatefulSet") if "postgres" not in name} == {"airflow-redis"}
    assert all(
        "failing" in each["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in live
        if each["kind"] == "Job"
    )


def test_a_failed_migration_is_tried_again_by_the_same_up_again(unlucky: Life) -> None:
    """The cause may be the database: a wait for a failed Job would never end."""
    assert done(unlucky.runs["the same again"])["replace"] == {"airflow-migrate-job"}


def test_a_failed_migration_is_corrected_by_another_up_with_the_same_secrets(unlucky: Life) -> None:
    """New passwords would lock the program out of the database with the old ones."""
    run = unlucky.runs["up"]
    assert done(run)["replace"] == {"airflow-migrate-job", "airflow-task-template"}
    assert done(run).keys() <= {"create", "update", "replace"}
    assert [step for step in run.steps() if step.type.startswith("random:")] == []
    kept = ("Secret", "PersistentVolumeClaim", "Namespace")
    before, after = (identities(unlucky.live[step], *kept) for step in ("up with a failing migration", "up"))
    assert before == after
    assert len([each for each in after if each[0] == "Secret"]) >= 9


def test_a_protected_stack_refuses_to_be_destroyed_before_anything_is_deleted(unlucky: Life) -> None:
    run = unlucky.runs["destroy of a protected stack"]
    assert run.code != 0
    protected = {*CLAIMS["unlucky"], "airflow-secrets-fernet-key", "airflow-secrets-admin-password"}
    assert [name for name in protected if f'::{name}" cannot be deleted' not in run.stdout + run.stderr] == []
    everything = {each["kind"] for each in unlucky.live["up"]}
    before, after = (identities(unlucky.live[step], *everything) for step in ("up", "destroy of a protected stack"))
    assert before == after


def test_protection_is_taken_away_without_touching_an_object(unlucky: Life) -> None:
    run = unlucky.runs["protection taken away"]
    assert (run.code, run.changes()) == (0, {})


def test_two_stacks_share_a_cluster_without_touching_each_other(changing: Life, other: Life) -> None:
    """Names of cluster-wide objects or namespaces without the instance's name would collide."""
    mine, theirs = changing.live["executor changed"], other.live["up"]
    assert {each["metadata"]["name"] for each in theirs if each["kind"] == "Namespace"} == {
        "elsewhere",
        "elsewhere-database",
        "elsewhere-tasks",
    }
    ours = [
        each for each in theirs if each["metadata"].get("labels", {}).get("app.kubernetes.io/instance") == "airflow"
    ]
    assert ours == []
    everything = {each["kind"] for each in (*mine, *theirs)}
    assert identities(mine, *everything) & identities(theirs, *everything) == set()
    # The rest: both were deployed, and `changing` matched its state after `other` was destroyed.
    assert changing.runs["executor changed"].code == other.runs["up"].code == other.runs["destroy"].code == 0
