"""Damages to the books of the story, by SQL, and where `verify_ledger` has to find each of them.

In the SQL and in what is found, interactions go by their external ids, sessions by the external id
of what opened them, and people by their names.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Damage:
    """Statements, separated by semicolons, and every difference that they make: subject: what."""

    sql: str
    finds: tuple[str, ...]


DAMAGES = {
    "an outcome": Damage(
        "UPDATE interaction SET outcome = 'COVERED' WHERE id = '{a0}'",
        ("a0: outcome",),
    ),
    "a rule code": Damage(
        "UPDATE interaction SET rule_code = 'OPENED_BY_COMPANY' WHERE id = '{a2}'",
        ("a2: rule_code",),
    ),
    "the session of a verdict": Damage(
        "UPDATE interaction SET session_id = '{session_a4}' WHERE id = '{a3}'",
        ("a3: session_id",),
    ),
    "the instant of a verdict": Damage(
        "UPDATE interaction SET session_opened_at = recorded_at WHERE id = '{a0}'",
        ("a0: session_opened_at",),
    ),
    "a report that stands twice": Damage(
        "INSERT INTO quarantined_interaction (workspace_id, id, source, external_id, "
        "content_hash, occurred_at, arrived_at, request) SELECT workspace_id, 'x', source, "
        "external_id, content_hash, occurred_at, recorded_at, 'null' "
        "FROM interaction WHERE id = '{a0}'",
        ("a0: quarantine",),
    ),
    "what was said": Damage(
        "UPDATE interaction SET text = 'forged' WHERE id = '{a1}'",
        ("a1: content_hash",),
    ),
    "a position": Damage(
        "UPDATE interaction SET position = position || 'x' WHERE id = '{a4}'",
        ("a4: position",),
    ),
    "when it occurred": Damage(
        "UPDATE interaction SET occurred_at = recorded_at WHERE id = '{b3}'",
        (
            "b3: content_hash",
            "b3: position",
            "b3: session_opened_at",
            "session b3: expires_at",
            "session b3: opened_at",
            "session b3: opened_position",
        ),
    ),
    "an unknown kind": Damage(
        "UPDATE interaction SET kind = 'SHOUT' WHERE id = '{a4}'",
        (
            "a4: interaction",
            "session a4: credits",
            "session a4: session",
            "the interaction that opened session a4: contact",
        ),
    ),
    "an unknown actor": Damage(
        "UPDATE interaction SET actor = 'CAT' WHERE id = '{a2}'",
        (
            "a2: interaction",
            "a3: outcome",
            "a3: rule_code",
            "a3: session_id",
            "a3: session_opened_at",
            "session a0: bound_position",
            "session a0: lane",
            "session a3: credits",
            "session a3: session",
        ),
    ),
    "an interaction's owner": Damage(
        "UPDATE interaction SET owner_id = '{Pia}' WHERE id = '{a4}'",
        ("a4: owner_id",),
    ),
    "a lost interaction": Damage(
        "DELETE FROM interaction WHERE id = '{a4}'",
        (
            "session a4: credits",
            "session a4: session",
            "the interaction that opened session a4: contact",
        ),
    ),
    "a retraction undone": Damage(
        "UPDATE interaction SET retracted_at = NULL WHERE id = '{c1}'",
        (
            "c1: outcome",
            "c1: rule_code",
            "c1: session_id",
            "c1: session_opened_at",
            "session c1: credits",
            "session c1: session",
        ),
    ),
    "a lane": Damage(
        "UPDATE interactionz_session SET lane = 'HUMAN' WHERE id = '{session_a0}'",
        (
            "session a0: lane",
            "statement: byLane.BOT",
            "statement: byLane.HUMAN",
            "statement: byLane.UNBOUND",
        ),
    ),
    "a binding": Damage(
        "UPDATE interactionz_session SET bound_position = NULL WHERE id = '{session_a0}'",
        ("session a0: bound_position",),
    ),
    "an opening": Damage(
        "UPDATE interactionz_session SET opened_at = expires_at WHERE id = '{session_a4}'",
        (
            "ledger row 11: session_opened_at",
            "session a4: opened_at",
        ),
    ),
    "a window": Damage(
        "UPDATE interactionz_session SET expires_at = opened_at WHERE id = '{session_a4}'",
        ("session a4: expires_at",),
    ),
    "a session's channel": Damage(
        "UPDATE interactionz_session SET channel = 'RCS' WHERE id = '{session_a4}'",
        (
            "session a4: channel",
            "statement: byChannel.RCS",
            "statement: byChannel.WHATSAPP",
        ),
    ),
    "a superseded session's opening": Damage(
        "UPDATE interactionz_session SET opened_at = expires_at WHERE id = '{session_a1}'",
        (
            "ledger row 1: session_opened_at",
            "session a1: opened_at",
        ),
    ),
    "a session superseded": Damage(
        "UPDATE interactionz_session SET superseded_at = opened_at WHERE id = '{session_a4}'",
        ("session a4: session",),
    ),
    "a session revived": Damage(
        "UPDATE interactionz_session SET superseded_at = NULL WHERE id = '{session_a1}'",
        ("session a1: session",),
    ),
    "a session's owner": Damage(
        "UPDATE interactionz_session SET owner_id = '{Pia}' WHERE id = '{session_a4}'",
        (
            "session a4: credits",
            "session a4: session",
            "session a4: session",
            "the interaction that opened session a4: contact",
        ),
    ),
    "a lost session": Damage(
        "DELETE FROM interactionz_session WHERE id = '{session_a4}'",
        (
            "ledger row 11: session_opened_at",
            "session a4: session",
            "statement: byChannel.WHATSAPP",
            "statement: byDay.2026-09-19",
            "statement: byLane.HUMAN",
            "statement: byLane.UNBOUND",
        ),
    ),
    "an amount": Damage(
        "UPDATE ledger_entry SET amount = 2 WHERE sequence = 11",
        (
            "ledger row 11: amount",
            "session a4: credits",
        ),
    ),
    "a lost debit": Damage(
        "DELETE FROM ledger_entry WHERE sequence = 11",
        (
            "alert 100: alert",
            "ledger row 12: sequence",
            "session a4: credits",
            "statement: byChannel.WHATSAPP",
            "statement: byDay.2026-09-19",
            "statement: byLane.HUMAN",
            "statement: byLane.UNBOUND",
            "statement: consumed",
            "statement: grants",
            "statement: lapsing",
            "statement: remaining",
        ),
    ),
    "a lost last row": Damage(
        "DELETE FROM ledger_entry WHERE sequence = 15",
        (
            "session a5: credits",
            "the ledger's head: recorded_at",
            "the ledger's head: sequence",
        ),
    ),
    "a lost reversal": Damage(
        "DELETE FROM ledger_entry WHERE sequence = 9",
        (
            "alert 100: raised_at",
            "alert 100: sequence",
            "ledger row 10: sequence",
            "session c1: credits",
            "statement: byChannel.EMAIL",
            "statement: byDay.2026-09-16",
            "statement: byLane.HUMAN",
            "statement: consumed",
            "statement: grants",
            "statement: remaining",
        ),
    ),
    "an unknown kind of row": Damage(
        "UPDATE ledger_entry SET kind = 'GIFT' WHERE sequence = 15",
        ("ledger row 15: kind",),
    ),
    "the order of recording": Damage(
        "UPDATE ledger_entry SET recorded_at = (SELECT b.recorded_at FROM ledger_entry "
        "b WHERE b.sequence = 11) WHERE sequence = 4",
        ("ledger row 5: recorded_at",),
    ),
    "when a row counts": Damage(
        "UPDATE ledger_entry SET counts_at = effective_at WHERE sequence = 14",
        ("ledger row 14: counts_at",),
    ),
    "when a row took effect": Damage(
        "UPDATE ledger_entry SET effective_at = recorded_at WHERE sequence = 14",
        ("ledger row 14: session_opened_at",),
    ),
    "an unknown reason": Damage(
        "UPDATE ledger_entry SET reason = 'WHIM' WHERE sequence = 11",
        ("ledger row 11: reason",),
    ),
    "a reason that takes nothing back": Damage(
        "UPDATE ledger_entry SET reason = 'OPENED' WHERE sequence = 9",
        ("ledger row 9: reason",),
    ),
    "the cause of an opening": Damage(
        "UPDATE ledger_entry SET cause_id = NULL WHERE sequence = 11",
        ("ledger row 11: cause_id",),
    ),
    "the cause of a late debit": Damage(
        "UPDATE ledger_entry SET cause_id = NULL WHERE sequence = 4",
        ("ledger row 4: cause_id",),
    ),
    "a cause of a merge": Damage(
        "UPDATE ledger_entry SET cause_id = '{b2}' WHERE sequence = 7",
        ("ledger row 7: cause_id",),
    ),
    "a debit that takes back": Damage(
        "UPDATE ledger_entry SET supersedes = 2 WHERE sequence = 15",
        ("ledger row 15: supersedes",),
    ),
    "a reversal of a later debit": Damage(
        "UPDATE ledger_entry SET supersedes = 5 WHERE sequence = 3",
        ("ledger row 3: supersedes",),
    ),
    "a reversal of another debit": Damage(
        "UPDATE ledger_entry SET supersedes = 5 WHERE sequence = 9",
        (
            "ledger row 9: debit_counts_at",
            "ledger row 9: effective_at",
            "ledger row 9: session_id",
        ),
    ),
    "a reversal of nothing": Damage(
        "UPDATE ledger_entry SET supersedes = NULL WHERE sequence = 9",
        ("ledger row 9: supersedes",),
    ),
    "what a reversal repeats": Damage(
        "UPDATE ledger_entry SET debit_counts_at = recorded_at WHERE sequence = 7",
        ("ledger row 7: debit_counts_at",),
    ),
    "the head's sequence": Damage(
        "UPDATE ledger_head SET sequence = 99",
        ("the ledger's head: sequence",),
    ),
    "the head's instant": Damage(
        "UPDATE ledger_head SET recorded_at = closed_until",
        ("the ledger's head: recorded_at",),
    ),
    "the end of what is closed": Damage(
        "UPDATE ledger_head SET closed_until = NULL",
        ("the ledger's head: closed_until",),
    ),
    "a lost head": Damage(
        "DELETE FROM ledger_head",
        ("the ledger's head: row",),
    ),
    "a grant's amount": Damage(
        "UPDATE interactionz_grant SET amount = 11",
        (
            "ledger row 10: amount",
            "statement: granted",
            "statement: grants",
            "statement: remaining",
        ),
    ),
    "a grant for nothing": Damage(
        "UPDATE interactionz_grant SET amount = 0; UPDATE ledger_entry SET amount = 0 "
        "WHERE sequence = 10",
        (
            "grant: amount",
            "statement: granted",
            "statement: grants",
            "statement: remaining",
        ),
    ),
    "a grant's end": Damage(
        "UPDATE interactionz_grant SET expires_at = effective_at",
        (
            "grant: expires_at",
            "statement: granted",
            "statement: grants",
            "statement: remaining",
        ),
    ),
    "a grant's kind": Damage(
        "UPDATE interactionz_grant SET kind = 'PLAN'",
        (
            "grant: kind",
            "statement: grants",
        ),
    ),
    "a lost grant": Damage(
        "DELETE FROM interactionz_grant",
        (
            "ledger row 10: grant",
            "statement: granted",
            "statement: grants",
            "statement: remaining",
        ),
    ),
    "a grant outside the ledger": Damage(
        "UPDATE interactionz_grant SET sequence = 77",
        (
            "grant: row of the ledger",
            "ledger row 10: grant",
        ),
    ),
    "a grant's row with a session": Damage(
        "UPDATE ledger_entry SET session_id = '{session_a5}' WHERE sequence = 10",
        (
            "ledger row 10: session_id",
            "session a5: credits",
        ),
    ),
    "a lost closing": Damage(
        "DELETE FROM cycle_closing",
        ("ledger row 13: closing",),
    ),
    "a closing outside the ledger": Damage(
        "DELETE FROM ledger_entry WHERE sequence = 13",
        (
            "ledger row 14: counts_at",
            "ledger row 14: sequence",
            "statement: row of the ledger",
            "the ledger's head: closed_until",
        ),
    ),
    "a closing's end": Damage(
        "UPDATE cycle_closing SET ends_at = recorded_at",
        (
            "ledger row 13: effective_at",
            "statement: byDay.2026-10-01",
            "statement: byDay.2026-10-02",
            "statement: byDay.2026-10-03",
            "statement: byDay.2026-10-04",
            "statement: consumed",
            "statement: cycle",
            "statement: cycleEndsAt",
            "statement: grants",
            "statement: lapsing",
            "statement: remaining",
        ),
    ),
    "a figure of a statement": Damage(
        "UPDATE cycle_closing SET statement = replace(statement, '\"consumed\":5', "
        "'\"consumed\":4')",
        ("statement: consumed",),
    ),
    "the spaces of a statement": Damage(
        "UPDATE cycle_closing SET statement = replace(statement, ',', ', ')",
        ("statement: statement",),
    ),
    "a statement that is none": Damage(
        "UPDATE cycle_closing SET statement = 'lost'",
        ("statement: statement",),
    ),
    "lanes of a statement": Damage(
        "UPDATE cycle_closing SET statement = replace(replace(statement, '\"BOT\":1', "
        "'\"BOT\":0'), '\"HUMAN\":1', '\"HUMAN\":2')",
        (
            "statement: byLane.BOT",
            "statement: byLane.UNBOUND",
        ),
    ),
    "a lost cycle": Damage(
        "DELETE FROM billing_cycle WHERE starts_at > (SELECT min(starts_at) FROM billing_cycle)",
        (
            "ledger row 14: cycle of counts_at",
            "ledger row 15: cycle of counts_at",
        ),
    ),
    "a cycle's end": Damage(
        "UPDATE billing_cycle SET ends_at = (SELECT max(ends_at) FROM billing_cycle)",
        (
            "statement: cycle",
            "statement: grants",
            "the cycle: starts_at",
        ),
    ),
    "a lost alert": Damage(
        "DELETE FROM usage_alert WHERE threshold_percent = 80",
        ("alert 80: alert",),
    ),
    "another threshold": Damage(
        "UPDATE usage_alert SET threshold_percent = 50 WHERE threshold_percent = 80",
        (
            "alert 50: consumed",
            "alert 50: raised_at",
            "alert 50: sequence",
            "alert 80: alert",
        ),
    ),
    "an alert not reached": Damage(
        "UPDATE usage_alert SET threshold_percent = 150 WHERE threshold_percent = 100",
        (
            "alert 100: alert",
            "alert 150: alert",
        ),
    ),
    "what an alert says": Damage(
        "UPDATE usage_alert SET quota = 6, consumed = 3 WHERE threshold_percent = 80",
        (
            "alert 80: consumed",
            "alert 80: quota",
        ),
    ),
    "a root": Damage(
        "UPDATE contact SET root_id = id WHERE merged_into_id IS NOT NULL",
        (
            "Luisa: root_id",
            "campaign_touch touch: owner_id",
            "contact_identity +525550123457: owner_id",
            "journey_enrollment enrollment: owner_id",
            "ticket ticket: owner_id",
        ),
    ),
    "an unmerged contact's root": Damage(
        "UPDATE contact SET root_id = '{Pia}' WHERE id = '{Ana}'",
        (
            "Ana: root_id",
            "contact_identity +525550123456: owner_id",
        ),
    ),
    "a circle of merges": Damage(
        "UPDATE contact SET merged_into_id = '{Luisa}' WHERE id = '{Luis}'",
        (
            "Luis: merge",
            "Luis: merged_into_id",
            "Luisa: merged_into_id",
            "of contacts that are there: interactions",
            "of contacts that are there: sessions",
        ),
    ),
    "what a contact was merged into": Damage(
        "UPDATE contact_merge SET target_id = '{Pia}'",
        ("Luisa: merge",),
    ),
    "a merge that is said to be undone": Damage(
        "UPDATE contact_merge SET unmerged_at = merged_at",
        ("Luisa: merge",),
    ),
    "an identity's owner": Damage(
        "UPDATE contact_identity SET owner_id = contact_id WHERE channel = 'SMS'",
        ("contact_identity +525550123457: owner_id",),
    ),
    "a spelling": Damage(
        "UPDATE contact_identity SET address = '+52 1 55 5012 3457' WHERE channel = 'SMS'",
        (
            "Luisa: channel of +525550123457",
            "SMS +52 1 55 5012 3457: address",
            "SMS +52 1 55 5012 3457: holder_id",
        ),
    ),
    "an address's holder": Damage(
        "UPDATE contact_address SET contact_id = '{Pia}' WHERE space = 'WEBCHAT'",
        ("WEBCHAT luis-7: holder_id",),
    ),
    "a lost identity": Damage(
        "DELETE FROM contact_identity WHERE channel = 'SMS'",
        ("Luisa: channel of +525550123457",),
    ),
    "a ticket's owner": Damage(
        "UPDATE ticket SET owner_id = contact_id",
        ("ticket ticket: owner_id",),
    ),
    "a touch's owner": Damage(
        "UPDATE campaign_touch SET owner_id = contact_id",
        ("campaign_touch touch: owner_id",),
    ),
    "an enrolment's owner": Damage(
        "UPDATE journey_enrollment SET owner_id = contact_id",
        ("journey_enrollment enrollment: owner_id",),
    ),
}
