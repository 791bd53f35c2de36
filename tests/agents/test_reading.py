"""Agent lists: every row in one bucket, dates in one way only, and the same rows whatever the size of the blocks."""

from __future__ import annotations

import datetime as dt
import io

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources import Mapping, Unreadable, read, recognise
from ingest.sources.agents import READER
from ingest.sources.limits import Limits
from tests.agents.making import HEADER, Seen, csv_bytes, hosts, rows_of_csv, seen

SHORT = ("Hostname", "Organization", "Last Seen")


def one(*cells: str, header: tuple[str, ...] = SHORT, mapping: Mapping | None = None) -> Seen:
    return seen(csv_bytes(header, ("PC-1", "Tarn Vale Dental", "2026-10-01"), cells), mapping)


def refused(data: bytes, mapping: Mapping | None = None, limits: Limits = Limits()) -> str:  # noqa: B008
    with pytest.raises(Unreadable) as raised:
        seen(data, mapping, limits=limits)
    return str(raised.value)


# --- columns ---


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (HEADER, ["hostname", "organization", "organization_id", "serial", "platform", "last_seen"]),
        (("hostname", "organization_id", "last_callback_at", "last_survey_at"), ["hostname", "organization_id", "last_seen"]),
        (("Client", "Site", "Device", "Last Online"), ["organization", "hostname", "last_seen"]),
        (("Name", "Company", "OS", "Last Check-in"), ["hostname", "organization", "platform", "last_seen"]),
        (("Organization Key", "Computer Name", "S/N", "Service Tag"), ["organization_key", "hostname", "serial"]),
        (("Customer", "Device Name", "Hostname", "Platform", "OS"), ["organization", "hostname", "platform"]),
    ],
)
def test_columns_are_known_by_their_headers(header, fields):
    row = tuple("2026-10-01" if "last" in cell.lower() else f"x{place}" for place, cell in enumerate(header))
    result = read(csv_bytes(header, row), name="list.csv", kind="agents")
    assert [result.mapping.columns[index] for index in sorted(result.mapping.columns)] == fields
    assert result.counts.loaded == 1


def test_the_better_of_two_columns_is_read_and_the_other_is_told():
    result = seen(csv_bytes(("Customer", "Device Name", "Hostname"), ("Tarn Vale Dental", "Reception", "PC-1")))
    assert result.hosts == ["PC-1"]
    assert [(issue.code, issue.column) for issue in result.issues] == [("unused_column", "Device Name")]


def test_two_columns_of_one_header_are_for_a_person_to_choose():
    assert "Two columns could be the hostname" in refused(csv_bytes(("Hostname", "Hostname", "Customer"), ("a", "b", "c")))


def test_an_agent_list_is_recognised_by_its_header():
    guess = recognise(csv_bytes(HEADER, *hosts(3)), name="export.csv")
    assert guess is not None
    assert guess.value == "agents"
    usage = recognise(csv_bytes(("Organization", "EDR", "SAT"), ("Tarn Vale Dental", 3, 4)), name="huntress billing.csv")
    assert usage is not None
    assert usage.value == "billed"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({0: "organization"}, "no column is the hostname"),
        ({0: "hostname"}, "no column is the Organization's name, id or key"),
        ({0: "hostname", 1: "quantity"}, "“quantity” is no field of an agent list"),
        ({0: "hostname", 9: "organization"}, "column J is beyond the header"),
        ({0: "hostname", 1: "organization", 2: "hostname"}, "“hostname” is given to 2 columns"),
    ],
)
def test_a_stated_mapping_that_cannot_be_used_is_refused(columns, said):
    assert said in refused(csv_bytes(SHORT, ("PC-1", "Tarn Vale Dental", "")), Mapping(columns))


# --- rows ---


