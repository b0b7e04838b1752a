"""The answers as one statement each for SQLite: the database writes the JSON."""

from tests.benchmarks.queries import PAGE
from trenza.domain.ticket import OPEN_STATUSES

# Python's text has the states in it; they are constants of this program, not input.
_OPEN = f"AND status IN ({', '.join(map(repr, map(str, OPEN_STATUSES)))})"


def _instant(column: str) -> str:
    """An instant as the API writes it; it is stored with a space for the T, and without the Z."""
    return f"replace({column}, ' ', 'T') || 'Z'"


# The plus keeps SQLite from walking all identities of the workspace in the order of its key.
_IDENTITIES = """(
    SELECT json_group_array(json_object('channel', channel, 'address', address))
    FROM (
        SELECT channel, address FROM contact_identity
        WHERE workspace_id = ?1 AND owner_id = contact.id ORDER BY +channel, +address
    )
)"""

CONTACT_360 = f"""
SELECT json_object('data', json_object('contact', json_object(
  'id', contact.id, 'displayName', display_name, 'company', company, 'city', city,
  'country', country, 'stage', stage, 'createdAt', {_instant("contact.created_at")},
  'identities', {_IDENTITIES},
  'interactions', json_object('nodes', (
    SELECT json_group_array(json_object(
      'id', id, 'kind', kind, 'channel', channel, 'actor', actor,
      'occurredAt', {_instant("occurred_at")},
      'text', text, 'verdict', json_object('outcome', outcome, 'ruleCode', rule_code)
    ))
    FROM (
      SELECT id, kind, channel, actor, occurred_at, text, outcome, rule_code FROM interaction
      WHERE workspace_id = ?1 AND owner_id = contact.id ORDER BY position DESC LIMIT 10
    )
  )),
  'tickets', json_object('nodes', (
    SELECT json_group_array(json_object(
      'id', id, 'number', number, 'subject', subject, 'status', status,
      'openedAt', {_instant("opened_at")}
    ))
    FROM (
      SELECT id, number, subject, status, opened_at FROM ticket
      WHERE workspace_id = ?1 AND owner_id = contact.id {_OPEN} ORDER BY number DESC LIMIT 10
    )
  )),
  'sessions', json_object('nodes', (
    SELECT json_group_array(json_object(
      'id', id, 'lane', lane, 'channel', channel,
      'openedAt', {_instant("opened_at")}, 'expiresAt', {_instant("expires_at")}
    ))
    FROM (
      SELECT id, lane, channel, opened_at, expires_at FROM interactionz_session
      WHERE workspace_id = ?1 AND owner_id = contact.id AND superseded_at IS NULL
      ORDER BY opened_position DESC LIMIT 10
    )
  )),
  'campaignTouches', json_object('nodes', (
    SELECT json_group_array(json_object(
      'touchedAt', {_instant("touched_at")}, 'channel', channel,
      'campaign', json_object('id', of, 'name', name)
    ))
    FROM (
      SELECT touched_at, touch.channel, campaign.id AS of, name
      FROM campaign_touch touch
      JOIN campaign ON campaign.workspace_id = ?1 AND campaign.id = campaign_id
      WHERE touch.workspace_id = ?1 AND owner_id = contact.id
      ORDER BY touched_at DESC, touch.id DESC LIMIT 10
    )
  )),
  'journeyEnrollments', json_object('nodes', (
    SELECT json_group_array(json_object(
      'enrolledAt', {_instant("enrolled_at")}, 'journey', json_object('id', of, 'name', name)
    ))
    FROM (
      SELECT enrolled_at, journey.id AS of, name
      FROM journey_enrollment enrollment
      JOIN journey ON journey.workspace_id = ?1 AND journey.id = journey_id
      WHERE enrollment.workspace_id = ?1 AND owner_id = contact.id
      ORDER BY enrolled_at DESC, enrollment.id DESC LIMIT 10
    )
  ))
)))
FROM contact WHERE workspace_id = ?1 AND contact.id = ?2
"""


