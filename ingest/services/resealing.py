"""Encrypting anew what is kept of other people's secrets, after RECON_SECRETS_KEY was changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from accounts.sealing import CannotUnseal, seal, unseal
from ingest.models import Connection


@dataclass
class Resealed:
    """``done`` were encrypted with the newest key; ``lost`` cannot be opened with any that is stated: each is named."""

    done: int = 0
    lost: list[str] = field(default_factory=list)


def reseal_all() -> Resealed:
    """Encrypt every secret with the newest key. Safe to run twice, and while people work: one that is replaced meanwhile stays replaced."""
    result = Resealed()
    rows = Connection.objects.exclude(sealed="").select_related("account").order_by("pk")
    for row in rows.iterator(chunk_size=500):
        try:
            anew = seal(unseal(row.sealed))
        except CannotUnseal:
            result.lost.append(f"{row.name} of {row.account} (connection {row.pk})")
            continue
        result.done += Connection.objects.filter(pk=row.pk, sealed=row.sealed).update(sealed=anew)
    return result
