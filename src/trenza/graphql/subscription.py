"""The feeds: what is pushed to clients that stay connected."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from trenza.graphql.balance import InteractionzBalance, balance_of
from trenza.graphql.context import Info
from trenza.graphql.enums import BalanceEventKind
from trenza.graphql.interactionz import InteractionzDebit
from trenza.readplan.schema import named, view
from trenza.services import balance_feed
from trenza.services.balance_feed import follow_balance, write_feed_cursor


@named
@strawberry.type(description="A balance, and what made it.")
class BalanceEvent:
    """A balance, and what made it."""

    kind: BalanceEventKind = strawberry.field(description="What the event says.")
    sequence: int = strawberry.field(description="The last row of the ledger that it includes.")
    cursor: str = strawberry.field(description="Give it as `after` to go on from here.")
    balance: InteractionzBalance = strawberry.field(description="The balance.")
    entry: InteractionzDebit | None = strawberry.field(
        description="The debit or reversal of a CHANGE; null for grants and closings."
    )


def event_of(event: balance_feed.BalanceEvent) -> BalanceEvent:
    """The service's event as the graph gives it."""
    entry = event.entry
    is_debit = entry is not None and entry["reason"] is not None
    return BalanceEvent(
        kind=BalanceEventKind(event.kind),
        sequence=event.sequence,
        cursor=write_feed_cursor(event.sequence),
        balance=balance_of(event.balance, event.known_at),
        entry=view(InteractionzDebit, entry) if entry is not None and is_debit else None,
    )


@strawberry.type(description="What is pushed to clients that stay connected.")
class Subscription:
    """What is pushed to clients that stay connected."""

    @strawberry.subscription(  # type: ignore[untyped-decorator]
        description=(
            "The balance: a SNAPSHOT first, then a CHANGE for every row of the ledger, without "
            "gap and without repeat. With `after` it goes on from a cursor. Scope `read`."
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
                yield event_of(event)
