"""How much of the variables is looked at for a plan, and what that weighs."""

from typing import Any

import pytest
from graphql import parse

from trenza.readplan.selection import UncoveredError
from trenza.readplan.shape import SIZE_MAX, Shape, probes_of, shape_of

FILTERED = parse("query ($filter: ContactFilter) { contacts(filter: $filter) { totalCount } }")
ORDERED = parse("query ($order: ContactOrder) { contacts(orderBy: $order) { totalCount } }")
BY_ID = parse("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }")
PREVIEWED = parse(
    "query ($definition: SegmentDefinitionInput!) "
    "{ previewSegment(definition: $definition) { count } }"
)


def shape(document: Any, **variables: Any) -> Shape:
    """The shape of a document's variables."""
    return shape_of(probes_of(document), variables)


def test_every_value_that_is_looked_at_counts() -> None:
    few = shape(FILTERED, filter={"hasAnyTag": ["a"], "customFields": [{"key": "a", "eq": 1}]})
    many = shape(FILTERED, filter={"hasAnyTag": ["a"] * 9, "customFields": [{"key": "a"}] * 5})

    assert (few.size, many.size) == (2 + 1 + 1 + 2, 2 + 9 + 5 + 5)


def test_a_value_that_is_kept_counts_by_its_length() -> None:
    assert shape(ORDERED, order={"field": "CUSTOM_FIELD", "key": "k" * 100}).size == 12 + 100


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (FILTERED, {"filter": {"hasAnyTag": ["a"] * SIZE_MAX}}),
        (FILTERED, {"filter": {"customFields": [{"key": "a"}] * (SIZE_MAX // 2)}}),
        (ORDERED, {"order": {"field": "CUSTOM_FIELD", "key": "k" * SIZE_MAX}}),
        (BY_ID, {"ids": ["a"] * (SIZE_MAX + 1)}),
    ],
    ids=["leaves", "objects", "text", "ids"],
)
def test_too_many_values_have_no_shape(document: Any, variables: dict[str, Any]) -> None:
    with pytest.raises(UncoveredError, match="large variables"):
        shape(document, **variables)


def test_the_largest_filter_has_a_shape() -> None:
    values = {"key": "a", "in": ["b"] * 100, "exists": True}

    assert shape(FILTERED, filter={"customFields": [values] * 20}).size < SIZE_MAX


def test_what_a_segment_asks_decides_nothing() -> None:
    few = shape(PREVIEWED, definition={"groups": [{"conditions": [{}]}]})
    many = shape(PREVIEWED, definition={"groups": [{"conditions": [{}] * 9999}]})

    assert few == many
