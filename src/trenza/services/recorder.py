"""Group commit: reports that arrive together are decided and written in one transaction.

While a workspace's transaction runs, what arrives gathers for the next one; a lone report waits
for nobody. Clients that were answered together come back together, but never at once: the first of
them waits a millisecond at most for the others, who would otherwise share the next transaction
without it. Where a whole batch has gathered it does not wait for the transaction that runs: the
locks of what both decide on keep them apart, as they keep apart those of two processes.

Each report is answered after the commit. If what a batch says makes it fail, its requests are tried
again each by itself, so that none fails because of a neighbour. Where only the answer of the commit
was lost nothing is tried again: a report without an id would be taken twice.
What waits is bounded: beyond it a request is refused at once, and costs next to nothing.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from trenza.domain.access import Verb, Viewer
from trenza.domain.errors import DomainError, Overloaded
from trenza.services.dependencies import Dependencies
from trenza.services.interaction import Answer, RecordInteraction, record_checked
from trenza.services.report import Arrival, Checked, check_or_refuse
from trenza.storage.engine import may_stand

BATCH_MAX = 500
"""Reports in one transaction: more of them gain nothing, and keep the contacts locked longer."""

WRITERS_MAX = 2
"""Transactions of one workspace at a time: while the database works on one, another is decided."""

WAITING_MAX = 10_000
"""Reports of one workspace that wait, some seconds of work: those beyond are refused."""

GATHERED_FOR_S = 0.001
"""How long a batch waits until it has as many reports as the last one."""

LOG = structlog.get_logger("trenza.recorder")


@dataclass
class _Request:
    viewer: Viewer
    checked: list[Checked | DomainError]
    answers: asyncio.Future[list[Answer]]


@dataclass
class _Waiting:
    """What waits for one workspace's next transactions; `reports` are those in `requests`."""

    requests: deque[_Request] = field(default_factory=deque)
    reports: int = 0
    writers: set[asyncio.Task[None]] = field(default_factory=set)
    last_size: int = 1
    """How many reports the last batch had."""
    are_there: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when as many wait again."""

    def is_worth_writing(self, beside: int) -> bool:
        """Whether what waits is to be written now, beside so many transactions that run."""
        if beside:
            return beside < WRITERS_MAX and self.reports >= BATCH_MAX
        return bool(self.requests)

    def require_room(self, reports: int) -> None:
        """Raises Overloaded where there are too many already for some more reports."""
        if self.reports and self.reports + reports > WAITING_MAX:
            raise Overloaded(
                f"{self.reports} reports are waiting to be recorded; try again a little later"
            )

    def add(self, request: _Request) -> None:
        """Has a request wait for the next transaction."""
        self.requests.append(request)
        self.reports += len(request.checked)
        if self.reports >= self.last_size:
            self.are_there.set()

    async def gather(self) -> None:
        """Waits until there are as many as in the last batch, but not for long."""
        if self.reports < self.last_size:
            self.are_there.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHERED_FOR_S):
                    await self.are_there.wait()

    def next_batch(self) -> list[_Request]:
        """The requests that go first and fit into one transaction; at least one."""
        batch = [self.requests.popleft()]
        size = len(batch[0].checked)
        while self.requests and size + len(self.requests[0].checked) <= BATCH_MAX:
            batch.append(self.requests.popleft())
            size += len(batch[-1].checked)
        self.reports -= size
        self.last_size = size
        return batch


class Recorder:
    """Records interactions of all workspaces."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._waiting: dict[str, _Waiting] = {}

    async def record(self, viewer: Viewer, requests: Sequence[RecordInteraction]) -> list[Answer]:
        """The answer to each report, after its commit. Needs the scope `record`.

        Raises Overloaded, and records nothing, where too many reports are waiting already.
        """
        viewer.require(Verb.RECORD_INTERACTION)
        workspace_id = viewer.workspace_id
        waiting = self._waiting.setdefault(workspace_id, _Waiting())
        waiting.require_room(len(requests))
        arrived_at = self._dependencies.clock.now()
        # Now, while the database works on the transaction before.
        checked = [check_or_refuse(Arrival(request, arrived_at)) for request in requests]
        answers: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        waiting.add(_Request(viewer, checked, answers))
        if waiting.is_worth_writing(beside=len(waiting.writers)):
            waiting.writers.add(asyncio.create_task(self._write(workspace_id)))
        # A client that goes away does not take back what it reported.
        return await asyncio.shield(answers)

    async def drain(self) -> None:
        """Waits until everything accepted is committed and answered."""
        while writers := [each for waiting in self._waiting.values() for each in waiting.writers]:
            await asyncio.gather(*writers, return_exceptions=True)

    async def _write(self, workspace_id: str) -> None:
        waiting = self._waiting[workspace_id]
        try:
            while waiting.is_worth_writing(beside=len(waiting.writers) - 1):
                await waiting.gather()
                if waiting.requests:
                    await self._commit(waiting.next_batch())
        finally:
            waiting.writers.discard(asyncio.current_task())

    async def _commit(self, batch: list[_Request]) -> None:
        checked = [each for request in batch for each in request.checked]
        try:
            answers = await record_checked(self._dependencies, batch[0].viewer, checked)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered to who asked
            LOG.warning("batch_failed", requests=len(batch), error=type(error).__name__)
            alone = len(batch) > 1 and not may_stand(error)
            for request in batch:
                if alone:
                    await self._commit([request])
                elif not request.answers.cancelled():
                    request.answers.set_exception(error)
            return
        start = 0
        for request in batch:
            end = start + len(request.checked)
            if not request.answers.cancelled():
                request.answers.set_result(answers[start:end])
            start = end
