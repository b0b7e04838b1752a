"""`trenza demo`: whole or not at all, the same on every start, and one line where it cannot be."""

import json
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import python, success
from tests.cli.rights import no_right_to_write
from tests.demo_server import START_S_MAX, DemoServer, running_demo
from trenza.cli.demo_folder import DemoFolder
from trenza.cli.failures import Failure
from trenza.cli.listening import listen
from trenza.cli.opened import on_database
from trenza.cli.welcome import QUERIES, welcome
from trenza.domain.access import ROLE_SCOPES, Role, Viewer
from trenza.domain.errors import Unauthenticated
from trenza.services.access import act_as_system, authenticate
from trenza.services.dependencies import Dependencies
from trenza.services.seat import change_role, deactivate_user
from trenza.settings import load_settings
from trenza.storage.readiness import UnusableDatabaseError
from trenza.storage.seat import find_open_sign_ins

PART_BYTES = 1_000_000
URL = "http://127.0.0.1:8000"
ROLES = tuple(Role)


def folder_at(path: Path) -> DemoFolder:
    """The demo's folder, as the command takes it."""
    return DemoFolder.of(load_settings(data=path, environment="demo"))


def note_in(path: Path) -> dict[str, Any]:
    """What `demo.json` says."""
    note: dict[str, Any] = json.loads((path / "demo.json").read_text())
    return note


