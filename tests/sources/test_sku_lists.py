"""Lists of SKUs as people have them: pasted out of an article, in a table with notes, and two tables that are no such list."""

from __future__ import annotations

import pytest

from ingest.sources import Unreadable, guess_kind, read
from ingest.sources.sku_files import read_names, read_suggestions

ARTICLE = """Managed ITDR: SKU exclusion list
Last updated: 28 May 2026

The following SKUs make no identity billable:
• INVENTED_APPS – Invented apps (free)
* 10_INVENTED_ADDON
3. `INVENTED_FORMS_PRO`*
| INVENTED_AVATARS | Invented avatars |
Invented_365_OnPrem (Invented on premises)
INVENTEDSTNC
Invented Credits\tINVENTED_CREDITS
invented_apps
INVENTED_A, INVENTED_B; INVENTED_C
Invented_Pages_T3_min_1,000_units/per_site
Please allow two business days before a query.
See https://support.example/articles/some_thing
"""
GUIDS = [f"5c00000{n}-2222-4000-8000-000000000000" for n in range(6)]
HEADER = "Product_Display_Name,String_Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names\n"


def listed(text: str) -> list[tuple[int, str, str]]:
    lines = read(text.encode(), name="list.txt", kind="exclusions").lines
    return list(lines[["line", "sku", "name"]].itertuples(index=False, name=None))


def test_an_article_is_read_whatever_stands_around_its_part_numbers() -> None:
    assert listed(ARTICLE) == [
        (5, "INVENTED_APPS", "Invented apps (free)"),
        (6, "10_INVENTED_ADDON", ""),
        (7, "INVENTED_FORMS_PRO", ""),
        (8, "INVENTED_AVATARS", "Invented avatars"),
        (9, "Invented_365_OnPrem", "Invented on premises"),
        (10, "INVENTEDSTNC", ""),
        (11, "INVENTED_CREDITS", "Invented Credits"),
        (13, "INVENTED_A", ""),
        (13, "INVENTED_B", ""),
        (13, "INVENTED_C", ""),
        (14, "Invented_Pages_T3_min_1,000_units/per_site", ""),
    ]


def test_what_is_no_entry_is_set_aside_and_not_lost() -> None:
    reading = read(ARTICLE.encode(), name="list.txt", kind="exclusions")
    assert reading.counts.rows_in == len(ARTICLE.splitlines())
    assert [(row.line, row.bucket) for row in reading.odd_rows if row.reason != "blank"] == [
        (1, "set_aside"), (2, "set_aside"), (4, "set_aside"), (12, "merged"), (15, "set_aside"), (16, "set_aside"),
    ]  # fmt: skip
    assert [issue.message for issue in reading.issues] == ["invented_apps stands on line 5 already: it counts once."]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_an_encoding_does_not_matter(encoding: str) -> None:
    text = ARTICLE.replace("•", "*").replace("–", "-")
    reading = read((text + "* INVENTED_CAFÉ_PLAN? no\n").encode(encoding), name="list.txt", kind="exclusions")
    assert len(reading.lines) == 11