def contacts(after: bool) -> str:
    """A page of contacts, the first one or the one after an instant of creation and an id."""
    beyond = "AND (created_at, id) < (?2, ?3)" if after else ""
    return f"""
SELECT json_object('data', json_object('contacts', json_object('nodes', (
  SELECT json_group_array(json_object(
    'id', contact.id, 'displayName', display_name, 'company', company,
    'createdAt', {_instant("contact.created_at")},
    'identities', {_IDENTITIES},
    'interactions', json_object('nodes', (
      SELECT json_group_array(json_object(
        'id', id, 'kind', kind, 'channel', channel,
      'occurredAt', {_instant("occurred_at")},
        'verdict', json_object('outcome', outcome, 'ruleCode', rule_code)
      ))
      FROM (
        SELECT id, kind, channel, occurred_at, outcome, rule_code FROM interaction
        WHERE workspace_id = ?1 AND owner_id = contact.id ORDER BY position DESC LIMIT 3
      )
    )),
    'tickets', json_object('nodes', (
      SELECT json_group_array(json_object(
        'id', id, 'number', number, 'subject', subject, 'status', status
      ))
      FROM (
        SELECT id, number, subject, status FROM ticket
        WHERE workspace_id = ?1 AND owner_id = contact.id {_OPEN} ORDER BY number DESC LIMIT 10
      )
    ))
  ))
  FROM (
    SELECT id, display_name, company, created_at FROM contact
    WHERE workspace_id = ?1 AND merged_into_id IS NULL {beyond}
    ORDER BY created_at DESC, id DESC LIMIT {PAGE}
  ) contact
))))
"""


FIND_CONTACT = """
SELECT contact.id, root_id, (
  SELECT 1 FROM contact_identity
  WHERE workspace_id = ?1 AND channel = ?4 AND address = ?3
) FROM contact_address JOIN contact
  ON contact.workspace_id = contact_address.workspace_id AND contact.id = contact_id
WHERE contact_address.workspace_id = ?1 AND space = ?2 AND contact_address.address = ?3
"""
FIND_KNOWN = """
SELECT id, content_hash, outcome, rule_code FROM interaction
WHERE workspace_id = ? AND source = ? AND external_id = ?
"""
FIND_COVERING = """
SELECT id, lane, opened_at FROM interactionz_session
WHERE workspace_id = ?1 AND owner_id = ?2 AND expires_at > ?3 AND opened_at <= ?3
  AND superseded_at IS NULL AND (?4 IS NULL OR lane IN (?4, 'UNBOUND'))
ORDER BY ?4 IS NOT NULL AND lane = 'UNBOUND', opened_position DESC LIMIT 1
"""
BIND = """
UPDATE interactionz_session SET lane = ?, bound_position = ? WHERE workspace_id = ? AND id = ?
"""
ADD_CONTACT = """
INSERT INTO contact (workspace_id, id, root_id, name_searchable, created_at, updated_at)
VALUES (?1, ?2, ?2, '', ?3, ?3)
"""
ADD_ADDRESS = """
INSERT INTO contact_address (workspace_id, space, address, contact_id) VALUES (?, ?, ?, ?)
"""
ADD_IDENTITY = """
INSERT INTO contact_identity
  (workspace_id, channel, address, space, contact_id, owner_id, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
ADD_INTERACTION = """
INSERT INTO interaction (
  workspace_id, id, contact_id, owner_id, identity_channel, identity_address, kind, channel, actor,
  occurred_at, recorded_at, position, source, external_id, content_hash, text, outcome, rule_code,
  session_id, session_opened_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_SESSION = """
INSERT INTO interactionz_session (
  workspace_id, id, owner_id, channel, lane, opened_at, expires_at, opened_position, bound_position
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
MOVE_HEAD = """
UPDATE ledger_head SET sequence = sequence + ?2, recorded_at = max(recorded_at, ?3)
WHERE workspace_id = ?1 RETURNING sequence - ?2
"""
ADD_ENTRY = """
INSERT INTO ledger_entry (
  workspace_id, sequence, id, kind, amount, effective_at, recorded_at, counts_at, reason,
  session_id, cause_id
) VALUES (?, ?, ?, 'DEBIT', 1, ?, ?, ?, 'OPENED', ?, ?)
"""
