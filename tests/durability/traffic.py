"""Traffic for a server: random reports of a few contacts, and connections that send them."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import httpx

from trenza.domain.instant import instant_text

SOURCE = "storm"
CHANNELS = "SMS WHATSAPP RCS EMAIL FACEBOOK_MESSENGER INSTAGRAM WEBCHAT PUSH".split()
PHONE_CHANNELS = CHANNELS[:3]
REPORT_MAX = timedelta(days=20)
KINDS: dict[str, list[str | None]] = {
    "CUSTOMER_MESSAGE": [None],
    "HANDOFF": ["BOT", "HUMAN"],
    "COMPANY_MESSAGE": ["BOT", "HUMAN"],
    "TICKET_PUBLIC_ACTION": [None, "BOT", "HUMAN"],
    "EXPERT_AGENT_ACTION": [None],
    "CAMPAIGN_SEND": [None],
    "AUTO_REPLY": [None],
    "DELIVERY_STATUS": [None],
}
WEIGHTS = [6, 2, 4, 2, 1, 1, 1, 1]

FIELDS = """
  __typename
  ... on RecordInteractionPayload {
    interaction { id } replayed cursor entries { sequence amount }
  }
  ... on UserError { code message path }
"""
RECORD = f"""
  mutation ($input: RecordInteractionInput!) {{ recordInteraction(input: $input) {{ {FIELDS} }} }}
"""
RECORD_ALL = f"""
  mutation ($inputs: [RecordInteractionInput!]!) {{
    recordInteractions(inputs: $inputs) {{ {FIELDS} }}
  }}
"""
FIND = """
  query ($channel: ChannelKind!, $address: String!) {
    contactByIdentity(channel: $channel, address: $address) { id mergedInto { id } }
  }
"""
RETRACT = """
  mutation ($input: RetractInteractionInput!) {
    retractInteraction(input: $input) { __typename ... on UserError { code message } }
  }
"""
MERGE = """
  mutation ($input: MergeContactsInput!) {
    mergeContacts(input: $input) { __typename ... on UserError { code message } }
  }
"""

GRANT = """
  mutation ($input: GrantInteractionzInput!) {
    grantInteractionz(input: $input) { __typename ... on UserError { code message } }
  }
"""

Input = dict[str, Any]


def phone_of(person: int, channel: str = "WHATSAPP") -> Input:
    """A person's phone, as the identity of one of the channels that share its number."""
    return {"channel": channel, "address": f"+5255{10_000_000 + person}"}


def email_of(person: int) -> Input:
    """A person's other identity, which makes another contact until the two are merged."""
    return {"channel": "EMAIL", "address": f"p{person}@example.com"}


@dataclass
class Reports:
    """An endless supply of reports, each with an external id of its own."""

    random: Random
    people: int
    now: datetime
    made: list[Input] = field(default_factory=list)
    emails: bool = False

    def next(self) -> Input:
        """A report of anybody, on any channel, of any moment of the last 20 days.

        Moments gather: many are equal, or a day or a microsecond apart.
        """
        random = self.random
        person = random.randrange(self.people)
        phone = phone_of(person, random.choice(PHONE_CHANNELS))
        [kind] = random.choices(list(KINDS), WEIGHTS)
        report = {
            "source": SOURCE,
            "externalId": f"r{len(self.made)}",
            "identity": email_of(person) if self.emails and random.random() < 0.3 else phone,
            "channel": random.choice(CHANNELS),
            "kind": kind,
            "actor": random.choice(KINDS[kind]),
            "occurredAt": instant_text(self._moment()),
        }
        self.made.append(report)
        return report

    def batch(self, size: int) -> list[Input]:
        """Several reports."""
        return [self.next() for _ in range(size)]

    def _moment(self) -> datetime:
        random = self.random
        ago = timedelta(hours=6 * random.randrange(REPORT_MAX // timedelta(hours=6)))
        if random.random() < 0.4:
            ago += timedelta(microseconds=random.choice([-1, 1, random.randrange(10**10)]))
        return self.now - max(ago, timedelta())


class Connection:
    """One connection of a client with one key."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            limits=httpx.Limits(max_connections=1),
            timeout=60,
            trust_env=False,
            verify=False,  # no certificates to load: it is plain HTTP
        )

    async def run(self, document: str, **variables: Any) -> Any:
        """The data of an answer, which has no error."""
        response = await self._http.post(
            "/graphql", json={"query": document, "variables": variables}
        )
        answer = response.json()
        assert response.status_code == 200, answer
        assert "errors" not in answer, answer
        return answer["data"]

    async def record(self, report: Input) -> Mapping[str, Any]:
        """The answer to one report."""
        answer: Mapping[str, Any] = (await self.run(RECORD, input=report))["recordInteraction"]
        return recorded(answer)

    async def record_all(self, reports: Sequence[Input]) -> list[Mapping[str, Any]]:
        """The answers to a batch."""
        answers = (await self.run(RECORD_ALL, inputs=list(reports)))["recordInteractions"]
        return [recorded(answer) for answer in answers]

    async def contact_id(self, identity: Input) -> str | None:
        """The id of the contact that holds an identity."""
        found = (await self.run(FIND, **identity))["contactByIdentity"]
        return found and str(found["id"])

    async def merge(self, source_id: str, target_id: str) -> str:
        """The name of what a merge answered."""
        data = await self.run(MERGE, input={"sourceId": source_id, "targetId": target_id})
        return str(data["mergeContacts"]["__typename"])

    async def retract(self, interaction_id: str) -> None:
        """Takes an interaction out of the metering."""
        input = {"interactionId": interaction_id, "reason": "a test call"}
        answer = (await self.run(RETRACT, input=input))["retractInteraction"]
        assert answer["__typename"] == "RetractInteractionPayload", answer

    async def grant(self, amount: int, expires_at: datetime) -> None:
        """Gives credits as a courtesy."""
        input = {"kind": "COURTESY", "amount": amount, "expiresAt": instant_text(expires_at)}
        answer = (await self.run(GRANT, input=input))["grantInteractionz"]
        assert answer["__typename"] == "GrantInteractionzPayload", answer

    async def close(self) -> None:
        """Hangs up."""
        await self._http.aclose()


def recorded(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer that is a recorded interaction; fails for a refusal."""
    assert answer["__typename"] == "RecordInteractionPayload", answer
    return answer


@asynccontextmanager
async def connections(
    urls: Sequence[str], key: str, size: int
) -> AsyncGenerator[list[Connection], None]:
    """Connections, spread evenly over servers."""
    opened = [Connection(urls[number % len(urls)], key) for number in range(size)]
    try:
        yield opened
    finally:
        for connection in opened:
            await connection.close()
