"""To which campaign, journey and agent the credit of a session is attributed.

A credit is caused by a session, and a session is opened by one interaction. What has no campaign,
journey or agent is attributed to none, so that every grouping sums to the same total. A reversal
goes where its debit went: both are of one session.

What is attributed follows what is known: a send that is learned late can turn out to be what was
answered, and a retracted one no longer is.
"""

from trenza.domain.interaction import InteractionKind

ANSWERED_WITHIN_DAYS = 3
"""So many times 24 hours after a mass send a customer's message still answers it."""

CAMPAIGN_SENDS = InteractionKind.CAMPAIGN_SEND
JOURNEY_SENDS = InteractionKind.JOURNEY_SEND


def cause_of(opened_by: InteractionKind | None, own: str | None, sent: str | None) -> str | None:
    """The campaign of a session, or its journey; both follow the same rule.

    The one that the interaction which opened it names, `own`. Otherwise, if that is a customer's
    message, the one of `sent`, the mass send that it answers: the person's newest one that names a
    campaign (or journey), comes before the message in the fold order and at most 72 hours before
    it, and was not retracted. Otherwise none: a company that writes by itself answers nothing.

    >>> cause_of(InteractionKind.CUSTOMER_MESSAGE, None, "camp_1")
    'camp_1'
    >>> cause_of(InteractionKind.COMPANY_MESSAGE, None, "camp_1")
    >>> cause_of(InteractionKind.COMPANY_MESSAGE, "camp_2", "camp_1")
    'camp_2'
    """
    if own is not None:
        return own
    return sent if opened_by is InteractionKind.CUSTOMER_MESSAGE else None


def agent_of(opened_by: str | None, acted_first: str | None) -> str | None:
    """The agent of a session: who opened it, or else who attended first in it.

    `opened_by` is the agent of the interaction that opened it, `acted_first` the one of the first,
    in the fold order, of the interactions that it covers which name one. Only people's do.

    >>> agent_of(None, "user_1")
    'user_1'
    """
    return acted_first if opened_by is None else opened_by
