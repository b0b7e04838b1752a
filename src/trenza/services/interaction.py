"""Recording interactions: what is asked is checked, decided and written in one transaction.

Identified by (workspace, source, external id), an interaction has its effect once, for ever: the
same again is a replay, the same id with another content a conflict. The answer to either does
not depend on how late it comes.
"""

from collections.abc import Sequence
from dataclasses import replace

from trenza.domain.access import Verb, Viewer
from trenza.domain.erasure import ERASED
from trenza.domain.errors import DomainError
from trenza.domain.ids import Prefix
from trenza.domain.metering.ledger import DebitReason
from trenza.domain.text import clean
from trenza.services.activity import note_of
from trenza.services.batch import Batch
from trenza.services.dependencies import Dependencies
from trenza.services.quarantine import keep_late
from trenza.services.recut import WorkingSet
from trenza.services.reference import absent, require_form
from trenza.services.report import (
    Answer,
    Arrival,
    Checked,
    Recorded,
    RecordInteraction,
    Report,
    check_or_refuse,
    content_hash,
)
from trenza.storage.claim import ClaimLock
from trenza.storage.contact import find_erased, lock_roots
from trenza.storage.engine import AsyncConnection
from trenza.storage.interaction import find_interaction, judged_of, mark_retracted
from trenza.storage.workspace import find_workspace

__all__ = [
    "Answer",
    "Arrival",
    "RecordInteraction",
    "Recorded",
    "content_hash",
    "record_checked",
    "record_interactions",
    "retract_interaction",
]

REASON_LONGEST = 500


async def record_interactions(
    dependencies: Dependencies, viewer: Viewer, arrivals: Sequence[Arrival]
) -> list[Answer]:
    """Records reports in the order given, each with its own answer, in one transaction.

    Equal to recording them one by one. Needs the scope `record`.
    """
    viewer.require(Verb.RECORD_INTERACTION)
    return await record_checked(dependencies, viewer, [check_or_refuse(each) for each in arrivals])


async def record_checked(
    dependencies: Dependencies, viewer: Viewer, checked: Sequence[Checked | DomainError]
) -> list[Answer]:
    """Records what was checked before, as `record_interactions` does; a refusal is its answer."""
    claims = ClaimLock()

    async def work(connection: AsyncConnection) -> tuple[list[Answer], bool]:
        reported = [Report.of(each) if isinstance(each, Checked) else each for each in checked]
        reports = [each for each in reported if isinstance(each, Report)]
        batch = Batch(connection, dependencies, viewer.workspace_id, reports, claims)
        grown = await batch.record()
        await keep_late(connection, dependencies, viewer.workspace_id, batch.late)
        return [each.settled() if isinstance(each, Report) else each for each in reported], grown

    answers, grown = await dependencies.database.write(work, viewer.workspace_id, claims)
    if grown:
        await dependencies.bell.ring(viewer.workspace_id)
    return answers


async def retract_interaction(
    dependencies: Dependencies, viewer: Viewer, interaction_id: str, reason: str
) -> Recorded:
    """Takes an interaction out of the metering; it stays, with the reason; again replays.

    Of a skeleton the log alone has the reason, of an erased person nothing has it. Needs the scope
    `admin`. Raises NotFound for an unknown id, InvalidInput for a bad reason.
    """
    viewer.require(Verb.RETRACT_INTERACTION)
    said = clean(reason, ("reason",), REASON_LONGEST)
    require_form(interaction_id, Prefix.INTERACTION, "interactionId")

    async def work(connection: AsyncConnection) -> tuple[Recorded, bool]:
        workspace = await find_workspace(connection, viewer.workspace_id)
        found = await find_interaction(connection, workspace.id, interaction_id)
        if found is None:
            raise absent("interactionId")
        owners = await lock_roots(connection, workspace.id, {found["contact_id"]})
        row = await find_interaction(connection, workspace.id, interaction_id)
        if row is None or row["retracted_at"] is not None:
            return Recorded(interaction_id, replayed=True), False
        now = dependencies.clock.now()
        change = replace(judged_of(row).event, retracted=True)
        working = WorkingSet(connection, dependencies, workspace, now)
        owner_id = owners[row["contact_id"]]
        await working.load({owner_id: [change]})
        await working.decide(owner_id, change, DebitReason.RETRACTION)
        # A text about a skeleton would outlive what else was told of the person.
        kept = said if row["erased_at"] is None else None
        is_erased = await find_erased(connection, workspace.id, owners.values())
        await mark_retracted(connection, workspace.id, interaction_id, now, kept)
        after = dict(ERASED) if is_erased else {"reason": said}
        verb = Verb.RETRACT_INTERACTION
        note = note_of(dependencies, viewer, now, verb, interaction_id, None, after)
        return Recorded(interaction_id, replayed=False), bool(await working.write([note]))

    answer, grown = await dependencies.database.write(work, viewer.workspace_id)
    if grown:
        await dependencies.bell.ring(viewer.workspace_id)
    return answer
