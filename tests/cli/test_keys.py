"""`trenza keys`: made, listed, revoked, each for the workspace that is meant."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.cli.commands import failure, success, trenza
from trenza.app import SystemClock
from trenza.cli.company import describe, founding_of
from trenza.cli.opened import choose_workspace, on_database
from trenza.domain.access import Role, Scope, Viewer
from trenza.domain.errors import Unauthenticated
from trenza.services.access import authenticate
from trenza.services.dependencies import Dependencies
from trenza.services.founding import found_workspace
from trenza.services.seat import InviteUser, accept_invitation, invite_user
from trenza.settings import load_settings

KEY_ID = re.compile(r"key_[0-9a-hjkmnp-tv-z]{26}")


@pytest.fixture
def seeded_url(database_url: str) -> str:
    """A database with one workspace and the key of its admin."""
    success("seed", "--database", database_url)
    return database_url


def viewer_of(url: str, key: str, later: timedelta = timedelta(0)) -> Viewer:
    """Whom a key stands for, some time later."""

    class LaterClock:
        def now(self) -> datetime:
            return SystemClock().now() + later

    async def work(dependencies: Dependencies) -> Viewer:
        return await authenticate(dependencies, f"Bearer {key}")

    return on_database(load_settings(database=url), work, LaterClock())


def create(url: str, *words: str, **settings: str) -> str:
    """Makes a key and returns its text."""
    made = success("keys", "create", "--database", url, *words, **settings)
    [text] = made.stdout.splitlines()
    return text


def test_a_new_key_is_good_for_its_scopes(seeded_url: str) -> None:
    key = create(seeded_url, "--name", "web shop", "--scope", "record", "--scope", "read")

    viewer = viewer_of(seeded_url, key)
    assert key.startswith("trz_live_")
    assert viewer.name == "web shop"
    assert viewer.scopes == {Scope.READ, Scope.RECORD}


def test_only_the_key_goes_to_standard_output(seeded_url: str) -> None:
    made = success(
        *("keys", "create", "--database", seeded_url, "--name", "till", "--scope", "read")
    )

    assert re.fullmatch(r"trz_live_\w+\n", made.stdout)
    assert re.fullmatch(rf"{KEY_ID.pattern} - keep the key, it is not shown again:\n", made.stderr)


def test_the_environment_is_a_part_of_the_key(seeded_url: str) -> None:
    key = create(seeded_url, "--name", "till", "--scope", "read", environment="demo")

    assert key.startswith("trz_demo_")


def test_a_key_expires_after_its_days(seeded_url: str) -> None:
    key = create(seeded_url, "--name", "trial", "--scope", "read", "--expires-in-days", "7")

    assert viewer_of(seeded_url, key, timedelta(days=6, hours=23)).name == "trial"
    with pytest.raises(Unauthenticated, match="expired"):
        viewer_of(seeded_url, key, timedelta(days=7, minutes=1))


def test_keys_are_listed_with_how_they_stand(seeded_url: str) -> None:
    today = SystemClock().now().date()
    create(seeded_url, "--name", "trial", "--scope", "read", "--expires-in-days", "7")
    create(seeded_url, "--name", "gone", "--scope", "record")
    gone = KEY_ID.findall(success("keys", "list", "--database", seeded_url).stdout)[2]
    success("keys", "revoke", gone, "--database", seeded_url)

    lines = success("keys", "list", "--database", seeded_url).stdout.splitlines()

    columns = [re.split(r" {2,}", line) for line in lines]
    assert columns[0] == ["ID", "NAME", "USER", "SCOPES", "CREATED", "STATE"]
    assert [row[1:] for row in columns[1:]] == [
        ["admin", "-", "read record manage admin", str(today), "good"],
        ["trial", "-", "read", str(today), f"good until {today + timedelta(days=7)}"],
        ["gone", "-", "record", str(today), f"revoked {today}"],
    ]
    assert all(KEY_ID.fullmatch(row[0]) for row in columns[1:])


def test_a_key_of_a_user_has_the_rights_of_the_users_role(seeded_url: str) -> None:
    async def seat(dependencies: Dependencies) -> str:
        viewer = await choose_workspace(dependencies, None)
        invitation = InviteUser("ana@example.com", "Ana", Role.AGENT)
        invited = await invite_user(dependencies, viewer, invitation)
        return await accept_invitation(dependencies, viewer, invited.user_id)

    user_id = on_database(load_settings(database=seeded_url), seat)
    words = (
        "--user",
        " Ana@example.com ",
        "--name",
        "desk",
        "--scope",
        "read",
        "--scope",
        "manage",
    )
    key = create(seeded_url, *words)

    viewer = viewer_of(seeded_url, key)
    assert (viewer.user_id, viewer.role) == (user_id, Role.AGENT)
    assert viewer.scopes == {Scope.READ}
    listed = success("keys", "list", "--database", seeded_url).stdout
    assert re.search("desk +ana@example.com  read manage +", listed)


def test_a_key_of_nobody_is_not_made(seeded_url: str) -> None:
    words = ("keys", "create", "--user", "eva@example.com", "--name", "x", "--scope", "read")
    line = failure(*words, "--database", seeded_url)

    assert line == "the workspace has no user eva@example.com: invite the person first"


def test_a_rotated_key_has_two_secrets_until_the_grace_is_over(seeded_url: str) -> None:
    former = create(seeded_url, "--name", "till", "--scope", "read")
    key_id = viewer_of(seeded_url, former).key_id
    words = ("keys", "rotate", key_id, "--grace-hours", "1", "--database", seeded_url)

    rotated = success(*words).stdout.strip()

    assert viewer_of(seeded_url, rotated, timedelta(days=9)).key_id == key_id
    assert viewer_of(seeded_url, former).key_id == key_id
    with pytest.raises(Unauthenticated, match="rotated"):
        viewer_of(seeded_url, former, timedelta(hours=1))


def test_a_revoked_key_is_good_for_nothing(seeded_url: str) -> None:
    key = create(seeded_url, "--name", "lost", "--scope", "read")
    key_id = KEY_ID.findall(success("keys", "list", "--database", seeded_url).stdout)[-1]

    revoked = success("keys", "revoke", key_id, "--database", seeded_url)

    assert revoked.stdout == f"{key_id} is revoked\n"
    with pytest.raises(Unauthenticated, match="revoked"):
        viewer_of(seeded_url, key)


@pytest.mark.parametrize("given", ["key_00000000000000000000000000", "web shop"])
def test_a_key_that_is_not_there_is_not_revoked(seeded_url: str, given: str) -> None:
    line = failure("keys", "revoke", given, "--database", seeded_url)

    assert line == "id names nothing in this workspace"


def test_without_a_workspace_there_are_no_keys(database_url: str) -> None:
    line = failure("keys", "list", "--database", database_url)

    assert line == "there is no workspace yet: run: trenza seed"


def test_an_unknown_workspace_has_no_keys(seeded_url: str) -> None:
    words = ("keys", "list", "--workspace", "ws_00000000000000000000000000")

    assert failure(*words, "--database", seeded_url) == "there is no such workspace"


def test_among_several_workspaces_one_has_to_be_chosen(seeded_url: str) -> None:
    second = found_another(seeded_url)

    line = failure("keys", "list", "--database", seeded_url)
    words = ("--name", "second", "--scope", "read", "--workspace", second)
    key = create(seeded_url, *words)

    assert line.startswith("there are several workspaces, choose one with --workspace: ws_")
    assert f"{second} (Second)" in line
    assert viewer_of(seeded_url, key).workspace_id == second


def found_another(url: str) -> str:
    """A second workspace, which nothing on the command line makes."""

    async def work(dependencies: Dependencies) -> str:
        now = dependencies.clock.now()
        request = replace(founding_of(describe(), now), name="Second", starts_at=now)
        return await found_workspace(dependencies, request)

    return on_database(load_settings(database=url), work)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--name", "x", "--scope", "everything"), "'everything' is not one of 'read'"),
        (("--name", "x"), "Missing option '--scope'"),
        (("--scope", "read"), "Missing option '--name'"),
        (("--name", "x", "--scope", "read", "--expires-in-days", "0"), "0 is not in the range"),
    ],
)
def test_a_key_that_is_asked_for_wrongly_is_a_usage_error(
    words: tuple[str, ...], told: str
) -> None:
    result = trenza("keys", "create", *words)

    assert result.exit_code == 2
    assert told in result.stderr


def test_a_blank_name_is_refused(seeded_url: str) -> None:
    line = failure(*("keys", "create", "--name", " ", "--scope", "read", "--database", seeded_url))

    assert line == "name is blank"
