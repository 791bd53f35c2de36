"""Records as Graph describes them, with fields that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recon.demo.microsoft.skus import OF_COMPANY, SKUS

Made = dict[str, Any]


@dataclass(frozen=True)
class Held:
    """A licence in somebody's hands: directly, or through a group; ``state`` Error is one that Microsoft could not assign."""

    sku: str
    group: str = ""
    state: str = "Active"
    since: str = "2025-02-03T09:00:00Z"


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def user(identity: str, upn: str, name: str, held: Iterable[Held], **fields: Any) -> Made:
    held = list(held)
    real = dict.fromkeys(one.sku for one in held if one.state != "Error")
    return {
        "id": identity,
        "displayName": name,
        "userPrincipalName": upn,
        "mail": upn,
        "accountEnabled": True,
        "userType": "Member",
        "createdDateTime": "2024-03-01T18:54:02Z",
        "onPremisesSyncEnabled": None,
        "assignedLicenses": [{"disabledPlans": [], "skuId": sku} for sku in real],
        "licenseAssignmentStates": [
            {
                "skuId": one.sku,
                "assignedByGroup": one.group or None,
                "disabledPlans": [],
                "state": one.state,
                "error": "None" if one.state == "Active" else "CountViolation",
                "lastUpdatedDateTime": one.since,
            }
            for one in held
        ],
        "businessPhones": [],
        "jobTitle": None,
    } | fields


def sku(part: str, consumed: int, *, guid: str = "", bought: int | None = None) -> Made:
    company = part.strip().upper() in OF_COMPANY
    enabled = max(consumed, 1) if bought is None else bought
    return {
        "accountName": "tenant",
        "appliesTo": "Company" if company else "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": consumed,
        "id": f"tenant_{guid or SKUS[part]}",
        "skuId": guid or SKUS[part],
        "skuPartNumber": part,
        "prepaidUnits": {"enabled": enabled, "lockedOut": 0, "suspended": 0, "warning": 0},
        "servicePlans": [],
    }


def subscription(number: int, part: str, units: int, *, is_trial: bool, ends: str | None = None) -> Made:
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "commerceSubscriptionId": f"00000000-0000-4000-8001-{number:012}",
        "skuId": SKUS[part],
        "skuPartNumber": part,
        "isTrial": is_trial,
        "status": "Enabled",
        "totalLicenses": units,
        "createdDateTime": "2025-02-03T09:00:00Z",
        "nextLifecycleDateTime": ends,
        "serviceStatus": [],
    }


def deleted(identity: str, upn: str, name: str, at: datetime) -> Made:
    """As the bin has it: the address behind the id without its dashes."""
    return {
        "id": identity,
        "displayName": name,
        "userPrincipalName": f"{identity.replace('-', '')}{upn}",
        "mail": upn,
        "userType": "Member",
        "createdDateTime": "2024-03-01T18:54:02Z",
        "deletedDateTime": stamp(at),
    }


def organization(identity: str, name: str, domains: tuple[str, ...], country: str) -> Made:
    verified = [
        {"capabilities": "Email", "isDefault": not place, "isInitial": False, "name": domain, "type": "Managed"}
        for place, domain in enumerate(domains)
    ]
    return {
        "id": identity,
        "displayName": name,
        "verifiedDomains": verified,
        "countryLetterCode": country,
        "createdDateTime": "2021-05-11T08:00:00Z",
        "technicalNotificationMails": [],
    }
