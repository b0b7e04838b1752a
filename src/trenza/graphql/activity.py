"""The activity log: who did what to what, with what changed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry

from trenza.domain.text import clean
from trenza.graphql.node import NODE_TYPES
from trenza.readplan.fields import Condition, column, one, pointed
from trenza.readplan.schema import Record, named, record
from trenza.storage.activity import ACTIVITY
from trenza.storage.activity import Activity as ActivityTable

if TYPE_CHECKING:
    from strawberry import ID
    from strawberry.scalars import JSON

    from trenza.graphql.access import ApiKey
    from trenza.graphql.node import Node
    from trenza.graphql.seat import User

VERB_LONGEST = 64


@record(ActivityTable)
class Activity(Record):
    """One thing that was done to one subject. Never changed, never deleted.

    Interactions and sign-ins are logs of their own and are not repeated here.
    """

    id: ID = column("The id of the entry.")
    at: datetime = column("When it was done.")
    verb: str = column("What was done, by the name of its mutation, such as `upsertContact`.")
    subject_id: ID = column("The id of what it was done to.")
    subject: Node | None = pointed(
        "What it was done to; null where that is gone, or has no node, as an API key.",
        "subject_id",
        NODE_TYPES,
    )
    user: User | None = one("Whose key did it; null for a service's.", "user_id")
    key: ApiKey | None = one("The key that did it; null for the command line.", "key_id")
    before: JSON | None = column("What changed, by field, as it was; null where nothing was there.")
    after: JSON | None = column("What changed, by field, as it became; null where nothing stayed.")


@named
@strawberry.input(description="Which entries of the log; every condition given must hold.")
class ActivityFilter:
    """Which entries of the log; every condition given must hold."""

    subject_id: strawberry.ID | None = strawberry.field(default=None, description="Done to this.")
    verb: str | None = strawberry.field(default=None, description="The name of a mutation.")
    user_id: strawberry.ID | None = strawberry.field(default=None, description="By this user.")
    key_id: strawberry.ID | None = strawberry.field(default=None, description="With this key.")
    from_: datetime | None = strawberry.field(
        default=None, name="from", description="At this instant or later."
    )
    before: datetime | None = strawberry.field(default=None, description="Before this instant.")


ACTIVITY_FILTERS = {
    "subject_id": Condition(lambda id: ACTIVITY.c.subject_id == id),
    "verb": Condition(
        lambda verb: ACTIVITY.c.verb == verb,
        lambda given: clean(given, ("filter", "verb"), VERB_LONGEST),
    ),
    "user_id": Condition(lambda id: ACTIVITY.c.user_id == id),
    "key_id": Condition(lambda id: ACTIVITY.c.key_id == id),
    "from_": Condition(lambda at: ACTIVITY.c.at >= at),
    "before": Condition(lambda at: ACTIVITY.c.at < at),
}
