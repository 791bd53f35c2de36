"""How figures, dates and states look on a page. Presentation only: what a figure means is decided elsewhere."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from operator import index
from typing import Any, Final, Protocol

from django import template
from django.core.paginator import Page
from django.forms import BoundField, CheckboxInput, Select
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import is_aware, localtime

from accounts.money import round_to_cents

register = template.Library()

MINUS: Final = "\u2212"
DASH: Final = "\u2013"
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "AUD": "A$", "CAD": "C$", "NZD": "NZ$"}
COUNTS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

#: A state's code → its tone (a class of app.css), its icon and its word.
STATES: Final[dict[str, tuple[str, str, str]]] = {
    "match": ("match", "match", "Match"),
    "within": ("within", "within", "Within"),
    "investigate": ("investigate", "investigate", "Investigate"),
    "escalate": ("escalate", "escalate", "Escalate"),
    "unchecked": ("unchecked", "unchecked", "Unchecked"),
    "done": ("done", "done", "Done"),
    "todo": ("todo", "todo", "To do"),
    "blind": ("blind", "blind", "Cannot be checked"),
    "blocked": ("blocked", "blocked", "Blocked"),
    "loaded": ("loaded", "match", "Loaded"),
    "merged": ("merged", "within", "Merged"),
    "aside": ("aside", "unchecked", "Set aside"),
    "rejected": ("rejected", "escalate", "Rejected"),
    "preparation": ("review", "pen", "In preparation"),
    "review": ("review", "review", "In review"),
    "signed": ("signed", "signed", "Signed"),
    "changed": ("changed", "changed", "Changed"),
    "missing": ("missing", "missing", "Missing"),
    "running": ("running", "running", "Running"),
}


class Range(Protocol):
    """A billing cycle: the days from ``start`` up to ``end``."""

    @property
    def start(self) -> date: ...
    @property
    def end(self) -> date: ...


def _is_blank(value: object) -> bool:
    return value is None or value == ""


def _cents(micros: int) -> int:
    """The magnitude in whole cents; half a cent rounds up."""
    return abs(round_to_cents(micros))


def _amount(cents: int, currency: str) -> str:
    sign = SYMBOLS.get(currency, f"{currency}\u00a0" if currency else "")
    return f"{sign}{cents // 100:,}.{cents % 100:02}"


@register.filter
def units(value: int | None) -> str:
    """A quantity: ``12,345``. Blank is an en dash; anything but a whole number is a TypeError."""
    if value is None or _is_blank(value):
        return DASH
    number = index(value)
    return f"{MINUS if number < 0 else ''}{abs(number):,}"


@register.filter
def signed(value: int | None) -> str:
    """A difference: ``+12``, ``−18``, ``0``."""
    if value is None or _is_blank(value):
        return DASH
    number = index(value)
    return f"{'+' if number > 0 else ''}{units(number)}"


@register.filter
def money(micros: int | None, currency: str = "") -> str:
    """Millionths of the currency's unit as ``1,234.50``, or with ``:"USD"`` as ``$1,234.50``; rounded to cents, half up."""
    if micros is None or _is_blank(micros):
        return DASH
    number = index(micros)
    cents = _cents(number)
    return f"{MINUS if number < 0 and cents else ''}{_amount(cents, currency)}"


@register.filter
def signed_money(micros: int | None, currency: str = "") -> str:
    """Like ``money``, with a sign unless it rounds to nothing: ``+$257.55``, ``−55.80``, ``0.00``."""
    if micros is None or _is_blank(micros):
        return DASH
    number = index(micros)
    return f"{'+' if number > 0 and _cents(number) else ''}{money(number, currency)}"


@register.filter
def day(value: date | None) -> str:
    """``14 Nov 2026``; of a moment, its day in the current time zone."""
    if value is None or _is_blank(value):
        return DASH
    if isinstance(value, datetime) and is_aware(value):
        value = localtime(value)
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


@register.filter
def moment(value: datetime | None) -> str:
    """``14 Nov 2026, 09:41`` in the current time zone."""
    if value is None or _is_blank(value):
        return DASH
    if is_aware(value):
        value = localtime(value)
    return f"{day(value)}, {value:%H:%M}"


@register.filter(name="range")
def cycle_range(cycle: Range) -> str:
    """``14 Oct – 14 Nov 2026``, the way a cycle is named; both years when they differ."""
    if _is_blank(cycle):
        return ""
    first = day(cycle.start)
    if cycle.start.year == cycle.end.year:
        first = first.rpartition(" ")[0]
    return f"{first} {DASH} {day(cycle.end)}"


@register.filter
def plural(count: int, words: str) -> str:
    """``{{ n|plural:"row" }}`` → ``1 row``, ``1,204 rows``; an odd plural is given: ``"entry,entries"``."""
    one, _, many = words.partition(",")
    return f"{units(count)} {one if index(count) == 1 else many or one + 's'}"


@register.filter
def person(user: Any) -> str:
    """A person's name, else their e-mail address."""
    if _is_blank(user) or isinstance(user, str):
        return user or ""
    full_name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    return str(getattr(user, "name", "") or full_name or getattr(user, "email", "") or user)


