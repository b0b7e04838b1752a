"""The committed demo is what its program composes from its sources, and is fit to be loaded."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import phonenumbers
import pytest

from tests.seed.replay import DEMO, read_lines, read_workspace
from trenza.channels.address import normalise_address
from trenza.domain.access import Role
from trenza.domain.channel import AddressSpace, ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.interaction import InteractionKind, Language

BYTES_MAX = 1_500_000
FUTURE_TOLERANCE_SECONDS = 300
MAKES = {
    "upsertContact": "contact",
    "createCampaign": "campaign",
    "createJourney": "journey",
    "openTicket": "ref",
    "inviteUser": "user",
}
NAMES = {
    "contact": "contact",
    "campaign": "campaign",
    "journey": "journey",
    "ticket": "ref",
    "user": "user",
}
"""Under which key a line names what another one has made."""
MERGES = {"source": "contact", "target": "contact"}


def test_composing_again_gives_the_committed_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-I", str(DEMO / "compose.py"), str(tmp_path)], check=True)

    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written.keys() == {"contacts.jsonl", "timeline.jsonl"}
    for name, content in written.items():
        assert content == (DEMO / name).read_bytes(), f"{name} differs: run seed/demo/compose.py"


def test_the_demo_stays_small() -> None:
    assert sum(path.stat().st_size for path in DEMO.glob("*.*")) < BYTES_MAX


def test_lines_stand_in_the_order_of_their_arrival() -> None:
    arrivals = [line["arrives"] for line in read_lines("timeline.jsonl")]

    assert all(earlier < later for earlier, later in pairwise(arrivals))
    assert -120 < arrivals[-1] <= 0


def test_every_line_names_only_what_an_earlier_one_has_made() -> None:
    made: set[tuple[str, str]] = set()
    dangling = []
    for line in read_lines("timeline.jsonl"):
        maker = MAKES.get(line["do"])
        if maker is not None:
            made.add((maker, line[maker]))
        names = MERGES if line["do"] == "mergeContacts" else NAMES
        used = {(noun, line[key]) for key, noun in names.items() if key in line}
        dangling += sorted(used - made)

    assert dangling == []


def test_no_interaction_comes_from_the_future_or_names_nobody() -> None:
    interactions = [x for x in read_lines("timeline.jsonl") if x["do"] == "recordInteraction"]

    assert all(x["arrives"] >= x["at"] - FUTURE_TOLERANCE_SECONDS for x in interactions)
    assert all(("contact" in x) != ("identity" in x) for x in interactions)
    assert {x["kind"] for x in interactions} == set(InteractionKind)
    assert {x["channel"] for x in interactions} == set(ChannelKind)


def test_contacts_are_written_as_the_workspace_stores_them() -> None:
    contacts = read_lines("contacts.jsonl")

    assert len(contacts) >= 300
    assert len({contact["contact"] for contact in contacts}) == len(contacts)
    assert {contact["language"] for contact in contacts} == set(Language)
    assert {contact["stage"] for contact in contacts} == set(LifecycleStage)
    identities = [identity for contact in contacts for identity in contact["identities"]]
    assert {identity["channel"] for identity in identities} == set(ChannelKind)
    for identity in identities:
        address = identity["address"]
        assert normalise_address(ChannelKind(identity["channel"]), address).value == address


def test_no_two_contacts_share_an_address() -> None:
    owners: dict[tuple[AddressSpace, str], str] = {}
    for contact in read_lines("contacts.jsonl"):
        for identity in contact["identities"]:
            address = normalise_address(ChannelKind(identity["channel"]), identity["address"])
            assert owners.setdefault(address, contact["contact"]) == contact["contact"]


def test_no_address_can_reach_anybody() -> None:
    identities = [
        identity for contact in read_lines("contacts.jsonl") for identity in contact["identities"]
    ]
    phones = {each["address"] for each in identities if each["address"].startswith("+")}
    mails = {each["address"] for each in identities if "@" in each["address"]}
    mails |= {user["email"] for user in read_workspace()["users"]}

    assert not any(phonenumbers.is_valid_number(phonenumbers.parse(phone)) for phone in phones)
    assert {mail.rpartition("@")[2].rpartition(".")[2] for mail in mails} <= {"example", "com"}
    assert all(mail.endswith((".example", "@example.com")) for mail in mails)


def test_the_workspace_has_the_published_plans_and_a_key_for_each_role_of_the_demo() -> None:
    workspace = read_workspace()

    plans = {plan["name"]: (plan["seats"], plan["interactionz"]) for plan in workspace["plans"]}
    assert {"Starter": (1, 100), "Expert": (10, 500)}.items() <= plans.items()
    assert plans["Specialist"] == (50, 2000)
    assert [plan["name"] for plan in workspace["plans"] if plan["sample"]] == [
        "Professional",
        "Enterprise",
    ]
    assert [key["role"] for key in workspace["keys"]] == list(Role)
    assert all(Role(user["role"]) for user in workspace["users"])


@pytest.mark.parametrize("name", ["contacts.jsonl", "timeline.jsonl"])
def test_no_blank_was_left_unfilled(name: str) -> None:
    for line in read_lines(name):
        words = " ".join(str(line.get(key, "")) for key in ("text", "subject", "company"))
        assert not set("{}[]|$") & set(words.replace("R$ ", "").replace("$", "", 1)), words
        assert "  " not in line.get("text", "")
