"""What the services say of what they did, for the activity log."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.services.dependencies import Dependencies
from trenza.storage.activity import noted, noting
from trenza.storage.bulk import Writing

Values = Mapping[str, Any]


def note_of(
    dependencies: Dependencies,
    viewer: Viewer,
    at: datetime,
    verb: Verb,
    subject_id: str,
    before: Values | None = None,
    after: Values | None = None,
) -> Writing:
    """One row of the log, for the `write_all` of what it tells of."""
    return noting(row_of(dependencies, viewer, at, verb, subject_id, before, after))


def row_of(
    dependencies: Dependencies,
    viewer: Viewer,
    at: datetime,
    verb: Verb,
    subject_id: str,
    before: Values | None = None,
    after: Values | None = None,
) -> dict[str, Any]:
    """The same as a row, where several are written together by `noting`."""
    new_id = dependencies.new_id(Prefix.ACTIVITY)
    return noted(viewer, new_id, at, verb, subject_id, _as_json(before), _as_json(after))


def difference(before: Values, after: Values) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changed, as it was and as it is.

    >>> difference({"name": "Ana", "role": "AGENT"}, {"name": "Ana", "role": "ADMIN"})
    ({'role': 'AGENT'}, {'role': 'ADMIN'})
    """
    names = [name for name, value in after.items() if before.get(name) != value]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


CONTACT_NAMES = {"zone": "timeZone"}
"""Columns of a contact that the API calls otherwise than by their names in camel case."""


def told_of_contact(
    before: Values | None, after: Values, identities: Sequence[Values] | None
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The fields of a contact that changed, by their names in the API.

    `before` is nothing where the contact is new; then all that are set. Identities are only added.
    """
    known = before or {}
    # New contacts have no tags and no custom fields to tell of, which are never null.
    bare: Values = {} if before else {"tags": [], "custom": {}}
    was, now = difference(
        known or bare, {name: value for name, value in after.items() if name != "id"}
    )
    told = {_api_name(name): value for name, value in now.items()}
    if identities:
        told["identities"] = list(identities)
    return (None if before is None else {_api_name(n): v for n, v in was.items()}), told


def _api_name(column: str) -> str:
    first, *others = column.split("_")
    return CONTACT_NAMES.get(column) or first + "".join(map(str.capitalize, others))


def _as_json(values: Values | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value
