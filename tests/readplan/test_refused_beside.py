"""What is refused in one place of a document does not spoil what another place asks for too."""

import asyncio

import pytest

from tests.readplan.conftest import Apps, Story

BESIDE = {
    "a page": (
        "query ($id: ID!) { bad: contact(id: $id) { interactions(first: 0) { totalCount } "
        "sessions { totalCount } mergedInto { id } } "
        "good: contact(id: $id) { sessions { totalCount } } }"
    ),
    "a count": (
        "query ($id: ID!) { bad: contact(id: $id) { debits { totalCount } sessions(first: 0) "
        "{ nodes { id } } } good: contact(id: $id) { debits { totalCount } } }"
    ),
    "a figure": (
        "query ($id: ID!) { bad: node(id: $id) { ... on Workspace { usage { total } "
        "balance { consumed } interactions(first: 0) { totalCount } } } "
        "good: node(id: $id) { ... on Workspace { usage { total } balance { consumed } } } }"
    ),
}


@pytest.mark.parametrize("document", BESIDE.values(), ids=BESIDE)
async def test_the_good_part_is_answered(apps: Apps, story: Story, document: str) -> None:
    prefix = "ws_" if "Workspace" in document else "contact_"
    id_ = next(each for each in story.a.known.ids if each.startswith(prefix))
    for world in (apps.planned, apps.reference):
        client = story.a.client(world)

        answer = await asyncio.wait_for(client.ask(document, id=id_), 20)

        assert answer["data"]["bad"] is None
        assert answer["data"]["good"]
        assert [error["path"][0] for error in answer["errors"]] == ["bad"]
