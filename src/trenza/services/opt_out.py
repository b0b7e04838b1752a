"""Opting out by a word: a workspace's words, and what follows from a message that is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus
from trenza.domain.errors import InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.interaction import InteractionKind, Language
from trenza.domain.opt_out import opt_out_form
from trenza.domain.text import clean
from trenza.services.dependencies import Dependencies
from trenza.storage.activity import noted, noting
from trenza.storage.bulk import Writing, write_all
from trenza.storage.consent import opting_out
from trenza.storage.engine import AsyncConnection
from trenza.storage.reachable import find_held
from trenza.storage.workspace import WorkspaceSettings, change_opt_out_words, find_workspace

WORD_LONGEST = 40
WORDS_MAX = 50
SOURCE = "opt-out-word"
"""The source of the events that follow from a word."""
SAYING = frozenset({InteractionKind.CUSTOMER_MESSAGE, InteractionKind.CONSENT_CHANGE})
"""The kinds of interactions in which a customer can opt out."""


@dataclass(frozen=True)
class SetOptOutWords:
    """The words of each language; None for the default ones of every language."""

    words: Sequence[tuple[Language, Sequence[str]]] | None


async def set_opt_out_words(
    dependencies: Dependencies, viewer: Viewer, request: SetOptOutWords
) -> str:
    """Sets the words by which people opt out; what was said before stays. Needs `admin`.

    A language that is left out has none. Raises InvalidInput for a language that is given twice,
    a word that is blank or has neither letter nor digit, and beyond 50 words of a language.
    """
    viewer.require(Verb.SET_OPT_OUT_WORDS)
    words = None if request.words is None else _checked(request.words)
    now, activity_id = dependencies.clock.now(), dependencies.new_id(Prefix.ACTIVITY)

    async def work(connection: AsyncConnection) -> str:
        workspace = await find_workspace(connection, viewer.workspace_id)
        before = {str(k): list(v) for k, v in workspace.opt_out_words.by_language.items()}
        await change_opt_out_words(connection, workspace.id, words)
        row = noted(
            viewer,
            activity_id,
            now,
            Verb.SET_OPT_OUT_WORDS,
            workspace.id,
            {"optOutWords": before},
            {"optOutWords": words},
        )
        await write_all(connection, workspace.id, [noting(row)])
        return workspace.id

    return await dependencies.database.write(work, viewer.workspace_id)


def _checked(given: Sequence[tuple[Language, Sequence[str]]]) -> dict[str, list[str]]:
    checked: dict[str, list[str]] = {}
    for language, words in given:
        if language in checked:
            raise InvalidInput(f"{language} is given twice", path=("words",))
        if len(words) > WORDS_MAX:
            raise InvalidInput(f"at most {WORDS_MAX} words for {language}", path=("words",))
        kept = [clean(word, ("words",), WORD_LONGEST) for word in words]
        if not all(opt_out_form(word) for word in kept):
            raise InvalidInput("a word needs a letter or a digit", path=("words",))
        checked[str(language)] = list(dict.fromkeys(kept))
    return checked


async def revoking(
    connection: AsyncConnection,
    dependencies: Dependencies,
    workspace: WorkspaceSettings,
    now: datetime,
    rows: Sequence[Mapping[str, Any]],
) -> list[Writing]:
    """What follows from interactions (rows about to be written) that say an opt-out word.

    Each revokes the consent to marketing of the identity that it came by, as of when it was said.
    One that was reported without an identity revokes that of every identity of the contact on its
    channel. An interaction that is retracted later leaves the revocation as it is: in doubt
    nobody is written to. Where no row says such a word nothing is asked and nothing written.
    """
    includes = workspace.opt_out_words.includes
    saying = [row for row in rows if row["kind"] in SAYING and includes(row["text"])]
    if not saying:
        return []
    unnamed = {row["owner_id"] for row in saying if row["identity_address"] is None}
    held = await find_held(connection, workspace.id, unnamed) if unnamed else {}
    events = []
    for row in saying:
        if row["identity_address"] is not None:
            named = _came_by(row)
        else:
            on_channel = (h for h in held[row["owner_id"]] if h.identity.channel is row["channel"])
            named = [(*each.identity, each.contact_id) for each in on_channel]
        events += [_revoked(dependencies, now, row, number, *to) for number, to in enumerate(named)]
    return [opting_out(events)]


def _came_by(row: Mapping[str, Any]) -> list[tuple[ChannelKind, str, str]]:
    """The identity that a row was reported with; its address on the row's own channel as well."""
    named, address = row["identity_channel"], row["identity_address"]
    channels = {named, row["channel"]}
    space = CHANNELS[named].address_space
    shared = sorted(each for each in channels if CHANNELS[each].address_space is space)
    return [(channel, address, row["contact_id"]) for channel in shared]


def _revoked(
    dependencies: Dependencies,
    now: datetime,
    row: Mapping[str, Any],
    number: int,
    channel: ChannelKind,
    address: str,
    contact_id: str,
) -> dict[str, Any]:
    return {
        "id": dependencies.new_id(Prefix.CONSENT),
        "contact_id": contact_id,
        "owner_id": row["owner_id"],
        "channel": channel,
        "address": address,
        "purpose": ConsentPurpose.MARKETING,
        "status": ConsentStatus.REVOKED,
        "source": SOURCE,
        "external_id": f"{row['id']}.{number}",
        # Nobody reports it again, and a hash of what was said would outlive it: it can be guessed.
        "content_hash": "",
        "evidence": row["id"],
        "occurred_at": row["occurred_at"],
        "recorded_at": now,
        "expires_at": None,
    }
