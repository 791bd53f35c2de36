from datetime import date


class DateConverter:
    """A day in an address, as in ``2026-10-14``. What is no day of the calendar is no such page."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date | str) -> str:
        return value if isinstance(value, str) else value.isoformat()
