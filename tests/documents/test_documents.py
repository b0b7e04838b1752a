"""The documents say what the code does: links, codes, limits, the generated page, the SDL."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.documents import interactionz
from tests.documents.markdown import (
    DOCUMENTS,
    ROOT,
    list_anchors,
    list_blocks,
    list_links,
    prose_of,
)
from trenza.channels.address import LENGTH_MAX
from trenza.cli.listening import WEBSOCKET_MESSAGE_BYTES_MAX
from trenza.domain import segment_check
from trenza.domain.consent import PURPOSES, ContactReasonCode
from trenza.domain.errors import ErrorCode
from trenza.domain.merge import IDENTITIES_MAX
from trenza.domain.metering.policy import DEFAULT_POLICY
from trenza.domain.metering.seat import INVITATION_LASTS_FOR, SIGNED_IN_AFTER_ACTIVITY_FOR
from trenza.graphql.mutations.interaction import INPUTS_MAX
from trenza.graphql.query import NODES_MAX
from trenza.graphql.schema import print_schema
from trenza.graphql.usage import TOP
from trenza.readplan.connection import PAGE_DEFAULT, PAGE_MAX
from trenza.services import (
    attribution,
    consent,
    contact_list,
    do_not_contact,
    frequency_cap,
    interaction,
    opt_out,
    report,
    segment,
    ticket,
    usage,
)
from trenza.services import interactionz as credits_
from trenza.services.access import GRACE_DEFAULT, GRACE_MAX, REMEMBERED_FOR
from trenza.services.group import MEMBERS_MAX
from trenza.web.api import BODY_MAX, INIT_WITHIN

SCHEMA = ROOT / "schema"
KIB = 1024
MINUTE, HOUR, DAY, SECOND = (timedelta(**{n: 1}) for n in ("minutes", "hours", "days", "seconds"))
LIMITS = {
    "a request's body": f"{BODY_MAX // KIB} KiB",
    "a page": f"1 to {PAGE_MAX} elements, {PAGE_DEFAULT} by default",
    "`nodes(ids:)`": f"{NODES_MAX} ids",
    "`recordInteractions(inputs:)`": f"{INPUTS_MAX} inputs",
    "a period of `usage` and `costToServe`": f"{usage.LONGEST.days} days",
    "`top` of a grouping of `usage`": f"1 to {attribution.TOP_MAX}, {TOP['top'].value} by default",
    "`addGroupMembers`, `removeGroupMembers`": f"{MEMBERS_MAX} users",
    "a former secret of a rotated key": (
        f"is taken for 0 to {GRACE_MAX.days} days more, {GRACE_DEFAULT // HOUR} hours by default"
    ),
    "a user's new role": f"counts after at most {REMEMBERED_FOR // SECOND} s",
    "a WebSocket message": f"{WEBSOCKET_MESSAGE_BYTES_MAX // KIB} KiB",
    "`connection_init`": f"within {INIT_WITHIN // SECOND} s of connecting",
    "`source`, `externalId`": (
        f"{report.SOURCE_LONGEST} and {report.EXTERNAL_ID_LONGEST} characters"
    ),
    "an interaction's `text`": f"{report.TEXT_LONGEST:,} characters",
    "an address": f"{LENGTH_MAX} characters",
    "names and subjects": f"{ticket.SUBJECT_LONGEST} characters",
    "the reason of a retraction": f"{interaction.REASON_LONGEST} characters",
    "the reason of a block, the evidence of a consent": (
        f"{do_not_contact.REASON_LONGEST} and {consent.EVIDENCE_LONGEST:,} characters"
    ),
    "opt-out words": (
        f"{opt_out.WORDS_MAX} of a language, of up to {opt_out.WORD_LONGEST} characters"
    ),
    "a frequency cap": (
        f"1 to {frequency_cap.TOUCHES_MAX:,} sends in 1 to {frequency_cap.PERIOD_HOURS_MAX:,} "
        f"hours, {frequency_cap.CAPS_MAX} caps"
    ),
    "identities of a contact": f"{IDENTITIES_MAX}, unless the workspace says fewer",
    "`occurredAt` ahead of the clock": f"{DEFAULT_POLICY.future_tolerance // MINUTE} minutes",
    "`occurredAt` behind it": (
        f"{DEFAULT_POLICY.acceptance_horizon // DAY} days, unless the workspace says otherwise"
    ),
    "a grant": (f"1 to {credits_.AMOUNT_MAX:,} credits, priority 0 to {credits_.PRIORITY_MAX}"),
    "a segment": (
        f"{segment_check.GROUPS_MAX} groups of {segment_check.CONDITIONS_MAX} conditions"
    ),
    "segments and lists of a workspace": f"{segment.SEGMENTS_MAX} and {contact_list.LISTS_MAX:,}",
    "`addToList`, `removeFromList`": f"{contact_list.CHANGED_MAX} ids",
    "an invitation": f"lasts {INVITATION_LASTS_FOR // DAY} days",
    "a sign-in without a sign of life": (
        f"ends after {SIGNED_IN_AFTER_ACTIVITY_FOR // HOUR} hours"
    ),
}

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


@each_document
def test_links_inside_the_repository_resolve(document: Path) -> None:
    broken = []
    for link in list_links(document):
        if link.startswith(("http:", "https:")):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in list_anchors(target)):
            broken.append(link)

    assert broken == []


@each_document
def test_fences_are_closed_and_lines_are_prose_wide(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    wide = [line for line in prose_of(document).splitlines() if len(line) > 110]

    assert text.count("\n```") % 2 == 0
    assert [line for line in wide if not line.startswith(("|", "- "))] == []


def test_errors_are_told_in_order_of_precedence_each_with_its_example() -> None:
    document = SCHEMA / "errors.md"
    headings = re.findall(r"^## ([A-Z_]+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    answers = [block.text for block in list_blocks(document, "json")]

    assert headings == [code.value for code in ErrorCode]
    assert [re.findall(r'"code": "(\w+)"', text) for text in answers] == [[c] for c in headings]


def test_the_rules_and_cases_are_those_of_the_code_and_the_seed() -> None:
    page = (SCHEMA / "interactionz.md").read_text(encoding="utf-8")

    assert page == interactionz.document(), "run: make schema"


def test_the_printed_schema_is_that_of_the_code() -> None:
    printed = (SCHEMA / "schema.graphql").read_text(encoding="utf-8")

    assert printed.splitlines() == print_schema().splitlines(), "run: make schema"


def test_the_limits_are_those_of_the_code() -> None:
    told = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", prose_of(SCHEMA / "README.md"), re.MULTILINE))

    assert {name: told.get(name) for name in LIMITS} == LIMITS


def test_purposes_and_reasons_of_consent_are_those_of_the_code() -> None:
    told = re.findall(
        r"^\| `([A-Z_]+)` \| (.+?) \|",
        (SCHEMA / "consent.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    rules = [
        (str(each), "a grant" if rule.needs_grant else "that nothing was refused")
        for each, rule in PURPOSES.items()
    ]

    assert told[: len(rules)] == rules
    assert [code for code, _ in told[len(rules) :]] == list(ContactReasonCode)


def test_decisions_are_short_and_numbered_without_a_gap() -> None:
    decisions = sorted((SCHEMA / "decisions").iterdir())

    for number, decision in enumerate(decisions, start=1):
        text = decision.read_text(encoding="utf-8")
        assert decision.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number:04} ")
        assert len(text.splitlines()) <= 30
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text
