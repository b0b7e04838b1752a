"""The questions, as Trenza and PostGraphile are asked them."""

TICKETS = "first: 10, open: true"
PAGE = 50

CONTACT_360 = f"""
query Contact360($id: ID!) {{
  contact(id: $id) {{
    id displayName company city country stage createdAt
    identities {{ channel address }}
    interactions(first: 10) {{
      nodes {{ id kind channel actor occurredAt text verdict {{ outcome ruleCode }} }}
    }}
    tickets({TICKETS}) {{ nodes {{ id number subject status openedAt }} }}
    sessions(first: 10) {{ nodes {{ id lane channel openedAt expiresAt }} }}
    campaignTouches(first: 10) {{ nodes {{ touchedAt channel campaign {{ id name }} }} }}
    journeyEnrollments(first: 10) {{ nodes {{ enrolledAt journey {{ id name }} }} }}
  }}
}}
"""

CONTACTS = f"""
query Contacts($after: String) {{
  contacts(first: {PAGE}, after: $after) {{
    nodes {{
      id displayName company createdAt
      identities {{ channel address }}
      interactions(first: 3) {{
        nodes {{ id kind channel occurredAt verdict {{ outcome ruleCode }} }}
      }}
      tickets({TICKETS}) {{ nodes {{ id number subject status }} }}
    }}
  }}
}}
"""

CURSORS = """
query Cursors($after: String) {
  contacts(first: 50, after: $after) { edges { cursor node { id createdAt } } }
}
"""

BALANCE = """
query Balance($knownAt: DateTime) {
  workspace {
    balance(knownAt: $knownAt) { granted consumed remaining overage }
    seats { included used over signedIn }
  }
}
"""

_RESULT = """{
    __typename
    ... on RecordInteractionPayload { replayed interaction { id verdict { outcome ruleCode } } }
    ... on UserError { code message }
  }"""
RECORD = f"""
mutation Record($input: RecordInteractionInput!) {{
  recordInteraction(input: $input) {_RESULT}
}}
"""
RECORD_BATCH = f"""
mutation RecordBatch($inputs: [RecordInteractionInput!]!) {{
  recordInteractions(inputs: $inputs) {_RESULT}
}}
"""

POSTGRAPHILE_CONTACT_360 = """
query Contact360($workspaceId: String!, $id: String!) {
  contact: contactByWorkspaceIdAndRowId(workspaceId: $workspaceId, rowId: $id) {
    id: rowId displayName company city country stage createdAt
    identities: contactIdentitiesByWorkspaceIdAndOwnerId(orderBy: [CHANNEL_ASC, ADDRESS_ASC]) {
      nodes { channel address }
    }
    interactions: interactionsByWorkspaceIdAndOwnerId(first: 10, orderBy: [POSITION_DESC]) {
      nodes { id: rowId kind channel actor occurredAt text outcome ruleCode }
    }
    tickets: openTickets(first: 10) { nodes { id: rowId number subject status openedAt } }
    sessions: interactionzSessionsByWorkspaceIdAndOwnerId(
      first: 10, orderBy: [OPENED_POSITION_DESC], condition: { supersededAt: null }
    ) { nodes { id: rowId lane channel openedAt expiresAt } }
    campaignTouches: campaignTouchesByWorkspaceIdAndOwnerId(
      first: 10, orderBy: [TOUCHED_AT_DESC, ROW_ID_DESC]
    ) {
      nodes { touchedAt channel campaign: campaignByWorkspaceIdAndCampaignId { id: rowId name } }
    }
    journeyEnrollments: journeyEnrollmentsByWorkspaceIdAndOwnerId(
      first: 10, orderBy: [ENROLLED_AT_DESC, ROW_ID_DESC]
    ) {
      nodes { enrolledAt journey: journeyByWorkspaceIdAndJourneyId { id: rowId name } }
    }
  }
}
"""

_POSTGRAPHILE_PAGE = """contacts: allContacts(
    first: 50, after: $after, orderBy: [CREATED_AT_DESC, ROW_ID_DESC],
    condition: { workspaceId: $workspaceId, mergedIntoId: null }
  )"""
POSTGRAPHILE_CONTACTS = f"""
query Contacts($workspaceId: String!, $after: Cursor) {{
  {_POSTGRAPHILE_PAGE} {{
    nodes {{
      id: rowId displayName company createdAt
      identities: contactIdentitiesByWorkspaceIdAndOwnerId(orderBy: [CHANNEL_ASC, ADDRESS_ASC]) {{
        nodes {{ channel address }}
      }}
      interactions: interactionsByWorkspaceIdAndOwnerId(first: 3, orderBy: [POSITION_DESC]) {{
        nodes {{ id: rowId kind channel occurredAt outcome ruleCode }}
      }}
      tickets: openTickets(first: 10) {{ nodes {{ id: rowId number subject status }} }}
    }}
  }}
}}
"""
POSTGRAPHILE_CURSORS = f"""
query Cursors($workspaceId: String!, $after: Cursor) {{
  {_POSTGRAPHILE_PAGE} {{ edges {{ cursor node {{ id: rowId createdAt }} }} }}
}}
"""
