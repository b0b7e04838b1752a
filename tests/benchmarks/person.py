"""One contact of the world with all that hangs from it: the rows of every table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from types import MappingProxyType

from tests.benchmarks.conversations import Touch, touches_of
from tests.benchmarks.world import CAMPAIGNS, JOURNEYS, Row, World
from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.ids import Prefix, format_id, session_id_of
from trenza.domain.metering.fold import Event, Session, fold
from trenza.domain.metering.policy import DEFAULT_POLICY
from trenza.domain.text import searchable
from trenza.domain.ticket import TicketStatus, TicketVisibility
from trenza.services.verify_contacts import event_of, hash_of
from trenza.storage.interaction import verdict_columns

TOLD_AFTER = timedelta(seconds=2)
"""How long after it happened an interaction was reported."""
EXTRA_CHANNELS = MappingProxyType(
    {
        ChannelKind.SMS: 0.6,
        ChannelKind.EMAIL: 0.5,
        ChannelKind.WEBCHAT: 0.3,
        ChannelKind.INSTAGRAM: 0.2,
    }
)
"""How many of the contacts are known on each channel beside WhatsApp."""
FIRST_NAMES = (
    "Ana Bruno Carla Diego Elena Fabio Gloria Hugo Inés João Karla Luis María Nuno".split()
)
LAST_NAMES = "Alves Barros Castro Duarte Estrada Ferreira Gómez Herrera Ibarra Lima Mendes".split()
CITIES = (("Ciudad de México", "MX"), ("São Paulo", "BR"), ("Bogotá", "CO"), ("Lima", "PE"))


def uuid7(random: Random, at: datetime) -> int:
    """A UUIDv7 of an instant, as the application makes ids."""
    millis = int(at.timestamp() * 1000)
    return (
        millis << 80
        | 0x7 << 76
        | random.getrandbits(12) << 64
        | 0b10 << 62
        | random.getrandbits(62)
    )


@dataclass
class Person:
    """One contact with the rows of all that is theirs, by table."""

    world: World
    number: int
    rows: dict[str, list[Row]] = field(default_factory=dict)
    openings: list[Row] = field(default_factory=list)
    """What the ledger is to say of their sessions."""

    def __post_init__(self) -> None:
        self.tenant = self.world.tenant_of(self.number)
        self._random = self.world.random("person", self.number)
        self.created_at = self.world.ends_at - timedelta(
            days=100, seconds=self._random.uniform(0, 300 * 86_400)
        )
        self.id = self._new_id(Prefix.CONTACT, self.created_at)
        self.phone = f"+5255{self.number:08d}"
        self._describe()
        self._record(touches_of(self._random, self.world.ends_at))
        self._open_tickets()

    @property
    def is_quiet(self) -> bool:
        """Whether no session of theirs is open when the history ends."""
        return all(
            row["expires_at"] <= self.world.ends_at for row in self.rows["interactionz_session"]
        )

    def _new_id(self, prefix: Prefix, at: datetime) -> str:
        """An id as the application makes them: a UUIDv7 of the instant."""
        return format_id(prefix, uuid7(self._random, at))

    def _of_contact(self) -> Row:
        return {
            "workspace_id": self.world.workspace_ids[self.tenant],
            "contact_id": self.id,
            "owner_id": self.id,
        }

    def _describe(self) -> None:
        random = self._random
        first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
        city, country = random.choice(CITIES)
        contact = {
            "workspace_id": self.world.workspace_ids[self.tenant],
            "id": self.id,
            "root_id": self.id,
            "display_name": f"{first} {last}",
            "name_searchable": searchable(f"{first} {last}\n{first}\n{last}"),
            "first_name": first,
            "last_name": last,
            "company": f"{last} y {random.choice(LAST_NAMES)}",
            "city": city,
            "country": country,
            "stage": random.choice(list(LifecycleStage)),
            "created_at": self.created_at,
            "updated_at": self.created_at,
        }
        self.rows["contact"] = [contact]
        known = {ChannelKind.WHATSAPP: self.phone}
        known |= {
            channel: self._address_on(channel)
            for channel, share in EXTRA_CHANNELS.items()
            if random.random() < share
        }
        self.channels = list(known)
        spaces = {(CHANNELS[channel].address_space, known[channel]) for channel in known}
        self.rows["contact_address"] = [
            {
                "workspace_id": contact["workspace_id"],
                "space": space,
                "address": address,
                "contact_id": self.id,
            }
            for space, address in sorted(spaces)
        ]
        self.rows["contact_identity"] = [
            {
                **self._of_contact(),
                "channel": channel,
                "address": address,
                "space": CHANNELS[channel].address_space,
                "created_at": self.created_at,
            }
            for channel, address in known.items()
        ]

    def _address_on(self, channel: ChannelKind) -> str:
        if channel is ChannelKind.SMS:
            return self.phone
        if channel is ChannelKind.EMAIL:
            return f"person{self.number}@example.com"
        return f"{channel.lower()}-{self.number}"

    def _record(self, touches: Sequence[Touch]) -> None:
        self.rows["interaction"] = rows = [
            self._interaction(number, touch) for number, touch in enumerate(touches)
        ]
        events: list[Event] = []
        for row in rows:
            row["content_hash"] = hash_of(row)
            events.append(event_of(DEFAULT_POLICY, row))
            row["position"] = events[-1].position
        folded = fold(DEFAULT_POLICY, sorted(events, key=lambda event: event.position))
        for row in rows:
            row.update(verdict_columns(folded.verdicts[row["id"]]))
        recorded_at = {row["id"]: row["recorded_at"] for row in rows}
        self.rows["interactionz_session"] = [self._session(session) for session in folded.sessions]
        self.openings = [
            {
                "recorded_at": recorded_at[session.id],
                "effective_at": session.opened_at,
                "session_id": session_id_of(session.id),
                "cause_id": session.id,
                "id": self._new_id(Prefix.DEBIT, recorded_at[session.id]),
            }
            for session in folded.sessions
        ]
        self._connect(rows)

    def _interaction(self, number: int, touch: Touch) -> Row:
        campaigns, journeys = self.world.campaigns, self.world.journeys
        return {
            **self._of_contact(),
            "id": self._new_id(Prefix.INTERACTION, touch.at + TOLD_AFTER),
            "identity_channel": ChannelKind.WHATSAPP,
            "identity_address": self.phone,
            "kind": touch.kind,
            "channel": ChannelKind.WHATSAPP,
            "actor": touch.actor,
            "occurred_at": touch.at,
            "recorded_at": touch.at + TOLD_AFTER,
            "source": "world",
            "external_id": f"{self.number}-{number}",
            "text": touch.text,
            "campaign_id": None
            if touch.campaign is None
            else campaigns[self.tenant][touch.campaign % CAMPAIGNS],
            "journey_id": None
            if touch.journey is None
            else journeys[self.tenant][touch.journey % JOURNEYS],
            "ticket_id": None,
            "agent_id": None,
            "erased_at": None,
            "retracted_at": None,
        }

    def _session(self, session: Session) -> Row:
        return {
            "workspace_id": self.world.workspace_ids[self.tenant],
            "id": session_id_of(session.id),
            "owner_id": self.id,
            "channel": session.channel,
            "lane": session.lane,
            "opened_at": session.opened_at,
            "expires_at": session.expires_at,
            "opened_position": session.opened_position,
            "bound_position": session.bound_position,
        }

    def _connect(self, interactions: Sequence[Row]) -> None:
        """The campaigns that reached them and the journeys they are in, each from its first send.

        The conversations name no campaign; sends come in the order of time.
        """
        touches: dict[str, Row] = {}
        enrollments: dict[str, Row] = {}
        for row in sorted(interactions, key=lambda row: row["occurred_at"]):
            at = row["occurred_at"]
            if row["campaign_id"] is not None and row["campaign_id"] not in touches:
                touches[row["campaign_id"]] = {
                    **self._of_contact(),
                    "id": self._new_id(Prefix.CAMPAIGN_TOUCH, at),
                    "campaign_id": row["campaign_id"],
                    "channel": row["channel"],
                    "touched_at": at,
                }
            if row["journey_id"] is not None and row["journey_id"] not in enrollments:
                enrollments[row["journey_id"]] = {
                    **self._of_contact(),
                    "id": self._new_id(Prefix.JOURNEY_ENROLLMENT, at),
                    "journey_id": row["journey_id"],
                    "enrolled_at": at,
                }
        self.rows["campaign_touch"] = list(touches.values())
        self.rows["journey_enrollment"] = list(enrollments.values())

    def _open_tickets(self) -> None:
        random = self._random
        count = random.choices((0, 1, 2, 3), (59, 33, 7, 1))[0]
        self.rows["ticket"] = []
        for nth in range(count):
            opened_at = self.world.ends_at - timedelta(seconds=random.uniform(0, 90 * 86_400))
            self.rows["ticket"].append(
                {
                    **self._of_contact(),
                    "id": self._new_id(Prefix.TICKET, opened_at),
                    "number": self.number * 3 + nth + 1,
                    "subject": f"Pedido {random.randrange(10**6)}: entrega",
                    "visibility": TicketVisibility.PUBLIC,
                    "status": random.choice(list(TicketStatus)),
                    "channel": random.choice(self.channels),
                    "opened_at": opened_at,
                }
            )