@register.filter
def initials(user: Any) -> str:
    """``MK`` for Mara Kestle: first and last name, else the first two letters."""
    words = person(user).partition("@")[0].replace(".", " ").split()
    if not words:
        return ""
    return (words[0][0] + words[-1][0] if len(words) > 1 else words[0][:2]).upper()


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:
    """What a mapping holds under a key, or an empty string."""
    return mapping.get(key, "")


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, label: str = "") -> SafeString:
    """A symbol of ``includes/sprite.html``. With a label it speaks, else it is decoration."""
    if label:
        return format_html('<svg class="i" role="img" aria-label="{}"><use href="#i-{}"/></svg>', label, name)
    return format_html('<svg class="i" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
@lru_cache(maxsize=512)
def status(tone: str, symbol: str, word: str, *, chip: bool = False, icon_only: bool = False) -> SafeString:
    """Word, icon and tone together, for a state that ``severity`` does not know."""
    extra = f"{' is-chip' if chip else ''}{' icon-only' if icon_only else ''}"
    return format_html('<span class="sev{} is-{}">{}<span>{}</span></span>', extra, tone, icon(symbol), word)


@register.simple_tag
@lru_cache(maxsize=512)
def severity(code: str, *, word: str = "", chip: bool = False, icon_only: bool = False) -> SafeString:
    """A known state; ``icon_only`` hides the word for eyes where the list is narrow. An unknown code is a KeyError."""
    tone, symbol, usual = STATES[code]
    return status(tone, symbol, word or usual, chip=chip, icon_only=icon_only)


@register.simple_tag
@lru_cache(maxsize=512)
def blank(reason: str) -> SafeString:
    """An en dash that says why there is no figure. Blank is never 0."""
    return format_html(
        '<span class="blank" title="{0}"><span aria-hidden="true">{1}</span><span class="vh">{0}</span></span>',
        reason,
        DASH,
    )


def _coordinate(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


@register.simple_tag
def spark(values: Sequence[int | None], label: str = "Billed") -> SafeString:
    """A line of cycles, oldest first. A cycle without a figure (None) is a gap in the line, not a zero."""
    known = [value for value in values if value is not None]
    if not known:
        return blank("No cycle with a figure yet")
    low, high = min(known), max(known)
    step = 56 / max(len(values) - 1, 1)
    points = [
        None if v is None else (2 + step * i, 16 - 14 * (v - low) / (high - low) if high > low else 9.0) for i, v in enumerate(values)
    ]
    lines: list[list[str]] = [[]]
    for point in points:
        if point is None:
            lines.append([])
        else:
            lines[-1].append(",".join(map(_coordinate, point)))
    drawn = SafeString("".join(f'<polyline points="{" ".join(line)}"/>' for line in lines if len(line) > 1))  # numbers alone
    last = next(point for point in reversed(points) if point is not None)
    count = COUNTS[len(values)] if len(values) < len(COUNTS) else f"{len(values)}"
    span = f"from {units(low)} to {units(high)}, now {units(values[-1]) if values[-1] is not None else 'unknown'}"
    return format_html(
        '<svg class="spark" viewBox="0 0 60 18" role="img" aria-label="{} in {} cycle{}: {}">{}<circle cx="{}" cy="{}" r="1.9"/></svg>',
        label,
        count,
        "" if len(values) == 1 else "s",
        span,
        drawn,
        *map(_coordinate, last),
    )


@register.inclusion_tag("includes/field.html")
def field(bound: BoundField, *, label: str = "", hint: str = "", **attrs: Any) -> dict[str, Any]:
    """A form's field with its label, hint and errors, tied together for screen readers.

    Other arguments become attributes of the control, ``_`` read as ``-``; ``False`` removes one.
    """
    widget = bound.field.widget
    is_check = isinstance(widget, CheckboxInput)
    described = [f"{bound.auto_id}_{part}" for part, on in (("hint", hint), ("error", bound.errors)) if on]
    given: dict[str, Any] = {"placeholder": False, "aria-describedby": " ".join(described) or False}
    if not is_check:
        given["class"] = "select" if isinstance(widget, Select) else "input"
    if bound.errors:
        given["aria-invalid"] = "true"
    given |= {name.replace("_", "-"): value for name, value in attrs.items()}
    return {
        "field": bound,
        "control": bound.as_widget(attrs=given),
        "label": label or bound.label,
        "hint": hint,
        "is_check": is_check,
    }


@register.simple_tag
def pages(page: Page[Any]) -> list[int | str]:
    """The page numbers to offer: the ends, the neighbours, and an ellipsis between."""
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1))


@register.simple_tag
def neighbours(cycles: Sequence[Any], cycle: Range | None) -> dict[str, Any]:
    """The earlier and the later of ``cycles`` (latest first) beside ``cycle``, where there are such."""
    name = cycle_range(cycle) if cycle else None
    place = next((i for i, one in enumerate(cycles or ()) if one.label == name), None)
    if place is None:
        return {"earlier": None, "later": None}
    return {
        "earlier": cycles[place + 1] if place + 1 < len(cycles) else None,
        "later": cycles[place - 1] if place else None,
    }


@register.filter
def aria_sort(column: Any, order_by: Sequence[Any]) -> str:
    """``ascending`` or ``descending`` for the column that a table is sorted by first, else nothing."""
    first = str(order_by[0]) if order_by else ""
    if first.lstrip("-") != column.name:
        return ""
    return "descending" if first.startswith("-") else "ascending"


@register.simple_tag(takes_context=True)
def is_here(context: template.Context, *names: str) -> SafeString:
    """``aria-current="page"`` when the page is one of the named views, or a view of a named group (``ingest:``)."""
    request = context.get("request")
    here = getattr(getattr(request, "resolver_match", None), "view_name", "")
    is_one = any(here.startswith(name) if name.endswith(":") else here == name for name in names)
    return SafeString(' aria-current="page"') if is_one else SafeString("")
