"""Secrets at rest: encrypted with the installation's key, which is in its environment and never in its database.

Several keys may be stated, the newest first: it encrypts, all decrypt, so that a key is changed without losing what the one before sealed.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class CannotUnseal(Exception):
    """What is sealed was sealed with a key that is no longer stated. The message is for people."""

    def __init__(self) -> None:
        super().__init__(
            "What is kept here was encrypted with another key than RECON_SECRETS_KEY. State that key again, or enter the secret anew."
        )


def seal(text: str) -> str:
    """The text, encrypted and authenticated."""
    return _box().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """Raises CannotUnseal."""
    try:
        return _box().decrypt(sealed.encode("ascii")).decode()
    except InvalidToken as error:
        raise CannotUnseal from error


def _box() -> MultiFernet:
    return MultiFernet([Fernet(urlsafe_b64encode(hashlib.sha256(str(key).encode()).digest())) for key in settings.RECON_SECRETS_KEYS])
