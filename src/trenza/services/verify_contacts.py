"""Contacts verified: whose everything is, and the sessions and verdicts that follow from a fold.

Contacts are taken some at a time, each root with all that were merged into it.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from trenza.channels.address import normalise_address
from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.erasure import head_of, rank_of, skeleton_position
from trenza.domain.errors import InvalidInput
from trenza.domain.ids import opening_interaction_id_of, session_id_of
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.fold import Event, Session, fold, make_event
from trenza.domain.metering.policy import RulePolicy
from trenza.services.difference import Difference, differing
from trenza.services.interaction import RecordInteraction, content_hash
from trenza.storage import verify as storage
from trenza.storage.contact import Identity
from trenza.storage.engine import AsyncConnection
from trenza.storage.interaction import verdict_columns
from trenza.storage.verify import Row
from trenza.storage.workspace import WorkspaceSettings

ROOTS_AT_ONCE = 200
OF_THE_OPENING = ("opened_position", "opened_at", "expires_at", "channel")
"""What a session has from the interaction that opened it, current or not."""


@dataclass
class Merges:
    """Which contact stands for which, followed from one merge to the next."""

    rows: Mapping[str, Row]
    members: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _roots: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for contact_id in self.rows:
            root_id = self._roots[contact_id] = self._follow(contact_id)
            if root_id is not None and root_id != contact_id:
                self.members[root_id].append(contact_id)

    def _follow(self, contact_id: str) -> str | None:
        """The contact at the end of the merges, None where they lead in a circle."""
        seen = set()
        while contact_id in self.rows and self.rows[contact_id]["merged_into_id"] is not None:
            if contact_id in seen:
                return None
            seen.add(contact_id)
            contact_id = self.rows[contact_id]["merged_into_id"]
        return contact_id

    def verify(self) -> Iterator[Difference]:
        """The contacts whose root is not the one that their merges lead to."""
        for contact_id, row in self.rows.items():
            root_id = self._roots[contact_id]
            if root_id is None:
                yield Difference(contact_id, "merged_into_id", "no circle", row["merged_into_id"])
            elif row["root_id"] != root_id:
                yield Difference(contact_id, "root_id", root_id, row["root_id"])


async def verify_contacts(
    connection: AsyncConnection, workspace: WorkspaceSettings
) -> AsyncGenerator[Difference, None]:
    """Every difference in what belongs to contacts: merges, addresses, interactions, sessions."""
    merged = await storage.list_merges(connection, workspace.id)
    merges = Merges({row["id"]: row for row in merged})
    for difference in merges.verify():
        yield difference
    for row in await storage.list_untrue_links(connection, workspace.id):
        yield Difference(row["id"], "merge", row["merged_into_id"], row["target_id"])
    for table, rows in (await storage.list_misplaced(connection, workspace.id)).items():
        for row in rows:
            subject = f"{table} {row['name']}"
            yield Difference(subject, "owner_id", row["root_id"], row["owner_id"])
    for row in await storage.list_lost_addresses(connection, workspace.id):
        yield Difference(row["contact_id"], f"channel of {row['address']}", "known", "none")
    for id in await storage.list_reported_twice(connection, workspace.id):
        yield Difference(id, "quarantine", "none", "waits there too")
    seen, after = _Seen(), ""
    while roots := await storage.list_unmerged(connection, workspace.id, after, ROOTS_AT_ONCE):
        people = _People(workspace, roots, merges, seen)
        for difference in await people.verify(connection):
            yield difference
        after = roots[-1]
    counts = await storage.count_books(connection, workspace.id)
    expected = {"interactions": counts["interactions"], "sessions": counts["sessions"]}
    for difference in differing("of contacts that are there", expected, vars(seen)):
        yield difference


@dataclass
class _Seen:
    """How many rows were met by way of their contacts."""

    interactions: int = 0
    sessions: int = 0


class _People:
    """Some roots with all that is theirs."""

    def __init__(
        self,
        workspace: WorkspaceSettings,
        roots: Sequence[str],
        merges: Merges,
        seen: _Seen,
    ) -> None:
        self._workspace = workspace
        self._seen = seen
        self._root_of = {
            contact_id: root_id
            for root_id in roots
            for contact_id in (root_id, *merges.members.get(root_id, ()))
        }
        self._roots = roots
        self._events: dict[str, dict[str, Event]] = {root_id: {} for root_id in roots}

    async def verify(self, connection: AsyncConnection) -> list[Difference]:
        """What differs."""
        workspace_id = self._workspace.id
        interactions = await storage.list_interactions_of(
            connection, workspace_id, self._root_of.keys()
        )
        sessions = await storage.list_sessions_of(connection, workspace_id, self._roots)
        self._seen.interactions += len(interactions)
        self._seen.sessions += len(sessions)
        found = [each for row in interactions for each in self._verify_facts(row)]
        found += self._verify_cuts(interactions, sessions)
        for row in await storage.list_identities_of(connection, workspace_id, self._roots):
            found += verify_identity(row)
        return found

    def _verify_facts(self, row: Row) -> Iterator[Difference]:
        """What an interaction says against its hash, its place in the fold, and its owner."""
        root_id = self._root_of[row["contact_id"]]
        try:
            event = event_of(self._workspace.rules, row)
            expected = {"owner_id": root_id, "position": event.position}
            if row["erased_at"] is None:
                expected["content_hash"] = hash_of(row)
        except (ValueError, InvalidInput) as error:
            yield Difference(row["id"], "interaction", "readable", error)
            return
        self._events[root_id][row["id"]] = event
        yield from differing(row["id"], expected, row)

    def _verify_cuts(
        self, interactions: Iterable[Row], sessions: Iterable[Row]
    ) -> list[Difference]:
        """The verdicts and sessions against a fold of all interactions of each root."""
        stored: dict[str, list[Row]] = {root_id: [] for root_id in self._roots}
        for row in sessions:
            stored[row["owner_id"]].append(row)
        found: list[Difference] = []
        verdicts: dict[str, dict[str, object]] = {}
        for root_id, events in self._events.items():
            in_order = sorted(events.values(), key=lambda event: event.position)
            folded = fold(self._workspace.rules, in_order)
            verdicts |= {id: verdict_columns(each) for id, each in folded.verdicts.items()}
            found += verify_sessions(folded.sessions, stored[root_id], events, root_id)
        for row in interactions:
            found += differing(row["id"], verdicts.get(row["id"], {}), row)
        return found


def event_of(policy: RulePolicy, row: Row) -> Event:
    """An interaction as metering sees it, its position worked out anew; ValueError if it cannot.

    Of a skeleton all is worked out but its rank among those of its instant, kind, lane and source.
    """
    event = make_event(
        policy,
        event_id=row["id"],
        occurred_at=row["occurred_at"],
        kind=InteractionKind(row["kind"]),
        lane=policy.lane_of(InteractionKind(row["kind"]), _lane_of(row)),
        channel=ChannelKind(row["channel"]),
        source=row["source"],
        external_id=row["external_id"],
        content_hash=row["content_hash"],
        retracted=row["retracted_at"] is not None,
    )
    if row["erased_at"] is None:
        return event
    rank = rank_of(row["position"])
    if rank is None:
        raise ValueError("the position of a skeleton has no rank")
    return replace(event, position=skeleton_position(head_of(event.position), rank, row["id"]))


def hash_of(row: Row) -> str:
    """The hash of what an interaction says, worked out anew."""
    identity = None
    if row["identity_channel"] is not None:
        channel = ChannelKind(row["identity_channel"])
        space = CHANNELS[channel].address_space
        identity = Identity(channel, space, row["identity_address"])
    request = RecordInteraction(
        channel=ChannelKind(row["channel"]),
        kind=InteractionKind(row["kind"]),
        occurred_at=row["occurred_at"],
        contact_id=None if identity else row["contact_id"],
        text=row["text"],
        campaign_id=row["campaign_id"],
        ticket_id=row["ticket_id"],
        journey_id=row["journey_id"],
        agent_id=row["agent_id"],
    )
    return content_hash(request, _lane_of(row), identity)


def _lane_of(row: Row) -> Lane | None:
    return None if row["actor"] is None else Lane(row["actor"])


def verify_sessions(
    expected: Iterable[Session], stored: Iterable[Row], events: Mapping[str, Event], root_id: str
) -> Iterator[Difference]:
    """The sessions of a root: those of the fold are current, with a net debit of 1; no others."""
    wanted = {session_id_of(session.id): session for session in expected}
    known = {row["id"]: row for row in stored}
    for session_id in wanted.keys() - known.keys():
        yield Difference(session_id, "session", f"one of {root_id}", "none")
    for session_id, row in known.items():
        session = wanted.get(session_id)
        is_current = row["superseded_at"] is None
        if is_current != (session is not None):
            state = ("superseded", "current")
            yield Difference(session_id, "session", state[session is not None], state[is_current])
        yield from differing(session_id, {"credits": int(session is not None)}, row)
        if session is not None:
            lane = {"lane": session.lane, "bound_position": session.bound_position}
            yield from differing(session_id, {**_opening_of(session), **lane}, row)
        else:
            yield from _verify_superseded(row, events, root_id)


def _opening_of(session: Session) -> dict[str, object]:
    return {name: getattr(session, name) for name in OF_THE_OPENING}


def _verify_superseded(row: Row, events: Mapping[str, Event], root_id: str) -> Iterator[Difference]:
    """A session that no longer stands: opened by an interaction of the same root."""
    try:
        event = events.get(opening_interaction_id_of(row["id"]))
    except ValueError:
        event = None
    if event is None:
        subject = f"the interaction that opened {row['id']}"
        yield Difference(subject, "contact", root_id, "another, or none")
        return
    expected = {
        "opened_position": event.position,
        "opened_at": event.occurred_at,
        "channel": event.channel,
    }
    yield from differing(row["id"], expected, row)


def verify_identity(row: Row) -> Iterator[Difference]:
    """An address on a channel: spelled in the one way, in its space, held by the same contact."""
    subject = f"{row['channel']} {row['address']}"
    try:
        address = normalise_address(ChannelKind(row["channel"]), row["address"])
    except (ValueError, InvalidInput) as error:
        yield Difference(subject, "address", "one of the channel", error)
        return
    expected = {
        "address": address.value,
        "space": address.space,
        "holder_id": row["contact_id"],
    }
    yield from differing(subject, expected, row)
