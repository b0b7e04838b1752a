"""The live balance in a real browser, with another client, a killed server and a reload."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import WAIT_MS_MAX, Visit
from tests.demo_server import DemoServer


def open_page(visit: Visit, demo: DemoServer) -> Page:
    """The page, signed in and live."""
    visit.page.goto(f"{demo.url}/examples/live_balance/#key={demo.key()}")
    expect_state(visit.page, "live")
    expect(figure(visit.page, "remaining")).to_have_text(str(balance_of(demo)["remaining"]))
    return visit.page


def expect_state(page: Page, state: str) -> None:
    """Waits for the page to say how it is connected."""
    expect(page.locator("body")).to_have_attribute("data-state", state, timeout=WAIT_MS_MAX)


def figure(page: Page, name: str) -> Locator:
    """One of the figures at the top."""
    return page.locator(f"[data-figure={name}]")


def balance_of(demo: DemoServer) -> dict[str, Any]:
    """What the API says."""
    query = "{ workspace { balance { remaining consumed granted overage } } }"
    balance: dict[str, Any] = demo.ask(query)["data"]["workspace"]["balance"]
    return balance


def test_it_shows_what_the_api_says(visit: Visit, demo: DemoServer) -> None:
    page = open_page(visit, demo)

    for name, amount in balance_of(demo).items():
        expect(figure(page, name)).to_have_text(str(amount))
    seats = demo.ask("{ workspace { seats { used included } } }")["data"]["workspace"]["seats"]
    expect(figure(page, "seats")).to_have_text(f"{seats['used']} / {seats['included']}")
    expect(page.locator("#debits li")).to_have_count(20)
    expect(page.locator("#plot polyline.level")).to_be_visible()
    assert page.url == f"{demo.url}/examples/live_balance/"
    assert (visit.foreign(), visit.complaints) == ([], [])


def test_it_moves_when_another_client_records(visit: Visit, demo: DemoServer) -> None:
    page = open_page(visit, demo)

    recorded = demo.record_from_someone_new()

    assert [entry["amount"] for entry in recorded["entries"]] == [1]
    expect(figure(page, "remaining")).to_have_text(str(recorded["balance"]["remaining"]))
    expect(figure(page, "consumed")).to_have_text(str(recorded["balance"]["consumed"]))
    newest = page.locator("#debits li").first
    expect(newest).to_have_attribute("data-sequence", str(recorded["entries"][0]["sequence"]))
    assert (visit.foreign(), visit.complaints) == ([], [])


def test_it_tells_each_debit_in_three_languages(visit: Visit, demo: DemoServer) -> None:
    page = open_page(visit, demo)
    query = """{ workspace { debits(first: 1) { nodes {
      ES: sentence(language: ES) PT: sentence(language: PT) EN: sentence(language: EN) } } } }"""
    [debit] = demo.ask(query)["data"]["workspace"]["debits"]["nodes"]

    assert len(set(debit.values())) == 3
    for language, sentence in debit.items():
        page.get_by_role("button", name=language, exact=True).click()
        expect(page.locator("#debits .sentence").first).to_have_text(sentence)


def test_it_catches_up_after_the_server_was_killed(visit: Visit, demo: DemoServer) -> None:
    page = open_page(visit, demo)

    demo.kill()
    expect_state(page, "reconnecting")
    demo.start()
    recorded = [demo.record_from_someone_new() for _ in range(3)][-1]

    expect_state(page, "live")
    expect(figure(page, "remaining")).to_have_text(str(recorded["balance"]["remaining"]))
    newest = str(recorded["entries"][0]["sequence"])
    expect(page.locator("body")).to_have_attribute("data-sequence", newest)
    expect(page.locator("#debits li").first).to_have_attribute("data-sequence", newest)
    assert visit.foreign() == []


def test_it_catches_up_on_exactly_what_it_missed_while_away(visit: Visit, demo: DemoServer) -> None:
    page = open_page(visit, demo)
    expect(page.locator("body")).to_have_attribute("data-sequence", re.compile("[0-9]+"))

    page.goto("about:blank")
    recorded = [demo.record_from_someone_new() for _ in range(2)][-1]
    page.goto(f"{demo.url}/examples/live_balance/")

    expect_state(page, "live")
    expect(page.locator("#state")).to_have_text("En vivo · cambios recuperados: 2")
    expect(figure(page, "remaining")).to_have_text(str(recorded["balance"]["remaining"]))


def test_a_refused_key_leads_back_to_the_form(visit: Visit, demo: DemoServer) -> None:
    page = visit.page

    page.goto(f"{demo.url}/examples/live_balance/#key=trz_demo_mistyped")
    expect_state(page, "refused")
    expect(page.locator("#sign-in-hint")).to_contain_text("no fue aceptada")
    page.get_by_label("API key").fill(demo.key("viewer"))
    page.get_by_role("button", name="Entrar").click()

    expect_state(page, "live")
    expect(figure(page, "remaining")).to_have_text(str(balance_of(demo)["remaining"]))
