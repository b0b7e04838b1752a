"""Mutations of consent, blocks, frequency caps and opt-out words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus
from trenza.domain.interaction import Language
from trenza.graphql import errors
from trenza.graphql.contact import IdentityInput
from trenza.graphql.context import Info
from trenza.readplan.fields import column, one
from trenza.readplan.inputs import at_most
from trenza.readplan.schema import Record, record, view
from trenza.services.consent import SetConsent, set_consent
from trenza.services.do_not_contact import (
    Blocked,
    SetDoNotContact,
    lift_do_not_contact,
    set_do_not_contact,
)
from trenza.services.frequency_cap import (
    SetFrequencyCap,
    remove_frequency_cap,
    set_frequency_cap,
)
from trenza.services.opt_out import SetOptOutWords, set_opt_out_words

if TYPE_CHECKING:
    from trenza.graphql.consent import ConsentEvent, DoNotContact, FrequencyCap
    from trenza.graphql.contact import Contact
    from trenza.graphql.workspace import Workspace


@strawberry.input(description="What a contact said about consent.")
class SetConsentInput:
    """What a contact said about consent."""

    contact_id: strawberry.ID = strawberry.field(description="Who said it.")
    purpose: ConsentPurpose = strawberry.field(description="What for.")
    status: ConsentStatus = strawberry.field(description="What was said.")
    channel: ChannelKind | None = strawberry.field(
        default=None, description="Either this: the contact's one identity on the channel."
    )
    identity: IdentityInput | None = strawberry.field(
        default=None, description="Or this: one of the contact's identities."
    )
    source: str = strawberry.field(default="api", description="Who reports it.")
    external_id: str | None = strawberry.field(
        default=None,
        description=(
            "Its id there; (source, externalId) makes a retry safe. Without it the same in every "
            "part, with `occurredAt`, is the same event."
        ),
    )
    evidence: str | None = strawberry.field(
        default=None, description="The proof, such as the address of a form; 1,000 characters."
    )
    occurred_at: datetime | None = strawberry.field(
        default=None, description="When it was said; now when omitted."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="Until when it holds; without an end when omitted."
    )

    def request(self) -> SetConsent:
        """What the service takes."""
        return SetConsent(
            contact_id=self.contact_id,
            purpose=self.purpose,
            status=self.status,
            channel=self.channel,
            identity=_named(self.identity),
            source=self.source,
            external_id=self.external_id,
            evidence=self.evidence,
            occurred_at=self.occurred_at,
            expires_at=self.expires_at,
        )


@strawberry.input(description="Whom not to contact.")
class SetDoNotContactInput:
    """Whom not to contact."""

    contact_id: strawberry.ID = strawberry.field(description="The person.")
    reason: str = strawberry.field(description="Why, up to 500 characters.")
    channel: ChannelKind | None = strawberry.field(
        default=None, description="The channel; all when omitted."
    )
    identity: IdentityInput | None = strawberry.field(
        default=None,
        description="One of the contact's addresses, on each channel that shares it; all of them "
        "when omitted.",
    )
    starts_at: datetime | None = strawberry.field(
        default=None, description="From when; now when omitted."
    )
    ends_at: datetime | None = strawberry.field(
        default=None, description="Until when; without an end when omitted."
    )


@strawberry.input(description="A block to lift.")
class LiftDoNotContactInput:
    """A block to lift."""

    do_not_contact_id: strawberry.ID = strawberry.field(description="The block.")


@strawberry.input(description="How many mass sends a contact may get in a period.")
class SetFrequencyCapInput:
    """How many mass sends a contact may get in a period."""

    purpose: ConsentPurpose = strawberry.field(description="The messages to hold back.")
    touches_max: int = strawberry.field(description="How many sends, 1 to 1,000.")
    period_hours: int = strawberry.field(description="The period, 1 to 8,784 hours.")
    channel: ChannelKind | None = strawberry.field(
        default=None, description="The channel; all counted together when omitted."
    )


@strawberry.input(description="A cap to remove.")
class RemoveFrequencyCapInput:
    """A cap to remove."""

    frequency_cap_id: strawberry.ID = strawberry.field(description="The cap.")


@strawberry.input(description="The opt-out words of a language.")
class OptOutWordsInput:
    """The opt-out words of a language."""

    language: Language = strawberry.field(description="The language.")
    words: list[str] = strawberry.field(description="At most 50, of up to 40 characters each.")


@strawberry.input(description="The opt-out words of the workspace.")
class SetOptOutWordsInput:
    """The opt-out words of the workspace."""

    words: list[OptOutWordsInput] | None = strawberry.field(
        default=None,
        description="All of them: a language that is left out has none. Null for the default ones.",
        metadata=at_most(len(Language)),
    )


@record()
class SetConsentPayload(Record):
    """The event that stands."""

    event: ConsentEvent = one("The event.", "event_id", scope=None)
    contact: Contact = one("Whose it is.", "contact_id", scope=None)
    replayed: bool = column("Whether it was recorded before.")


@record()
class DoNotContactPayload(Record):
    """The block as it is now."""

    do_not_contact: DoNotContact = one("The block.", "block_id", scope=None)
    contact: Contact = one("The person.", "contact_id", scope=None)
    replayed: bool = column("Whether a block said all of it before.")


@record()
class SetFrequencyCapPayload(Record):
    """The cap as it is now."""

    frequency_cap: FrequencyCap = one("The cap.", "id", scope=None)


@record()
class RemoveFrequencyCapPayload(Record):
    """What is left."""

    workspace: Workspace = one("The workspace.", "workspace_id", to="workspace_id", scope=None)


@record()
class SetOptOutWordsPayload(Record):
    """The words as they are now."""

    workspace: Workspace = one("The workspace.", "workspace_id", to="workspace_id", scope=None)


SetConsentResult: TypeAlias = Annotated[
    SetConsentPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict
    | errors.IdempotencyConflict
    | errors.OccurredInFuture,
    strawberry.union("SetConsentResult", description="SetConsent: done, or refused."),
]
DoNotContactResult: TypeAlias = Annotated[
    DoNotContactPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("DoNotContactResult", description="DoNotContact: done, or refused."),
]
SetFrequencyCapResult: TypeAlias = Annotated[
    SetFrequencyCapPayload | errors.InvalidInput | errors.Forbidden | errors.Conflict,
    strawberry.union("SetFrequencyCapResult", description="SetFrequencyCap: done, or refused."),
]
RemoveFrequencyCapResult: TypeAlias = Annotated[
    RemoveFrequencyCapPayload | errors.Forbidden | errors.NotFound,
    strawberry.union(
        "RemoveFrequencyCapResult", description="RemoveFrequencyCap: done, or refused."
    ),
]
SetOptOutWordsResult: TypeAlias = Annotated[
    SetOptOutWordsPayload | errors.InvalidInput | errors.Forbidden,
    strawberry.union("SetOptOutWordsResult", description="SetOptOutWords: done, or refused."),
]


def _named(given: IdentityInput | None) -> tuple[ChannelKind, str] | None:
    return None if given is None else (given.channel, given.address)


def _blocked(done: Blocked) -> DoNotContactPayload:
    row = {"block_id": done.block_id, "contact_id": done.contact_id, "replayed": done.replayed}
    return view(DoNotContactPayload, row)


@strawberry.type
class ConsentMutations:
    """What people say about being contacted, and what the workspace makes of it."""

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Adds to the log of consent what a contact said for a purpose by one of its identities."
        )
    )
    async def set_consent(
        self,
        info: Info,
        input: Annotated[SetConsentInput, strawberry.argument(description="What was said.")],
    ) -> SetConsentResult:
        """It holds for that identity alone, also after a merge."""
        done = await info.context.write(set_consent, input.request())
        row = {
            "event_id": done.event_id,
            "contact_id": done.contact_id,
            "replayed": done.replayed,
        }
        return view(SetConsentPayload, row)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Blocks a contact, on a channel or at an address or wholly."
    )
    async def set_do_not_contact(
        self,
        info: Info,
        input: Annotated[SetDoNotContactInput, strawberry.argument(description="The block.")],
    ) -> DoNotContactResult:
        """Nothing goes out, whatever it is for."""
        request = SetDoNotContact(
            input.contact_id,
            input.reason,
            input.channel,
            _named(input.identity),
            input.starts_at,
            input.ends_at,
        )
        return _blocked(await info.context.write(set_do_not_contact, request))

    @strawberry.mutation(description="Lifts a block.")  # type: ignore[untyped-decorator]
    async def lift_do_not_contact(
        self,
        info: Info,
        input: Annotated[LiftDoNotContactInput, strawberry.argument(description="Which.")],
    ) -> DoNotContactResult:
        """It stays readable, with when it was lifted."""
        return _blocked(await info.context.write(lift_do_not_contact, input.do_not_contact_id))

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Caps the mass sends to a contact; there is one cap for a channel (or all), purpose "
            "and period."
        )
    )
    async def set_frequency_cap(
        self,
        info: Info,
        input: Annotated[SetFrequencyCapInput, strawberry.argument(description="The cap.")],
    ) -> SetFrequencyCapResult:
        """The same again changes how many."""
        request = SetFrequencyCap(
            input.purpose, input.touches_max, input.period_hours, input.channel
        )
        return view(
            SetFrequencyCapPayload, {"id": await info.context.write(set_frequency_cap, request)}
        )

    @strawberry.mutation(description="Removes a frequency cap.")  # type: ignore[untyped-decorator]
    async def remove_frequency_cap(
        self,
        info: Info,
        input: Annotated[RemoveFrequencyCapInput, strawberry.argument(description="Which.")],
    ) -> RemoveFrequencyCapResult:
        """Nothing is capped by it from now on."""
        await info.context.write(remove_frequency_cap, input.frequency_cap_id)
        workspace_id = info.context.viewer.workspace_id
        return view(RemoveFrequencyCapPayload, {"workspace_id": workspace_id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Sets the words by which people opt out of marketing."
    )
    async def set_opt_out_words(
        self,
        info: Info,
        input: Annotated[SetOptOutWordsInput, strawberry.argument(description="The words.")],
    ) -> SetOptOutWordsResult:
        """Messages that were recorded before are not looked at again."""
        listed = input.words
        words = None if listed is None else [(each.language, each.words) for each in listed]
        done = await info.context.write(set_opt_out_words, SetOptOutWords(words))
        return view(SetOptOutWordsPayload, {"workspace_id": done})