def kill_while_loading(path: Path) -> None:
    """Starts the demo on an empty folder and kills it when it has loaded a part."""
    loading = path / "trenza.db.loading-wal"
    words = [sys.executable, "-m", "trenza", "demo", "--port", "0", "--data", str(path)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    waited_until = time.monotonic() + START_S_MAX
    while not (loading.exists() and loading.stat().st_size > PART_BYTES):
        assert process.poll() is None
        assert time.monotonic() < waited_until
        time.sleep(0.01)
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as two starts at once left it, after one that was killed while it loaded."""
    path = tmp_path_factory.mktemp("demo")
    kill_while_loading(path)
    assert not (path / "trenza.db").exists()
    server = DemoServer(path)
    with ThreadPoolExecutor() as beside:
        started = beside.submit(server.start)
        folder_at(path).prepare(URL)
        started.result()
    server.stop()
    return path


@pytest.fixture
def own(loaded: Path, tmp_path: Path) -> Path:
    """A loaded folder of the test's own."""
    return Path(shutil.copytree(loaded, tmp_path / "data"))


def viewer_of(path: Path, key: str) -> Viewer:
    """Whom a key of the demo stands for."""

    async def work(dependencies: Dependencies) -> Viewer:
        return await authenticate(dependencies, f"Bearer {key}")

    return on_database(folder_at(path).settings, work)


def test_starts_that_are_killed_or_meet_leave_one_sound_company(loaded: Path) -> None:
    said = success("ledger", "verify", "--database", folder_at(loaded).settings.database).stdout

    assert said.count("\n") == 1
    assert said.startswith(f"{note_in(loaded)['workspaceId']} (Casa Tamandúa): ")
    assert said.endswith(": no difference\n")
    names = {file.name for file in loaded.iterdir()}
    assert names == {"trenza.db", "demo.json", "lock", "server.log"}


def test_the_note_says_where_and_with_which_keys(own: Path) -> None:
    keys = folder_at(own).prepare(URL)

    note = note_in(own)
    assert list(note) == ["url", "workspaceId", "keys"]
    assert (note["url"], note["keys"]) == (URL, keys)
    for role in ROLES:
        viewer = viewer_of(own, keys[role.lower()])
        assert viewer.workspace_id == note["workspaceId"]
        assert (viewer.scopes, viewer.role) == (ROLE_SCOPES[role], role)
        assert viewer.user_id is not None
        assert keys[role.lower()].startswith("trz_demo_")


def test_the_note_is_for_its_owner_alone(own: Path) -> None:
    assert stat.S_IMODE((own / "demo.json").stat().st_mode) == 0o600

    (own / "demo.json").chmod(0o644)
    folder_at(own).prepare(URL)

    assert stat.S_IMODE((own / "demo.json").stat().st_mode) == 0o600


def test_a_later_start_changes_nothing_and_serves(own: Path) -> None:
    with running_demo(own):
        pass
    before = {file.name: file.read_bytes() for file in own.iterdir() if file.name != "server.log"}

    server = DemoServer(own)
    server.port, server.url = port_of(note_in(own)["url"]), note_in(own)["url"]
    server.start()
    answers = [server.ask(query) for query in QUERIES]
    page = server.ask("{ __typename }")
    server.stop()

    assert [answer.get("errors") for answer in answers] == [None] * 3
    assert page == {"data": {"__typename": "Query"}}
    after = {file.name: file.read_bytes() for file in own.iterdir() if file.name != "server.log"}
    assert after == before
    said = (own / "server.log").read_text()
    assert welcome(server.url, note_in(own)["keys"]) in said


def test_the_queries_to_try_have_something_to_show(own: Path) -> None:
    with running_demo(own) as server:
        figures, person, statement = (server.ask(query)["data"] for query in QUERIES)

    assert figures["workspace"]["seats"]["over"] == 1
    assert figures["workspace"]["balance"]["consumed"] > 400
    assert len(person["contactByIdentity"]["interactions"]["nodes"]) == 5
    assert len(person["contactByIdentity"]["debits"]["nodes"]) >= 3
    assert statement["workspace"]["statement"]["overage"] > 0


def test_the_welcome_has_everything_to_begin_with() -> None:
    keys = {"admin": "trz_a", "operator": "trz_o", "agent": "trz_b", "viewer": "trz_c"}

    lines = welcome(URL, keys).splitlines()

    assert f"  GraphiQL      {URL}/graphql#key=trz_a" in lines
    assert f"  Live balance  {URL}/examples/live_balance/#key=trz_a" in lines
    assert lines.count("Three queries to try:") == 1
    for role, key in keys.items():
        assert f"  {role:8}  {key}" in lines


@pytest.mark.parametrize(
    "content",
    [None, "", "{}", "[]", '{"keys": {}}', '{"keys": {"admin": "trz_x"}}', '{"keys": 1}', "\udc00"],
)
def test_a_lost_or_damaged_note_is_made_good_with_new_keys(own: Path, content: str | None) -> None:
    lost = folder_at(own).prepare(URL)
    if content is None:
        (own / "demo.json").unlink()
    else:
        (own / "demo.json").write_bytes(content.encode("utf-8", "surrogatepass"))

    made = folder_at(own).prepare(URL)

    assert note_in(own)["keys"] == made
    assert [viewer_of(own, made[role.lower()]).scopes for role in ROLES] == [
        ROLE_SCOPES[role] for role in ROLES
    ]
    for key in lost.values():
        with pytest.raises(Unauthenticated, match="revoked"):
            viewer_of(own, key)


def test_the_users_of_the_keys_are_signed_in_and_made_what_they_were(own: Path) -> None:
    keys = folder_at(own).prepare(URL)
    agent, operator = viewer_of(own, keys["agent"]), viewer_of(own, keys["operator"])

    async def disturb(dependencies: Dependencies) -> None:
        admin = await act_as_system(dependencies, agent.workspace_id)
        await deactivate_user(dependencies, admin, str(agent.user_id))
        await change_role(dependencies, admin, str(operator.user_id), Role.VIEWER)

    async def signed_in(dependencies: Dependencies) -> list[bool]:
        now = dependencies.clock.now()
        async with dependencies.database.read(agent.workspace_id) as connection:
            return [
                bool(
                    await find_open_sign_ins(connection, each.workspace_id, str(each.user_id), now)
                )
                for each in (agent, operator)
            ]

    settings = folder_at(own).settings
    on_database(settings, disturb)
    assert on_database(settings, signed_in) == [False, True]

    assert folder_at(own).prepare(URL) == keys

    assert on_database(settings, signed_in) == [True, True]
    assert viewer_of(own, keys["agent"]) == agent
    assert viewer_of(own, keys["operator"]) == operator


def test_a_key_that_was_revoked_is_replaced(own: Path) -> None:
    keys = folder_at(own).prepare(URL)
    key_id = viewer_of(own, keys["agent"]).key_id
    success("keys", "revoke", key_id, "--database", folder_at(own).settings.database)

    again = folder_at(own).prepare(URL)

    assert viewer_of(own, again["agent"]).scopes == ROLE_SCOPES[Role.AGENT]


def test_other_keys_of_the_workspace_are_left_alone(own: Path) -> None:
    database = ("--database", folder_at(own).settings.database)
    words = ("--name", "mine", "--scope", "read")
    mine = success("keys", "create", *words, *database).stdout.strip()
    (own / "demo.json").unlink()

    folder_at(own).prepare(URL)

    assert viewer_of(own, mine).name == "mine"


def test_a_port_in_use_is_one_line_and_loads_nothing(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        said = python("-m", "trenza", "demo", "--port", str(port), "--data", str(tmp_path))

    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == (
        f"trenza: port {port} is in use: stop what listens there, or choose another with --port\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_the_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")

    for path in (tmp_path / "data", tmp_path / "data" / "below"):
        with pytest.raises(Failure, match=r"cannot be used \(.*\): name another by --data$"):
            folder_at(path)
    assert (tmp_path / "data").read_text() == "mine"


@pytest.mark.parametrize("name", ["demo.json", "lock"])
def test_a_folder_in_the_way_of_a_file_is_one_line(own: Path, name: str) -> None:
    (own / name).unlink()
    (own / name).mkdir()

    with pytest.raises(Failure, match=r"cannot be used \(Is a directory\): name another"):
        folder_at(own).prepare(URL)


def test_a_folder_that_cannot_be_written_is_one_line(open_folder: Path) -> None:
    with (
        no_right_to_write(open_folder),
        pytest.raises(Failure, match=r"cannot be used \(Permission denied\): name another"),
    ):
        folder_at(open_folder)


def test_a_folder_whose_name_no_url_can_hold_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="name one without a"):
        folder_at(tmp_path / "what?")


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    success("migrate", "--database", folder.settings.database)
    success("seed", "--database", folder.settings.database)
    before = folder.database.read_bytes()

    with pytest.raises(Failure, match=r"holds other workspaces: name another folder by --data$"):
        folder.prepare(URL)
    assert folder.database.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "trenza.db").write_text("notes, not a database")

    with pytest.raises(UnusableDatabaseError, match="is no SQLite database"):
        folder_at(tmp_path).prepare(URL)
    assert (tmp_path / "trenza.db").read_text() == "notes, not a database"


def test_a_company_that_somebody_loaded_in_part_is_one_line(own: Path) -> None:
    with closing(sqlite3.connect(own / "trenza.db")) as connection:
        last = "SELECT id FROM interaction ORDER BY recorded_at DESC LIMIT 1"
        connection.execute(f"DELETE FROM interaction WHERE id = ({last})")
        connection.commit()

    with pytest.raises(Failure, match=r"was loaded in part: remove the file, then again$"):
        folder_at(own).prepare(URL)


def port_of(url: str) -> int:
    """The port of a URL."""
    return int(url.rpartition(":")[2])
