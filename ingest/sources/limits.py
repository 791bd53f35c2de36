"""How much a reader takes in: past a limit a document is refused, so that no file can exhaust the machine."""

from dataclasses import dataclass
from typing import Final

_BYTES_OF_A_CELL: Final = 100
_ROOMY: Final = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, rows, columns and characters. 32,767 characters is what a workbook's cell can hold; a longer one is a lost quotation mark.

    ``max_memory`` is what reading may allocate, in bytes; 0 says nothing of it. It is asked for where a library would end the whole
    process instead of raising MemoryError.
    """

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
    max_memory: int = 0

    @property
    def cells_in_memory(self) -> int:
        """The most cells of a sheet, blank ones included: of a workbook, all are held at once."""
        return min(self.max_workbook_cells, self.max_memory // _BYTES_OF_A_CELL) if self.max_memory else self.max_workbook_cells

    @property
    def is_tight(self) -> bool:
        """Whether a sheet of usual extent could already be too much."""
        return 0 < self.max_memory < _ROOMY