@pytest.mark.parametrize(
    ("cells", "bucket", "reason"),
    [
        (("PC-2", "Marrick Town Trust", ""), "", ""),
        (("PC-1", "Tarn Vale Dental", "2026-10-01"), "", ""),  # the same host again is a finding, not a mistake
        ((), "set_aside", "blank"),
        (("", " ", ""), "set_aside", "blank"),
        (("Hostname", "Organization", "Last Seen"), "set_aside", "header"),
        (("HOSTNAME", "ORGANIZATION", "LAST SEEN"), "set_aside", "header"),
        (("Total: 41", "", ""), "set_aside", "total"),
        (("", "Total", ""), "set_aside", "total"),
        (("Exported on 14 November 2026", "", ""), "set_aside", "footer"),
        (("", "Marrick", ""), "set_aside", "no agent"),
        (("PC-2",), "rejected", "no_organization"),
        (("PC-2", "", "2026-10-01"), "rejected", "no_organization"),
        (("", "Marrick Town Trust", "2026-10-01"), "rejected", "no_hostname"),
        (("PC-2", "Marrick Town Trust", "2026-10-01", "x"), "rejected", "extra_cells"),
        (("PC-2", "Marrick Town Trust", "2026-10-01", ""), "", ""),
        (("PC-2", "Marrick Town Trust", "yesterday"), "rejected", "unreadable_date"),
        (("PC-2", "Marrick Town Trust", "2026-02-30"), "rejected", "unreadable_date"),
        (("PC-2", "Marrick Town Trust", "03/04/2026"), "rejected", "ambiguous_date"),
        (("h" * 256, "Marrick Town Trust", ""), "rejected", "long_hostname"),
    ],
)
def test_each_row_ends_in_one_bucket_with_its_reason(cells, bucket, reason):
    result = one(*cells)
    assert result.odd[1:] == ([] if not bucket else [type(result.odd[0])(3, bucket, cells + ("",) * (3 - len(cells)), reason)])
    assert len(result.agents) == 1 + (not bucket)
    assert result.codes == ([(3, reason)] if bucket == "rejected" else [])
    assert result.counts.rows_in == 3


def test_a_rejected_cell_is_told_with_its_line_column_value_and_what_would_be_right():
    (issue,) = one("PC-2", "Marrick Town Trust", "yesterday").issues
    assert (issue.line, issue.column, issue.value) == (3, "Last Seen", "yesterday")
    assert issue.message == (
        "“yesterday” is no date. Write it as 2026-01-10 or 2026-01-10T01:07:08Z, or leave it blank where there was no check-in."
    )


def test_owners_are_each_distinct_name_id_and_key_in_the_order_they_come():
    rows = [("a", "Tarn", "1"), ("b", "Marrick", "2"), ("c", "Tarn", "1"), ("d", "Tarn", ""), ("e", "tarn", "")]
    result = seen(csv_bytes(("Hostname", "Organization", "Organization ID"), *rows))
    assert result.owners == {("Tarn", "1", ""): 0, ("Marrick", "2", ""): 1, ("Tarn", "", ""): 2, ("tarn", "", ""): 3}
    assert (result.rows_of, [agent[1] for agent in result.agents]) == ([2, 1, 1, 1], [0, 1, 0, 2, 3])


def test_titles_above_the_header_are_set_aside():
    result = seen(b"Agents of Quillmere IT\n\n" + csv_bytes(SHORT, ("PC-1", "Tarn Vale Dental", "")))
    assert [(row.line, row.reason) for row in result.odd] == [(1, "title"), (2, "blank"), (3, "header")]
    assert (result.counts.rows_in, result.hosts) == (4, ["PC-1"])


def test_millions_of_faults_are_counted_and_the_first_are_told():
    data = csv_bytes(SHORT, *([("PC", "Tarn", "soon")] * 500))
    result = seen(data, limits=Limits(max_issues=20), block=1 << 12)
    assert len(result.odd) == 501
    assert [issue.line for issue in result.issues] == [*range(2, 22), None]
    assert result.issues[-1].message == "480 more rows have something wrong that is not listed here."
    assert result.counts.rejected == 500


