"""Documents as large as a client may send them are answered, by a plan or by the loaders."""

import pytest

from tests.readplan.conftest import Apps, Story


def nested(depth: int) -> str:
    """Contacts within interactions within contacts."""
    if depth == 0:
        return "{ id }"
    return f"{{ id interactions(first: 1) {{ nodes {{ contact {nested(depth - 1)} }} }} }}"


DOCUMENTS = {
    "many values": f"{{ contacts {{ nodes {{ {' '.join(f'a{n}: id' for n in range(3000))} }} }} }}",
    "many sentences": (
        "{ contacts { nodes { interactions(first: 1) { nodes { verdict { "
        f"{' '.join(f'a{n}: sentence(language: ES)' for n in range(700))} }} }} }} }} }} }}"
    ),
    "many relations": (
        "{ contacts { nodes { "
        f"{' '.join(f'a{n}: tickets(first: 1) {{ totalCount }}' for n in range(400))} }} }} }}"
    ),
    "many roots": f"{{ {' '.join(f'a{n}: node(id: 7) {{ id }}' for n in range(1700))} }}",
    "deep": f"{{ contacts(first: 2) {{ nodes {nested(14)} }} }}",
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
async def test_a_large_document_is_answered_the_same(
    apps: Apps, story: Story, document: str
) -> None:
    body = {"query": document}

    by_plan = await story.a.client(apps.planned).post(body)
    by_loaders = await story.a.client(apps.reference).post(body)

    assert by_plan.status_code == 200
    assert by_plan.json() == by_loaders.json()
