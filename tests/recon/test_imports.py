"""Making files count: what serves a month, whose rows are whose, and that the product says what the command says."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from itertools import permutations
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.calendar import Cycle
from accounts.models import Account, Alias, BillingCycle, FormerName, Organization, User
from accounts.names import normalise
from ingest import jobs
from ingest.models import Job, LegInput, RejectedLine, SourceFile, UsageLine
from ingest.services.intake import Refused
from recon.demo.files import quillmere
from recon.engine import ALWAYS, CHECKS, FLAGS, LEGS
from recon.models import Note, Variance
from recon.offline.lists import matched, read_lists
from recon.offline.result import run as run_offline
from recon.services import imports, matches
from tests.recon.making import (
    AFTER,
    BEFORE,
    CYCLE,
    arrive,
    at_once,
    compare,
    csv_bytes,
    current,
    lines_of,
    month_of,
    new_account,
    new_person,
    rows_of,
    units_of,
)
from tests.recon.making import (
    put as put_file,
)
from tests.settings import POSTGRES

NAMES = ["Organization", "EDR"]
WITH_IDS = ["Organization", "Organization ID", "EDR"]


# --- what serves a month ----------------------------------------------------------------------------------------------------------


def test_an_imported_list_serves_its_leg_and_the_month_is_compared(account, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    put("expected", NAMES, ["Tarn Vale Dental", 2])
    put("rebilled", NAMES, ["tarn vale  DENTAL", 1])
    compare()
    assert units_of(account) == {("Tarn Vale Dental", "edr"): (3, 2, 1, None)}


def test_replacing_a_list_keeps_the_old_one_superseded(account, put):
    old = put("billed", NAMES, ["Tarn Vale Dental", 3])
    new = put("billed", NAMES, ["Tarn Vale Dental", 4])
    compare()
    before = LegInput.objects.get(source_file=old)
    assert (before.ended_at is not None, before.superseded_by) == (True, current(account, "billed"))
    assert current(account, "billed").source_file == new
    assert [line.quantity for line in lines_of(old)] == [3]
    assert units_of(account)["Tarn Vale Dental", "edr"][0] == 4


def test_a_list_with_rejected_rows_is_imported_only_when_that_is_said(account, mara):
    content = csv_bytes(NAMES, ["Tarn Vale Dental", "12.5"], ["Marrick Town Trust", 8])
    source_file = arrive(account, mara, content, kind="billed")
    with pytest.raises(Refused, match="1 rows are rejected"):
        imports.start_import(source_file, by=mara, cycle=CYCLE)
    jobs.run_now(imports.start_import(source_file, by=mara, cycle=CYCLE, without_rejected=True))
    put_file(account, mara, "rebilled", csv_bytes(NAMES, ["Tarn Vale Dental", 5], ["Marrick Town Trust", 8]))
    compare()
    assert RejectedLine.objects.get().name == "Tarn Vale Dental"
    assert units_of(account) == {("Marrick Town Trust", "edr"): (8, None, 8, None), ("Tarn Vale Dental", "edr"): (None, None, 5, None)}


def test_what_a_complete_list_does_not_name_counts_zero_and_what_a_partial_one_does_not_name_is_unknown(account, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3], ["Marrick Town Trust", 8])
    put("rebilled", NAMES, ["Tarn Vale Dental", 3])
    compare()
    assert units_of(account)["Marrick Town Trust", "edr"] == (8, None, 0, None)
    put("rebilled", NAMES, ["Tarn Vale Dental", 3.0], partial=True)
    compare()
    assert units_of(account)["Marrick Town Trust", "edr"] == (8, None, None, None)


def test_a_withdrawn_list_no_longer_counts_and_stays(account, mara, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    source_file = put("expected", NAMES, ["Tarn Vale Dental", 2])
    imports.withdraw(current(account, "expected"), by=mara)
    compare()
    assert units_of(account)["Tarn Vale Dental", "edr"] == (3, None, None, None)
    source_file.refresh_from_db()
    assert (source_file.state, len(lines_of(source_file))) == ("imported", 1)
    with pytest.raises(Refused, match="no longer serves"):
        imports.withdraw(LegInput.objects.get(source_file=source_file), by=mara)


def test_a_list_can_be_used_again_for_another_cycle(account, mara, put):
    contracts = put("expected", NAMES, ["Tarn Vale Dental", 2], cycle=BEFORE)
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    imports.use_again(contracts, by=mara, cycle=CYCLE, partial=False)
    compare()
    assert units_of(account)["Tarn Vale Dental", "edr"] == (3, 2, None, None)
    assert current(account, "expected", BEFORE).source_file == current(account, "expected").source_file == contracts
    with pytest.raises(Refused, match="already serves"):
        imports.use_again(contracts, by=mara, cycle=CYCLE, partial=False)


def test_only_what_was_imported_can_be_used_again(account, mara):
    with pytest.raises(Refused, match="only what was imported"):
        imports.use_again(arrive(account, mara, csv_bytes(NAMES, ["A", 1]), kind="billed"), by=mara, cycle=CYCLE, partial=False)


def test_a_withdrawn_list_can_be_used_again_for_its_own_cycle(account, mara, put):
    bill = put("billed", NAMES, ["Tarn Vale Dental", 3])
    imports.withdraw(current(account, "billed"), by=mara)
    imports.use_again(bill, by=mara, cycle=CYCLE, partial=False)
    compare()
    assert units_of(account)["Tarn Vale Dental", "edr"][0] == 3


@pytest.mark.parametrize(
    "cycle",
    [
        Cycle(date(2026, 10, 20), date(2026, 11, 20)),
        Cycle(date(2026, 10, 1), date(2026, 10, 15)),
        Cycle(date(2026, 10, 14), date(2026, 12, 14)),  # the same start and another end
        Cycle(date(2026, 10, 20), date(2026, 10, 21)),
    ],
)
def test_a_cycle_that_overlaps_another_is_refused(account, mara, put, cycle):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    source_file = arrive(account, mara, csv_bytes(NAMES, ["Tarn Vale Dental", 2]), kind="expected")
    with pytest.raises(Refused, match="overlaps the cycle 2026-10-14 to 2026-11-14"):
        imports.start_import(source_file, by=mara, cycle=cycle)
    source_file.refresh_from_db()
    assert source_file.state == "ready"
    assert BillingCycle.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_three_lists_asked_for_at_once_make_one_cycle(account, mara):
    files = [arrive(account, mara, csv_bytes(NAMES, ["A", n]), kind=kind) for n, kind in enumerate(("billed", "expected", "rebilled"))]
    asked = at_once(*[lambda f=f: imports.start_import(f, by=mara, cycle=CYCLE) for f in files])
    assert all(isinstance(one, Job) for one in asked)
    assert BillingCycle.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_lists_imported_at_once_make_one_organization_of_each_name(account, mara):
    """Three workers, three files, the same customers, none of them known before."""
    rows: list[list[str | int]] = [[f"Customer {n}", n] for n in range(300)]
    files = [
        arrive(account, mara, csv_bytes(NAMES, *Random(kind).sample(rows, len(rows))), kind=kind)
        for kind in ("billed", "expected", "rebilled")
    ]
    waiting = [imports.start_import(f, by=mara, cycle=CYCLE) for f in files]
    assert at_once(*[lambda job=job: jobs.run(job.pk) for job in waiting]) == [None] * 3
    assert {Job.objects.get(pk=job.pk).state for job in waiting} == {"done"}
    assert Organization.objects.filter(account=account).count() == 300
    compare()
    assert {(row.billed, row.expected, row.rebilled) for row in rows_of(account)} == {(n, n, n) for n in range(300)}


# --- safe to run twice ------------------------------------------------------------------------------------------------------------


def test_running_an_import_again_changes_nothing(account, mara, put):
    source_file = put("billed", NAMES, ["Tarn Vale Dental", 3])
    before = (list(UsageLine.objects.values()), list(LegInput.objects.values()), list(Organization.objects.values()))
    imports.import_file(source_file.pk, jobs.Progress(0, 0))
    assert (list(UsageLine.objects.values()), list(LegInput.objects.values()), list(Organization.objects.values())) == before


def test_an_import_that_died_after_its_lines_is_done_over(account, mara, monkeypatch):
    source_file = arrive(account, mara, csv_bytes(NAMES, ["Tarn Vale Dental", 3], ["Marrick Town Trust", 8]), kind="billed")
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)

    def dies(*args: object, **given: object) -> None:
        raise jobs.LeaseLost  # the worker stops here, without a trace

    with monkeypatch.context() as patched:
        patched.setattr(imports, "_take_leg", dies)
        with transaction.atomic():
            jobs.run(job.pk)
            assert UsageLine.objects.count() == 2
    SourceFile.objects.update(state="importing")
    Job.objects.filter(pk=job.pk).update(state="queued")
    assert jobs.run_now(job).state == "done"
    assert [(line.line, line.quantity) for line in lines_of(source_file)] == [(2, 3), (3, 8)]
    assert Organization.objects.count() == 2
    assert current(account, "billed").source_file == source_file


def test_an_import_cancelled_in_the_middle_leaves_nothing_that_counts(account, mara, monkeypatch, django_capture_on_commit_callbacks):
    source_file = arrive(account, mara, csv_bytes(NAMES, ["Tarn Vale Dental", 3]), kind="billed")
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)
    real = imports.bulk.load

    def load(*args: Any, **given: Any) -> None:
        real(*args, **given)
        jobs.ask_to_cancel(job)
        raise jobs.Cancelled

    monkeypatch.setattr(imports.bulk, "load", load)
    with django_capture_on_commit_callbacks(execute=True):
        assert jobs.run_now(job).state == "cancelled"
    source_file.refresh_from_db()
    assert (source_file.state, lines_of(source_file), LegInput.objects.count()) == ("ready", [], 0)


def test_bytes_that_changed_since_they_were_checked_are_not_imported(account, mara, monkeypatch):
    source_file = arrive(account, mara, csv_bytes(NAMES, ["Tarn Vale Dental", 3]), kind="billed")
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)
    monkeypatch.setattr(imports.storage.default_storage, "open", lambda path: io.BytesIO(csv_bytes(NAMES, ["Tarn Vale Dental", 4])))
    assert jobs.run_now(job).state == "failed"
    source_file.refresh_from_db()
    assert (source_file.state, UsageLine.objects.count()) == ("ready", 0)


# --- names that wait --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_of_a_name(account, put):
    """Two customers called Harbour Lane Joinery, and an expected list that has the bare name."""
    put("billed", WITH_IDS, ["Harbour Lane Joinery", "72", 5], ["Harbour Lane Joinery", "195", 6])
    put("expected", NAMES, ["HARBOUR LANE, Joinery", 5])
    compare()


def test_a_name_that_fits_two_waits_and_leaves_both_unchecked(account, two_of_a_name):
    (waiting,) = matches.waiting(account)
    assert (waiting.name, waiting.units, len(waiting.candidates), matches.count_waiting(account)) == ("HARBOUR LANE, Joinery", 5, 2, 1)
    assert sorted((row.billed, row.expected) for row in rows_of(account)) == [(5, None), (6, None)]


def test_settling_a_name_counts_it_where_a_person_said(account, mara, two_of_a_name):
    (waiting,) = matches.waiting(account)
    its = Organization.objects.get(huntress_id="72")
    matches.settle(account, waiting.name_key, organization=its, by=mara)
    compare()
    assert matches.waiting(account) == []
    assert sorted((row.billed, row.expected) for row in rows_of(account)) == [(5, 5), (6, 0)]
    with pytest.raises(Refused, match="no longer waits"):
        matches.settle(account, waiting.name_key, organization=its, by=mara)


def test_a_settled_name_is_remembered_next_month(account, mara, put, two_of_a_name):
    (waiting,) = matches.waiting(account)
    matches.settle(account, waiting.name_key, organization=Organization.objects.get(huntress_id="195"), by=mara)
    put("billed", WITH_IDS, ["Harbour Lane Joinery", "72", 5], ["Harbour Lane Joinery", "195", 7], cycle=AFTER)
    put("expected", NAMES, ["harbour lane joinery", 7], cycle=AFTER)
    compare()
    assert matches.waiting(account) == []
    assert sorted((row.billed, row.expected) for row in rows_of(account, AFTER)) == [(5, 0), (7, 7)]


def test_a_name_that_is_nobody_elses_becomes_an_organization_of_its_own(account, mara, put, two_of_a_name):
    (waiting,) = matches.waiting(account)
    new = matches.settle(account, waiting.name_key, organization=None, by=mara)
    compare()
    assert Organization.objects.filter(account=account).count() == 3
    assert {(row.organization_id == new.pk, row.billed, row.expected) for row in rows_of(account)} == {
        (True, 0, 5),
        (False, 5, 0),
        (False, 6, 0),
    }
    put("expected", NAMES, ["Harbour Lane Joinery", 4])
    compare()
    assert next(row.expected for row in rows_of(account) if row.organization_id == new.pk) == 4


def test_one_customer_spelt_two_ways_in_one_list_waits_and_is_made_one(account, mara, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3], ["TARN VALE DENTAL", 4])
    (waiting,) = matches.waiting(account)
    assert waiting.spellings == {"Tarn Vale Dental", "TARN VALE DENTAL"}
    matches.settle(account, waiting.name_key, organization=None, by=mara)
    compare()
    assert list(units_of(account).values()) == [(7, None, None, None)]


def test_a_name_of_a_replaced_or_withdrawn_list_does_not_wait(account, mara, put, two_of_a_name):
    imports.withdraw(current(account, "expected"), by=mara)
    assert (matches.waiting(account), matches.count_waiting(account)) == ([], 0)


def test_a_name_settled_while_its_list_was_withdrawn_is_settled_there_too(account, mara, put, two_of_a_name):
    old = current(account, "expected").source_file
    put("expected", NAMES, ["HARBOUR LANE, Joinery", 6])  # replaces it
    (waiting,) = matches.waiting(account)
    matches.settle(account, waiting.name_key, organization=Organization.objects.get(huntress_id="72"), by=mara)
    imports.use_again(old, by=mara, cycle=CYCLE, partial=False)
    assert matches.waiting(account) == []


def test_a_name_that_waits_again_takes_the_newest_answer(account, mara, put, two_of_a_name):
    (waiting,) = matches.waiting(account)
    first, second = Organization.objects.get(huntress_id="72"), Organization.objects.get(huntress_id="195")
    matches.settle(account, waiting.name_key, organization=first, by=mara)
    UsageLine.objects.filter(source_file=current(account, "expected").source_file).update(organization=None)  # as one imported meanwhile
    matches.settle(account, waiting.name_key, organization=second, by=mara)
    assert Alias.objects.get(account=account, revoked_at=None).organization == second
    assert Alias.objects.filter(account=account).count() == 2


# --- renames, and bare names ------------------------------------------------------------------------------------------------------


def test_the_same_id_under_a_new_name_is_the_same_organization(account, put):
    put("billed", WITH_IDS, ["Fenwick Lowe", "54", 9], cycle=BEFORE)
    put("billed", WITH_IDS, ["Lowe Ferris Partners", "54", 9])
    compare()
    its = Organization.objects.get(account=account)
    assert (its.name, its.name_key) == ("Lowe Ferris Partners", normalise("Lowe Ferris Partners"))
    assert FormerName.objects.get().name == "Fenwick Lowe"
    assert units_of(account) == {("Lowe Ferris Partners", "edr"): (9, None, None, 9)}


def test_a_list_that_has_the_old_name_still_matches(account, put):
    put("billed", WITH_IDS, ["Fenwick Lowe", "54", 9], cycle=BEFORE)
    put("billed", WITH_IDS, ["Lowe Ferris Partners", "54", 9])
    put("rebilled", NAMES, ["Fenwick Lowe", 8])
    compare()
    assert units_of(account) == {("Lowe Ferris Partners", "edr"): (9, None, 8, 9)}


def test_an_older_report_that_comes_late_does_not_bring_the_old_name_back(account, put):
    put("billed", WITH_IDS, ["Lowe Ferris Partners", "54", 9])
    put("billed", WITH_IDS, ["Fenwick Lowe", "54", 9], cycle=BEFORE)
    assert Organization.objects.get(account=account).name == "Lowe Ferris Partners"


@pytest.mark.parametrize("order", list(permutations(("billed", "expected", "rebilled"))))
def test_a_bare_name_and_an_id_meet_in_every_order_of_upload(account, put, order):
    rows: dict[str, list[list[Any]]] = {
        "billed": [WITH_IDS, ["Tarn Vale Dental", "153", 9], ["Marrick Town Trust", "93", 2]],
        "expected": [NAMES, ["tarn vale dental", 8], ["Marrick Town Trust", 2]],
        "rebilled": [["Customer", "Service", "Qty"], ["TARN VALE DENTAL", "Managed EDR", 7]],
    }
    for kind in order:
        put(kind, *rows[kind])
    compare()
    assert sorted(row[:3] for row in units_of(account).values()) == [(2, 2, 0), (9, 8, 7)]


def test_a_bare_name_that_turns_out_to_be_a_renamed_one_takes_its_rows_and_notes_along(account, mara, put):
    """The expected list knows the new name a day before the report does; both months are counted again."""
    put("billed", WITH_IDS, ["Fenwick Lowe", "54", 9], cycle=BEFORE)
    put("expected", NAMES, ["Lowe Ferris Partners", 9])
    compare()
    bare = Organization.objects.get(name="Lowe Ferris Partners")
    Note.objects.create(cycle=month_of(account).cycle, organization=bare, product="edr", author=mara, text="New name")
    put("billed", WITH_IDS, ["Lowe Ferris Partners", "54", 9])
    compare()
    its = Organization.objects.get(huntress_id="54")
    assert units_of(account) == {("Lowe Ferris Partners", "edr"): (9, 9, None, 9)}
    assert Note.objects.get().organization == its


def test_the_month_after_is_compared_anew_when_a_bare_name_of_a_bill_meets_its_organization(account, mara, put):
    put("billed", NAMES, ["Lowe Ferris Partners", 9], cycle=BEFORE)
    put("billed", NAMES, ["Lowe Ferris Partners", 11])
    put("expected", WITH_IDS, ["Fenwick Lowe", "54", 9], cycle=Cycle(date(2026, 8, 14), date(2026, 9, 14)))
    compare()
    put("billed", WITH_IDS, ["Lowe Ferris Partners", "54", 12], cycle=AFTER)
    compare()
    assert [[row[0], row[3]] for row in units_of(account).values()] == [[11, 9]]
    assert [[row[0], row[3]] for row in units_of(account, AFTER).values()] == [[12, 11]]


# --- the product agrees with the command ------------------------------------------------------------------------------------------


def said_by_the_command(files: dict[str, tuple[str, bytes]]) -> list[tuple[Any, ...]]:
    """Every row of ``recon.offline`` on the same bytes, with names as they are compared."""
    with TemporaryDirectory() as folder:
        paths: dict[Any, str] = {}
        for leg, (name, content) in files.items():
            path = Path(folder) / leg / name
            path.parent.mkdir()
            path.write_bytes(content)
            paths[leg] = str(path)
        given = read_lists(paths, allow_rejected=True)
        done = run_offline(None, given, matched(given), [], [])
    columns = [*LEGS, *(f"{check}_difference" for check in CHECKS), "severity", *(f"{check}_severity" for check in CHECKS)]
    money = ["cost", "sell", "expected_money", "rebilled_money"]
    return sorted(
        (
            normalise(row["name"]),
            row["product"],
            *(_whole(row[column]) for column in columns + money),
            ",".join(flag for flag in FLAGS if row[flag]),
        )
        for row in done.rows.to_dict("records")
    )


def said_by_the_product(account: Account, cycle: Cycle) -> list[tuple[Any, ...]]:
    """Without what the product alone looks at: who came and went since the month before."""
    legs = (*LEGS, "expected_difference", "rebilled_difference")
    rest = ("expected_severity", "rebilled_severity", "cost", "sell", "expected_money", "rebilled_money")
    return sorted(
        (
            normalise(row.name),
            row.product,
            *(getattr(row, name) for name in legs),
            max(row.expected_severity, row.rebilled_severity),
            *(getattr(row, name) for name in rest),
            ",".join(flag for flag in row.flags.split(",") if flag not in ALWAYS),
        )
        for row in rows_of(account, cycle)
    )


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _key(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(map(str, row))


def agree(ours: Sequence[tuple[Any, ...]], theirs: Sequence[tuple[Any, ...]]) -> None:
    assert sorted(ours, key=_key) == sorted(theirs, key=_key)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_demonstrations_past_months_are_what_the_command_says_of_their_files(account, mara, seed):
    """Every file of four months, imported in a random order over all of them."""
    months = quillmere(date(2026, 11, 20)).months[:4]
    files = [(month.cycle, file) for month in months for file in month.files]
    Random(seed).shuffle(files)
    for cycle, file in files:
        put_file(account, mara, file.leg, file.data, cycle, name=file.name, without_rejected=True)
    compare()
    bills = [None, *(next(file for file in month.files if file.leg == "billed") for month in months)]
    for month, previous in zip(months, bills, strict=False):
        given = {file.leg: (file.name, file.data) for file in month.files}
        if previous:
            given["previous"] = (previous.name, previous.data)
        ours = said_by_the_product(account, month.cycle)
        assert len(ours) > 100
        agree(ours, said_by_the_command(given))


PEOPLE_NAMES = ["Tarn Vale Dental", "TARN VALE DENTAL", "Marrick", "marrick!", "NA", "007", "Straße & Co", "Brindle"]
IDS = {normalise(name): str(100 + place) for place, name in enumerate(PEOPLE_NAMES)}
QUANTITIES = st.sampled_from(["", "0", "1", "2", "20", "21", "1,000", "12.5"])


@st.composite
def lists(draw: st.DrawFn) -> dict[str, bytes]:
    """Up to three small lists: wide, two products, with and without ids; each customer is spelt one way in one list."""
    made = {}
    for leg in draw(st.lists(st.sampled_from(["billed", "expected", "rebilled"]), min_size=1, unique=True)):
        names = draw(st.lists(st.sampled_from(PEOPLE_NAMES), min_size=1, max_size=6, unique_by=normalise))
        has_ids = draw(st.booleans())
        cells = st.tuples(QUANTITIES, QUANTITIES, st.sampled_from(["", "2.50"]))
        rows = [[name, *([IDS[normalise(name)]] if has_ids else []), *draw(cells)] for name in names]
        header = ["Organization", *(["Organization ID"] if has_ids else []), "EDR", "SAT", "EDR price"]
        made[leg] = csv_bytes(header, *rows)
    return made


@given(made=lists(), order=st.permutations(["billed", "expected", "rebilled"]))
@settings(max_examples=12 if POSTGRES else 25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_small_months_are_what_the_command_says_of_them_in_any_order_of_upload(db, made, order):
    with transaction.atomic():
        account, mara = new_account(), new_person(None)
        loaded: dict[str, tuple[str, bytes]] = {}
        for leg in (leg for leg in order if leg in made):
            source_file = arrive(account, mara, made[leg], kind=leg)
            if source_file.state == "ready" and source_file.loaded + source_file.merged:
                assert jobs.run_now(imports.start_import(source_file, by=mara, cycle=CYCLE, without_rejected=True)).state == "done"
                loaded[leg] = (f"{leg}.csv", made[leg])
        compare()
        ours = said_by_the_product(account, CYCLE) if loaded else []
        transaction.set_rollback(True)
    theirs = said_by_the_command(loaded) if loaded else []
    agree(ours, theirs)


def test_each_person_who_imports_is_kept_with_the_file(account, put, mara: User):
    source_file = put("billed", NAMES, ["Tarn Vale Dental", 3])
    assert (source_file.imported_by, current(account, "billed").by, source_file.received_by) == (mara, mara, mara)
    assert Variance.objects.count() == 0  # compared by a job of its own
