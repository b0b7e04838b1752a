"""Custom fields in the tests of the API: defining them, and giving contacts values."""

from typing import Any

from tests.world import Client

VALUES_OF = "customFields { key name type value privacy }"
DEFINED = "customField { id key name type privacy options createdAt archivedAt }"


async def define(client: Client, key: str, type_: str, **given: Any) -> Any:
    """The result of `defineCustomField`."""
    input = {"key": key, "name": key.title(), "type": type_, **given}
    on = f"... on DefineCustomFieldPayload {{ {DEFINED} }}"
    return await client.do("defineCustomField", "DefineCustomFieldInput", on, input)


async def upsert(client: Client, fields: str = "id", **input: Any) -> Any:
    """The result of `upsertContact`; by default on an e-mail address of the tests."""
    if "id" not in input:
        input.setdefault("identities", [{"channel": "EMAIL", "address": "ana@example.com"}])
    on = f"... on UpsertContactPayload {{ created contact {{ {fields} }} }}"
    return await client.do("upsertContact", "UpsertContactInput", on, input)


def valued(**values: Any) -> list[dict[str, Any]]:
    """Values of custom fields as an input has them."""
    return [{"key": key, "value": value} for key, value in values.items()]


async def names_of(client: Client, filter: Any = None, order: Any = None, **page: Any) -> list[str]:
    """The first names of the contacts that a filter lets through."""
    document = (
        "query ($filter: ContactFilter, $order: ContactOrder, $first: Int) { contacts("
        "filter: $filter, orderBy: $order, first: $first) { totalCount nodes { firstName } } }"
    )
    found = await client.run(document, filter=filter, order=order, **page)
    names = [node["firstName"] for node in found["contacts"]["nodes"]]
    assert found["contacts"]["totalCount"] == len(names)
    return names
