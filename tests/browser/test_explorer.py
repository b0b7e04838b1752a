"""The GraphQL explorer in a real browser."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.demo_server import DemoServer
from trenza.web.explorer import STATIC

pytestmark = pytest.mark.skipif(
    not (STATIC / "graphiql" / "index.html").exists(),
    reason="THE EXPLORER IS NOT BUILT, SO IT WAS NOT TESTED: make explorer",
)


def answer_of(page: Page) -> Locator:
    """Where GraphiQL shows what the server answered."""
    return page.locator(".graphiql-response")


def run(page: Page, tab: str) -> None:
    """Opens one of the example operations and runs it."""
    page.get_by_role("tab", name=tab).click()
    page.get_by_role("button", name="Execute").click()


def test_it_shows_the_documentation_and_runs_a_query(visit: Visit, demo: DemoServer) -> None:
    page = visit.page

    page.goto(f"{demo.url}/graphql#key={demo.key()}")
    documentation = page.locator(".graphiql-plugin")
    documentation.get_by_text("Subscription", exact=True).first.click()
    expect(documentation).to_contain_text("balanceChanged")
    run(page, "WorkspaceToday")

    workspace = demo.ask("{ workspace { name balance { remaining } } }")["data"]["workspace"]
    expect(answer_of(page)).to_contain_text(workspace["name"])
    expect(answer_of(page)).to_contain_text(str(workspace["balance"]["remaining"]))
    expect(answer_of(page)).not_to_contain_text("errors")
    assert (visit.foreign(), visit.complaints) == ([], [])


def test_a_subscription_shows_what_another_client_records(visit: Visit, demo: DemoServer) -> None:
    page = visit.page

    page.goto(f"{demo.url}/graphql#key={demo.key()}")
    run(page, "BalanceChanged")
    expect(answer_of(page)).to_contain_text("SNAPSHOT")
    recorded = demo.record_from_someone_new()

    expect(answer_of(page)).to_contain_text("CHANGE")
    expect(answer_of(page)).to_contain_text(str(recorded["entries"][0]["sequence"]))
    page.get_by_role("button", name="Stop").click()
    assert (visit.foreign(), visit.complaints) == ([], [])


def test_the_example_mutation_runs_as_it_opens(visit: Visit, demo: DemoServer) -> None:
    page = visit.page

    page.goto(f"{demo.url}/graphql#key={demo.key()}")
    run(page, "RecordInteraction")

    expect(answer_of(page)).to_contain_text("RecordInteractionPayload")
    assert (visit.foreign(), visit.complaints) == ([], [])


def test_the_key_leaves_the_address_bar_and_survives_a_reload(
    visit: Visit, demo: DemoServer
) -> None:
    page = visit.page

    page.goto(f"{demo.url}/graphql#key={demo.key()}")
    expect(page.get_by_label("API key")).to_have_value(demo.key())
    assert page.url == f"{demo.url}/graphql"
    page.reload()
    run(page, "UsageAndDebits")

    expect(answer_of(page)).to_contain_text("byChannel")
    assert [address for address in visit.addresses if demo.key() in address] == []


def test_without_a_key_it_asks_for_one_and_sends_nothing(visit: Visit, demo: DemoServer) -> None:
    page = visit.page

    page.goto(f"{demo.url}/graphql")
    expect(page.get_by_role("status")).to_contain_text("Enter an API key")
    run(page, "WorkspaceToday")

    expect(answer_of(page)).to_contain_text("Enter an API key")
    assert visit.addresses.count(f"{demo.url}/graphql") == 1
    assert visit.complaints == []


def test_a_refused_key_says_so_until_a_good_one_is_entered(visit: Visit, demo: DemoServer) -> None:
    page = visit.page
    field = page.get_by_label("API key")

    page.goto(f"{demo.url}/graphql#key=trz_demo_mistyped")
    expect(page.get_by_role("status")).to_contain_text("refused")
    run(page, "BalanceChanged")
    expect(answer_of(page)).to_contain_text("refused")
    field.fill(demo.key("viewer"))
    field.press("Enter")

    expect(page.get_by_role("status")).to_be_empty()
    run(page, "BalanceChanged")
    expect(answer_of(page)).to_contain_text("SNAPSHOT")
