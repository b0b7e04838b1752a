"""What a connection may see: one workspace, one key, all of them, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

SEEN_WORKSPACE = "trenza.workspace"
SEEN_KEY = "trenza.key"
SEES_ALL = "trenza.across_workspaces"
"""The settings of a PostgreSQL connection that the policies of the tables read."""

APPEND_ONLY = frozenset(
    {
        "activity",
        "cycle_closing",
        "erasure_certificate",
        "interactionz_grant",
        "ledger_entry",
        "seat_event",
        "usage_alert",
    }
)
"""Tables whose rows the application may add and never change nor delete."""
EMPTIED: Mapping[str, tuple[str, ...]] = {
    "activity": ("before", "after"),
    "erasure_certificate": ("scrubbed_at",),
}
"""Of those, the columns that it may change all the same: an erasure takes out what is personal."""
DELETED_FROM = frozenset(
    {
        "agent_group",
        "blocked_address",
        "consent_event",
        "contact_address",
        "contact_identity",
        "contact_list",
        "contact_list_member",
        "contact_stage",
        "contact_version",
        "do_not_contact",
        "frequency_cap",
        "group_member",
        "ledger_checkpoint",
        "segment",
    }
)
"""Tables whose rows the application may delete: what people put together, what can be made anew,
and what an erasure leaves nothing of."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a connection may see; of a key nothing but its own row. By itself: nothing."""

    workspace_id: str | None = None
    key_id: str | None = None
    across: bool = False

    def local_settings(self) -> str:
        """SQL that gives it to a PostgreSQL connection until its transaction ends."""
        given = {
            SEEN_WORKSPACE: self.workspace_id,
            SEEN_KEY: self.key_id,
            SEES_ALL: "on" if self.across else None,
        }
        return "".join(
            f"; SET LOCAL {name} = {quoted(value)}"
            for name, value in given.items()
            if value is not None
        )


def quoted(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
