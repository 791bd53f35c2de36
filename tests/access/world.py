"""A small world, straight through the models: one account in the middle of its work, its people, and strangers next door."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from accounts import audit
from accounts.models import (
    Account,
    Alias,
    BillingCycle,
    ConsentLink,
    Contract,
    ContractStep,
    ContractVersion,
    CustomerShare,
    FormerName,
    Membership,
    Organization,
    ProductRule,
    Reseller,
    Role,
    Tenant,
    TenantCount,
    User,
)
from ingest import storage
from ingest.models import (
    Connection,
    ExcludedSku,
    Invoice,
    Job,
    Leg,
    LegInput,
    PriceLine,
    Pull,
    RejectedLine,
    ResellerAccount,
    ResellerDocument,
    ResellerInvoice,
    ResellerSubscription,
    ResellerUsage,
    RowIssue,
    SkuName,
    SkuSuggestion,
    SkuUpload,
    SourceFile,
    SourceRow,
    UsageLine,
)
from ingest.services.mappings import remember
from ingest.sources import Mapping
from recon.models import (
    Certification,
    Decision,
    Drift,
    Export,
    Note,
    Question,
    Reconciliation,
    ReconcilingItem,
    RowDecision,
    SettledRow,
    Severity,
    SignedInput,
    SignedTieOut,
    TieOutItem,
    TolerancePolicy,
    ToleranceRow,
    Variance,
)

#: Who knocks. The last of them has the role through the reseller alone.
PEOPLE = ("anonymous", "stranger", "viewer", "preparer", "reviewer", "admin", "reseller_admin")
PASSWORD = "four-brass-lanterns"
NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    account: Account
    elsewhere: Account
    people: dict[str, User]
    rows: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.rows[name]


def person(email: str, name: str = "") -> User:
    return User.objects.create_user(email, PASSWORD, name=name)


def build() -> World:
    reseller = Reseller.objects.create(name="Cobbleside Group")
    account = Account.objects.create(
        name="Quillmere IT", slug="quillmere-it", anniversary_day=14, time_zone="Europe/London", reseller=reseller
    )
    elsewhere = Account.objects.create(name="Brightfen Support", slug="brightfen")
    people = {role: person(f"{role}@quillmere.example") for role in Role.values}
    memberships = {role: Membership.objects.create(user=people[role], account=account, role=role) for role in Role.values}
    people["reseller_admin"] = person("ruth@cobbleside.example", "Ruth Ambler")
    through = Membership.objects.create(user=people["reseller_admin"], reseller=reseller, role=Role.ADMIN)
    people["stranger"] = person("owen@brightfen.example", "Owen Lark")
    Membership.objects.create(user=people["stranger"], account=elsewhere, role=Role.ADMIN)
    invited = User.objects.create_user("new@quillmere.example", None, name="Nell Barrow")
    rows: dict[str, Any] = {
        "membership": memberships[Role.VIEWER],
        "through": through,
        "invited": Membership.objects.create(user=invited, account=account, role=Role.VIEWER),
    }
    rows |= _agreed(account, people[Role.ADMIN])
    rows |= _connected(account, people[Role.ADMIN])
    rows |= _found(reseller, account)
    rows |= _month(account, people[Role.PREPARER])
    return World(account, elsewhere, people, rows | _tenants(account, rows["cycle"], rows["organization"], people[Role.ADMIN]))


def _tenants(account: Account, cycle: BillingCycle, organization: Organization, by: User) -> dict[str, Any]:
    """The app, a tenant that waits to be confirmed, a Google tenant with a count, and a link that is out."""
    app = Connection.objects.create(account=account, provider="microsoft", name="Microsoft", sealed="nonsense", added_by=by)
    tenant = Tenant.objects.create(account=account, guid="8a6c3f1e-0000-4000-8000-5d2b7c9e0f11", name="Garrowby Dental", added_by=by)
    google = Tenant.objects.create(account=account, kind="google", name="Dunfell at Google", how="list", added_by=by)
    links = {"account": account, "organization": organization, "app": "00000000-0000-4000-8000-0000000c0bb1", "made_by": by}
    return {
        "app": app,
        "tenant": tenant,
        "google": google,
        "tenant_count": TenantCount.objects.create(tenant=google, cycle=cycle, identities=7, by=by),
        "consent_link": ConsentLink.objects.create(nonce="n-1", expires_at=NOON, **links),
    }


def _connected(account: Account, by: User) -> dict[str, Any]:
    connection = Connection.objects.create(account=account, name="Huntress", sealed="nonsense", added_by=by)
    pull = Pull.objects.create(connection=connection, by=by)
    return {"connection": connection, "pull": pull}


def _agreed(account: Account, by: User) -> dict[str, Any]:
    """A contract for EDR, with a step in its schedule."""
    contract = Contract.objects.create(account=account, product="edr", external_id="sub-1")
    terms: dict[str, Any] = {"minimum": 10, "interval": "monthly", "start": date(2026, 6, 14), "renewal": date(2027, 6, 14)}
    version = ContractVersion.objects.create(contract=contract, number=1, unit_cost=2_900_000, by=by, **terms)
    step = ContractStep.objects.create(version=version, starts=date(2026, 12, 14), minimum=12)
    return {"contract": contract, "contract_version": version, "contract_step": step}


def _found(reseller: Reseller, account: Account) -> dict[str, Any]:
    """What the reseller's key shows of the account, and of another one that waits to be mapped."""
    found = ResellerAccount.objects.create(
        reseller=reseller, external_id="7001", name="Quillmere IT", status="enabled", account=account, first_seen_at=NOON, seen_at=NOON
    )
    waits = ResellerAccount.objects.create(
        reseller=reseller, external_id="7002", name="Tarnbeck Systems", status="enabled", first_seen_at=NOON, seen_at=NOON
    )
    bill = ResellerInvoice.objects.create(reseller=reseller, external_id="70000", issued_at=NOON, seen_at=NOON)
    period = {"period_start": datetime(2026, 10, 14, 12, tzinfo=UTC), "period_end": NOON}
    units = {"minimum": 10, "billable": 12, "non_billable": 0, "actual": 12}
    return {
        "found": found,
        "unmapped": waits,
        "subscription": ResellerSubscription.objects.create(owner=found, external_id="6001", product="edr", status="active", seen_at=NOON),
        "found_invoice": bill,
        "usage": ResellerUsage.objects.create(invoice=bill, owner=found, external_id="1", product="edr", **period, **units),
        "document": ResellerDocument.objects.create(
            owner=found, start=date(2026, 10, 14), end=date(2026, 11, 14), digest="ab" * 32, invoice=bill, at=NOON
        ),
    }


