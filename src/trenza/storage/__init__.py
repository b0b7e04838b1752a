"""The only place with SQL of writes: tables and queries per noun, the engine, the migrations."""

from trenza.storage.access import ApiKey
from trenza.storage.activity import Activity
from trenza.storage.campaign import Campaign, CampaignTouch
from trenza.storage.consent import ConsentEvent, DoNotContact, FrequencyCap
from trenza.storage.contact import Contact, ContactAddress, ContactIdentity
from trenza.storage.contact_history import ContactStage, ContactVersion
from trenza.storage.contact_list import ContactList, ContactListMember
from trenza.storage.custom_field import CustomField
from trenza.storage.erasure import ErasureCertificate
from trenza.storage.group import AgentGroup, GroupMember
from trenza.storage.identity_policy import BlockedAddress, WorkspaceIdentityPolicy
from trenza.storage.interaction import Interaction, QuarantinedInteraction
from trenza.storage.interactionz import (
    BillingCycle,
    CycleClosing,
    InteractionzGrant,
    InteractionzSession,
    LedgerCheckpoint,
    LedgerEntry,
    LedgerHead,
    UsageAlert,
)
from trenza.storage.journey import Journey, JourneyEnrollment
from trenza.storage.merge import ContactMerge
from trenza.storage.seat import SeatEvent, SignIn, WorkspaceUser
from trenza.storage.segment import Segment
from trenza.storage.ticket import Ticket
from trenza.storage.workspace import Contract, Plan, Workspace

__all__ = [
    "Activity",
    "AgentGroup",
    "ApiKey",
    "BillingCycle",
    "BlockedAddress",
    "Campaign",
    "CampaignTouch",
    "ConsentEvent",
    "Contact",
    "ContactAddress",
    "ContactIdentity",
    "ContactList",
    "ContactListMember",
    "ContactMerge",
    "ContactStage",
    "ContactVersion",
    "Contract",
    "CustomField",
    "CycleClosing",
    "DoNotContact",
    "ErasureCertificate",
    "FrequencyCap",
    "GroupMember",
    "Interaction",
    "InteractionzGrant",
    "InteractionzSession",
    "Journey",
    "JourneyEnrollment",
    "LedgerCheckpoint",
    "LedgerEntry",
    "LedgerHead",
    "Plan",
    "QuarantinedInteraction",
    "SeatEvent",
    "Segment",
    "SignIn",
    "Ticket",
    "UsageAlert",
    "Workspace",
    "WorkspaceIdentityPolicy",
    "WorkspaceUser",
]
