"""The column types that every table uses, chosen to mean the same on SQLite and PostgreSQL.

Text that is compared or ordered (ids, addresses, positions) is compared byte by byte on both
databases: SQLite does so by itself, PostgreSQL with the collation `C`. Instants are sqlmodel's
UTC type: aware in, aware UTC out, microseconds kept.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import JSON, ForeignKeyConstraint, Index, Text, text
from sqlalchemy import Table as SQLTable
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import declared_attr
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING


class Table(SQLModel):
    """The base of every table, named after its class: `LedgerEntry` is `ledger_entry`."""

    if TYPE_CHECKING:
        __table__: ClassVar[SQLTable]

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805 - SQLAlchemy calls it with the class
        """The class name in snake case."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


def bytewise_text() -> TypeEngine[str]:
    """Text ordered by its bytes on every database."""
    return Text().with_variant(Text(collation="C"), "postgresql")


ID: TypeEngine[str] = bytewise_text()

DOCUMENT: TypeEngine[Any] = JSON().with_variant(JSONB(), "postgresql")
"""A JSON value that conditions look into."""


def key(**options: Any) -> Any:
    """A column of the primary key that holds an id or another byte-ordered text."""
    return Field(primary_key=True, sa_type=ID, **options)


def symbol(**options: Any) -> Any:
    """Byte-ordered text: ids, enum values, addresses, positions."""
    return Field(sa_type=ID, **options)


def references(columns: str | Sequence[str], target: str) -> ForeignKeyConstraint:
    """A foreign key within the workspace: `references("contact_id", "contact")`.

    `workspace_id` comes first, so that a distributed database keeps both rows together.
    """
    names = [columns] if isinstance(columns, str) else list(columns)
    return ForeignKeyConstraint(
        ["workspace_id", *names], [f"{target}.workspace_id", f"{target}.id"]
    )


def index_of_set(column: str, *then: str) -> Index:
    """An index that begins with a column and holds the rows where it is set: often a few."""
    is_set = text(f"{column} IS NOT NULL")
    return Index(None, "workspace_id", column, *then, sqlite_where=is_set, postgresql_where=is_set)


def belongs_to_workspace() -> ForeignKeyConstraint:
    """The foreign key of every table to its workspace."""
    return ForeignKeyConstraint(["workspace_id"], ["workspace.workspace_id"])
