"""A client's names are told apart as GraphQL does it, whatever a database takes for one name."""

import pytest

from tests.readplan.conftest import Apps, Story

LONG = "a" * 63
"""PostgreSQL looks at no more of a name."""

DOCUMENTS = {
    "nodes": "{ contacts(first: 2) { a: nodes { id } A: nodes { displayName } } }",
    "nodes and edges": (
        "{ contacts(first: 2) { nodes { id } Nodes: nodes { displayName } "
        "edges { c: cursor C: node { displayName } } EDGES: edges { node { id } } } }"
    ),
    "where the page lies": (
        "{ contacts(first: 2) { pageInfo { endCursor } PAGEINFO: nodes { id } "
        "totalcount: edges { cursor } totalCount } }"
    ),
    "values": "{ contacts(first: 2) { nodes { id ID: displayName Id: createdAt __typename } } }",
    "below a row": (
        "{ contacts(first: 5) { nodes { "
        "i: interactions(first: 2) { a: nodes { id } A: edges { node { kind } } } "
        "I: interactions(last: 1) { A: nodes { kind } a: edges { cursor } } } } }"
    ),
    "root": "{ a: contacts(first: 1) { nodes { id } } A: contacts(last: 1) { nodes { id } } }",
    "long": (
        f"{{ {LONG}1: contacts(first: 2) {{ {LONG}1: nodes {{ id }} "
        f"{LONG}2: nodes {{ {LONG}1: displayName {LONG}2: id }} "
        f"{LONG}3: edges {{ {LONG}1: cursor {LONG}2: node {{ id }} }} }} "
        f"{LONG}2: contacts(last: 1) {{ nodes {{ id }} }} }}"
    ),
    "found": (
        "query ($id: ID!) { contact(id: $id) { timeline(first: 2) { "
        "n: nodes { id } N: nodes { kind } E: edges { cursor } e: edges { node { id } } } } }"
    ),
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
async def test_names_that_are_nearly_the_same_are_told_apart(
    apps: Apps, story: Story, document: str
) -> None:
    id_ = next(each for each in story.a.known.ids if each.startswith("contact_"))
    body = {"query": document, "variables": {"id": id_}}
    answered = apps.planned.app.state.planner.answered

    by_plan = await story.a.client(apps.planned).post(body)
    by_loaders = await story.a.client(apps.reference).post(body)

    assert by_plan.json() == by_loaders.json()
    assert "errors" not in by_plan.json()
    assert apps.planned.app.state.planner.answered == answered + 1
