"""Who belongs to a segment, written by hand for both databases: how many, and put into a list."""

_BUSY = """
FROM contact JOIN (
  SELECT owner_id FROM interaction
  WHERE workspace_id = {0} AND position >= {1} AND position < {2}
    AND kind = 'CUSTOMER_MESSAGE' AND retracted_at IS NULL
  GROUP BY owner_id HAVING count(*) >= 2
) busy ON busy.owner_id = contact.id
WHERE contact.workspace_id = {0} AND merged_into_id IS NULL AND erased_at IS NULL
  AND country = 'MX' AND stage IN ('SALE', 'SERVICE')
"""
_LIST = """
INSERT INTO contact_list (workspace_id, id, name, created_at, updated_at)
VALUES ({0}, {1}, CAST({1} AS TEXT), {2}, {2})
"""
_FREEZE = """
INSERT INTO contact_list_member (workspace_id, list_id, contact_id, owner_id, added_at)
SELECT contact.workspace_id, {3}, contact.id, contact.id, {4}
"""

POSTGRESQL_COUNT = "SELECT count(*)" + _BUSY.format("$1", "$2", "$3")
POSTGRESQL_LIST = _LIST.format("$1", "$2", "$3")
POSTGRESQL_FREEZE = (_FREEZE + _BUSY).format("$1", "$2", "$3", "$4", "$5")
SQLITE_COUNT = "SELECT count(*)" + _BUSY.format("?1", "?2", "?3")
SQLITE_LIST = _LIST.format("?1", "?2", "?3")
SQLITE_FREEZE = (_FREEZE + _BUSY).format("?1", "?2", "?3", "?4", "?5")


def counted(count: int) -> dict[str, dict[str, dict[str, int]]]:
    """A count as Trenza answers it."""
    return {"data": {"previewSegment": {"count": count}}}


def frozen(count: int) -> dict[str, dict[str, dict[str, int]]]:
    """The size of a new list as Trenza answers it."""
    return {"data": {"freezeSegment": {"count": count}}}
