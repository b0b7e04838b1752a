"""The answers as one statement each for PostgreSQL: the database writes the JSON."""

from tests.benchmarks.queries import PAGE
from trenza.domain.ticket import OPEN_STATUSES

# Python's text has the states in it; they are constants of this program, not input.
_OPEN = f"AND status IN ({', '.join(map(repr, map(str, OPEN_STATUSES)))})"

_IDENTITIES = """(
    SELECT coalesce(json_agg(json_build_object('channel', channel, 'address', address)), '[]')
    FROM (
        SELECT channel, address FROM contact_identity
        WHERE workspace_id = $1 AND owner_id = contact.id ORDER BY channel, address
    ) identity
)"""

CONTACT_360 = f"""
SELECT json_build_object('data', json_build_object('contact', json_build_object(
  'id', contact.id, 'displayName', display_name, 'company', company, 'city', city,
  'country', country, 'stage', stage, 'createdAt', contact.created_at,
  'identities', {_IDENTITIES},
  'interactions', json_build_object('nodes', (
    SELECT coalesce(json_agg(json_build_object(
      'id', id, 'kind', kind, 'channel', channel, 'actor', actor, 'occurredAt', occurred_at,
      'text', text, 'verdict', json_build_object('outcome', outcome, 'ruleCode', rule_code)
    )), '[]')
    FROM (
      SELECT id, kind, channel, actor, occurred_at, text, outcome, rule_code FROM interaction
      WHERE workspace_id = $1 AND owner_id = contact.id ORDER BY position DESC LIMIT 10
    ) latest
  )),
  'tickets', json_build_object('nodes', (
    SELECT coalesce(json_agg(json_build_object(
      'id', id, 'number', number, 'subject', subject, 'status', status, 'openedAt', opened_at
    )), '[]')
    FROM (
      SELECT id, number, subject, status, opened_at FROM ticket
      WHERE workspace_id = $1 AND owner_id = contact.id {_OPEN} ORDER BY number DESC LIMIT 10
    ) newest
  )),
  'sessions', json_build_object('nodes', (
    SELECT coalesce(json_agg(json_build_object(
      'id', id, 'lane', lane, 'channel', channel, 'openedAt', opened_at, 'expiresAt', expires_at
    )), '[]')
    FROM (
      SELECT id, lane, channel, opened_at, expires_at FROM interactionz_session
      WHERE workspace_id = $1 AND owner_id = contact.id AND superseded_at IS NULL
      ORDER BY opened_position DESC LIMIT 10
    ) latest
  )),
  'campaignTouches', json_build_object('nodes', (
    SELECT coalesce(json_agg(json_build_object(
      'touchedAt', touched_at, 'channel', latest.channel,
      'campaign', json_build_object('id', campaign.id, 'name', campaign.name)
    ) ORDER BY touched_at DESC, latest.id DESC), '[]')
    FROM (
      SELECT id, campaign_id, touched_at, channel FROM campaign_touch
      WHERE workspace_id = $1 AND owner_id = contact.id
      ORDER BY touched_at DESC, id DESC LIMIT 10
    ) latest
    JOIN campaign ON campaign.workspace_id = $1 AND campaign.id = campaign_id
  )),
  'journeyEnrollments', json_build_object('nodes', (
    SELECT coalesce(json_agg(json_build_object(
      'enrolledAt', enrolled_at,
      'journey', json_build_object('id', journey.id, 'name', journey.name)
    ) ORDER BY enrolled_at DESC, latest.id DESC), '[]')
    FROM (
      SELECT id, journey_id, enrolled_at FROM journey_enrollment
      WHERE workspace_id = $1 AND owner_id = contact.id
      ORDER BY enrolled_at DESC, id DESC LIMIT 10
    ) latest
    JOIN journey ON journey.workspace_id = $1 AND journey.id = journey_id
  ))
)))
FROM contact WHERE workspace_id = $1 AND contact.id = $2
"""


def contacts(after: bool) -> str:
    """A page of contacts, the first one or the one after an instant of creation and an id."""
    beyond = "AND (created_at, id) < ($2, $3)" if after else ""
    return f"""
SELECT json_build_object('data', json_build_object('contacts', json_build_object('nodes', (
  SELECT coalesce(json_agg(json_build_object(
    'id', contact.id, 'displayName', display_name, 'company', company,
    'createdAt', contact.created_at,
    'identities', {_IDENTITIES},
    'interactions', json_build_object('nodes', (
      SELECT coalesce(json_agg(json_build_object(
        'id', id, 'kind', kind, 'channel', channel, 'occurredAt', occurred_at,
        'verdict', json_build_object('outcome', outcome, 'ruleCode', rule_code)
      )), '[]')
      FROM (
        SELECT id, kind, channel, occurred_at, outcome, rule_code FROM interaction
        WHERE workspace_id = $1 AND owner_id = contact.id ORDER BY position DESC LIMIT 3
      ) latest
    )),
    'tickets', json_build_object('nodes', (
      SELECT coalesce(json_agg(json_build_object(
        'id', id, 'number', number, 'subject', subject, 'status', status
      )), '[]')
      FROM (
        SELECT id, number, subject, status FROM ticket
        WHERE workspace_id = $1 AND owner_id = contact.id {_OPEN} ORDER BY number DESC LIMIT 10
      ) newest
    ))
  )), '[]')
  FROM (
    SELECT id, display_name, company, created_at FROM contact
    WHERE workspace_id = $1 AND merged_into_id IS NULL {beyond}
    ORDER BY created_at DESC, id DESC LIMIT {PAGE}
  ) contact
))))
"""


