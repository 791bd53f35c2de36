"""A header is known again whatever its case and spacing, its columns are found by name, and what changed is said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources import Mapping
from ingest.sources.profiles import Change, Profile, fingerprint, fit, recognise
from tests.sources.making import Cell, csv_bytes, workbook

HEADER = ("Customer", "Service", "Qty", "Rate", "Notes")
FIELDS = {0: "organization", 1: "product", 2: "quantity", 3: "unit_price"}


def profile(header: tuple[str, ...] = HEADER, columns: dict[int, str] | None = None, kind: str = "rebilled", **more: object) -> Profile:
    return Profile(kind, "PSA", header, Mapping(FIELDS if columns is None else columns, **more))  # type: ignore[arg-type]


def changes(known: Profile, header: tuple[str, ...]) -> list[tuple[str, bool]]:
    return [(change.what, change.matters) for change in fit(known, header)[1]]


def said(found: tuple[Change, ...]) -> str:
    return " ".join(change.message for change in found)


TITLES = st.lists(st.text("abcdefgh", min_size=1, max_size=8), min_size=2, max_size=12, unique_by=str.casefold)


class TestFingerprint:
    @given(TITLES, st.data())
    def test_case_spacing_and_blank_columns_at_the_end_do_not_count(self, titles: list[str], data: st.DataObject) -> None:
        other = [data.draw(st.sampled_from([t, t.upper(), f" {t} ", f"{t[:1]} {t[1:]}", f"{t[:1]}_{t[1:]}"])) for t in titles]
        assert fingerprint("billed", other + [""] * data.draw(st.integers(0, 3))) == fingerprint("billed", titles)

    @given(TITLES)
    def test_order_kind_and_columns_do(self, titles: list[str]) -> None:
        others = [fingerprint("billed", titles[::-1]), fingerprint("expected", titles), fingerprint("billed", titles[1:])]
        assert fingerprint("billed", titles) not in others

    def test_cells_do_not_run_into_each_other(self) -> None:
        assert fingerprint("billed", ["ab", "c"]) != fingerprint("billed", ["a", "bc"])


class TestFit:
    def test_the_same_header_is_read_as_stated(self) -> None:
        assert fit(profile(), ("customer", "SERVICE", " Qty ", "rate", "notes")) == (FIELDS, ())

    @given(st.permutations(range(5)), st.lists(st.sampled_from(["Region", "Owner", "Ticket"]), unique=True))
    def test_columns_in_another_order_keep_their_meaning(self, order: list[int], more: list[str]) -> None:
        header = (*(HEADER[index] for index in order), *more)
        columns, found = fit(profile(), header)
        assert {header[index]: name for index, name in columns.items()} == {HEADER[index]: name for index, name in FIELDS.items()}
        assert bool(found) == (list(order) != sorted(order) or bool(more))
        assert {change.what for change in found} <= {"moved", "added"}

    def test_a_new_column_is_said_and_moves_nothing(self) -> None:
        columns, found = fit(profile(), ("Region", *HEADER))
        assert columns == {1: "organization", 2: "product", 3: "quantity", 4: "unit_price"}
        assert [change.message for change in found] == ["Column A “Region” is new. Nothing is read from it."]

    def test_the_column_that_moved_is_named_and_not_those_that_made_room(self) -> None:
        _, found = fit(profile(), ("Customer", "Qty", "Service", "Rate", "Notes"))
        assert len(found) == 1
        assert found[0].what == "moved"

    def test_a_column_that_was_read_and_is_gone_is_in_no_proposal(self) -> None:
        columns, found = fit(profile(), ("Customer", "Service", "Rate"))
        assert "quantity" not in columns.values()
        assert found[0] == Change("gone", "Column C “Qty”, which was the quantity, is gone.", True)
        assert found[1] == Change("gone", "Column E “Notes” is gone. It was not read.", False)

    @pytest.mark.parametrize("title", ["Client", "Customers", "Customer Name"])
    def test_a_new_name_for_the_same_thing_is_proposed(self, title: str) -> None:
        columns, found = fit(profile(), (title, *HEADER[1:]))
        assert columns[0] == "organization"
        assert found == (Change("renamed", f"Column A “{title}” is taken for what was “Customer”, the Organization.", True),)

    def test_the_one_new_name_between_the_same_neighbours_is_proposed(self) -> None:
        columns, _ = fit(profile(), ("Customer", "Service", "Stück", "Rate", "Notes"))
        assert columns[2] == "quantity"

    def test_of_two_new_names_that_could_be_it_none_is_taken(self) -> None:
        columns, found = fit(profile(), ("Client", "Customer Name", *HEADER[1:]))
        assert "organization" not in columns.values()
        assert ("gone", True) in [(change.what, change.matters) for change in found]

    def test_a_name_that_stands_twice_now_is_for_a_person(self) -> None:
        columns, found = fit(profile(), ("Customer", "Service", "Qty", "Rate", "Qty"))
        assert "quantity" not in columns.values()
        assert found[0] == Change("unclear", "“Qty” could be column C or E: say which of them is the quantity.", True)

    def test_a_name_that_stood_twice_and_stands_once_is_for_a_person(self) -> None:
        known = profile(("Customer", "Qty", "Qty", "Service"), {0: "organization", 2: "quantity", 3: "product"})
        columns, found = fit(known, ("Customer", "Qty", "Service"))
        assert "quantity" not in columns.values()
        assert "stood twice and stands once now, in column B" in said(found)

    @given(TITLES, TITLES, st.data())
    def test_no_column_is_read_twice_and_nothing_is_silent(self, before: list[str], after: list[str], data: st.DataObject) -> None:
        fields = dict(enumerate(data.draw(st.permutations(["organization", "product", "quantity"]))[: len(before)]))
        columns, found = fit(profile(tuple(before), fields), tuple(after))
        assert len(set(columns.values())) == len(columns)
        lost = set(fields.values()) - set(columns.values())
        assert len(lost) == sum(change.what in {"gone", "unclear"} and change.matters for change in found)
        assert (columns, found) == (fields, ()) or found


class TestRecognise:
    def test_it_is_known_below_titles_and_with_another_delimiter(self) -> None:
        rows = [["PSA export"], [], list(HEADER), ["Thornby Vets", "EDR", "3", "6.50", ""]]
        found = recognise(csv_bytes(rows, ";"), [profile()])
        assert found
        assert (found.mapping.columns, found.mapping.header_line, found.mapping.delimiter, found.changes) == (FIELDS, 3, ";", ())

    def test_it_keeps_what_else_was_stated(self) -> None:
        found = recognise(csv_bytes([list(HEADER)]), [profile(decimal=",")])
        assert found
        assert found.mapping.decimal == ","

    def test_a_header_that_nobody_stated_is_not_known(self) -> None:
        assert recognise(b"Organization,EDR\nThornby Vets,3\n", [profile()]) is None
        assert recognise(b"%PDF-1.4", [profile()]) is None
        assert recognise(csv_bytes([list(HEADER)]), []) is None

    def test_the_same_header_is_preferred_to_one_that_is_near(self) -> None:
        near, same = profile((*HEADER, "Region")), profile()
        found = recognise(csv_bytes([list(HEADER)]), [near, same])
        assert found
        assert found.profile is same

    def test_one_that_is_near_is_a_proposal(self) -> None:
        found = recognise(csv_bytes([["Region", *HEADER]]), [profile()])
        assert found
        assert found.mapping.columns[1] == "organization"
        assert found.changes

    def test_the_sheet_that_was_stated_is_taken_among_several(self) -> None:
        rows: Sequence[Sequence[Cell]] = [HEADER, ("Thornby Vets", "EDR", 1, 6.5, "")]
        sheets = {"October": rows, "November": rows}
        found = recognise(workbook(sheets), [profile(sheet="November")])
        assert found
        assert found.mapping.sheet == "November"
        assert recognise(workbook(sheets), [profile(sheet="September")]) is None

    def test_a_sheet_under_another_name_is_known(self) -> None:
        found = recognise(workbook({"Read me": [["Hello"]], "November": [HEADER]}), [profile(sheet="October")])
        assert found
        assert found.mapping.sheet == "November"

    def test_a_stated_encoding_that_nothing_shows_is_kept(self) -> None:
        known = profile(("Klient", "Usługa", "Ilość"), {0: "organization", 1: "product", 2: "quantity"}, encoding="cp1250")
        found = recognise("Klient;Usługa;Ilość\nŁąka;EDR;3\n".encode("cp1250"), [known])
        assert found
        assert (found.mapping.encoding, found.mapping.delimiter, found.changes) == ("cp1250", ";", ())

    def test_a_text_that_is_utf_8_now_is_read_as_that(self) -> None:
        known = profile(("Klient", "Usługa", "Ilość"), {0: "organization", 1: "product", 2: "quantity"}, encoding="cp1250")
        found = recognise("Klient;Usługa;Ilość\nŁąka;EDR;3\n".encode(), [known])
        assert found
        assert found.mapping.encoding == "utf-8"

    def test_a_long_text_is_known_by_its_start(self) -> None:
        rows = csv_bytes([list(HEADER), *[["Thornby Vets", "EDR", "3", "6.50", "x" * 400]] * 5_000])
        assert len(rows) > 2**20
        assert recognise(rows, [profile()])
