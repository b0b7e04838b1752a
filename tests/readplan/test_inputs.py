"""Of a list that is refused for its length, no more is read than shows that it is too long."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from strawberry.types.base import StrawberryObjectDefinition

from tests.readplan.conftest import Apps, Story
from trenza.graphql.schema import build_schema
from trenza.graphql.segment_input import SegmentConditionInput
from trenza.readplan.coercion import Variables
from trenza.readplan.inputs import MOST

ABSENT = "contact_00000000000000000000000011"
ON_TAG = {"tag": {"tag": "a"}}
REFUSED = "{ __typename ... on UserError { code message path } }"
PREVIEW = "query ($value: SegmentDefinitionInput!) { previewSegment(definition: $value) { count } }"
CONTACTS = "query ($value: ContactFilter) { contacts(filter: $value) { totalCount } }"


def mutation(name: str) -> str:
    """A mutation of an input that tells why it was refused."""
    type_ = f"{name[0].upper()}{name[1:]}Input"
    return f"mutation ($value: {type_}!) {{ {name}(input: $value) {REFUSED} }}"


UPSERT, WORDS, POLICY = map(mutation, ("upsertContact", "setOptOutWords", "setIdentityPolicy"))
TOO_LONG: dict[str, tuple[str, Callable[[int], dict[str, Any]], str]] = {
    "SegmentDefinitionInput.groups": (
        PREVIEW,
        lambda n: {"groups": [{"conditions": [ON_TAG]}] * n},
        "give 1 to 10 groups",
    ),
    "SegmentGroupInput.conditions": (
        PREVIEW,
        lambda n: {"groups": [{"conditions": [ON_TAG] * n}]},
        "give 1 to 20 conditions",
    ),
    "ContactFilter.custom_fields": (
        CONTACTS,
        lambda n: {"customFields": [{"key": "a", "exists": True}] * n},
        "at most 20 custom fields",
    ),
    "UpsertContactInput.identities": (
        UPSERT,
        lambda n: {"identities": [{"channel": "EMAIL", "address": "a@example.com"}] * n},
        "at most 50 identities",
    ),
    "UpsertContactInput.custom_fields": (
        UPSERT,
        lambda n: {"id": ABSENT, "customFields": [{"key": "a", "value": 1}] * n},
        "at most 100 custom fields at once",
    ),
    "SetOptOutWordsInput.words": (
        WORDS,
        lambda n: {
            "words": [{"language": each, "words": []} for each in ["ES", "PT", "EN", *["ES"] * n]]
        },
        "ES is given twice",
    ),
    "SetIdentityPolicyInput.space_limits": (
        POLICY,
        lambda n: {"spaceLimits": [{"space": "EMAIL", "most": 1}] * n},
        "a space is named twice",
    ),
}


def limited() -> Iterator[tuple[str, int]]:
    """Every list of which only so much is read, with its limit."""
    for each in build_schema().schema_converter.type_map.values():
        definition = each.definition
        if isinstance(definition, StrawberryObjectDefinition) and definition.is_input:
            for field in definition.fields:
                if MOST in field.metadata:
                    yield f"{definition.name}.{field.python_name}", field.metadata[MOST]


def test_every_list_that_is_not_read_to_its_end_is_known_here() -> None:
    assert dict(limited()).keys() == TOO_LONG.keys()


@pytest.mark.parametrize("name", TOO_LONG)
@pytest.mark.parametrize("beyond", [1, 500])
async def test_a_list_that_is_too_long_is_refused(
    apps: Apps, story: Story, name: str, beyond: int
) -> None:
    document, value, message = TOO_LONG[name]
    given = value(dict(limited())[name] + beyond)

    planned = await story.a.client(apps.planned).ask(document, value=given)
    reference = await story.a.client(apps.reference).ask(document, value=given)

    assert planned == reference
    [told] = reference.get("errors") or reference["data"].values()
    assert told["message"] == message


async def test_few_of_too_many_are_made(
    apps: Apps, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    make = SegmentConditionInput.__init__

    def counted(self: Any, **given: Any) -> None:
        made.append(self)
        make(self, **given)

    monkeypatch.setattr(SegmentConditionInput, "__init__", counted)
    definition = {"groups": [{"conditions": [ON_TAG] * 500}] * 2}

    await story.a.client(apps.reference).ask(PREVIEW, value=definition)
    assert len(made) == 2 * 21

    await story.a.client(apps.planned).ask(PREVIEW, value=definition)
    assert len(made) == 3 * 2 * 21


async def test_what_may_be_left_out_is_null(apps: Apps, story: Story) -> None:
    for world in (apps.planned, apps.reference):
        answer = await story.a.client(world).ask(
            UPSERT, value={"id": ABSENT, "customFields": [{"key": "?"}]}
        )

        assert answer["data"]["upsertContact"]["path"][0] == "customFields"


def test_of_many_mistakes_in_variables_few_are_looked_for() -> None:
    core = build_schema().core
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    [operation] = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)

    wrong = Variables(core, operation).coerced({"ids": [True] * 100})

    assert isinstance(wrong, list)
    assert len(wrong) == 2, "the first, and that there are others"
