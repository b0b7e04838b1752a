"""Settings: the environment, what wins over it, and one line for what cannot be used."""

import os

import pytest

from trenza.settings import PREFIX, Settings, SettingsError, load_settings

GOOD_URLS = (
    "sqlite+aiosqlite:///trenza.db",
    "sqlite+aiosqlite:////srv/trenza.db",
    "sqlite+aiosqlite:///trenza.db?timeout=5",
    "postgresql+asyncpg://ana@db/trenza",
    "postgresql+asyncpg://ana:se%40cret@db.example:5432/trenza?ssl=require",
    "postgresql+asyncpg://[::1]:5432/trenza",
    "postgresql+asyncpg:///trenza?host=/run/postgresql",
)
BAD_URLS = (
    "",
    "trenza.db",
    "sqlite:///trenza.db",
    "sqlite+aiosqlite://",
    "sqlite+aiosqlite:///:memory:",
    "postgresql://ana@db/trenza",
    "postgresql+asyncpg://ana@db",
    "postgresql+asyncpg://ana@db:port/trenza",
    "mysql://ana@db/trenza",
)


@pytest.fixture(autouse=True)
def _without_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def refusal(**given: object) -> str:
    """The line that a setting is refused with."""
    with pytest.raises(SettingsError) as caught:
        load_settings(**given)
    [line] = str(caught.value).splitlines()
    return line


def test_without_an_environment_everything_has_a_value() -> None:
    settings = load_settings()

    assert settings.database == "sqlite+aiosqlite:///trenza.db"
    assert (settings.host, settings.port, settings.pool_size) == ("127.0.0.1", 8000, 10)
    assert (settings.environment, settings.log_format, settings.log_level) == ("live", None, "info")
    assert (settings.introspection, settings.explorer, settings.read_plan) == (True, True, True)


def test_every_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "database": "postgresql+asyncpg://ana@db/trenza",
        "pool_size": "20",
        "read_plan": "off",
        "host": "0.0.0.0",
        "port": "9000",
        "data": "elsewhere",
        "environment": "demo",
        "log_format": "JSON",
        "log_level": "WARNING",
        "introspection": "false",
        "explorer": "0",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"{PREFIX}{name.upper()}", value)

    settings = load_settings()

    assert given.keys() == Settings.model_fields.keys()
    assert {name: str(value) for name, value in settings} == {
        **given,
        "log_format": "json",
        "log_level": "warning",
        "read_plan": "False",
        "introspection": "False",
        "explorer": "False",
    }


def test_what_is_given_wins_and_none_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRENZA_PORT", "9000")
    monkeypatch.setenv("TRENZA_HOST", "")

    assert load_settings(port="9001").port == 9001
    assert load_settings(port=None).port == 9000
    assert load_settings().host == "127.0.0.1"


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_database_has_a_url_for_its_driver(url: str) -> None:
    assert load_settings(database=url).database == url


@pytest.mark.parametrize("url", BAD_URLS)
def test_another_url_is_refused_with_the_two_that_are_meant(url: str) -> None:
    assert refusal(database=url) == (
        "--database is no URL of a database: write sqlite+aiosqlite:///file or"
        " postgresql+asyncpg://user:password@host:port/name"
    )


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("port", "70000", "TRENZA_PORT should be less than or equal to 65535"),
        ("pool_size", "0", "TRENZA_POOL_SIZE should be greater than or equal to 1"),
        ("log_format", "xml", "TRENZA_LOG_FORMAT should be 'json' or 'console'"),
        ("environment", "test", "TRENZA_ENVIRONMENT should be 'live' or 'demo'"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", value)

    assert refusal() == line


def test_a_refusal_does_not_repeat_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRENZA_DATABASE", "postgresql://ana:secret@db/trenza")

    assert "secret" not in refusal()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1
