"""Merging as pure decisions: who stays, what is gained, and what an unmerge takes back."""

from datetime import UTC, datetime, timedelta

import pytest

from trenza.domain.channel import AddressSpace, ChannelKind
from trenza.domain.merge import (
    Candidate,
    IdentityPolicy,
    Link,
    MergeDirection,
    Protection,
    filling,
    members_of,
    staying,
    unlink,
)

DAY = timedelta(days=1)
START = datetime(2026, 9, 1, tzinfo=UTC)
OLD, NEW = Candidate("a", START, 1), Candidate("b", START + DAY, 2)


@pytest.mark.parametrize(
    ("direction", "one", "other", "stays"),
    [
        (MergeDirection.OLDEST_STAYS, OLD, NEW, OLD),
        (MergeDirection.NEWEST_STAYS, OLD, NEW, NEW),
        (MergeDirection.MOST_INTERACTIONS_STAYS, OLD, NEW, NEW),
        (MergeDirection.MOST_INTERACTIONS_STAYS, OLD, Candidate("b", START + DAY, 1), OLD),
        (MergeDirection.OLDEST_STAYS, Candidate("c", START), OLD, OLD),
        (MergeDirection.NEWEST_STAYS, Candidate("c", START), OLD, Candidate("c", START)),
    ],
)
def test_the_direction_says_who_stays_whatever_the_order(
    direction: MergeDirection, one: Candidate, other: Candidate, stays: Candidate
) -> None:
    assert staying(direction, one, other)[0] == stays
    assert staying(direction, other, one)[0] == stays


def test_a_space_counts_addresses_and_the_whole_counts_identities() -> None:
    policy = IdentityPolicy(identities_max=3, space_limits={AddressSpace.PHONE: 1})
    one_phone = [
        (channel, AddressSpace.PHONE, "+525550123456")
        for channel in (ChannelKind.SMS, ChannelKind.WHATSAPP, ChannelKind.RCS)
    ]
    other = (ChannelKind.SMS, AddressSpace.PHONE, "+525550123457")

    assert list(policy.protections(one_phone)) == []
    assert list(policy.protections([*one_phone, other])) == [
        Protection(None, 3, 4),
        Protection(AddressSpace.PHONE, 1, 2),
    ]


def test_an_unmerge_takes_back_what_was_gained_unless_it_was_changed() -> None:
    link = Link("m1", "a", "b", {"city": "Lima", "stage": "SALE", "tags.vip": True})
    fields = {
        "a": {"city": "Lima", "stage": "SALE", "tags.vip": True},
        "b": {"city": "Cusco", "stage": "SALE", "tags.vip": True, "tags.old": True},
    }

    found = unlink("a", [link], fields)

    assert found.members == {"a"}
    assert found.fields == {"b": {"city": "Cusco", "tags.old": True}}
    assert found.filled == {}


def test_what_is_left_empty_is_filled_by_the_next_who_has_it() -> None:
    links = [Link("m1", "a", "r", {"city": "Lima"}), Link("m2", "b", "r", {"stage": "SALE"})]
    fields = {
        "a": {"city": "Lima"},
        "b": {"city": "Quito", "stage": "SALE"},
        "r": {"city": "Lima", "stage": "SALE"},
    }

    found = unlink("a", links, fields)

    assert found.fields == {"r": {"stage": "SALE", "city": "Quito"}}
    assert found.filled == {"m2": {"stage": "SALE", "city": "Quito"}}


def test_a_chain_loses_what_came_from_its_far_end() -> None:
    links = [
        Link("m1", "a", "b", {"city": "Lima"}),
        Link("m2", "b", "c", {"city": "Lima", "stage": "SALE"}),
        Link("m3", "d", "c", {}),
    ]
    fields = {
        "a": {"city": "Lima"},
        "b": {"city": "Lima", "stage": "SALE"},
        "c": {"city": "Lima", "stage": "SALE"},
        "d": {"city": "Quito"},
    }

    far = unlink("a", links, fields)
    near = unlink("b", links, fields)

    assert far.members == {"a"}
    assert far.fields == {"b": {"stage": "SALE"}, "c": {"stage": "SALE", "city": "Quito"}}
    assert far.filled == {"m2": {"stage": "SALE"}, "m3": {"city": "Quito"}}
    assert near.members == {"a", "b"}
    assert near.fields == {"c": {"city": "Quito"}}
    assert near.filled == {"m3": {"city": "Quito"}}


def test_what_was_gained_is_what_was_empty() -> None:
    assert filling({"city": "Lima"}, {"city": "Cusco", "custom.size": 0}) == {"custom.size": 0}


def test_members_are_found_by_way_of_others() -> None:
    links = [Link("1", "a", "b", {}), Link("2", "b", "c", {}), Link("3", "d", "c", {})]

    assert set(members_of("b", links)) == {"a", "b"}
    assert set(members_of("c", links)) == {"a", "b", "c", "d"}
