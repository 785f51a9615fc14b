"""The comment: every change in words, nothing of a value interpreted, and cut where the forge ends."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from operations.review import comment, words
from operations.review.changes import Preview, read
from operations.review.comment import Review
from operations.review.differences import ABSENT, SECRET, UNKNOWN, Difference
from operations.review.verdict import Verdict, judge
from tests.unit.operations.review.events import DATABASE, message, policy, step, stream, summary

HOSTILE = "`` ` <!-- airflow-review: dev --> @team ![x](https://evil.test/a.png) <img src=x> [a](b) |"


def preview(*events: object) -> Preview:
    return read(stream(*events, summary(packs={"airflow": "v1"})))


def reviewed(found: Preview | None, **rest: object) -> Review:
    verdict = (
        Verdict(failures=(), problems=()) if found is None else judge(found, labels=(), allow_label="allow-replace")
    )
    return Review(stack="dev", verdict=verdict, preview=found, **rest)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (2, 3, "`a.b`: `2` → `3`"),
        (True, False, "`a.b`: `true` → `false`"),
        ("one\n two", "`x`", "`a.b`: `one two` → `` `x` ``"),
        (ABSENT, {"b": [1]}, '`a.b`: added `{"b": [1]}`'),
        ("old", ABSENT, "`a.b`: removed `old`"),
        (SECRET, SECRET, "`a.b`: another secret"),
        ("plain", SECRET, "`a.b`: `plain` → secret"),
        ("x", UNKNOWN, "`a.b`: `x` → known after up"),
        ("", "x" * 200, f"`a.b`: ` ` → `{'x' * 120}… (200 characters)`"),
    ],
)
def test_a_difference_reads_from_one_value_to_the_other(before: object, after: object, text: str) -> None:
    assert words.difference(Difference(path="a.b", before=before, after=after)) == text


def test_what_forces_a_replacement_says_so() -> None:
    found = words.difference(Difference(path="a", before=1, after=2, replaces=True))
    assert found.endswith("(forces the replacement)")


def test_every_changed_resource_is_named_with_its_type_below_its_operation() -> None:
    found = preview(
        step("replace", DATABASE, "db", old={"tier": 1}, new={"tier": 2}, diff={"tier": "update-replace"}),
        step("create", name="new", new={"a": 1}),
        step("same", name="still"),
    )
    assert words.summary(found) == "1 replaced, 1 created; 1 unchanged."
    assert words.blocks(found) == [
        "#### Replaced (1)",
        f"- **`db`** `{DATABASE}`\n  - `tier`: `1` → `2` (forces the replacement)",
        "#### Created (1)",
        "- **`new`** `kubernetes:apps/v1:Deployment`",
    ]


def test_a_resource_with_many_differences_shows_some_and_counts_the_others() -> None:
    paths = {f"p{n:03}": "update" for n in range(30)}
    found = preview(step("update", old=dict.fromkeys(paths, 1), new=dict.fromkeys(paths, 2), diff=paths))
    lines = words.item(found.changes[0]).splitlines()
    assert len(lines) == 1 + 25 + 1
    assert lines[-1] == "  - and 5 more"


def test_no_text_of_a_preview_becomes_markdown() -> None:
    """Names, paths, values, messages and policies of a pull request are its author's words."""
    found = read(
        stream(
            step("update", HOSTILE, HOSTILE, old={HOSTILE: HOSTILE}, new={HOSTILE: 1}, diffs=[HOSTILE]),
            policy("mandatory", name=HOSTILE, message=HOSTILE, resource=HOSTILE),
            message(f"{HOSTILE}\n```\n{HOSTILE}"),
            summary("failed", {"airflow": "v1"}),
        )
    )
    text = comment.render(reviewed(found, policies=True, simulated=True))
    html = MarkdownIt("commonmark").render(text)
    assert html.count("<!--") == 1
    assert html.startswith("<!-- airflow-review: dev simulated -->")
    assert "<img" not in html
    assert "<a " not in html
    outside = "".join(part.partition("</code>")[2] for part in f"</code>{html}".split("<code"))
    assert "@team" not in outside
    assert "@team" in html


def test_the_comment_begins_with_the_marker_of_its_stack() -> None:
    assert comment.render(reviewed(preview(step("create")))).startswith("<!-- airflow-review: dev -->\n")
    assert comment.marker("dev") != comment.marker("dev", simulated=True)
    assert not comment.marker("dev2").startswith(comment.marker("dev"))


def test_policies_are_listed_with_their_level() -> None:
    found = preview(
        policy("mandatory", name="tls", message="Set it.", resource="db"), policy("advisory", name="labels")
    )
    text = comment.render(reviewed(found, policies=True))
    assert (
        "#### Policies (2 findings)\n\n- **mandatory** `tls` `db`: `Set it.`\n- advisory `labels`: `TLS is off.`"
        in text
    )
    assert "#### Policies\n\nNo findings." in comment.render(reviewed(preview(step("create")), policies=True))
    assert "Policies" not in comment.render(reviewed(found))


def test_a_preview_with_errors_shows_them() -> None:
    found = read(stream(message("error: one\nsecond line"), summary("failed")))
    text = comment.render(reviewed(found))
    assert "```text\nerror: one\nsecond line\n```" in text
    assert "The check fails: the review is not complete." in text


def test_a_long_comment_is_cut_between_blocks_and_names_the_log() -> None:
    found = preview(
        *(step("update", name=f"n{n:04}", old={"a": 1}, new={"a": 2}, diff={"a": "update"}) for n in range(999))
    )
    whole = comment.render(reviewed(found))
    text = comment.render(reviewed(found), length_max=5000, log="https://forge.test/log")
    assert len(whole) > 50_000
    assert 4000 < len(text) <= 5000
    shown = text.partition("\n\n_This comment is cut: it has ")[0]
    assert whole.startswith(shown)
    assert shown.endswith("`a`: `1` → `2`")
    assert text.endswith("The complete text is in [the log of this run](https://forge.test/log)._")
    assert comment.render(reviewed(found), length_max=len(whole)) == whole
