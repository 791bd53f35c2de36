"""What is said about a cell that cannot be read: what was there, and what would be right."""

from typing import Final

from accounts.products import BY_CODE, CODES
from ingest.sources.body import Body
from ingest.sources.numbers import MAX_PRICE, MAX_QUANTITY, Fault, Numbers
from ingest.sources.reading import DecimalSign, Leg
from ingest.sources.remarks import Said

_KNOWN: Final = ", ".join(BY_CODE[code].label for code in CODES)


def fault_sentence(body: Body, index: int, row: int) -> Said:
    text = body.cell(index, row)
    what = "is a formula without a stored result" if text.startswith("=") else "is an error of the workbook"
    return Said(f"{text} {what}, not a value. Put it right in the workbook, and save it.", body.header[index], text)


def id_sentence(body: Body, row: int) -> Said:
    index = body.columns.owners["organization_id"]
    message = "The id is a number of more than 15 digits, of which a workbook keeps only 15. Have it written as text."
    return Said(message, body.header[index], body.cell(index, row))


def product_sentence(body: Body, index: int, leg: Leg, row: int) -> Said:
    text = body.cell(index, row)
    what = f"“{text[:80]}” is no product known here ({_KNOWN})" if text else "The row has a quantity and no product"
    end = ": no money may vanish, so correct it, or leave the row out knowingly." if leg == "billed" else "; it is not read."
    return Said(what + end, body.header[index], text)


def waiting_sentence(body: Body, index: int, row: int) -> Said:
    text = body.cell(index, row)
    return Said(
        f"“{text[:80]}” is no product known here ({_KNOWN}): it waits until somebody says what it counts for.", body.header[index], text
    )


def mark_sentence(body: Body, index: int, row: int) -> Said:
    text = body.cell(index, row)
    return Said(f"“{text[:80]}” says that this row is not charged, so it does not count.", body.header[index], text)


def quantity_sentence(body: Body, index: int, numbers: Numbers, row: int) -> Said:
    if body.fault(index)[row]:
        return fault_sentence(body, index, row)
    text = body.cell(index, row)
    return Said(_quantity_message(text[:80], Fault(int(numbers.faults[row])), body.decimal), body.header[index], text)


def _quantity_message(text: str, fault: Fault, decimal: DecimalSign) -> str:
    match fault:
        case Fault.AMBIGUOUS:
            return f"{text}: {_two_ways(text)}, or state the decimal sign."
        case Fault.NOT_WHOLE:
            sign = " with the decimal sign that was stated" if decimal else ""
            return f"Quantities are whole numbers: {text} is not{sign}."
        case Fault.NEGATIVE:
            return f"Quantities are not negative: {text} is. A credit belongs on the invoice, not among the counts."
        case Fault.TOO_LARGE:
            return f"{text} is more than {MAX_QUANTITY:,}, which no quantity here can be."
        case _:
            return f"“{text}” is no whole number. Write the quantity in digits alone, such as 12 or 1,234."


def _two_ways(text: str) -> str:
    whole, _, decimals = text.rpartition(".")
    grouped = text.replace(".", "")
    if text == "1.000":
        return "a thousand, or one? Write 1000 or 1 in the file"
    if "." not in whole and not decimals.strip("0"):
        return f"thousands, or {whole}? Write {grouped} or {whole} in the file"
    return f"thousands, or decimals? Write {grouped} in the file if it is that"


def price_sentence(body: Body, index: int, numbers: Numbers, row: int) -> Said:
    if body.fault(index)[row]:
        return fault_sentence(body, index, row)
    text = body.cell(index, row)
    return Said(_price_message(text[:80], Fault(int(numbers.faults[row]))), body.header[index], text)


def _price_message(text: str, fault: Fault) -> str:
    match fault:
        case Fault.AMBIGUOUS:
            return f"{text}: thousands, or decimals? Write the price with two decimals, or state the decimal sign."
        case Fault.NEGATIVE:
            return f"Unit prices are not negative: {text} is."
        case Fault.TOO_LARGE:
            return f"{text} is not below {MAX_PRICE:,}, which every unit price here is."
        case _:
            return f"“{text}” is no unit price. Write it in digits with at most six decimals, such as 6.50."


def total_sentence(difference: str) -> Said:
    return Said(f"The row is labelled as a total and is not the sum above it: {difference}. Rows are missing or twice in it.")