def _month(account: Account, by: User) -> dict[str, Any]:
    cycle = BillingCycle.objects.create(account=account, start=date(2026, 10, 14), end=date(2026, 11, 14))
    garrowby = Organization.objects.create(account=account, name="Garrowby Dental", huntress_id="101", key="garrowby")
    dunfell = Organization.objects.create(account=account, name="Dunfell Farms")
    billed = _file(
        account, by, name="billed.csv", kind=Leg.BILLED, state="imported", cycle=cycle, loaded=1, imported_by=by, imported_at=NOON
    )
    leg_input = LegInput.objects.create(cycle=cycle, leg=Leg.BILLED, source_file=billed, by=by)
    line = UsageLine.objects.create(source_file=billed, line=2, product="edr", organization=garrowby, name="Garrowby Dental", quantity=12)
    reconciliation = Reconciliation.objects.create(cycle=cycle, run=1, last_run=1, stale=False, counted_at=NOON)
    job = Job.objects.create(kind="read", subject=billed.pk, label="Reading billed.csv", account=account, source_file=billed, by=by)
    return {
        "cycle": cycle,
        "organization": garrowby,
        "imported": billed,
        "ready": _file(account, by, name="rebilled.csv", kind=Leg.REBILLED, state="ready", loaded=1),
        "profile": remember(account, "billed", ["Client", "Agents"], Mapping({0: "organization", 1: "quantity:edr"}), by=by),
        "leg_input": leg_input,
        "line": line,
        "waiting": UsageLine.objects.create(source_file=billed, line=3, product="edr", name="Dunfell Farms", quantity=4),
        "rejected": RejectedLine.objects.create(source_file=billed, line=4, product="edr", name="Dunfell Farms"),
        "row": SourceRow.objects.create(
            source_file=billed, line=4, bucket="rejected", reason="12.5 is not whole", cells=["Dunfell Farms", "12.5"]
        ),
        "issue": RowIssue.objects.create(
            source_file=billed, line=4, level="error", code="unreadable_quantity", message="12.5 is not whole"
        ),
        "reconciliation": reconciliation,
        "variance": _variance(reconciliation, garrowby),
        "export": _export(reconciliation, by),
        "job": job,
        "note": Note.objects.create(cycle=cycle, organization=garrowby, product="edr", author=by, text="Two laptops came in."),
        "former_name": FormerName.objects.create(organization=garrowby, name="Garrowby Dental Care", until=date(2026, 9, 14)),
        "alias": Alias.objects.create(account=account, organization=dunfell, name="Dunfell", confirmed_by=by),
        "product_rule": ProductRule.objects.create(account=account, name="Security Bundle", product="edr", by=by),
        "share": CustomerShare.objects.create(organization=garrowby, customer="Garrowby North", parts=3, by=by),
        "price": PriceLine.objects.create(source_file=billed, line=7, side="cost", product="edr", unit_price=2_900_000),
        "invoice": Invoice.objects.create(account=account, cycle=cycle, number="Q-1", amount=34_800_000, currency="USD", by=by),
        **_decided(account, reconciliation, garrowby, billed, by),
        **_excluded(account, cycle, by),
    }


