"""Promises that the database keeps: each is broken with raw SQL, and the database refuses by name.

A constraint that nobody tries to break is a failure, and so is an attempt at one that is gone. SQLite names a CHECK, but of a unique
constraint only the columns; PostgreSQL names both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from accounts.models import Account, Membership, Reseller, User
from ingest.models import (
    AgentLine,
    Connection,
    DirectoryFile,
    DirectoryLicence,
    DirectorySnapshot,
    DirectoryUser,
    ExcludedSku,
    FileOwner,
    IdentityLine,
    Invoice,
    InvoiceChange,
    LiveCount,
    PriceLine,
    Pull,
    PullPage,
    PullPart,
    Retention,
    Tombstone,
)  # fmt: skip
from recon.models import Question, SignedInput, SignedTieOut, Sweep, SweepFinding, SweepKeep, ToleranceRow
from tests.access.world import NOON, World, build

pytestmark = pytest.mark.django_db

APPS: Final = ("accounts", "ingest", "recon")
Find = Callable[[World], models.Model]


@dataclass(frozen=True)
class Changed:
    """A row that is there, with columns set to what may not be (or to what a function finds in the world)."""

    row: Find
    to: Mapping[str, Any]

    def run(self, world: World) -> None:
        row = self.row(world)
        columns = ", ".join(f'"{name}" = %s' for name in self.to)
        values = [value(world) if callable(value) else value for value in self.to.values()]
        _sql(f'UPDATE "{row._meta.db_table}" SET {columns} WHERE id = %s', [*values, row.pk])


@dataclass(frozen=True)
class Twice:
    """The same row once more, but for its id and for the columns that are named. A CHECK that speaks first is lifted for it."""

    row: Find
    but: Mapping[str, Any] = field(default_factory=dict)
    lifted: str = ""

    def run(self, world: World) -> None:
        row = self.row(world)
        with _lifted(row._meta.db_table, self.lifted):
            self._insert(row)

    def _insert(self, row: models.Model) -> None:
        columns = [str(one.column) for one in row._meta.concrete_fields if not one.primary_key and not one.generated]
        into = ", ".join(f'"{name}"' for name in columns)
        values = ", ".join("%s" if name in self.but else f'"{name}"' for name in columns)
        table = row._meta.db_table
        given = [self.but[name] for name in columns if name in self.but]
        _sql(f'INSERT INTO "{table}" ({into}) SELECT {values} FROM "{table}" WHERE id = %s', [*given, row.pk])


def _sql(statement: str, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@contextmanager
def _lifted(table: str, check: str) -> Iterator[None]:
    """Without one CHECK (on SQLite, without any), until the transaction is undone."""
    if check and connection.vendor == "sqlite":
        _sql("PRAGMA ignore_check_constraints = ON", [])
    elif check:
        _sql("SET CONSTRAINTS ALL IMMEDIATE", [])
        _sql(f'ALTER TABLE "{table}" DROP CONSTRAINT "{check}"', [])
    try:
        yield
    finally:
        if check and connection.vendor == "sqlite":
            _sql("PRAGMA ignore_check_constraints = OFF", [])


def the(name: str) -> Find:
    return lambda world: world[name]


def account(world: World) -> Account:
    return world.account


def who(role: str) -> Callable[[World], int]:
    return lambda world: world.people[role].pk


def signed_input(world: World) -> SignedInput:
    """On a file that no other attempt needs: its lines cannot change any more."""
    return SignedInput.objects.create(reconciliation=world["reconciliation"], leg="billed", source_file=world["ready"], sha256="0" * 64)


def tolerance_of_organization(world: World) -> ToleranceRow:
    row: ToleranceRow = world["tolerance"]
    row.pk, row.organization = None, world["organization"]
    row.save(force_insert=True)
    return row


def question(world: World) -> Question:
    cycle, subject = world["cycle"], world["organization"]
    return Question.objects.create(account=world.account, cycle=cycle, kind="new", topic="new:a-test:1", subject=subject, name=subject.name)


def file_owner(world: World) -> FileOwner:
    return FileOwner.objects.create(source_file=world["imported"], number=1, name="Garrowby Dental")


def agent(world: World) -> AgentLine:
    return AgentLine.objects.create(source_file=world["imported"], line=2, owner=0, hostname="tvd-1")


def live_count(world: World) -> LiveCount:
    return LiveCount.objects.create(source_file=world["imported"], line=2, owner=0)


def identity(world: World) -> IdentityLine:
    return IdentityLine.objects.create(source_file=world["imported"], line=2, owner=0, external_id="7")


def invoice(world: World) -> Invoice:
    of = {"account": world.account, "cycle": world["cycle"], "source_file": world["imported"], "by": world.people["preparer"]}
    return Invoice.objects.create(**of, line=2, amount=1, currency="USD")


def pulled_invoice(world: World) -> Invoice:
    row = invoice(world)
    Invoice.objects.filter(pk=row.pk).update(external_id="88000", amount=None)
    return row


def invoice_change(world: World) -> InvoiceChange:
    return InvoiceChange.objects.create(invoice=invoice(world), source_file=world["imported"], seen_at=NOON, status="paid")


def resellers_connection(world: World) -> Connection:
    row: Connection = world["connection"]
    Connection.objects.filter(pk=row.pk).update(reseller=world.account.reseller)
    return row


def ended_pull(world: World) -> Pull:
    row: Pull = world["pull"]
    Pull.objects.filter(pk=row.pk).update(planned_for=NOON, ended_at=NOON)
    return row


def pull_part(world: World) -> PullPart:
    return PullPart.objects.create(pull=world["pull"], number=1, subject="agents", account=world.account)


def pull_page(world: World) -> PullPage:
    of: dict[str, Any] = {"part": pull_part(world), "endpoint": "agents", "address": "/v1/agents", "status": 200, "asked_at": NOON}
    return PullPage.objects.create(**of, number=1, sha256="0" * 64, size=1, body=b"x")


def price(world: World) -> PriceLine:
    return PriceLine.objects.create(source_file=world["imported"], line=2, side="cost", product="edr", unit_price=1)


def sku(world: World) -> ExcludedSku:
    return ExcludedSku.objects.create(source_file=world["imported"], line=2, sku="INVENTED_A", sku_key="invented_a")


def directory_file(world: World) -> DirectoryFile:
    return DirectoryFile.objects.create(source_file=world["imported"], tenant=world["tenant"])


def snapshot(world: World) -> DirectorySnapshot:
    of = {"source_file": world["imported"], "tenant": world["tenant"], "cycle": world["cycle"]}
    return DirectorySnapshot.objects.create(**of, as_of=NOON, is_whole=True)


def replaced_snapshot(world: World) -> DirectorySnapshot:
    row = snapshot(world)
    DirectorySnapshot.objects.filter(pk=row.pk).update(superseded_at=NOON)
    return row


def directory_user(world: World) -> DirectoryUser:
    return DirectoryUser.objects.create(source_file=world["imported"], line=2, upn="ann@garrowby.example")


def licence(world: World) -> DirectoryLicence:
    return DirectoryLicence.objects.create(source_file=world["imported"], owner=2, sku="INVENTED_A", via="direct")


def retention(world: World) -> Retention:
    return Retention.objects.create(account=world.account, days=400, by=world.people["admin"])


def tombstone(world: World) -> Tombstone:
    return Tombstone.objects.create(source_file=world["imported"], at=NOON, days=400)


def signed_tie_out(world: World) -> SignedTieOut:
    return SignedTieOut.objects.create(reconciliation=world["reconciliation"], currency="USD")


def sweep(world: World) -> Sweep:
    return Sweep.objects.create(given=world["leg_input"], account=world.account, run=1, as_of=world["cycle"].start)


def keep(world: World) -> SweepKeep:
    whose = {"account": world.account, "organization": world["organization"], "by": world.people["preparer"]}
    return SweepKeep.objects.create(**whose, hostname="GD-1", host_key="gd-1", reason="On leave.", until=world["cycle"].end)


def finding(world: World) -> SweepFinding:
    return SweepFinding.objects.create(
        sweep=sweep(world), run=1, kind="stale", source_file=world["imported"], line=2, hostname="GD-1", host_key="gd-1"
    )


#: What a signed revision has, each of which can be missing.
SIGNED: Final[dict[str, Any]] = {
    "state": "signed", "preparer_id": who("preparer"), "reviewer_id": who("reviewer"),
    "submitted_at": "2026-11-16 12:00:00+00:00", "signed_at": "2026-11-16 12:00:00+00:00", "digest": "ab" * 32,
}  # fmt: skip


#: What an answered question has, each of which can be missing.
ANSWERED: Final[dict[str, Any]] = {
    "state": "answered", "answer": "same", "answered_by_id": who("preparer"), "answered_at": "2026-11-16 12:00:00+00:00",
}  # fmt: skip


ATTEMPTS: Final[dict[str, Changed | Twice]] = {
    "account_anniversary_day_is_of_a_month": Changed(account, {"anniversary_day": 32}),
    "account_currency_is_a_code": Changed(account, {"currency": "us$"}),
    "account_stale_days_are_offered": Changed(account, {"stale_days": 14}),
    "cycle_starts_once_an_account": Twice(the("cycle")),
    "cycle_ends_after_its_start": Changed(the("cycle"), {"end": "2026-10-14"}),
    "organization_id_once_an_account": Twice(the("organization")),
    "organization_id_is_null_or_something": Changed(the("organization"), {"huntress_id": ""}),
    "organization_key_is_null_or_something": Changed(the("organization"), {"key": ""}),
    "organization_has_a_name": Changed(the("organization"), {"name": ""}),
    "organization_is_not_its_own_member": Changed(the("organization"), {"merged_into_id": lambda world: world["organization"].pk}),
    "organization_standing_has_a_reason": Changed(the("organization"), {"standing": "internal"}),
    "organization_stale_days_are_offered": Changed(the("organization"), {"stale_days": 10}),
    "connection_one_an_account": Twice(the("connection")),
    "connection_one_a_reseller": Twice(resellers_connection),
    "connection_provider_is_known": Changed(the("connection"), {"provider": "acme"}),
    "connection_key_kind_is_known": Changed(the("connection"), {"key_kind": "skeleton"}),
    "connection_amount_unit_is_known": Changed(the("connection"), {"amount_unit": "mills"}),
    "connection_leaves_a_part_to_others": Changed(the("connection"), {"left_to_others": 91}),
    "connection_removed_keeps_no_secret": Changed(the("connection"), {"removed_at": "2026-11-16 12:00:00+00:00"}),
    "pull_reason_is_known": Changed(the("pull"), {"why": "whim"}),
    "pull_one_at_a_time": Twice(the("pull")),
    "pull_one_a_slot": Twice(ended_pull),
    "pull_part_once_a_pull": Twice(pull_part),
    "pull_part_state_is_known": Changed(pull_part, {"state": "lost", "ended_at": "2026-11-16 12:00:00+00:00"}),
    "pull_part_ended_has_a_time": Changed(pull_part, {"state": "whole"}),
    "pull_page_once_a_part": Twice(pull_page),
    "reseller_account_once_a_reseller": Twice(the("found"), {"account_id": None}),
    "reseller_account_is_one_of_ours": Twice(the("found"), {"external_id": "7003"}),
    "reseller_account_has_an_id": Changed(the("found"), {"external_id": ""}),
    "reseller_account_is_ours_or_not": Changed(the("found"), {"ignored_because": "Not ours."}),
    "reseller_account_day_is_of_a_month": Changed(the("found"), {"cycle_day": 32}),
    "reseller_subscription_once_an_account": Twice(the("subscription")),
    "reseller_subscription_has_an_id": Changed(the("subscription"), {"external_id": ""}),
    "reseller_invoice_once_a_reseller": Twice(the("found_invoice")),
    "reseller_invoice_has_an_id": Changed(the("found_invoice"), {"external_id": ""}),
    "reseller_usage_once_an_invoice": Twice(the("usage")),
    "reseller_usage_has_a_product": Changed(the("usage"), {"product": ""}),
    "reseller_usage_ends_after_its_start": Changed(the("usage"), {"period_end": "2026-10-13 12:00:00+00:00"}),
    "reseller_document_once_a_period": Twice(the("document")),
    "reseller_document_ends_after_its_start": Changed(the("document"), {"end": "2026-10-14"}),
    "contract_external_id_once_an_account": Twice(the("contract")),
    "contract_product_is_known": Changed(the("contract"), {"product": "backup"}),
    "contract_pulled_has_an_external_id": Changed(the("contract"), {"source": "pulled", "external_id": None}),
    "contract_external_id_is_null_or_something": Changed(the("contract"), {"external_id": ""}),
    "contract_ended_has_a_reason": Changed(the("contract"), {"ended_at": "2026-11-16 12:00:00+00:00"}),
    "contract_version_once_a_contract": Twice(the("contract_version"), {"ended_at": "2026-11-16 12:00:00+00:00"}),
    "contract_version_one_in_force": Twice(the("contract_version"), {"number": 2}),
    "contract_version_minimum_is_not_negative": Twice(the("contract_version"), {"number": 2, "minimum": -1}),
    "contract_version_support_is_known": Twice(the("contract_version"), {"number": 2, "support_type": "none"}),
    "contract_version_interval_is_known": Twice(the("contract_version"), {"number": 2, "interval": "weekly"}),
    "contract_version_renews_after_its_start": Twice(the("contract_version"), {"number": 2, "renewal": "2026-06-14"}),
    "contract_version_cost_is_not_negative": Twice(the("contract_version"), {"number": 2, "unit_cost": -1}),
    "contract_step_once_a_day": Twice(the("contract_step")),
    "contract_step_minimum_is_not_negative": Twice(the("contract_step"), {"starts": "2027-01-14", "minimum": -1}),
    "contract_step_cost_is_not_negative": Twice(the("contract_step"), {"starts": "2027-01-14", "unit_cost": -1}),
    "tenant_once_an_account": Twice(the("tenant")),
    "tenant_kind_is_named_its_way": Changed(the("tenant"), {"guid": "quillmere.example"}),
    "tenant_cloud_is_known": Changed(the("tenant"), {"cloud": "mars"}),
    "tenant_how_is_known": Changed(the("tenant"), {"how": "magic"}),
    "tenant_organization_is_somebodys_word": Changed(the("tenant"), {"organization_id": lambda world: world["organization"].pk}),
    "tenant_count_once_a_cycle": Twice(the("tenant_count")),
    "tenant_count_is_not_negative": Changed(the("tenant_count"), {"identities": -1}),
    "consent_link_has_a_nonce": Changed(the("consent_link"), {"nonce": ""}),
    "consent_link_cloud_is_known": Changed(the("consent_link"), {"cloud": "mars"}),
    "consent_link_claims_by_its_return": Changed(the("consent_link"), {"claimed": "8a6c3f1e-0000-4000-8000-5d2b7c9e0f11"}),
    "directory_snapshot_one_in_force": Twice(snapshot, {"source_file_id": 0}),
    "directory_user_one_place_a_file": Twice(directory_user),
    "directory_licence_once_a_user": Twice(licence),
    "directory_licence_is_named": Changed(licence, {"sku": ""}),
    "directory_licence_via_is_known": Changed(licence, {"via": "magic"}),
    "retention_is_a_day_at_least": Changed(retention, {"days": 0}),
    "tombstone_names_its_rule": Changed(tombstone, {"days": 0}),
    "former_name_once_an_organization": Twice(the("former_name")),
    "alias_means_one_organization": Twice(the("alias")),
    "membership_is_of_an_account_or_a_reseller": Changed(the("membership"), {"account_id": None}),
    "membership_role_is_known": Changed(the("membership"), {"role": "owner"}),
    "membership_once_an_account": Twice(the("membership")),
    "membership_once_a_reseller": Twice(the("through")),
    "mapping_profile_once_a_header": Twice(the("profile")),
    "mapping_profile_kind_is_known": Changed(the("profile"), {"kind": "letter"}),
    "mapping_profile_fingerprint_is_sha256": Changed(the("profile"), {"fingerprint": "AB" * 32}),
    "source_file_once_an_account_and_kind": Twice(the("imported")),
    "source_file_state_is_known": Changed(the("ready"), {"state": "lost"}),
    "source_file_kind_is_known": Changed(the("ready"), {"kind": "letter"}),
    "source_file_imported_has_kind_and_cycle": Changed(the("imported"), {"cycle_id": None}),
    "leg_input_one_current_a_leg": Twice(the("leg_input")),
    "leg_input_leg_is_known": Changed(the("leg_input"), {"leg": "guessed"}),
    "leg_input_superseded_has_ended": Changed(the("leg_input"), {"superseded_by_id": 1}),
    "job_state_is_known": Changed(the("job"), {"state": "asleep", "finished_at": "2026-11-16 12:00:00+00:00"}),
    "job_running_holds_a_lease": Changed(the("job"), {"state": "running"}),
    "job_ended_has_a_time": Changed(the("job"), {"state": "done"}),
    "file_owner_once_a_file": Twice(file_owner),
    "usage_line_one_place_a_file": Twice(the("line")),
    "usage_line_product_is_known": Changed(the("line"), {"product": "backup"}),
    "usage_line_quantity_is_not_negative": Changed(the("line"), {"quantity": -1}),
    "agent_line_one_place_a_file": Twice(agent),
    "live_count_one_place_a_file": Twice(live_count),
    "identity_line_one_place_a_file": Twice(identity),
    "product_rule_once_a_name_and_product": Twice(the("product_rule")),
    "product_rule_product_is_known": Changed(the("product_rule"), {"product": "backup"}),
    "product_rule_factor_is_at_least_one": Changed(the("product_rule"), {"factor": 0}),
    "product_rule_ignored_has_a_reason": Changed(the("product_rule"), {"product": ""}),
    "customer_share_once_an_organization": Twice(the("share")),
    "customer_share_has_parts": Changed(the("share"), {"parts": 0}),
    "customer_share_has_a_name": Changed(the("share"), {"customer_key": ""}),
    "invoice_one_place_a_file": Twice(invoice),
    "invoice_currency_is_a_code": Changed(invoice, {"currency": "us$"}),
    "invoice_of_a_file_has_a_line": Changed(invoice, {"line": None}),
    "invoice_external_id_once_an_account": Twice(pulled_invoice, {"line": 3}),
    "invoice_without_an_amount_was_pulled": Changed(invoice, {"amount": None}),
    "invoice_change_once_an_answer": Twice(invoice_change),
    "price_line_one_place_a_file": Twice(price),
    "price_line_side_is_known": Changed(price, {"side": "list"}),
    "price_line_product_is_known": Changed(price, {"product": "backup"}),
    "price_line_price_is_not_negative": Changed(price, {"unit_price": -1}),
    "excluded_sku_once_a_list": Twice(sku, {"line": 3}),
    "sku_upload_what_is_known": Changed(the("sku_upload"), {"what": "prices"}),
    "sku_name_once_a_guid": Twice(the("sku_name"), {"sku": "INVENTED_C"}),
    "sku_suggestion_once_a_part_number": Twice(the("sku_suggestion"), {"line": 3}),
    "sku_suggestion_has_evidence": Changed(the("sku_suggestion"), {"evidence": ""}),
    "sku_suggestion_dismissed_by_somebody": Changed(the("sku_suggestion"), {"dismissed_by_id": who("admin")}),
    "excluded_sku_is_something": Changed(sku, {"sku_key": ""}),
    "rejected_line_one_place_a_file": Twice(the("rejected")),
    "source_row_one_place_a_file": Twice(the("row")),
    "question_once_a_topic": Twice(question),
    "question_state_is_known": Changed(question, {"state": "asleep"}),
    "question_score_is_of_a_hundred": Changed(question, {"score": 101}),
    "question_answered_by_somebody": Changed(question, {"state": "answered"}),
    "reconciliation_revision_once_a_cycle": Twice(the("reconciliation"), {"state": "signed"}, lifted="reconciliation_signed_by_two"),
    "reconciliation_one_working_a_cycle": Twice(the("reconciliation"), {"revision": 2}),
    "reconciliation_state_is_known": Changed(the("reconciliation"), {"state": "done"}),
    "variance_one_an_organization_and_product": Twice(the("variance")),
    "variance_product_is_known": Changed(the("variance"), {"product": "backup"}),
    "variance_severity_is_known": Changed(the("variance"), {"severity": 9}),
    "export_target_is_known": Changed(the("export"), {"target": "quickbooks"}),
    "note_product_is_known": Changed(the("note"), {"product": "backup"}),
    "note_says_something": Changed(the("note"), {"text": ""}),
    "reconciliation_in_review_has_a_preparer": Changed(the("reconciliation"), {"state": "in_review"}),
    "reconciliation_signed_by_two": Changed(the("reconciliation"), SIGNED | {"reviewer_id": who("preparer")}),
    "variance_rebills_only_what_was_billed": Changed(the("variance"), {"billed": None, "rebill_quantity": 3}),
    "item_takes_something": Changed(the("item"), {"quantity": 0}),
    "item_check_is_known": Changed(the("item"), {"check_name": "live"}),
    "item_cause_is_known": Changed(the("item"), {"cause": "because"}),
    "item_state_is_known": Changed(the("item"), {"state": "lost"}),
    "item_product_is_known": Changed(the("item"), {"product": "backup"}),
    "item_says_why": Changed(the("item"), {"cause": "other"}),
    "row_decision_once_a_row": Twice(the("row_decision")),
    "row_decision_rebill_has_a_reason": Changed(the("row_decision"), {"rebill_quantity": 3, "rebill_by_id": who("preparer")}),
    "row_decision_reviewed_by_somebody": Changed(the("row_decision"), {"reviewed_at": "2026-11-16 12:00:00+00:00"}),
    "row_decision_product_is_known": Changed(the("row_decision"), {"product": "backup"}),
    "settled_row_once": Twice(the("settled")),
    "settled_row_says_how": Changed(the("settled"), {"note": ""}),
    "signed_input_one_a_leg": Twice(signed_input),
    "certification_once_a_part": Twice(the("certification")),
    "certification_part_is_known": Changed(the("certification"), {"part": "witness"}),
    "certification_says_something": Changed(the("certification"), {"statements": ""}),
    "sweep_as_of_because_is_known": Changed(sweep, {"as_of_because": "guessed"}),
    "sweep_looked_through_has_a_day": Changed(sweep, {"as_of": None}),
    "sweep_keep_once_a_machine": Twice(keep),
    "sweep_keep_has_a_reason": Changed(keep, {"reason": ""}),
    "sweep_finding_one_place_a_kind": Twice(finding),
    "sweep_finding_kind_is_known": Changed(finding, {"kind": "tired"}),
    "tie_out_item_kind_is_known": Changed(the("tie_out_item"), {"kind": "because"}),
    "tie_out_item_product_is_known": Changed(the("tie_out_item"), {"product": "backup"}),
    "tie_out_item_takes_something": Changed(the("tie_out_item"), {"money": 0}),
    "tie_out_item_says_why": Changed(the("tie_out_item"), {"kind": "other"}),
    "tie_out_item_withdrawn_by_somebody": Changed(the("tie_out_item"), {"state": "withdrawn"}),
    "tolerance_version_once_an_account": Twice(the("policy")),
    "tolerance_one_an_organization": Twice(tolerance_of_organization),
    "tolerance_one_a_product": Twice(the("tolerance")),
    "tolerance_product_is_known": Twice(the("tolerance"), {"product": "backup"}),
    "tolerance_is_not_negative": Twice(the("tolerance"), {"product": "edr", "floor": -1}),
    "tolerance_escalates_above_investigate": Twice(the("tolerance"), {"product": "edr", "escalate_percent": 4}),
}
#: More ways to break some of them: both sides of an "or", and what NULL lets through when a CHECK is unknown.
ALSO: Final[list[tuple[str, Changed | Twice]]] = [
    ("account_anniversary_day_is_of_a_month", Changed(account, {"anniversary_day": 0})),
    ("account_currency_is_a_code", Changed(account, {"currency": ""})),
    ("membership_is_of_an_account_or_a_reseller", Changed(the("through"), {"reseller_id": None})),
    ("membership_role_is_known", Changed(the("membership"), {"role": ""})),
    ("source_file_imported_has_kind_and_cycle", Changed(the("imported"), {"kind": ""})),
    ("source_file_imported_has_kind_and_cycle", Changed(the("ready"), {"state": "importing"})),
    ("job_ended_has_a_time", Changed(the("job"), {"state": "failed"})),
    ("job_ended_has_a_time", Changed(the("job"), {"state": "cancelled"})),
    ("cycle_ends_after_its_start", Changed(the("cycle"), {"end": "2026-09-14"})),
    ("reseller_account_day_is_of_a_month", Changed(the("found"), {"cycle_day": 0})),
    ("contract_pulled_has_an_external_id", Changed(the("contract"), {"source": "found"})),
    ("contract_ended_has_a_reason", Changed(the("contract"), {"ended_because": "Over."})),
    ("usage_line_product_is_known", Changed(the("line"), {"product": ""})),
    ("tenant_kind_is_named_its_way", Changed(the("tenant"), {"guid": ""})),
    ("tenant_kind_is_named_its_way", Changed(the("tenant"), {"kind": "google"})),
    ("tenant_kind_is_named_its_way", Changed(the("google"), {"name": ""})),
    ("tenant_organization_is_somebodys_word", Changed(the("tenant"), {"confirmed_at": "2026-11-16 12:00:00+00:00"})),
    ("tenant_organization_is_somebodys_word", Changed(the("google"), {"confirmed_by_id": who("admin")})),
    ("consent_link_claims_by_its_return", Changed(the("consent_link"), {"returned_at": "2026-11-16 12:00:00+00:00"})),
    ("consent_link_claims_by_its_return", Changed(the("consent_link"), {"tenant_id": lambda world: world["tenant"].pk})),
    ("invoice_of_a_file_has_a_line", Changed(invoice, {"source_file_id": None})),
    ("organization_standing_has_a_reason", Changed(the("organization"), {"standing": "lost", "standing_reason": "Why not."})),
    ("question_score_is_of_a_hundred", Changed(question, {"margin": 101})),
    ("question_answered_by_somebody", Changed(question, ANSWERED | {"answer": "later"})),
    ("question_answered_by_somebody", Changed(question, ANSWERED | {"answered_by_id": None})),
    ("question_answered_by_somebody", Changed(question, ANSWERED | {"answered_at": None})),
    ("reconciliation_in_review_has_a_preparer", Changed(the("reconciliation"), {"state": "in_review", "preparer_id": who("preparer")})),
    ("reconciliation_signed_by_two", Changed(the("reconciliation"), {"state": "signed"})),
    ("reconciliation_signed_by_two", Changed(the("reconciliation"), SIGNED | {"preparer_id": None})),
    ("reconciliation_signed_by_two", Changed(the("reconciliation"), SIGNED | {"reviewer_id": None})),
    ("reconciliation_signed_by_two", Changed(the("reconciliation"), SIGNED | {"reviewer_id": None, "solo_rule": True})),
    ("reconciliation_signed_by_two", Changed(the("reconciliation"), SIGNED | {"signed_at": None})),
    ("reconciliation_signed_by_two", Changed(the("reconciliation"), SIGNED | {"digest": ""})),
    ("reconciliation_signed_by_two", Changed(the("reconciliation"), SIGNED | {"digest": "AB" * 32})),
    ("variance_rebills_only_what_was_billed", Changed(the("variance"), {"rebill_quantity": -1})),
    ("row_decision_rebill_has_a_reason", Changed(the("row_decision"), {"rebill_quantity": 3, "rebill_reason": "dispute"})),
    (
        "row_decision_rebill_has_a_reason",
        Changed(the("row_decision"), {"rebill_quantity": -1, "rebill_reason": "dispute", "rebill_by_id": who("preparer")}),
    ),
    ("sku_suggestion_dismissed_by_somebody", Changed(the("sku_suggestion"), {"dismissed_at": "2026-11-16 12:00:00+00:00"})),
    ("tie_out_item_takes_something", Changed(the("tie_out_item"), {"money": None})),
    ("tie_out_item_takes_something", Changed(the("tie_out_item"), {"money": None, "units": 0})),
    ("tie_out_item_withdrawn_by_somebody", Changed(the("tie_out_item"), {"withdrawn_at": "2026-11-16 12:00:00+00:00"})),
    ("tie_out_item_withdrawn_by_somebody", Changed(the("tie_out_item"), {"state": "lost"})),
    ("row_decision_reviewed_by_somebody", Changed(the("row_decision"), {"reviewed_by_id": who("preparer")})),
    ("tolerance_escalates_above_investigate", Twice(the("tolerance"), {"product": "edr", "investigate_units": 2})),
]
#: Columns with ``unique=True``: the database names what it made up from table and column.
UNIQUE: Final[dict[str, Find]] = {
    "accounts_reseller.name": lambda world: Reseller.objects.get(),
    "accounts_account.slug": account,
    "accounts_user.email": lambda world: world.people["viewer"],
    "accounts_consentlink.nonce": the("consent_link"),
    "ingest_directoryfile.source_file_id": directory_file,
    "ingest_directorysnapshot.source_file_id": replaced_snapshot,
    "ingest_retention.account_id": retention,
    "ingest_tombstone.source_file_id": tombstone,
    "recon_drift.reconciliation_id": the("drift"),
    "recon_signedtieout.reconciliation_id": signed_tie_out,
    "recon_sweep.given_id": sweep,
}


@pytest.fixture
def world() -> World:
    return build()


def _models() -> Iterator[type[models.Model]]:
    for label in APPS:
        yield from apps.get_app_config(label).get_models()


def _constraints() -> dict[str, tuple[type[models.Model], models.BaseConstraint]]:
    return {one.name: (model, one) for model in _models() for one in model._meta.constraints}


def test_every_constraint_is_tried_and_every_attempt_has_one() -> None:
    assert sorted(ATTEMPTS) == sorted(_constraints())


def test_every_unique_column_is_tried() -> None:
    fields = [(model, one) for model in _models() for one in model._meta.fields if one.unique and not one.primary_key]
    assert sorted(f"{model._meta.db_table}.{one.column}" for model, one in fields) == sorted(UNIQUE)


@pytest.mark.parametrize(("name", "attempt"), [*ATTEMPTS.items(), *ALSO])
def test_it_is_refused_by_name(world: World, name: str, attempt: Changed | Twice) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        attempt.run(world)
    assert _names(str(refused.value), name), str(refused.value)


@pytest.mark.parametrize("column", UNIQUE)
def test_a_unique_column_is_refused_by_name(world: World, column: str) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Twice(UNIQUE[column]).run(world)
    assert column.replace(".", "." if connection.vendor == "sqlite" else "_") in str(refused.value)


def test_what_the_constraints_allow_is_allowed(world: World) -> None:
    """A discarded file makes room for the same bytes, a revoked alias for another meaning, NULL for who has no id."""
    Changed(the("imported"), {"state": "discarded"}).run(world)
    Twice(the("imported"), {"state": "ready"}).run(world)
    Changed(the("alias"), {"revoked_at": "2026-11-16 12:00:00+00:00"}).run(world)
    Twice(the("alias"), {"revoked_at": None}).run(world)
    Twice(the("contract"), {"external_id": None}).run(world)
    Twice(the("found"), {"external_id": "7003", "account_id": None}).run(world)
    Twice(the("found"), {"external_id": "7004", "account_id": None, "ignored_because": "Not ours."}).run(world)
    Twice(the("usage"), {"external_id": "9"}).run(world)
    Twice(the("contract_version"), {"number": 2, "ended_at": "2026-11-16 12:00:00+00:00", "unit_cost": None}).run(world)
    Twice(the("organization"), {"huntress_id": None}).run(world)
    Twice(the("organization"), {"huntress_id": None, "key": None}).run(world)
    Changed(the("connection"), {"removed_at": "2026-11-16 12:00:00+00:00", "sealed": ""}).run(world)
    Twice(the("connection"), {"removed_at": None}).run(world)
    Changed(the("tenant"), {"removed_at": "2026-11-16 12:00:00+00:00"}).run(world)
    Twice(the("tenant"), {"removed_at": None}).run(world)
    Twice(the("google")).run(world)
    Twice(the("line"), {"product": "siem"}).run(world)
    Twice(the("line"), {"product": "", "product_name": "Security bundle"}).run(world)
    Changed(invoice, {"source_file_id": None, "line": None}).run(world)
    Twice(price, {"side": "sell"}).run(world)
    Changed(the("product_rule"), {"ended_at": "2026-11-16 12:00:00+00:00"}).run(world)
    Twice(the("product_rule"), {"ended_at": None, "factor": 2}).run(world)
    Changed(the("share"), {"ended_at": "2026-11-16 12:00:00+00:00"}).run(world)
    Twice(the("share"), {"ended_at": None, "parts": 2}).run(world)
    Twice(the("tolerance"), {"product": "edr"}).run(world)
    Changed(the("reconciliation"), SIGNED).run(world)
    other = User.objects.create_user("nora@quillmere.example", None)
    Twice(the("membership"), {"user_id": other.pk}).run(world)
    assert Membership.objects.filter(user=other).count() == 1


def _names(message: str, name: str) -> bool:
    model, constraint = _constraints()[name]
    if connection.vendor != "sqlite" or isinstance(constraint, models.CheckConstraint):
        return name in message
    assert isinstance(constraint, models.UniqueConstraint)
    table, fields = model._meta.db_table, [model._meta.get_field(one) for one in constraint.fields]
    return f"UNIQUE constraint failed: {', '.join(f'{table}.{one.column}' for one in fields)}" in message  # type: ignore[union-attr]
