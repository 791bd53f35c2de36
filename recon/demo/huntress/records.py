"""Records as Huntress' API describes them, with the fields that nobody asked for and the old ones that may be null."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

Made = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    """How nearly all times are written."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def old_stamp(moment: datetime) -> str:
    """How the usage lines of an invoice write theirs."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def account(number: int, name: str, **fields: Any) -> Made:
    subdomain = "".join(letter for letter in name.lower() if letter.isalnum())
    return {
        "id": number,
        "name": name,
        "subdomain": subdomain,
        "status": "enabled",
        "support_type": "huntress_supported",
        "neighborhood_watch": {"edr": 10, "itdr": 10, "sat": 10},
        "billing_address": None,
    } | fields


def organization(number: int, account_id: int, name: str, key: str, counts: Mapping[str, int], at: datetime) -> Made:
    """As the list has it. ``agents_count`` counts all agents, whether they are billed or not."""
    return {
        "id": number,
        "account_id": account_id,
        "name": name,
        "key": key,
        "agents_count": counts.get("edr", 0),
        "billable_identity_count": counts.get("itdr", 0),
        "sat_learner_count": counts.get("sat", 0),
        "logs_sources_count": counts.get("siem", 0),
        "identity_provider_tenant_id": f"00000000-0000-4000-8000-{number:012}" if counts.get("itdr") else None,
        "incident_reports_count": 0,
        "microsoft_365_tenant_id": None,
        "microsoft_365_users_count": None,
        "report_recipients": [],
        "created_at": "2024-03-01T18:54:02Z",
        "updated_at": stamp(at),
    }


def usages(counts: Mapping[str, int], *, billable_agents: int, unresponsive: int, tenant: str | None) -> Made:
    """What only the detail of an Organization has. A product that is not active has no key."""
    found: Made = {}
    if "edr" in counts:
        found["edr"] = {"billable_agents_count": billable_agents, "unresponsive_agents_count": unresponsive, "outdated_agents_count": 0}
    for product in ("itdr", "ispm"):
        if product in counts:
            one = {"billable_identities_count": counts[product], "total_identities_count": counts[product] + 4}
            found[product] = [{"type": "microsoft", "identity_provider_tenant_id": tenant} | one]
    if "sat" in counts:
        found["sat"] = {"learners_count": counts["sat"]}
    if "siem" in counts:
        cycle = {"online_gb": 12.34, "service_period_start": "2026-10-14T00:00:00Z", "service_period_end": "2026-11-14T00:00:00Z"}
        found["siem"] = {"billable_log_sources_count": counts["siem"], "retention": "90/7", "current_billing_cycle": cycle}
    return found


def agent(number: int, organization_id: int, account_id: int, hostname: str, serial: str, created: str, callback: str | None) -> Made:
    return {
        "id": number,
        "account_id": account_id,
        "organization_id": organization_id,
        "hostname": hostname,
        "serial_number": serial,
        "platform": "windows" if number % 11 else "darwin",
        "os": "Windows 11 Pro" if number % 11 else "macOS 15",
        "tags": [],
        "domain_name": None,
        "version": "0.14.96",
        "created_at": created,
        "last_callback_at": callback,
        "last_survey_at": callback,
        "defender_status": "Protected",
        "ipv4_address": None,
    }


def identity(number: int, owner: Mapping[str, Any], username: str, **fields: Any) -> Made:
    return {
        "id": number,
        "organization": {"id": owner["id"], "name": owner["name"]},
        "tenant": {"id": owner["id"] * 10, "type": "microsoft_365"},
        "username": username,
        "email": username,
        "enabled": True,
        "billable": True,
        "external": False,
        "enabled_products": ["itdr"],
        "mfa_enabled": True,
        "created_at": "2025-02-03T09:00:00Z",
    } | fields


def invoice(number: int, at: datetime, quantity: int, amount: int, status: str = "paid", **fields: Any) -> Made:
    return {
        "id": number,
        "amount": amount,
        "quantity": quantity,
        "plan": "Huntress Partner 1500 Agents",
        "currency_type": "usd",
        "status": status,
        "has_usage": True,
        "receipt": f"https://pay.example/invoice/{number}",
        "created_at": stamp(at),
        "updated_at": stamp(at),
    } | fields


def account_usage(number: int, of: Mapping[str, Any], product: str, period: tuple[datetime, datetime], minimum: int, actual: int) -> Made:
    """The contract's minimum floors what is billed; the gap belongs to no customer."""
    start, end = period
    return {
        "id": number,
        "period_start": old_stamp(start),
        "period_end": old_stamp(end),
        "account": {name: of[name] for name in ("id", "name", "subdomain")},
        "product": product,
        "subscription": {"start_date": "2025-12-01", "end_date": "2026-12-01", "minimum": minimum},
        "usage": {"billable": max(minimum, actual), "non_billable": 0, "actual": actual},
    }


def organization_usage(number: int, of: Mapping[str, Any], owner: Mapping[str, Any], period: tuple[datetime, datetime]) -> Made:
    """Without the Organization's key, which this list does not have."""
    counts = {
        "edr": owner["agents_count"],
        "itdr": owner["billable_identity_count"],
        "sat": owner["sat_learner_count"],
        "siem": owner["logs_sources_count"],
    }
    start, end = period
    return {
        "id": number,
        "period_start": stamp(start),
        "period_end": stamp(end),
        "account": {name: of[name] for name in ("id", "name", "subdomain")},
        "organization": {"id": owner["id"], "name": owner["name"]},
        "actual_usage": {product: count for product, count in counts.items() if count},
    }


def subscription(number: int, of: Mapping[str, Any], product: str, minimum: int, **fields: Any) -> Made:
    return {
        "id": number,
        "account": {name: of[name] for name in ("id", "name", "subdomain")},
        "product": product,
        "status": "active",
        "minimum_usage": minimum,
        "terminal_minimum_usage": minimum,
        "billing_interval": "monthly",
        "effective_date": "2025-12-01",
        "renewal_date": "2026-12-01",
        "auto_renew": True,
        "schedules": [
            {
                "minimum": minimum,
                "maximum": None,
                "target_price": None,
                "months": 12,
                "promo_units": 0,
                "starts_at": "2025-12-01T00:00:00Z",
                "ends_at": "2026-12-01T00:00:00Z",
            }
        ],
    } | fields
