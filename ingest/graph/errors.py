"""What can go wrong between us and Microsoft, as sentences that say what to do. None holds a secret, a key or a token.

Microsoft's sign-in names its errors by number (AADSTS…), and Graph by a code; what is done hangs on these and on the status, never on the
message, which changes with the language and the day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ingest.http.errors import (
    BadAddress,
    BadRequest,
    CallError,
    CannotReach,
    CutOff,
    NotJson,
    NotThere,
    NotTrusted,
    RedirectRefused,
    Refused,
    TooBig,
    TooMany,
    TooSlow,
    Transient,
    Unavailable,
    WrongShape,
)

__all__ = [
    "BadAddress", "BadCredential", "BadRequest", "BadTenant", "CannotReach", "CutOff", "ForeignLink", "GraphError", "LinkExpired", "Needs",
    "NotJson", "NotThere", "NotTrusted", "PremiumNeeded", "RedirectRefused", "Refused", "SignInRefused", "TooBig", "TooMany", "TooSlow",
    "Transient", "Trouble", "Unavailable", "WrongShape", "WrongTenant", "sign_in_refused",
]  # fmt: skip

GraphError = CallError


class Needs(StrEnum):
    """Who or what can put an end to a refused sign-in."""

    CONSENT = "consent"
    CREDENTIAL = "credential"
    TENANT = "tenant"
    CLOUD = "cloud"
    CUSTOMER = "customer"
    CLOCK = "clock"
    UNKNOWN = "unknown"


class BadCredential(CallError):
    """The secret or the certificate cannot be used as it was given; nothing was sent."""


class BadTenant(CallError):
    """Not the id of a tenant; nothing was sent."""


class SignInRefused(CallError):
    """Microsoft gives no token for this tenant. ``code`` is the AADSTS code, and ``needs`` what would help."""

    def __init__(self, message: str, *, code: str = "", needs: Needs = Needs.UNKNOWN) -> None:
        super().__init__(message, endpoint="sign_in", code=code)
        self.needs = needs


class WrongTenant(CallError):
    """The token is for another tenant than the one that was asked for."""


class ForeignLink(CallError):
    """The next page is said to be at another host, where the token does not belong: not followed."""


class LinkExpired(BadRequest):
    """The link to the next page is too old: the list has to be read from its beginning."""


class PremiumNeeded(Refused):
    """The tenant lacks the licence (Entra ID P1) for what was asked."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An AADSTS code in words."""

    needs: Needs
    sentence: str


#: Codes as Microsoft's reference of Entra authentication errors has them.
TROUBLES: Final[Mapping[int, Trouble]] = {
    65001: Trouble(
        Needs.CONSENT,
        "Nobody in this tenant has consented to the app, or the consent was taken back. Send the consent link to an administrator there.",
    ),
    65004: Trouble(Needs.CONSENT, "The consent was declined. Ask the customer's administrator why, and send the consent link again."),
    700016: Trouble(
        Needs.CONSENT,
        "The app is not in this tenant. Send the consent link to an administrator there. If every tenant says so, the client id is wrong.",
    ),
    7000229: Trouble(Needs.CONSENT, "The app was removed from this tenant. Send the consent link to an administrator there."),
    7000112: Trouble(
        Needs.CUSTOMER,
        "The app is disabled in this tenant. An administrator there can enable it under Enterprise applications, Properties.",
    ),
    7000215: Trouble(
        Needs.CREDENTIAL,
        "The app's secret is wrong. Copy the secret's Value, not its Secret ID, from the app registration, and enter it again.",
    ),
    7000222: Trouble(Needs.CREDENTIAL, "The app's secret has expired. Make a new one in the app registration, and enter it here."),
    700027: Trouble(
        Needs.CREDENTIAL,
        "The app's certificate has expired there, or the app registration does not have it. Upload the public certificate that belongs to "
        "this key.",
    ),
    700024: Trouble(
        Needs.CLOCK,
        "Microsoft takes the sign-in for too old or too early, so the clock of this machine is wrong. Set it, best from a time server.",
    ),
    7000218: Trouble(Needs.CREDENTIAL, "Microsoft misses a secret or a certificate. Enter one for the app."),
    700025: Trouble(
        Needs.CREDENTIAL, "The app is registered as a public client, which can have no secret. Register it as a confidential (web) client."
    ),
    90002: Trouble(
        Needs.TENANT,
        "Microsoft knows no such tenant in this cloud. Is the tenant id right, is the cloud, and is there a subscription still?",
    ),
    900023: Trouble(Needs.TENANT, "This is no id that a tenant can have. It should look like 8a6c3f1e-0000-4000-8000-5d2b7c9e0f11."),
    900021: Trouble(Needs.TENANT, "This is no id that a tenant can have. It should look like 8a6c3f1e-0000-4000-8000-5d2b7c9e0f11."),
    50194: Trouble(
        Needs.CONSENT, "The app is registered for one tenant only. Make it multi-tenant in the app registration, under Authentication."
    ),
    900382: Trouble(Needs.CLOUD, "The tenant is in another of Microsoft's clouds than the app. Choose the cloud that the tenant is in."),
    500011: Trouble(
        Needs.CLOUD, "The tenant does not know Microsoft Graph at this cloud's address. Choose the cloud that the tenant is in."
    ),
    53003: Trouble(
        Needs.CUSTOMER,
        "A Conditional Access policy of the customer keeps the app out. An administrator there can exclude it or allow this server.",
    ),
    530031: Trouble(Needs.CUSTOMER, "A policy of the customer keeps the app out. An administrator there can exclude it."),
}

_CODE: Final = re.compile(r"AADSTS(\d{4,8})")


def sign_in_refused(codes: Iterable[object], text: str = "", error: str = "") -> SignInRefused:
    """What a refused sign-in means: by the first code that is known, else by the first code of all. ``text`` is searched for codes only."""
    numbers = [int(one) for one in codes if isinstance(one, int)] + [int(one) for one in _CODE.findall(text)]
    for number in numbers:
        if number in TROUBLES:
            trouble = TROUBLES[number]
            return SignInRefused(f"{trouble.sentence} (AADSTS{number})", code=f"AADSTS{number}", needs=trouble.needs)
    code = f"AADSTS{numbers[0]}" if numbers else ""
    named = code or (error if re.fullmatch(r"[a-z_]{1,40}", error) else "no code")
    return SignInRefused(f"Microsoft refused to sign the app in to this tenant, and gives as the reason: {named}.", code=code)


def code_in(data: object) -> str:
    """The code of a Graph error; "" where there is none. Exchange and the directory write it in the same place.

    >>> code_in({"error": {"code": "Authorization_RequestDenied", "message": "…"}}), code_in([])
    ('Authorization_RequestDenied', '')
    """
    about: Any = data.get("error") if isinstance(data, Mapping) else None
    code = about.get("code") if isinstance(about, Mapping) else None
    return code[:80] if isinstance(code, str) else ""
