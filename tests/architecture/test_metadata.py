"""The tables can be distributed by workspace unchanged, and the migrations make exactly them."""

import re
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import ColumnCollectionConstraint
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

import trenza.storage

# A key is looked up before its workspace is known; the index is not unique, so it distributes.
INDEXES_ACROSS_WORKSPACES = {"ix_api_key_id"}
IDENTIFIER_LENGTH_MAX = 63
TABLES = [
    SQLModel.metadata.tables[name]
    for name in sorted(getattr(trenza.storage, cls).__tablename__ for cls in trenza.storage.__all__)
]

each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def keys_of(table: Table) -> Iterator[PrimaryKeyConstraint | UniqueConstraint]:
    """The primary key and the unique keys of a table."""
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            yield constraint


def first_columns(table: Table) -> dict[str, str]:
    """Of every key, foreign key and index: its name and its first column."""
    named: list[ColumnCollectionConstraint | Index] = [*keys_of(table), *table.indexes]
    named += table.foreign_key_constraints
    return {str(each.name): next(iter(each.columns)).name for each in named}


async def differences_at(url: str) -> list[object]:
    """What the tables of a database are other than declared."""

    def compared(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))

    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        found = await connection.run_sync(compared)
    await engine.dispose()
    return found


def test_every_table_of_the_metadata_is_exported() -> None:
    assert set(SQLModel.metadata.tables) == {table.name for table in TABLES}
    assert len(TABLES) >= 20


@each_table
def test_workspace_id_comes_first_in_every_key_and_index(table: Table) -> None:
    elsewhere = {name for name, column in first_columns(table).items() if column != "workspace_id"}

    assert "workspace_id" in table.primary_key.columns
    assert elsewhere <= INDEXES_ACROSS_WORKSPACES
    assert {i.name for i in table.indexes if i.unique} & INDEXES_ACROSS_WORKSPACES == set()


@each_table
def test_foreign_keys_stay_in_the_workspace_and_never_set_null(table: Table) -> None:
    for key in table.foreign_key_constraints:
        assert key.elements[0].target_fullname.endswith(".workspace_id"), key.name
        assert key.ondelete in {None, "RESTRICT", "CASCADE", "NO ACTION"}, key.name
        assert key.onupdate in {None, "RESTRICT", "NO ACTION"}, key.name


@each_table
def test_every_table_but_the_workspace_belongs_to_one(table: Table) -> None:
    owners = {key.elements[0].target_fullname for key in table.foreign_key_constraints}

    assert ("workspace.workspace_id" in owners) is (table.name != "workspace")


@each_table
def test_the_application_makes_every_value(table: Table) -> None:
    """No default or change of value that a database works out: each server would get another."""

    def is_volatile(column: Column[object]) -> bool:
        default = column.default
        return (
            any((column.server_default, column.server_onupdate, column.onupdate, column.computed))
            or (default is not None and not default.is_scalar)
            or column.identity is not None
            or column.autoincrement is True
        )

    assert [column.name for column in table.columns if is_volatile(column)] == []


@each_table
def test_instants_are_aware_and_amounts_exact(table: Table) -> None:
    for column in table.columns:
        assert not isinstance(column.type, Float), column.name
        assert type(column.type) is not DateTime, f"{column.name} comes back naive on SQLite"
        if column.name.endswith("_at"):
            assert isinstance(column.type, UTCDateTime), column.name


@each_table
def test_names_follow_the_convention(table: Table) -> None:
    prefixes = {PrimaryKeyConstraint: "pk", UniqueConstraint: "uq", ForeignKeyConstraint: "fk"}
    prefixes[CheckConstraint] = "ck"
    named = [(prefixes[type(each)], each.name) for each in table.constraints]
    named += [("ix", index.name) for index in table.indexes]

    for prefix, name in named:
        assert str(name).startswith(f"{prefix}_{table.name}"), name
        assert len(str(name)) <= IDENTIFIER_LENGTH_MAX, name
    for name in [table.name, *(column.name for column in table.columns)]:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name), name


async def test_the_migrations_make_the_tables(database_url: str) -> None:
    assert await differences_at(database_url) == []
