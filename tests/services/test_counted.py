"""What a process remembers of what it counted: bounds, and alerts that stay exact beyond them."""

from datetime import timedelta

from tests.services.books import open_books, utc
from tests.services.test_batch import reports
from tests.world import NOON
from trenza.services.counted import CountedDebits
from trenza.services.interaction import record_interactions
from trenza.storage import UsageAlert

SEPTEMBER = utc(2026, 9, 1)


def test_each_row_since_may_have_added_one() -> None:
    counted = CountedDebits()
    counted.note("ws_1", SEPTEMBER, 10, 4)

    assert counted.at_most("ws_1", SEPTEMBER, 10) == 4
    assert counted.at_most("ws_1", SEPTEMBER, 13) == 7


def test_nothing_is_known_of_others_or_of_what_was_before() -> None:
    counted = CountedDebits()
    counted.note("ws_1", SEPTEMBER, 10, 4)

    assert counted.at_most("ws_2", SEPTEMBER, 10) is None
    assert counted.at_most("ws_1", utc(2026, 10, 1), 10) is None
    assert counted.at_most("ws_1", SEPTEMBER, 9) is None


async def test_debits_are_counted_again_only_where_a_threshold_may_be_reached(
    database_url: str,
) -> None:
    async with open_books(
        database_url, NOON - timedelta(days=3), quota=20, alert_thresholds=[50]
    ) as books:
        books.clock.at = NOON
        counts = []
        for turn in range(7):
            batch = [each for each in reports(2, f"turn{turn}-") if each.request.actor is None][
                1::2
            ]
            with books.counted_statements() as found:
                await record_interactions(books.dependencies, books.admin, batch)
            counts.append(sum("RECURSIVE" in statement for statement in found))

        # Two debits a turn: the first is counted, then those that may reach the tenth.
        assert counts == [1, 0, 0, 0, 1, 0, 0]
        assert await books.rows(UsageAlert, "threshold_percent", "consumed", "sequence") == [
            (50, 10, 10)
        ]