def _excluded(account: Account, cycle: BillingCycle, by: User) -> dict[str, Any]:
    """An exclusion list of one SKU, in force, with a name and a suggestion beside it."""
    listed = _file(
        account, by, name="sku.csv", kind="exclusions", state="imported", cycle=cycle, loaded=1, imported_by=by, imported_at=NOON
    )
    names = SkuUpload.objects.create(account=account, what="names", name="names.csv", sha256=listed.sha256, by=by, rows=1)
    suggestions = SkuUpload.objects.create(account=account, what="suggestions", name="maybe.csv", sha256=listed.sha256, by=by, rows=1)
    return {
        "exclusions": listed,
        "version": LegInput.objects.create(cycle=cycle, leg="exclusions", source_file=listed, by=by),
        "excluded": ExcludedSku.objects.create(source_file=listed, line=2, sku="INVENTED_A", sku_key="invented_a"),
        "sku_upload": names,
        "sku_name": SkuName.objects.create(
            upload=names, line=2, sku_id="5c000001-2222-4000-8000-000000000000", sku="INVENTED_A", sku_key="invented_a", name="Invented"
        ),
        "sku_suggestion": SkuSuggestion.objects.create(
            upload=suggestions, line=2, sku="INVENTED_B", sku_key="invented_b", evidence="Seen in an article."
        ),
    }


def _decided(account: Account, reconciliation: Reconciliation, organization: Organization, file: SourceFile, by: User) -> dict[str, Any]:
    """What people decided of the row of *Garrowby Dental*, and the tolerances they did it under."""
    policy = TolerancePolicy.objects.create(account=account, version=1, by=by)
    levels = {"investigate_percent": 5, "investigate_units": 0, "escalate_percent": 10, "escalate_units": 1}
    of_row: dict[str, Any] = {"reconciliation": reconciliation, "organization": organization, "product": "edr"}
    decision = Decision.objects.create(reconciliation=reconciliation, action="recon.note.added", rows=1, by=by)
    return {
        "policy": policy,
        "tolerance": ToleranceRow.objects.create(policy=policy, **levels),
        "decision": decision,
        "question": _question(account, reconciliation.cycle),
        "item": ReconcilingItem.objects.create(**of_row, check_name="expected", cause="new_agents", quantity=2, author=by),
        "row_decision": RowDecision.objects.create(**of_row),
        "settled": SettledRow.objects.create(reconciliation=reconciliation, source_file=file, line=4, note="Counted by hand.", by=by),
        "certification": Certification.objects.create(
            reconciliation=reconciliation, part="preparer", statements="I have compared the three lists.", by=by, at=NOON
        ),
        "tie_out_item": TieOutItem.objects.create(reconciliation=reconciliation, kind="tax", money=2_000_000, author=by),
        "drift": Drift.objects.create(reconciliation=reconciliation),
        "event": audit.record("recon.note.added", "Garrowby Dental, EDR", account=account, actor=by),
    }


def _question(account: Account, cycle: BillingCycle) -> Question:
    """Whose rows are those of Dunfell Farms, which wait?"""
    return Question.objects.create(
        account=account, cycle=cycle, kind="ambiguous", topic="name:dunfell farms", name="Dunfell Farms", name_key="dunfell farms"
    )


def seal(world: World) -> World:
    """The world with its month signed, straight through the models."""
    reconciliation: Reconciliation = world["reconciliation"]
    file: SourceFile = world["imported"]
    Note.objects.filter(pk=world["note"].pk).update(created_at=NOON)
    signed_input = SignedInput.objects.create(reconciliation=reconciliation, leg="billed", source_file=file, sha256=file.sha256)
    signed_tie_out = SignedTieOut.objects.create(reconciliation=reconciliation, currency="USD", report_units=12, invoice_units=12)
    Reconciliation.objects.filter(pk=reconciliation.pk).update(
        state="signed",
        preparer=world.people["preparer"],
        submitted_at=NOON,
        reviewer=world.people["reviewer"],
        signed_at=NOON,
        digest="ab" * 32,
    )
    return World(
        world.account, world.elsewhere, world.people, world.rows | {"signed_input": signed_input, "signed_tie_out": signed_tie_out}
    )


def _file(account: Account, by: User, *, name: str, **fields: Any) -> SourceFile:
    stored = storage.store(io.BytesIO(f"Organization,EDR\nGarrowby Dental,{len(name)}\n".encode()))
    preview = {"cycle": "2026-10-14:2026-11-14", "cycle_because": "stated by you"}
    return SourceFile.objects.create(
        account=account, name=name, sha256=stored.sha256, size=stored.size, received_by=by, preview=preview, **fields
    )


def _variance(reconciliation: Reconciliation, organization: Organization) -> Variance:
    return Variance.objects.create(
        reconciliation=reconciliation,
        run=1,
        organization=organization,
        product="edr",
        name=organization.name,
        billed=12,
        severity=Severity.UNCHECKED,
        expected_severity=Severity.UNCHECKED,
        rebilled_severity=Severity.UNCHECKED,
    )


def _export(reconciliation: Reconciliation, by: User) -> Export:
    stored = storage.store(io.BytesIO(b"Organization,Product\n"))
    return Export.objects.create(
        reconciliation=reconciliation, target="rebill-csv", by=by, run=1, name="sheet.csv", sha256=stored.sha256, size=stored.size
    )
