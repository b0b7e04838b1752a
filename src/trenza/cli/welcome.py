"""What `trenza demo` says once it serves."""

from collections.abc import Mapping

QUERIES = (
    """{ workspace { name
    balance { cycleEndsAt granted consumed remaining overage }
    seats { included used over invited signedIn } } }""",
    """{ contactByIdentity(channel: WHATSAPP, address: "+56900007734") { displayName
    interactions(last: 5) { nodes { occurredAt kind verdict { outcome sentence(language: EN) } } }
    debits(first: 5) { nodes { sequence amount reason } } } }""",
    """{ workspace { statement { cycleStartsAt cycleEndsAt consumed overage adjustments } } }""",
)


def welcome(url: str, keys: Mapping[str, str]) -> str:
    """The addresses to open, with the admin's key in the fragment, the keys, and what to ask."""
    admin = keys["admin"]
    parts = [
        f"Trenza serves {url}",
        "",
        f"  GraphiQL      {url}/graphql#key={admin}",
        f"  Live balance  {url}/examples/live_balance/#key={admin}",
        "",
        *(f"  {role:8}  {key}" for role, key in keys.items()),
        "",
        "Three queries to try:",
        "",
        *(f"  {query}\n" for query in QUERIES),
    ]
    return "\n".join(parts)
