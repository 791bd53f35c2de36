"""Sheets: asked for in the browser, made by a worker from one run of a month, kept under their SHA-256."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

import pandas as pd
from django.http import QueryDict

from accounts.models import User
from accounts.money import round_to_cents
from accounts.services import Refused
from ingest import jobs, storage
from ingest.models import Leg, UsageLine
from recon.checks import CHECKS, LEGS
from recon.exports import TARGETS, FileRef, MonthSheet, NoteRef, ProductTotal, Signature, TieLine, TieOutRef, TooManyRows, rows_frame
from recon.exports.words import moment_words
from recon.filters import variances_as_listed
from recon.live import Had, Snapshot, every_had, snapshot_of
from recon.models import Export, Note, Reconciliation, RowDecision, SettledRow, Severity, Variance
from recon.product_rules import name_key, words_left_out
from recon.seal import roots_shown, rules_shown
from recon.services import review
from recon.services.customers import customers_of, not_rebilled
from recon.shown import shown_inputs, shown_prices
from recon.tie_out import tie_out_of

_FIELDS: Final = (
    "organization_id", "name", "organization__huntress_id", "product", *LEGS, "severity", "cost", "sell", "flags", "rebill_quantity",
    *(f"{check}_{what}" for check in CHECKS for what in ("difference", "severity", "money", "left")),
)  # fmt: skip
_CODE: Final = {severity.value: severity.code for severity in Severity}


def start_export(reconciliation: Reconciliation, target: str, *, by: User, query: str = "") -> tuple[Export, jobs.Job]:
    """Ask a worker for a sheet. Raises Refused while there is nothing to put on it."""
    if not reconciliation.run:
        raise Refused("This month has not been compared yet: import a billed report first.")
    if target.startswith("rebill") and "billed" not in reconciliation.inputs:
        raise Refused("No billed report is imported: without one there is nothing to rebill.")
    made = Export.objects.create(reconciliation=reconciliation, target=target, query=query, by=by)
    account = reconciliation.cycle.account
    return made, jobs.enqueue("export", made.pk, label=f"{made.get_target_display()} of {account}", account=account, by=by)


@jobs.handles("export")
def build(subject: int, progress: jobs.Progress) -> None:
    """Write the sheet of an export from the run that is shown now."""
    export = Export.objects.select_related(
        "reconciliation__cycle__account", "reconciliation__preparer", "reconciliation__reviewer", "by"
    ).get(pk=subject)
    if export.is_ready:
        return
    reconciliation = export.reconciliation
    account = reconciliation.cycle.account
    progress(0, 2, "Collecting the rows")
    sheet = _sheet_of_one_run(reconciliation, QueryDict(export.query if export.target.startswith("variances") else ""), export.by)
    target = TARGETS[export.target]
    progress(1, 2, "Writing the sheet")
    with tempfile.TemporaryFile() as written:
        try:
            target.write(sheet, written)
        except TooManyRows as too_many:
            raise jobs.JobFailed(str(too_many)) from too_many
        stored = storage.store(written)
    name = target.file_name(sheet, slug=account.slug)
    Export.objects.filter(pk=subject).update(sha256=stored.sha256, size=stored.size, name=name, run=reconciliation.run, draft=sheet.draft)


def _sheet_of_one_run(reconciliation: Reconciliation, query: QueryDict, by: User) -> MonthSheet:
    """The month as one run has it: where a recount turns the page meanwhile, and takes its rows away, it is collected anew."""
    while True:
        run = reconciliation.run
        sheet = month_sheet(reconciliation, variances_as_listed(reconciliation, query, by))
        reconciliation.refresh_from_db(fields=["run", "inputs", "totals"])
        if reconciliation.run == run:
            return sheet


def open_sheet(export: Export) -> BinaryIO:
    """The bytes of a finished sheet."""
    return storage.opened(export.sha256)


def month_sheet(reconciliation: Reconciliation, rows: Iterable[Variance]) -> MonthSheet:
    """The month as plain values: what every sheet is made from."""
    cycle = reconciliation.cycle
    snapshot = snapshot_of(reconciliation)
    frame = _rows(reconciliation, rows, snapshot)
    return MonthSheet(
        account=cycle.account.name,
        cycle=cycle.dates,
        currency=cycle.account.currency,
        revision=reconciliation.revision,
        draft=reconciliation.is_draft,
        rows=frame,
        files=_files(reconciliation),
        totals=_totals(reconciliation),
        notes=_notes(reconciliation),
        left_out=left_out(reconciliation),
        signature=_signature(reconciliation),
        customers=customers_of(reconciliation),
        live=_live_words(snapshot),
        tie_out=tie_out_ref(reconciliation),
    )


def tie_out_ref(reconciliation: Reconciliation) -> TieOutRef:
    """The report against the invoice as the month's page has it: as it is now, or as it was signed."""
    tie = tie_out_of(reconciliation)
    named = [TieLine(item.label, item.units, _cents(item.money), f"{item.note} ({item.author})".strip()) for item in tie.items]
    lines = [
        TieLine("Billed report", tie.units.report, _cents(tie.money.report)),
        *named,
        TieLine("Invoice", tie.units.invoice, _cents(tie.money.invoice)),
        TieLine("Not named" if named else "Difference", tie.units.unnamed, _cents(tie.money.unnamed)),
    ]
    invoices = [", ".join(filter(None, [one.name, one.worth, one.state.label.lower(), one.source])) for one in tie.charges]
    return TieOutRef(tie.words, lines, invoices)


