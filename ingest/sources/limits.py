"""How much a reader takes in: past a limit a document is refused, so that no file can exhaust the machine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, rows, columns and characters. 32,767 characters is what a workbook's cell can hold; a longer one is a lost quotation mark."""

    max_bytes: int = 512 * 2**20
    max_workbook_bytes: int = 512 * 2**20
    max_workbook_ratio: int = 300
    max_rows: int = 5_000_000
    max_columns: int = 1_000
    max_cells: int = 100_000_000
    max_workbook_cells: int = 20_000_000
    max_cell_length: int = 32_767
    max_odd_rows: int = 100_000
    max_issues: int = 100_000