# What PostgreSQL and PostGraphile need beside the tables: the open tickets of a contact, and whose
# an identity is today, which no foreign key says.
PREPARED_FOR_POSTGRAPHILE = f"""
CREATE FUNCTION contact_open_tickets(of contact) RETURNS SETOF ticket LANGUAGE sql STABLE AS $$
  SELECT * FROM ticket WHERE workspace_id = of.workspace_id AND owner_id = of.id {_OPEN}
  ORDER BY number DESC
$$;
COMMENT ON TABLE contact_identity IS
  '@foreignKey (workspace_id, owner_id) references contact (workspace_id, id)';
"""

RECORD_FUNCTION = """
CREATE FUNCTION record_interaction(
  of_workspace text, new_id text, on_channel text, of_kind text, by_actor text,
  at timestamptz, from_source text, at_source text, said text,
  identity_of text, identity_in text, identity text, hash text, rank text
) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  person text;
  root text;
  known record;
  covering record;
  place text;
  opened boolean := false;
  verdict text;
  rule text;
  session text;
  session_at timestamptz;
  ledger record;
BEGIN
  SELECT contact_id INTO person FROM contact_address
  WHERE workspace_id = of_workspace AND space = identity_in AND address = identity;
  IF person IS NULL THEN
    person := 'contact' || substr(new_id, 4);
    INSERT INTO contact (workspace_id, id, root_id, name_searchable, created_at, updated_at)
    VALUES (of_workspace, person, person, '', now(), now());
    INSERT INTO contact_address (workspace_id, space, address, contact_id)
    VALUES (of_workspace, identity_in, identity, person);
  END IF;
  SELECT root_id INTO root FROM contact
  WHERE workspace_id = of_workspace AND id = person FOR NO KEY UPDATE;
  SELECT id, content_hash, outcome, rule_code INTO known FROM interaction
  WHERE workspace_id = of_workspace AND source = from_source AND external_id = at_source;
  IF FOUND THEN
    IF known.content_hash <> hash THEN
      RETURN json_build_object('__typename', 'IdempotencyConflict');
    END IF;
    RETURN json_build_object(
      '__typename', 'RecordInteractionPayload', 'replayed', true,
      'interaction', json_build_object('id', known.id, 'verdict', json_build_object(
        'outcome', known.outcome, 'ruleCode', known.rule_code)));
  END IF;
  INSERT INTO contact_identity
    (workspace_id, channel, address, space, contact_id, owner_id, created_at)
  VALUES (of_workspace, identity_of, identity, identity_in, person, root, now())
  ON CONFLICT DO NOTHING;

  place := to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || rank || from_source || chr(31) || at_source;
  SELECT id, lane, opened_at INTO covering FROM interactionz_session
  WHERE workspace_id = of_workspace AND owner_id = root AND expires_at > at AND opened_at <= at
    AND superseded_at IS NULL
    AND (by_actor IS NULL OR lane IN (by_actor, 'UNBOUND'))
  ORDER BY by_actor IS NOT NULL AND lane = 'UNBOUND', opened_position DESC LIMIT 1;
  IF FOUND THEN
    verdict := 'COVERED';
    session := covering.id;
    session_at := covering.opened_at;
    IF by_actor IS NULL THEN
      rule := 'COVERED_BY_OPEN_SESSION';
    ELSIF covering.lane = 'UNBOUND' THEN
      rule := 'COVERED_BY_BINDING';
      UPDATE interactionz_session SET lane = by_actor, bound_position = place
      WHERE workspace_id = of_workspace AND id = session;
    ELSE
      rule := 'COVERED_IN_LANE';
    END IF;
  ELSE
    opened := true;
    verdict := 'CHARGED';
    session := 'ses' || substr(new_id, 4);
    session_at := at;
    rule := CASE of_kind WHEN 'CUSTOMER_MESSAGE' THEN 'OPENED_BY_CUSTOMER'
      WHEN 'HANDOFF' THEN 'OPENED_BY_HANDOFF' ELSE 'OPENED_BY_COMPANY' END;
  END IF;

  INSERT INTO interaction (
    workspace_id, id, contact_id, owner_id, identity_channel, identity_address, kind, channel,
    actor, occurred_at, recorded_at, position, source, external_id, content_hash, text, outcome,
    rule_code, session_id, session_opened_at
  ) VALUES (
    of_workspace, new_id, person, root, identity_of, identity, of_kind, on_channel,
    by_actor, at, clock_timestamp(), place, from_source, at_source, hash, said, verdict,
    rule, session, session_at
  );
  IF opened THEN
    INSERT INTO interactionz_session (
      workspace_id, id, owner_id, channel, lane, opened_at, expires_at, opened_position,
      bound_position
    ) VALUES (
      of_workspace, session, root, on_channel, coalesce(by_actor, 'UNBOUND'), at,
      at + interval '24 hours', place, CASE WHEN by_actor IS NULL THEN NULL ELSE place END
    );
    UPDATE ledger_head SET sequence = sequence + 1,
      recorded_at = greatest(clock_timestamp(), recorded_at + interval '1 microsecond')
    WHERE workspace_id = of_workspace
    RETURNING sequence, recorded_at, closed_until INTO ledger;
    INSERT INTO ledger_entry (
      workspace_id, sequence, id, kind, amount, effective_at, recorded_at, counts_at, reason,
      session_id, cause_id
    ) VALUES (
      of_workspace, ledger.sequence, 'debit' || substr(new_id, 4), 'DEBIT', 1, at,
      ledger.recorded_at,
      CASE WHEN at < ledger.closed_until THEN ledger.recorded_at ELSE at END, 'OPENED',
      session, new_id
    );
  END IF;
  RETURN json_build_object(
    '__typename', 'RecordInteractionPayload', 'replayed', false,
    'interaction', json_build_object('id', new_id, 'verdict', json_build_object(
      'outcome', verdict, 'ruleCode', rule)));
END
$$
"""
