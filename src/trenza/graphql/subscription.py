"""The feeds: what is pushed to clients that stay connected."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated

import strawberry

from trenza.domain.access import PERMISSIONS, Verb
from trenza.graphql.balance import balance_row
from trenza.graphql.context import Info
from trenza.graphql.enums import BalanceEventKind
from trenza.readplan.fields import column, part
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record, view
from trenza.services import balance_feed
from trenza.services.balance_feed import follow_balance, write_feed_cursor

if TYPE_CHECKING:
    from trenza.graphql.balance import InteractionzBalance
    from trenza.graphql.interactionz import InteractionzDebit


@record()
class BalanceEvent(Record):
    """A balance, and what made it."""

    kind: BalanceEventKind = column("What the event says.")
    sequence: int = column("The last row of the ledger that it includes.")
    cursor: str = column("Give it as `after` to go on from here.")
    balance: InteractionzBalance = part("The balance.", "balance")
    entry: InteractionzDebit | None = part(
        "The debit or reversal of a CHANGE; null for grants and closings.", "entry"
    )


def event_row(event: balance_feed.BalanceEvent) -> Row:
    """The service's event as a row."""
    entry = event.entry
    is_debit = entry is not None and entry["reason"] is not None
    return {
        "kind": BalanceEventKind(event.kind),
        "sequence": event.sequence,
        "cursor": write_feed_cursor(event.sequence),
        "balance": balance_row(event.balance, event.known_at),
        "entry": entry if is_debit else None,
    }


@strawberry.type(description="What is pushed to clients that stay connected.")
class Subscription:
    """What is pushed to clients that stay connected."""

    @strawberry.subscription(  # type: ignore[untyped-decorator]
        description=(
            "The balance: a SNAPSHOT first, then a CHANGE for every row of the ledger, without "
            "gap and without repeat. With `after` it goes on from a cursor. "
            f"{PERMISSIONS[Verb.READ].sentence}"
        )
    )
    async def balance_changed(
        self,
        info: Info,
        after: Annotated[
            str | None, strawberry.argument(description="A cursor; no snapshot comes then.")
        ] = None,
        conflate: Annotated[
            bool | None,
            strawberry.argument(description="Leave out changes that newer ones have overtaken."),
        ] = False,
    ) -> AsyncGenerator[BalanceEvent, None]:
        """Read from the ledger by sequence, at the speed of the reader."""
        context = info.context
        with context.bus.follow(context.viewer.workspace_id) as follower:
            events = follow_balance(
                context.dependencies, context.viewer, follower, after, conflate=bool(conflate)
            )
            async for event in events:
                context.renew()
                yield view(BalanceEvent, event_row(event))