# --- dates ---


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-10T01:07:08Z", "2026-01-10 01:07:08"),
        ("2026-01-10T01:07:08.123Z", "2026-01-10 01:07:08"),
        ("2026-01-10 01:07:08 UTC", "2026-01-10 01:07:08"),
        ("2026-01-10 01:07:08", "2026-01-10 01:07:08"),
        ("2026-01-10", "2026-01-10 00:00:00"),
        ("2026-01-10T01:07:08+02:00", "2026-01-09 23:07:08"),
        ("2026-01-10 01:07", "2026-01-10 01:07:00"),
        ("1/31/2026 1:07:08 PM", "2026-01-31 13:07:08"),
        ("31.01.2026 13:07", "2026-01-31 13:07:00"),
        ("04/04/2026", "2026-04-04 00:00:00"),
        ("10 Jan 2026", "2026-01-10 00:00:00"),
        ("10-January-2026 12:30 AM", "2026-01-10 00:30:00"),
        ("Jan 10, 2026 01:07:08", "2026-01-10 01:07:08"),
        ("", None),
        ("never", None),
    ],
)
def test_a_date_is_read_as_it_is_meant(text, moment):
    (_, agent) = one("PC-2", "Marrick Town Trust", text).agents
    assert agent[5] == (moment and dt.datetime.fromisoformat(moment))


@pytest.mark.parametrize(
    "text", ["32/01/2026", "2026-13-01", "2026-02-29", "46032", "10:15", "2026-01-10T25:00:00Z", "0001-01-01T00:00:00Z", "13 PM", "x" * 60]
)
def test_what_is_no_date_is_rejected(text):
    assert one("PC-2", "Marrick Town Trust", text).codes == [(3, "unreadable_date")]


@pytest.mark.parametrize(
    ("others", "stated", "day"),
    [
        (["13/04/2026"], "", "2026-04-03"),
        (["04/13/2026"], "", "2026-03-04"),
        (["13/04/2026", "04/13/2026"], "", None),
        (["03/03/2026", "05/06/2026"], "", None),
        ([], "day", "2026-04-03"),
        ([], "month", "2026-03-04"),
    ],
)
def test_day_or_month_first_is_proved_by_the_column_or_stated(others, stated, day):
    rows = [("PC-1", "Tarn", "03/04/2026"), *((f"PC-{n}", "Tarn", text) for n, text in enumerate(others, 2))]
    mapping = Mapping({0: "hostname", 1: "organization", 2: "last_seen"}, dates=stated) if stated else None
    result = seen(csv_bytes(SHORT, *rows), mapping, block=40)
    found = {agent[2]: agent[5] for agent in result.agents}
    assert found.get("PC-1") == (day and dt.datetime.fromisoformat(day))
    assert ("date_order" in {issue.code for issue in result.issues}) == (day is not None and not stated)


def test_a_workbooks_dates_are_read():
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Agents")
        shown = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, SHORT)
        sheet.write_row(1, 0, ["PC-1", "Tarn"])
        sheet.write_datetime(1, 2, dt.datetime(2026, 1, 10, 1, 7), shown)
        sheet.write_row(2, 0, ["PC-2", "Tarn", 46032.5])  # a date that lost its format
        sheet.write_row(3, 0, ["PC-3", "Tarn", 7])
        sheet.write_row(4, 0, ["PC-4", "Tarn", "2026-01-11"])
    result = seen(made.getvalue())
    assert [(agent[2], agent[5] and agent[5].isoformat(" ")) for agent in result.agents] == [
        ("PC-1", "2026-01-10 01:07:00"), ("PC-2", "2026-01-10 12:00:00"), ("PC-4", "2026-01-11 00:00:00"),
    ]  # fmt: skip
    assert result.codes == [(4, "unreadable_date")]