def test_it_is_read_again_in_the_same_way_once_it_is_stated() -> None:
    first = read(ARTICLE.encode(), name="list.txt", kind="exclusions")
    again = read(ARTICLE.encode(), name="list.txt", kind="exclusions", mapping=first.mapping)
    assert again.lines.equals(first.lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SKU\n• INVENTED_A – Invented\nPlease wait two days.\n", [(2, "INVENTED_A", "Invented")]),
        ("Product\tSKU ID\nInvented\t INVENTED_A*\nUpdated 28 May 2026\t\n", [(2, "INVENTED_A", "Invented")]),
        ("SKU\nInvented_365_ Business_ Premium_(no Teams)\n", [(2, "Invented_365_ Business_ Premium_(no Teams)", "")]),
        ("SKU\nInvented 365 A3 Suite features for faculty\n", [(2, "Invented 365 A3 Suite features for faculty", "")]),
        ("SKU\tName\nInvented_w/o\u00a0Teams\tInvented\nNote: ask first\t\n", [(2, "Invented_w/o Teams", "Invented")]),
    ],
)
def test_a_table_may_have_bullets_and_notes_too(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert listed(text) == expected


@pytest.mark.parametrize("text", ["Organization,EDR\nGarrowby Dental,12\n", "Dear all,\nthe snake_case word.\nBest\nAnn\nBob\nEve\n"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        listed(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER}Invented,INVENTED_A,{GUIDS[0]},PLAN,{GUIDS[1]},Plan\n", "Microsoft’s table of product names"),
        (
            "string_id,guid,display_name,category,confidence,evidence\nINVENTED_A,,Invented,free,likely,An article\n",
            "suggestions with their evidence",
        ),
    ],
)
def test_a_table_of_something_else_is_never_taken_for_the_list(text: str, said: str) -> None:
    """Every SKU there is stands in Microsoft's: taken for the list, nobody would be billable."""
    with pytest.raises(Unreadable, match=said):
        listed(text)
    assert guess_kind("file.csv", (), text.splitlines()[0].split(",")) is None


def test_names_are_kept_by_guid_and_dirt_is_said_line_by_line() -> None:
    rows = [
        ("Invented One", "INVENTED_ONE\t", GUIDS[0]),
        ("Invented One", "INVENTED_ONE", GUIDS[0]),
        ("Invented Uno", "INVENTED_ONE", GUIDS[0]),
        ("Invented Two", "INVENTED_TWO", f"{GUIDS[1]}\u00a0"),
        ("Invented Twin", "INVENTED_TWIN", GUIDS[2]),
        ("Invented Twin", "invented_twin ", GUIDS[3].upper()),
        ("Invented None", "INVENTED_NONE", "none"),
        ("", "INVENTED_UNNAMED", GUIDS[4]),
        ("Invented", "", GUIDS[5]),
    ]
    text = HEADER + "".join(f"{name},{sku},{guid},PLAN,{GUIDS[5]},Plan\n" for name, sku, guid in rows)
    found, issues = read_names(text.encode("utf-8-sig"))
    assert [(one.line, one.sku_id, one.sku, one.name) for one in found] == [
        (2, GUIDS[0], "INVENTED_ONE", "Invented One"),
        (5, GUIDS[1], "INVENTED_TWO", "Invented Two"),
        (6, GUIDS[2], "INVENTED_TWIN", "Invented Twin"),
        (7, GUIDS[3], "invented_twin", "Invented Twin"),
    ]
    assert [(one.line, one.level, one.code) for one in issues] == [
        (2, "info", "spaces"), (4, "warning", "two_names"), (5, "info", "spaces"), (7, "info", "spaces"), (7, "warning", "two_guids"),
        (8, "error", "no_guid"), (9, "error", "no_name"), (10, "error", "no_part_number"),
    ]  # fmt: skip
    assert "“Invented One” on line 2" in issues[1].message
    assert "no-break space around it" in issues[2].message


def test_the_same_dirt_on_many_lines_is_said_once() -> None:
    text = HEADER + f"Invented,INVENTED_ONE ,{GUIDS[0]},PLAN,{GUIDS[5]},Plan\n" * 4
    (issue,) = read_names(text.encode())[1]
    assert issue.message.endswith("(and on 3 more lines)")


def test_suggestions_need_evidence() -> None:
    text = "string_id,guid,display_name,category,confidence,evidence\nA_ONE,,One,free,likely,Seen\nA_TWO,,,,,\na_one,,,,,Again\n,,,,,Who\n"
    found, issues = read_suggestions(text.encode())
    assert [(one.sku, one.evidence) for one in found] == [("A_ONE", "Seen")]
    assert [(one.line, one.code) for one in issues] == [(3, "no_evidence"), (4, "twice"), (5, "no_part_number")]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\x89PNG\r\n\x1a\n\0\0\0\0"])
def test_other_files_are_refused_in_words(content: bytes) -> None:
    for reader in (read_names, read_suggestions):
        with pytest.raises(Unreadable):
            reader(content)
