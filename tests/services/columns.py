"""Columns of text and JSON that tell nothing of a person who is kept as a contact.

Ids, words of a closed set, and what people of the company write of the company itself: names of
campaigns, definitions of segments, notes of grants, and what is known of its users.
"""

from collections.abc import Iterator

from sqlalchemy import JSON, String
from sqlmodel import AutoString, SQLModel

NOT_PERSONAL = {
    "activity": "workspace_id id verb subject_id key_id user_id",
    "agent_group": "workspace_id id name",
    "api_key": "workspace_id id name secret_hash scopes user_id former_secret_hash",
    "billing_cycle": "workspace_id",
    "blocked_address": "workspace_id space blocked_by_key_id blocked_by_user_id",
    "campaign": "workspace_id id name objective channel",
    "campaign_touch": "workspace_id id campaign_id contact_id owner_id channel",
    "consent_event": "workspace_id id contact_id owner_id channel purpose status source",
    "contact": "workspace_id id root_id merged_into_id",
    "contact_address": "workspace_id space contact_id",
    "contact_identity": "workspace_id channel space contact_id owner_id",
    "contact_list": "workspace_id id name",
    "contact_list_member": "workspace_id list_id contact_id owner_id key_id user_id",
    "contact_merge": (
        "workspace_id id source_id target_id reason merged_by_key_id merged_by_user_id "
        "unmerged_by_key_id unmerged_by_user_id"
    ),
    "contact_stage": "workspace_id id contact_id key_id user_id",
    "contact_version": "workspace_id contact_id",
    "contract": "workspace_id id plan_id status",
    "custom_field": "workspace_id id key name type privacy options",
    "cycle_closing": "workspace_id id statement",
    "do_not_contact": "workspace_id id contact_id owner_id channel",
    "erasure_certificate": "workspace_id id contact_id reason key_id user_id counts digest",
    "frequency_cap": "workspace_id id scope channel purpose",
    "group_member": "workspace_id group_id user_id",
    "interaction": (
        "workspace_id id contact_id owner_id identity_channel kind channel actor source "
        "campaign_id journey_id ticket_id agent_id outcome rule_code session_id"
    ),
    "interactionz_grant": "workspace_id id kind note",
    "interactionz_session": "workspace_id id owner_id channel lane",
    "journey": "workspace_id id name stage",
    "journey_enrollment": "workspace_id id journey_id contact_id owner_id",
    "ledger_checkpoint": "workspace_id period",
    "ledger_entry": "workspace_id id kind reason session_id cause_id",
    "ledger_head": "workspace_id",
    "plan": "workspace_id id code name",
    "quarantined_interaction": "workspace_id id source interaction_id",
    "seat_event": "workspace_id id user_id kind",
    "segment": "workspace_id id name definition",
    "sign_in": "workspace_id id user_id",
    "ticket": "workspace_id id contact_id owner_id visibility status channel",
    "usage_alert": "workspace_id id",
    "workspace": (
        "workspace_id name zone language policy alert_thresholds opt_out_words erasure_secret"
    ),
    "workspace_identity_policy": "workspace_id direction priority space_limits",
    "workspace_user": "workspace_id id name email role name_searchable standing",
}


def telling_columns() -> Iterator[tuple[str, str]]:
    """Table and name of every column that can hold any text."""
    for table in SQLModel.metadata.sorted_tables:
        for column in table.c:
            if isinstance(column.type, String | JSON | AutoString):
                yield table.name, column.name


def not_personal() -> set[tuple[str, str]]:
    """Table and name of each of `NOT_PERSONAL`."""
    return {(table, name) for table, names in NOT_PERSONAL.items() for name in names.split()}
