"""Names, labels and hashes."""

from __future__ import annotations

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter, ValidationError

from components.contract.workloads import WORKLOADS
from components.kubernetes import naming
from components.settings.sections.image import Image
from components.settings.types import DNS_LABEL, Name

LABEL: Final = st.from_regex(rf"\A{DNS_LABEL.strip('^$')}\Z").filter(lambda name: len(name) <= 30)
RFC_1123: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@given(LABEL, st.sampled_from(sorted(WORKLOADS)))
def test_the_longest_instance_leaves_room_for_every_part_and_a_hash(instance: str, part: str) -> None:
    assert len(instance) <= naming.INSTANCE_MAX
    assert RFC_1123.fullmatch(naming.object_name(instance, part, naming.digest(instance)))


@given(st.text(max_size=40))
def test_a_name_that_settings_accept_is_a_dns_label(text: str) -> None:
    try:
        accepted = TypeAdapter(Name, config=ConfigDict(regex_engine="python-re")).validate_python(text)
    except ValidationError:
        return
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", accepted)
    assert len(accepted) <= naming.INSTANCE_MAX


def test_a_name_that_is_too_long_is_refused_with_both_lengths() -> None:
    assert naming.object_name("a" * 61, "b") == "a" * 61 + "-b"
    with pytest.raises(ValueError, match=r"64 characters.* at most 63"):
        naming.object_name("a" * 62, "b")


@given(st.lists(st.text()), st.lists(st.text()))
def test_different_parts_have_different_hashes(first: list[str], second: list[str]) -> None:
    plain = [part.replace("\0", "") for part in first], [part.replace("\0", "") for part in second]
    if len(first) != len(second) or plain[0] == plain[1]:
        return
    assert naming.digest(*plain[0]) != naming.digest(*plain[1])


def test_hashes_are_the_same_on_every_machine() -> None:
    assert naming.digest("apache/airflow:3.3.2", "3.3.2") == "3bf0390a68"
    assert naming.sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("component", ["api-server", "worker"])
def test_a_selector_is_part_of_the_labels_and_tells_instances_and_parts_apart(component: str) -> None:
    selector = naming.selector("one", component)
    assert selector.items() <= naming.labels("one", component).items()
    assert not selector.items() <= naming.labels("two", component).items()
    assert not selector.items() <= naming.labels("one", "other").items()


@pytest.mark.parametrize(
    ("reference", "accepted"),
    [
        ("apache/airflow:3.3.2", True),
        ("registry.example.org:5000/team/airflow:3.3.2-python3.12", True),
        ("apache/airflow@sha256:" + "a" * 64, True),
        ("apache/airflow:3.3.2@sha256:" + "a" * 64, True),
        ("apache/airflow", False),
        ("apache/airflow:latest", False),
        ("registry.example.org:5000/airflow", False),
        ("apache/airflow@sha256:abc", False),
        ("Apache/airflow:3", False),
        ("apache/airflow:", False),
        ("apache/air flow:3", False),
        ("apache/airflow:latest-python3.12", True),
    ],
)
def test_only_a_pinned_image_is_accepted(reference: str, accepted: bool) -> None:
    try:
        Image(reference=reference)
    except ValidationError:
        assert not accepted
    else:
        assert accepted
