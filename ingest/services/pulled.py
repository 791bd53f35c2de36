"""What becomes of what a pull brought, told to the part of the pull that brought it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from ingest.models import Pull, PullPart, SourceFile

_MOST: int = PullPart._meta.get_field("said").max_length or 0


def brought_by(source_file: SourceFile) -> Pull | None:
    """The pull that brought a file; None for one that a person uploaded."""
    part = PullPart.objects.filter(source_file=source_file).select_related("pull__by").order_by("-pk").first()
    return part.pull if part else None


@transaction.atomic
def settle(source_file: SourceFile, said: str = "") -> None:
    """What has to be made of a file was made, or cannot be: ``said`` is why, or what is worth knowing of it. Once is enough."""
    for part in PullPart.objects.select_for_update().filter(source_file=source_file):
        if said and said not in part.said:
            part.said = f"{part.said} {said}".strip()[:_MOST]
        part.settled_at = timezone.now()
        part.save(update_fields=["said", "settled_at"])
