"""What is written is whole, where it was asked for, and nothing on a refusal."""

import errno
import os
from pathlib import Path

import openpyxl
import pytest

from tests.command.making import Reconcile, write

ROWS = [("Organization", "EDR"), ("Contoso", 12)]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("options", [{"json": "bad"}, {"sheet": "bad"}, {"json": "gone/x"}, {"sheet": "gone/x"}])
def test_where_one_of_two_outputs_cannot_be_written_neither_is(reconcile: Reconcile, tmp_path: Path, options: dict[str, str]) -> None:
    good = {"json": str(tmp_path / "good.json"), "sheet": str(tmp_path / "good.xlsx")}
    (tmp_path / "bad").mkdir()
    bad = {name: str(tmp_path / where) for name, where in options.items()}
    done = reconcile(billed=ROWS, expected=ROWS, **good | bad)
    assert done.status == 2
    assert f"{next(iter(bad.values()))}: cannot be written: " in done.err
    assert ".recon-" not in done.err
    assert left_in(tmp_path) - {"bad"} == {"billed.csv", "expected.csv"}


def test_when_the_second_cannot_take_its_place_the_first_is_taken_back(
    reconcile: Reconcile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "found.json").write_text('{"of": "last month"}')
    replace = Path.replace

    def full(self: Path, target: str | Path) -> Path:
        if str(target).endswith(".xlsx"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    done = reconcile(billed=ROWS, expected=ROWS, sheet=str(tmp_path / "rebill.xlsx"))
    assert f"{tmp_path / 'rebill.xlsx'}: cannot be written: No space left on device" in done.err
    assert done.json == {"of": "last month"}
    assert left_in(tmp_path) == {"billed.csv", "expected.csv", "found.json"}


def test_what_was_there_is_replaced_and_its_permissions_kept(reconcile: Reconcile, tmp_path: Path) -> None:
    kept = tmp_path / "found.json"
    kept.write_text("{}")
    kept.chmod(0o600)
    assert reconcile(billed=ROWS, expected=ROWS).status == 0
    assert "variances" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(reconcile: Reconcile, tmp_path: Path) -> None:
    (tmp_path / "found.json").symlink_to(tmp_path / "elsewhere.json")
    assert reconcile(billed=ROWS, expected=ROWS).json["variances"]
    assert (tmp_path / "found.json").is_symlink()
    assert (tmp_path / "elsewhere.json").is_file()


@pytest.mark.parametrize("option", ["json", "sheet"])
def test_a_list_is_never_written_over(reconcile: Reconcile, tmp_path: Path, option: str) -> None:
    before = write(tmp_path, "billed", ROWS).read_bytes()
    done = reconcile(billed=tmp_path / "billed.csv", expected=ROWS, **{option: f"{tmp_path}/./billed.csv"})
    assert done.status == 2
    assert "is one of the lists" in done.err
    assert (tmp_path / "billed.csv").read_bytes() == before


def test_two_outputs_have_two_places(reconcile: Reconcile, tmp_path: Path) -> None:
    one = str(tmp_path / "found")
    assert reconcile(billed=ROWS, json=one, sheet=one).status == 2
    assert left_in(tmp_path) == {"billed.csv"}


@pytest.mark.parametrize("where", ["/dev/null", "", "/"])
def test_what_is_no_file_is_not_written_over(reconcile: Reconcile, where: str) -> None:
    assert reconcile(billed=ROWS, json=where).status == 2
    assert Path("/dev/null").is_char_device()


def test_the_same_lists_give_the_same_bytes(reconcile: Reconcile, tmp_path: Path) -> None:
    sheets = [tmp_path / "one.xlsx", tmp_path / "other.xlsx"]
    texts = []
    for sheet in sheets:
        reconcile(billed=ROWS, rebilled=[*ROWS, ("Fabrikam", 3)], sheet=str(sheet))
        texts.append((tmp_path / "found.json").read_bytes())
    assert texts[0] == texts[1]
    assert sheets[0].read_bytes() == sheets[1].read_bytes()


# --- the sheet --------------------------------------------------------------------------------------------------------------------


def rebill_lines(path: Path) -> list[dict[str, object]]:
    header, *rows = openpyxl.load_workbook(path)["Rebill lines"].iter_rows(min_row=2, values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def test_the_sheet_rebills_what_is_billed_with_old_new_and_difference_side_by_side(reconcile: Reconcile, tmp_path: Path) -> None:
    sheet = tmp_path / "rebill.xlsx"
    billed = [("Organization", "EDR"), ("Contoso", 12), ("=SUM(A1)", 3)]
    reconcile(billed=billed, rebilled=[("Customer", "EDR", "EDR price"), ("Contoso", 10, "7.50"), ("Gone", 4, "7.50")], sheet=str(sheet))
    lines = {row["Organization"]: row for row in rebill_lines(sheet)}
    assert list(lines) == ["=SUM(A1)", "Contoso", "Gone"]
    figures = [(row["Old quantity"], row["New quantity"], row["Difference"]) for row in lines.values()]
    assert figures == [(0, 3, 3), (10, 12, 2), (4, 0, -4)]
    assert lines["Contoso"]["Unit price"] == 7.5
    assert lines["Contoso"]["Source"] == "billed.csv, line 2"
    assert openpyxl.load_workbook(sheet)["Rebill lines"]["A3"].data_type == "s", "a name is never a formula"


def test_a_rejected_row_never_becomes_a_rebill_quantity(reconcile: Reconcile, tmp_path: Path) -> None:
    sheet = tmp_path / "rebill.xlsx"
    billed = [("Organization", "Product", "Quantity"), ("Contoso", "EDR", 12), ("Contoso", "EDR", "abc"), ("Fabrikam", "EDR", 3)]
    done = reconcile(billed=billed, rebilled=billed[:2] + billed[3:], allow_rejected=True, sheet=str(sheet))
    assert done.status == 1
    assert [(row["Organization"], row["New quantity"]) for row in rebill_lines(sheet)] == [("Fabrikam", 3)]
    everything = [cell.value for page in openpyxl.load_workbook(sheet) for row in page.iter_rows() for cell in row]
    assert any("abc" in str(value) and "line 3" in str(value) for value in everything), "each stays listed"
