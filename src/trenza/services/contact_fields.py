"""The tags and the custom fields that a request gives a contact, checked and then applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from trenza.domain.access import Viewer
from trenza.domain.custom_field import TAGS_MAX, CustomField, Value, read_key, read_tags
from trenza.domain.errors import Conflict, InvalidInput


class Unset(Enum):
    """The type of UNSET."""

    UNSET = "UNSET"


UNSET: Final = Unset.UNSET
"""The value of a field that is not mentioned and so stays as it is; None empties it."""

VALUES_MAX = 100
PATH = "customFields"


@dataclass(frozen=True)
class Given:
    """A value that a request gives a custom field, and where it stands there."""

    value: Value | None
    index: int

    def path(self, name: str) -> tuple[str, ...]:
        """The way to a part of it."""
        return PATH, str(self.index), name


@dataclass(frozen=True)
class Tagging:
    """What a request does to tags; `all` stand in the place of those that are there."""

    all: Sequence[str] | None
    added: Sequence[str]
    removed: Sequence[str]

    @property
    def is_something(self) -> bool:
        """Whether it can change anything."""
        return self.all is not None or bool(self.added) or bool(self.removed)

    def applied(self, before: Sequence[str]) -> list[str]:
        """The tags afterwards; raises Conflict where they would be too many."""
        kept = dict.fromkeys([*(before if self.all is None else self.all), *self.added])
        after = [tag for tag in kept if tag not in set(self.removed)]
        if len(after) > TAGS_MAX:
            raise Conflict(
                f"a contact has at most {TAGS_MAX} tags, this would be {len(after)}",
                path=("addTags",),
            )
        return after


def read_tagging(
    replaced: Sequence[str] | Unset | None, added: Sequence[str], removed: Sequence[str]
) -> Tagging:
    """The tags of a request, cleaned; raises InvalidInput."""
    return Tagging(
        None if isinstance(replaced, Unset) else read_tags(replaced or (), ("tags",)),
        read_tags(added, ("addTags",)),
        read_tags(removed, ("removeTags",)),
    )


def read_given(pairs: Sequence[tuple[str, Value | None]]) -> dict[str, Given]:
    """The values of a request by key; raises InvalidInput for a bad key and for one twice."""
    if len(pairs) > VALUES_MAX:
        raise InvalidInput(f"at most {VALUES_MAX} custom fields at once", path=(PATH,))
    found: dict[str, Given] = {}
    for index, (key, value) in enumerate(pairs):
        given = Given(value, index)
        read_key(key, given.path("key"))
        if key in found:
            raise InvalidInput("the same key stands twice", path=given.path("key"))
        found[key] = given
    return found


def read_values(
    given: Mapping[str, Given], definitions: Mapping[str, CustomField], viewer: Viewer
) -> dict[str, Any]:
    """The values as they are kept, None for those that are cleared.

    Raises Forbidden for a field that the viewer does not see; InvalidInput for one that is not
    there, for a value of no use, and for a value of a field that was archived.
    """
    found: dict[str, Any] = {}
    for key, each in given.items():
        path = each.path("key")
        field = definitions.get(key)
        if field is None:
            raise InvalidInput("the workspace has no custom field of this key", path=path)
        viewer.require_sight(field.privacy, key, path=path)
        if each.value is None:
            found[key] = None
        elif field.archived_at is not None:
            raise InvalidInput(f"{key} was archived and takes no value", path=path)
        else:
            found[key] = field.read(each.value, each.path("value"))
    return found


def merged_values(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a contact with some changed; those that are None are no longer there."""
    after = {**before, **values}
    return {key: value for key, value in after.items() if value is not None}
