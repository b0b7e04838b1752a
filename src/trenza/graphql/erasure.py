"""Certificates of persons who were erased."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.readplan.fields import column, one
from trenza.readplan.schema import Record, record
from trenza.storage.erasure import ErasureCertificate as CertificateTable

if TYPE_CHECKING:
    from strawberry import ID
    from strawberry.scalars import JSON

    from trenza.graphql.contact import Contact
    from trenza.graphql.seat import User


@record(CertificateTable)
class ErasureCertificate(Record):
    """That a person was erased. It holds nothing of the person; never changed, never deleted."""

    id: ID = column("The id of the certificate.")
    contact: Contact = one("What is left: an empty contact with its sessions.", "contact_id")
    erased_at: datetime = column("When it was done.")
    reason: str = column("Why.")
    user: User | None = one("Who did it; null for a service's key.", "user_id")
    key_id: ID | None = column("The API key by which it was done; null for the command line.")
    counts: JSON = column("How many rows of what were held about the person.")
    digest: str = column("SHA-256 of id, contact, instant, reason and counts, in hexadecimal.")
    scrubbed_at: datetime | None = column(
        "When what was deleted was gone from the files of the database too; null until then."
    )
