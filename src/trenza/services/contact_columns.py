"""The columns of a file of contacts, and how the cells of each are read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from trenza.channels.contact_file import split_cell
from trenza.domain.access import Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.custom_field import DIGITS_MAX, CustomField, FieldType, Value
from trenza.domain.errors import InvalidInput
from trenza.domain.interaction import Language
from trenza.services.dependencies import Dependencies
from trenza.storage.contact_file import find_user_ids
from trenza.storage.custom_field import find_custom_fields

IDENTITY_COLUMNS = {channel.lower(): channel for channel in ChannelKind}
"""Addresses, by the channel that each column names."""

CUSTOM = "custom."
ASSIGNED = "assigned_user"
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)


def text_of(cell: Any) -> str:
    """A cell as a text; raises ValueError where it is none."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return str(cell)
    raise ValueError("is no text")


def _texts(cell: Any) -> list[str]:
    if isinstance(cell, list):
        return [text_of(each) for each in cell]
    return split_cell(text_of(cell))


def _date(cell: Any) -> date:
    try:
        return date.fromisoformat(text_of(cell).strip())
    except ValueError:
        raise ValueError("is no date such as 1990-02-28") from None


def _one_of(kind: type[StrEnum]) -> Callable[[Any], StrEnum]:
    def read(cell: Any) -> StrEnum:
        try:
            return kind(text_of(cell).strip().upper().replace(" ", "_"))
        except ValueError:
            raise ValueError(f"is none of {', '.join(kind)}") from None

    return read


def _country(cell: Any) -> str:
    return text_of(cell).strip().upper()


def _trimmed(cell: Any) -> str:
    return text_of(cell).strip()


FIXED: Mapping[str, Callable[[Any], Any]] = {
    "id": _trimmed,
    "display_name": text_of,
    "first_name": text_of,
    "last_name": text_of,
    "birth_on": _date,
    "language": _one_of(Language),
    "time_zone": _trimmed,
    "company": text_of,
    "department": text_of,
    "city": text_of,
    "country": _country,
    "stage": _one_of(LifecycleStage),
    "origin": text_of,
    "tags": _texts,
    **dict.fromkeys(IDENTITY_COLUMNS, _texts),
}
"""What each column holds that every workspace has; ValueError says what is wrong with a cell."""


@dataclass(frozen=True)
class Columns:
    """The columns that a file of a workspace may have."""

    readers: Mapping[str, Callable[[Any], Any]]
    custom: Mapping[str, CustomField]
    emails: Mapping[str, str]
    """The e-mail addresses of users by their ids."""

    @property
    def names(self) -> list[str]:
        """Every column, in the order in which files are written."""
        return list(self.readers)


async def find_columns(dependencies: Dependencies, viewer: Viewer) -> Columns:
    """The columns that a viewer sees; custom fields that were archived have none."""
    async with dependencies.database.read(viewer.workspace_id) as connection:
        definitions = await find_custom_fields(connection, viewer.workspace_id)
        users = await find_user_ids(connection, viewer.workspace_id)
    shown = {
        key: field
        for key, field in definitions.items()
        if field.archived_at is None and field.privacy in viewer.sees
    }
    custom = {f"{CUSTOM}{key}": _custom(field) for key, field in shown.items()}
    readers = {**FIXED, ASSIGNED: _assigned(users), **custom}
    return Columns(readers, shown, {id: email for email, id in users.items()})


def _assigned(users: Mapping[str, str]) -> Callable[[Any], str]:
    ids = set(users.values())

    def read(cell: Any) -> str:
        given = _trimmed(cell)
        found = given if given in ids else users.get(given.lower())
        if found is None:
            raise ValueError("is no user of this workspace")
        return found

    return read


def _custom(field: CustomField) -> Callable[[Any], Value]:
    def read(cell: Any) -> Value:
        try:
            return field.read(_value(field.type, cell), (field.key,))
        except InvalidInput as refusal:
            raise ValueError(refusal.message) from None

    return read


def _value(type_: FieldType, cell: Any) -> Value:
    """A cell as JSON has it: a file of CSV holds nothing but texts."""
    if not isinstance(cell, str):
        if isinstance(cell, bool) and type_ is FieldType.BOOLEAN:
            return cell
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return cell if type_ is FieldType.NUMBER else str(cell)
        raise ValueError(f"is no {type_.lower()}")
    if type_ is FieldType.NUMBER:
        return _number(cell.strip())
    if type_ is FieldType.BOOLEAN:
        found = TRUTHS.get(cell.strip().lower())
        if found is None:
            raise ValueError("is neither true nor false")
        return found
    return cell.strip()


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("is no number such as 12.5")
    return int(text) if text.lstrip("-").isdigit() and len(text) <= DIGITS_MAX else float(text)