def _cents(micros: int | None) -> int | None:
    return None if micros is None else round_to_cents(micros)


def _live_words(snapshot: Snapshot) -> str:
    """Of when the live counts are, in words that are as true next year: a sheet is read on another day."""
    parts = (f"as of {snapshot.taken_words}", snapshot.timing, "" if snapshot.is_whole else "incomplete")
    return ", ".join(part for part in parts if part) if snapshot.is_known else ""


def _signature(reconciliation: Reconciliation) -> Signature | None:
    if reconciliation.is_draft:
        return None
    zone = ZoneInfo(reconciliation.cycle.account.time_zone)
    submitted, signed = reconciliation.submitted_at, reconciliation.signed_at
    return Signature(
        preparer=str(reconciliation.preparer),
        submitted=moment_words(submitted.astimezone(zone)) if submitted else "",
        reviewer=str(reconciliation.reviewer),
        signed=moment_words(signed.astimezone(zone)) if signed else "",
        digest=reconciliation.digest,
        solo=reconciliation.solo_rule,
        statements=tuple(review.statements_of(reconciliation)),
    )


def _totals(reconciliation: Reconciliation) -> list[ProductTotal]:
    legs = ("billed", "expected", "rebilled", "previous")
    return [ProductTotal(p["product"], *(p[leg] for leg in legs)) for p in reconciliation.totals.get("products", [])]


def _rows(reconciliation: Reconciliation, rows: Any, snapshot: Snapshot) -> pd.DataFrame:
    sources, reasons = _billed_lines(reconciliation), _reasons(reconciliation)
    every, nobody = every_had(snapshot, roots_shown(reconciliation)) if snapshot.is_known else {}, Had(snapshot)
    records = [
        {
            **row,
            "organization": row["name"],
            "organization_id": row["organization__huntress_id"] or "",
            **{name: _CODE.get(row[name], "") for name in ("severity", *(f"{check}_severity" for check in CHECKS))},
            "shared": row["organization_id"],
            "live": every.get(row["organization_id"], nobody).units(row["product"]),
            "live_difference": every.get(row["organization_id"], nobody).difference(row["product"], row["billed"]),
            "source": sources.get((row["organization_id"], row["product"]), ""),
            "rebill_reason": reasons.get((row["organization_id"], row["product"]), ""),
        }
        for row in rows.values(*_FIELDS).iterator(chunk_size=20_000)
    ]
    return rows_frame(records)


def _reasons(reconciliation: Reconciliation) -> dict[tuple[int, str], str]:
    """Why another quantity than the billed one is rebilled, by row."""
    decided = RowDecision.objects.filter(reconciliation=reconciliation, rebill_quantity__isnull=False).select_related("rebill_by")
    return {
        (one.organization_id, one.product): f"{one.get_rebill_reason_display()}{f', {one.rebill_note}' if one.rebill_note else ''}"
        f" ({one.rebill_by})"
        for one in decided
    }


def _billed_lines(reconciliation: Reconciliation) -> dict[tuple[int, str], str]:
    """Where each billed quantity stands: the file and its first line."""
    billed = shown_inputs(reconciliation).get("billed")
    if billed is None:
        return {}
    lines = UsageLine.objects.filter(source_file=billed.source_file_id, organization__isnull=False).order_by("-line")
    name, rules, roots = billed.source_file.name, rules_shown(reconciliation), roots_shown(reconciliation)
    found = {}
    for organization, product, words, line in lines.values_list("organization_id", "product", "product_name", "line").iterator(
        chunk_size=20_000
    ):
        for code in [product] if product else [held.product for held in rules.get(name_key(words), ())]:
            found[roots.get(organization, organization), code] = f"{name}, line {line}"
    return found


def _files(reconciliation: Reconciliation) -> list[FileRef]:
    shown = [(leg, given.source_file) for leg, given in (shown_inputs(reconciliation) | shown_prices(reconciliation)).items()]
    return [FileRef(leg, f.name, f.sha256, f.counts.rows_in, f.loaded, f.merged, f.set_aside, f.rejected) for leg, f in shown]


def _notes(reconciliation: Reconciliation) -> list[NoteRef]:
    notes = Note.objects.filter(cycle=reconciliation.cycle_id, withdrawn_at__isnull=True).select_related("organization", "author")
    return [NoteRef(n.organization.name, n.product, str(n.author), n.created_at, n.text) for n in notes]


def left_out(reconciliation: Reconciliation) -> list[str]:
    """What does not count in this month, in sentences."""
    said, rules = [], rules_shown(reconciliation)
    for leg, given in shown_inputs(reconciliation).items():
        source_file: Any = given.source_file
        if source_file.rejected:
            said.append(f"{source_file.rejected} rejected rows of {source_file.name} ({leg}): what they concern is unchecked.")
        waiting = UsageLine.objects.filter(source_file=source_file, organization__isnull=True).count()
        if waiting:
            said.append(f"{waiting} rows of {source_file.name} ({leg}) wait for their Organization.")
        said += words_left_out(source_file, leg, rules)
    missing = [leg.label.lower() for leg in Leg if leg.value not in reconciliation.inputs]
    settled = SettledRow.objects.filter(reconciliation=reconciliation).select_related("source_file", "by").order_by("source_file", "line")
    said += [f"{row.source_file.name}, line {row.line}: settled by {row.by}: {row.note}" for row in settled]
    said += not_rebilled(reconciliation)
    said += [f"No {label} was imported: nothing could be compared with it." for label in missing]
    return said
