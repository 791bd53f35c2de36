"""What people say of a row."""

from __future__ import annotations

from accounts.models import BillingCycle, Organization, User
from ingest.services.intake import Refused
from recon.models import Note


def add_note(cycle: BillingCycle, organization: Organization, product: str, *, text: str, by: User) -> Note:
    """Keep a note. Raises Refused for an empty one, or one longer than the field."""
    text = text.strip()
    if not text:
        raise Refused("A note needs words.")
    if len(text) > 4000:
        raise Refused(f"A note has at most 4,000 characters; this one has {len(text):,}.")
    return Note.objects.create(cycle=cycle, organization=organization, product=product, text=text, author=by)