# --- documents that are refused ---


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n", "picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 99, "Office document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 99_999 + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"PK\x03\x04 no workbook", "damaged"),
        (csv_bytes(SHORT, ("PC\0-1", "Tarn", "")), "NUL bytes"),
        (csv_bytes(SHORT) + b"\x81,\x8d,", "no text in CP1252"),
        (b"\xef\xbb\xbf" + csv_bytes(SHORT) + b"\xff,a,", "no text in UTF-8"),
        (b"a,b\n1,2\n", "No header was found"),
        (csv_bytes(SHORT) + b'"PC-1,Tarn,2026-01-01\nPC-2,Tarn,\n', "opened on line 2 is never closed"),
        (csv_bytes(SHORT) + b'"PC-1' + b",Tarn,\n" * 60_000, "A cell on line 2 is longer than 32,767 characters"),
        (csv_bytes(SHORT, ("PC-1", "x" * 40_000, "")), "A cell on line 2 is longer than 32,767 characters"),
        (csv_bytes(SHORT, ("PC-1", "Tarn", *["x"] * 1_100)), "1,102 columns"),
    ],
)
@pytest.mark.parametrize("block", [1 << 12, 8 << 20])
def test_what_is_no_agent_list_is_refused_with_a_sentence(data, said, block):
    with pytest.raises(Unreadable) as raised:
        seen(data, block=block)
    assert said in str(raised.value)


def test_limits_of_bytes_rows_and_organizations_are_kept(monkeypatch):
    data = csv_bytes(HEADER, *hosts(50, 50))
    assert "more than 10 rows" in refused(data, limits=Limits(max_rows=10))
    assert "MiB" in refused(data, limits=Limits(max_bytes=100))
    monkeypatch.setattr("ingest.sources.agents_rows.MOST_OWNERS", 20)
    assert "20 different Organizations" in refused(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("block", [7, 64, 8 << 20])
def test_every_encoding_and_line_end_gives_the_same_rows(encoding, end, block):
    text = end.join(["Hostname;Organization;Platform", "PC-1;Zahnärzte Tarn;windows", '"PC;2";Café Marrick;linux', ""])
    result = seen(text.encode(encoding), block=block)
    assert (result.hosts, list(result.owners)) == (["PC-1", "PC;2"], [("Zahnärzte Tarn", "", ""), ("Café Marrick", "", "")])
    assert [agent[0] for agent in result.agents] == [2, 3]


# --- laws ---

CELLS = st.one_of(
    st.sampled_from(["", " ", "PC-1", "Tarn", "Total", "2026-01-10", "2026-01-10T01:07:08Z", "13/04/2026", "03/04/2026", "never", 'a "b"']),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
)
ROWS = st.lists(st.lists(CELLS, max_size=5), max_size=20)


@given(ROWS, st.integers(1, 200), st.sampled_from([",", ";", "\t", "|"]))
def test_rows_add_up_and_blocks_of_any_size_give_the_same_as_the_whole(rows, block, delimiter):
    data = csv_bytes(SHORT, *rows, delimiter=delimiter)
    whole = seen(data)
    assert whole.counts.rows_in == len(whole.agents) + len(whole.odd)
    assert sorted([agent[0] for agent in whole.agents] + [row.line for row in whole.odd]) == rows_of_csv(data, delimiter)
    assert seen(data, block=block) == whole


@given(st.lists(st.sampled_from(['"', ",", "\n", "a", "PC", "\r\n", '""', "é"]), max_size=60), st.integers(1, 40))
def test_oddly_quoted_text_is_read_the_same_in_blocks_of_any_size(parts, block):
    data = csv_bytes(SHORT) + "".join(parts).encode()
    assert _said(data, block) == _said(data, 8 << 20)


def _said(data: bytes, block: int) -> Seen | str:
    try:
        return seen(data, block=block)
    except Unreadable as error:
        return str(error)


def test_read_whole_it_says_the_same_and_names_the_organizations():
    result = read(csv_bytes(HEADER, *hosts(5, 2)), name="list.csv", kind="agents")
    assert list(result.lines.columns) == list(READER.lines)
    assert result.lines["organization"].tolist() == [f"Customer {n % 2} Ltd" for n in range(1, 6)]
    assert (result.counts.loaded, len(result.first_rows)) == (5, 6)
