"""What a plan costs the database: one statement, and what its figures cost beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.graphql.test_statements import statements
from tests.readplan.conftest import Apps, Story
from tests.world import Client, World

PEOPLE = """
query ($first: Int!) {
  contacts(first: $first) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges {
      cursor
      node {
        displayName
        identities { channel address }
        mergedFrom { id }
        interactions(first: $first) {
          nodes { kind campaign { name } verdict { sentence session { state entries { id } } } }
        }
        tickets(open: true) { totalCount nodes { number contact { id } } }
      }
    }
  }
  campaigns { nodes { name touches(last: 1) { nodes { contact { displayName } } } } }
}
"""
SEVERAL_TYPES = """
query ($ids: [ID!]!) {
  nodes(ids: $ids) { __typename id ... on Contact { displayName } ... on Ticket { number } }
}
"""
MANY = """
{
  workspace {
    now: balance { remaining }
    past: balance(at: "2026-10-10T00:00:00Z") { remaining }
    known: balance(knownAt: "2026-10-10T00:00:00Z") { grants { burned } }
    usage { total byDay { credits } }
    before: usage(cycleOf: "2026-10-10", knownAt: "2026-11-01T00:00:00Z") { total }
    period: usage(from: "2026-09-10T00:00:00Z", to: "2026-11-02T00:00:00Z") { total }
    seats { used signedIn }
    were: seats(at: "2026-10-10T00:00:00Z") {
      used
      peakSignedIn(from: "2026-10-01T00:00:00Z", to: "2026-10-10T00:00:00Z")
    }
    statement { text adjustments }
    other: statement(cycleOf: "2026-10-10") { text }
    users { nodes { status before: status(at: "2026-10-10T00:00:00Z") } }
  }
}
"""
FIGURES = {
    "{ workspace { balance { remaining } } }": 1,
    "{ workspace { usage { total byDay { credits } } } }": 1,
    "{ workspace { usage { total byCampaign { credits } byJourney(top: 1) { credits } "
    "byAgent { isRest } byContact { credits } } } }": 1,
    "{ workspace { usage { byCampaign { campaign { name } } } } }": 2,
    '{ workspace { usage(cycleOf: "2026-10-10") { byContact { contact { displayName tickets { '
    "nodes { number } } } credits } byAgent(top: 2) { agent { name status } } } } }": 4,
    "{ workspace { statement { usage { byContact { credits } byAgent { credits } } } } }": 2,
    "{ contacts { nodes { costToServe { total byLane { credits } } "
    'before: costToServe(from: "2026-09-10T00:00:00Z", to: "2026-11-02T00:00:00Z") '
    "{ byChannel { credits } } } } }": 1,
    "{ workspace { seats { used signedIn } } }": 1,
    "{ workspace { statement { text } } }": 1,
    "{ workspace { users { nodes { status } } } }": 1,
    "{ workspace { channels { name } } }": 0,
    "{ workspace { optOutWords { words } frequencyCaps { touchesMax } } }": 0,
    "{ contacts { nodes { consents { status } identities { consents { status } } } } }": 1,
    "{ contacts { nodes { mayContact(channel: EMAIL, purpose: MARKETING) { allowed } "
    "other: mayContact(channel: SMS, purpose: UTILITY) { reasons { sentence } } } } }": 2,
    MANY: 1,
}
"""The statements of each figure itself, or of many together, beside the plan's one."""


@contextmanager
def counted(world: World) -> Iterator[dict[str, int]]:
    """Counts the statements of plans, and those that went by SQLAlchemy."""
    found = {"planned": 0, "others": 0}
    before = world.parts.statements.executed
    with statements(world) as others:
        yield found
    found["planned"] = world.parts.statements.executed - before
    # SQLite's transactions begin with a statement.
    found["others"] = sum(each != "BEGIN" for each in others)


async def cost_of(world: World, client: Client, document: str, **variables: Any) -> dict[str, int]:
    """The statements of a document, once its key was seen and every connection is open."""
    await client.run("{ workspace { balance { remaining } } }")
    with counted(world) as found:
        await client.run(document, **variables)
    return found


@pytest.mark.parametrize("first", [1, 2, 100])
async def test_a_query_is_one_statement_whatever_it_brings(
    apps: Apps, story: Story, first: int
) -> None:
    world = apps.planned

    cost = await cost_of(world, story.a.client(world), PEOPLE, first=first)

    assert cost == {"planned": 1, "others": 0}


async def test_nodes_of_every_type_are_one_statement(apps: Apps, story: Story) -> None:
    world = apps.planned

    for count in (1, 100):
        ids = (story.a.known.ids * 2)[:count]
        cost = await cost_of(world, story.a.client(world), SEVERAL_TYPES, ids=ids)
        assert cost == {"planned": 1, "others": 0}


async def test_what_needs_no_row_is_no_statement(apps: Apps, story: Story) -> None:
    world = apps.planned

    document = "{ __typename viewer { name scopes } }"

    cost = await cost_of(world, story.a.client(world), document)

    assert cost == {"planned": 0, "others": 0}


KEPT = """
query ($filter: ContactFilter, $order: ContactOrder) {
  contacts(filter: $filter, orderBy: $order) {
    totalCount
    edges { cursor }
    nodes {
      tags
      customFields { key value }
      customField(key: "size") { value }
      assignedUser { name }
      stageHistory { nodes { stage changedBy { name } } }
    }
  }
}
"""
WAYS: list[dict[str, Any]] = [
    {},
    {"filter": {"customFields": [{"key": "size", "gt": 1}, {"key": "nick", "exists": True}]}},
    {"filter": {"hasAnyTag": ["vip"]}, "order": {"field": "CUSTOM_FIELD", "key": "shared"}},
]


@pytest.mark.parametrize("given", WAYS)
async def test_custom_fields_cost_their_definitions_once(
    apps: Apps, story: Story, given: dict[str, Any]
) -> None:
    world, client = apps.planned, story.a.client(apps.planned)
    world.parts.memory.forget_custom_fields(story.a.workspace_id)

    costs = [await cost_of(world, client, KEPT, **given) for _ in range(2)]

    assert costs == [{"planned": 1, "others": 1}, {"planned": 1, "others": 0}]


async def test_all_grants_that_paid_are_one_statement(apps: Apps, story: Story) -> None:
    world = apps.planned

    for document in (
        "{ workspace { debits { nodes { grant { kind } } } } }",
        "{ contacts { nodes { debits { nodes { grant { kind } } } } } }",
    ):
        cost = await cost_of(world, story.a.client(world), document)
        assert cost == {"planned": 1, "others": 1}


@pytest.mark.parametrize("document", FIGURES)
async def test_figures_cost_what_they_cost_and_no_more(
    apps: Apps, story: Story, document: str
) -> None:
    world = apps.planned

    cost = await cost_of(world, story.a.client(world), document)

    assert cost == {"planned": 1 + FIGURES[document], "others": 0}
