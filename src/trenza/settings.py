"""The settings: the only reader of the environment, `TRENZA_<NAME>` for each field."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "TRENZA_"

_SQLITE = re.compile(r"sqlite\+aiosqlite:///[^?]+(\?.*)?")
_POSTGRESQL = re.compile(
    r"postgresql\+asyncpg://([^@/]*@)?(\[[^]/]+\]|[^]/?:[]*)(:\d{1,5})?/[^/?]+(\?.*)?"
)


class SettingsError(Exception):
    """A setting that cannot be used, in one line that names it."""


class Settings(BaseSettings):
    """How a process runs. Each field is read from the environment unless it is given."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    database: str = "sqlite+aiosqlite:///trenza.db"
    """`sqlite+aiosqlite:///file` or `postgresql+asyncpg://user:password@host:port/name`."""
    pool_size: int = Field(10, ge=1, le=500)
    """The most connections at once, per process."""
    read_plan: bool = True
    """Whether queries are answered by one statement each; otherwise relation by relation."""
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    """0 takes any free port."""
    data: Path = Path(".trenza")
    """The folder of the demo: its database and its keys."""
    environment: Literal["live", "demo"] = "live"
    """A readable part of every API key that is made: where the key is good."""
    log_format: Literal["json", "console"] | None = None
    """Left out, it is `console` where a person watches and `json` everywhere else."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    introspection: bool = True
    """Whether clients may ask for the schema."""
    explorer: bool = True
    """Whether a browser gets GraphiQL at `/graphql`."""

    @field_validator("database")
    @classmethod
    def _is_a_database(cls, url: str) -> str:
        if _POSTGRESQL.fullmatch(url) or (_SQLITE.fullmatch(url) and ":memory:" not in url):
            return url
        raise ValueError(
            "is no URL of a database: write sqlite+aiosqlite:///file or"
            " postgresql+asyncpg://user:password@host:port/name"
        )

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _in_lower_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value


def load_settings(**given: Any) -> Settings:
    """The settings of this process; what is given wins over the environment, None gives nothing.

    Raises SettingsError with the first value that cannot be used, which it does not repeat: a URL
    may hold a password.

    >>> load_settings(port=9000).port
    9000
    """
    options = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**options)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        spelled = f"--{name}" if name in options else f"{PREFIX}{name.upper()}"
        message = first["msg"].removeprefix("Value error, ").replace("Input should", "should")
        raise SettingsError(f"{spelled} {message}") from None
