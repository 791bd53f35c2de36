"""The MSP's app registration: its client id, and the secret or the certificate that proves it. Neither is in any repr."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from ingest.graph.errors import BadCredential

_LEAST_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class Secret:
    """A client secret: its Value, which Microsoft shows once."""

    value: str = field(repr=False)

    def for_msal(self) -> Any:
        return self.value

    def check(self, now: datetime | None = None) -> None:
        """Raises BadCredential."""
        if not self.value.strip():
            raise BadCredential("The app has no secret yet. Enter one, or a certificate.")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A private key (PEM, RSA, without a pass phrase), with the public certificate (PEM), or else with the SHA-1 thumbprint alone."""

    private_key: str = field(repr=False)
    public: str = field(default="", repr=False)
    thumbprint: str = ""

    def for_msal(self) -> Any:
        """With the certificate at hand msal signs with SHA-256; a bare thumbprint is the older way."""
        named = {"public_certificate": self.public} if self.public.strip() else {"thumbprint": _hexadecimal(self.thumbprint)}
        return {"private_key": self.private_key, **named}

    @property
    def expires(self) -> datetime | None:
        """When the certificate ends; None where only the thumbprint is known. Raises BadCredential."""
        return self._public().not_valid_after_utc if self.public.strip() else None

    def check(self, now: datetime | None = None) -> None:
        """That key and certificate can be read, belong together and have not ended. Raises BadCredential."""
        key = self._key()
        if not self.public.strip():
            if len(_hexadecimal(self.thumbprint)) != 40:
                raise BadCredential("Give the public certificate, or its thumbprint of 40 hexadecimal digits, beside the private key.")
            return
        certificate = self._public()
        if _spki(certificate.public_key()) != _spki(key.public_key()):
            raise BadCredential("The certificate does not belong to this private key.")
        if certificate.not_valid_after_utc <= (now or datetime.now(UTC)):
            raise BadCredential(
                f"The certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}. Make a new one, and upload its public part to the "
                "app registration."
            )

    def _key(self) -> RSAPrivateKey:
        try:
            key = load_pem_private_key(self.private_key.strip().encode(), password=None)
        except TypeError:
            raise BadCredential("The private key is under a pass phrase. Give it without one; it is kept encrypted here.") from None
        except (ValueError, UnsupportedAlgorithm):
            raise BadCredential(
                "The private key cannot be read. It should be PEM text that begins with -----BEGIN PRIVATE KEY-----."
            ) from None
        if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
            raise BadCredential(f"Microsoft takes RSA keys of {_LEAST_BITS} bits or more, and this is another one.")
        return key

    def _public(self) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificate(self.public.strip().encode())
        except ValueError:
            raise BadCredential(
                "The certificate cannot be read. It should be PEM text that begins with -----BEGIN CERTIFICATE-----."
            ) from None


Credential = Secret | Certificate


@dataclass(frozen=True, slots=True)
class App:
    """One multi-tenant app registration."""

    client_id: str
    credential: Credential

    def check(self, now: datetime | None = None) -> None:
        """Raises BadCredential."""
        if not self.client_id.strip():
            raise BadCredential("The app has no client id yet. It stands in the app registration as Application (client) ID.")
        self.credential.check(now)


def _hexadecimal(thumbprint: str) -> str:
    """As portals and tools write it: with colons or spaces, in either case."""
    found = "".join(letter for letter in thumbprint if letter not in ": \t\u200e").upper()
    return found if all(letter in "0123456789ABCDEF" for letter in found) else ""


def _spki(key: Any) -> bytes:
    found: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found
