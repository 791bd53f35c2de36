"""The list of a month, as eyes see it. What files say is declared with the same columns in ``recon.exports.variances``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

import django_tables2 as tables
from django.db.models import QuerySet
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import blank, icon, initials, person, severity, signed, signed_money, spark, units
from recon.checks import BY_CODE as BY_CHECK
from recon.engine import ALWAYS, CHECKS
from recon.filters import SORTS, sorted_rows
from recon.live import Had
from recon.models import Severity, Variance
from recon.words import FLAG_WORDS, blank_reason

_SWAPS_THE_MONTH = SafeString('hx-target="#month" hx-swap="outerHTML show:none" hx-push-url="true"')
_LOUD = {Severity.INVESTIGATE, Severity.ESCALATE}
_ZERO = SafeString('<span class="zero">0</span>')
_ZERO_MONEY = SafeString('<span class="zero">0.00</span>')
_PRODUCTS = {code: format_html('<span class="product">{}</span>', product.label) for code, product in BY_CODE.items()}
_ALL = SafeString('<input type="checkbox" data-select-all class="needs-js" aria-label="Select every row of this page">')


class Sorted(tables.Column):
    """A column whose order is the list's own (``recon.filters``)."""

    def order(self, queryset: QuerySet[Variance], is_descending: bool) -> tuple[QuerySet[Variance], bool]:
        name = self._name_in_sorts
        return sorted_rows(queryset, f"-{name}" if is_descending else name), True

    def __init__(self, name: str, *, cell: str = "", **kwargs: Any) -> None:
        self._name_in_sorts = SORTS[name]
        super().__init__(accessor=name, empty_values=(), attrs={"cell": {"class": cell}} if cell else {}, **kwargs)


#: Columns that a month has where its account has tenants.
OF_MICROSOFT: Final = ("microsoft", "microsoft_difference", "microsoft_left")
LIVE_COLUMNS: Final = ("live", "live_difference")
GROUPS: Final[list[dict[str, Any]]] = [
    {"span": 2, "label": ""},
    {"span": 4, "label": "Units", "class": "edge"},
    {"span": 3, "label": "Billed − expected", "class": "edge"},
    {"span": 3, "label": "Billed − rebilled", "class": "edge"},
    {"span": 3, "label": "", "class": "edge"},
]
GROUPS_WITH_LIVE: Final = [
    GROUPS[0], GROUPS[1] | {"span": 5}, *GROUPS[2:4], {"span": 1, "label": "", "class": "edge"}, GROUPS[4],
]  # fmt: skip


class VarianceTable(tables.Table):
    """One page of rows. ``history`` gives each row's billed quantities of earlier cycles, ``notes`` how many notes it has.

    ``live`` is what its customer had when it was pulled. No row keeps that, so that nothing can be sorted by it.
    """

    caption: str
    row_header = "name"
    empty_title = "No row fits"
    empty_text = "Take a filter away, or search for another part of the name."
    groups = GROUPS

    select = tables.Column(verbose_name=_ALL, orderable=False, empty_values=(), attrs={"cell": {"class": "p2"}})
    name = Sorted("name", cell="clip", verbose_name="Organization")
    product = Sorted("product", cell="p2")
    billed = Sorted("billed", cell="num edge")
    expected = Sorted("expected", cell="num")
    rebilled = Sorted("rebilled", cell="num")
    microsoft = Sorted("microsoft", cell="num p3")
    live = tables.Column(orderable=False, empty_values=(), attrs={"cell": {"class": "num p3"}})
    previous = Sorted("previous", cell="num p3", verbose_name="Before")
    expected_difference = Sorted("expected_difference", cell="num edge", verbose_name="Gap")
    expected_left = Sorted("expected_left", cell="num p2", verbose_name="Left")
    expected_money = Sorted("expected_money", cell="num p3", verbose_name="Cost")
    rebilled_difference = Sorted("rebilled_difference", cell="num edge", verbose_name="Gap")
    rebilled_left = Sorted("rebilled_left", cell="num p2", verbose_name="Left")
    rebilled_money = Sorted("rebilled_money", cell="num p3", verbose_name="Sell")
    microsoft_difference = Sorted("microsoft_difference", cell="num edge", verbose_name="Gap")
    microsoft_left = Sorted("microsoft_left", cell="num p2", verbose_name="Left")
    live_difference = tables.Column(verbose_name="− live", orderable=False, empty_values=(), attrs={"cell": {"class": "num edge p2"}})
    history = tables.Column(verbose_name="12 cycles", orderable=False, empty_values=(), attrs={"cell": {"class": "edge p3"}})
    severity = Sorted("severity")
    state = tables.Column(verbose_name="State", orderable=False, empty_values=(), attrs={"cell": {"class": "p3"}})

    class Meta:
        template_name = "includes/table.html"
        order_by_field = "sort"

    def __init__(
        self,
        *args: Any,
        urls: Mapping[tuple[int, str], str],
        inputs: Mapping[str, Any],
        history: Mapping[tuple[int, str], list[int | None]],
        notes: Mapping[tuple[int, str], int],
        live: Mapping[int, Had],
        opened: tuple[int, str] | None,
        covered: set[str],
        ticked: frozenset[str] = frozenset(),
        **kwargs: Any,
    ) -> None:
        self.ticked = ticked
        self.urls, self.inputs, self.histories, self.notes = urls, inputs, history, notes
        self.opened, self.covered, self.live = opened, covered, live
        super().__init__(*args, **kwargs)
        if set(LIVE_COLUMNS) <= set(self.columns.names()):
            self.groups = GROUPS_WITH_LIVE
        if "microsoft" in self.columns.names():
            wider = self.groups[1] | {"span": self.groups[1]["span"] + 1}
            of_microsoft = {"span": 2, "label": BY_CHECK["microsoft"].label, "class": "edge"}
            self.groups = [self.groups[0], wider, *self.groups[2:4], of_microsoft, *self.groups[4:]]
        if "select" in self.columns.names():
            self.groups = [{"span": 1, "label": "", "class": "p2"}, *self.groups]

    @cached_property
    def body(self) -> SafeString:
        """The rows of the page, in one sweep: cell by cell, django-tables2 takes longer than all the rest of the page."""
        cells = [self._cell(column) for column in self.columns]
        return SafeString("".join(part for row in self.paginated_rows for part in self._row(row.record, cells)))

    def _cell(self, column: Any) -> tuple[str, Callable[[Variance], str], str]:
        """What opens a column's cells, what fills and what closes them."""
        tag, scope = ("th", ' scope="row"') if column.name == self.row_header else ("td", "")
        return f"<{tag}{scope} {column.attrs['td'].as_html()}>", getattr(self, f"render_{column.name}"), f"</{tag}>\n"

    def _row(self, record: Variance, cells: list[tuple[str, Callable[[Variance], str], str]]) -> Iterator[str]:
        is_open = self.opened == (record.organization_id, record.product)
        marked = ' class="is-open" aria-current="true"' if is_open else ""
        yield f'<tr id="row-{record.organization_id}-{record.product}"{marked}>\n'
        for opening, render, closing in cells:
            yield opening
            yield conditional_escape(render(record))
            yield closing
        yield "</tr>\n"

    def render_select(self, record: Variance) -> SafeString:
        value = f"{record.organization_id}-{record.product}"
        return format_html(
            '<input type="checkbox" name="row" value="{}" form="bulk" aria-label="Select {}, {}"{}>',
            value, record.name, BY_CODE[record.product].label, SafeString(" checked" if value in self.ticked else ""),
        )  # fmt: skip

    def render_name(self, record: Variance) -> SafeString:
        key = (record.organization_id, record.product)
        flags = [FLAG_WORDS[code] for code in record.flags.split(",") if code and code != "leg_went_missing"]
        noted = self.notes.get(key, 0)
        return format_html(
            '<span class="org">{}{}{}</span><span class="under">{}</span>',
            format_html('<a href="{0}" hx-get="{0}" {1}>{2}</a>', self.urls[key], _SWAPS_THE_MONTH, record.name),
            _mark("; ".join(flags), "gone") if flags else "",
            _mark(_noted(noted), "note") if noted else "",
            BY_CODE[record.product].label,
        )

    def render_product(self, record: Variance) -> SafeString:
        return _PRODUCTS[record.product]

    def _leg(self, leg: str, record: Variance) -> SafeString | str:
        value = getattr(record, leg)
        if value is None:
            return blank(blank_reason(leg, record.product, self.inputs, self.covered))
        return units(value) if value else _ZERO

    def render_billed(self, record: Variance) -> SafeString | str:
        return self._leg("billed", record)

    def render_expected(self, record: Variance) -> SafeString | str:
        return self._leg("expected", record)

    def render_rebilled(self, record: Variance) -> SafeString | str:
        return self._leg("rebilled", record)

    def render_microsoft(self, record: Variance) -> SafeString | str:
        if record.microsoft_severity is None:
            return ""
        if record.microsoft is None:
            return blank("No tenant that was pulled for this month says it")
        return units(record.microsoft) if record.microsoft else _ZERO

    def render_live(self, record: Variance) -> SafeString | str:
        had = self.live[record.organization_id]
        value = had.units(record.product)
        shown = blank(had.why_blank(record.product)) if value is None else units(value) if value else _ZERO
        beside = had.beside(record.product)
        return format_html('<span title="{}">{}</span>', beside, shown) if beside else shown

    def render_live_difference(self, record: Variance) -> SafeString | str:
        value = self.live[record.organization_id].difference(record.product, record.billed)
        if value is None:
            return blank("Not compared: billed or live is not known")
        return signed(value) if value else _ZERO

    def render_previous(self, record: Variance) -> SafeString | str:
        return self._leg("previous", record)

    def _units(self, check: str, what: str, tone: str, record: Variance) -> SafeString | str:
        value = getattr(record, f"{check}_{what}")
        if getattr(record, f"{check}_severity") is None:
            return ""
        if value is None:
            return blank("Not compared: a leg is missing")
        if not value:
            return _ZERO
        loud = getattr(record, f"{check}_severity") in _LOUD
        return format_html('<span class="{}">{}</span>', tone, signed(value)) if loud else signed(value)

    def render_expected_difference(self, record: Variance) -> SafeString | str:
        return self._units("expected", "difference", "gap", record)

    def render_rebilled_difference(self, record: Variance) -> SafeString | str:
        return self._units("rebilled", "difference", "gap", record)

    def render_microsoft_difference(self, record: Variance) -> SafeString | str:
        return self._units("microsoft", "difference", "gap", record)

    def render_microsoft_left(self, record: Variance) -> SafeString | str:
        return self._units("microsoft", "left", "left", record)

    def render_expected_left(self, record: Variance) -> SafeString | str:
        return self._units("expected", "left", "left", record)

    def render_rebilled_left(self, record: Variance) -> SafeString | str:
        return self._units("rebilled", "left", "left", record)

    def _money(self, value: int | None, price: str) -> SafeString | str:
        if value is None:
            return blank(f"No {price} known")
        return signed_money(value) if value else _ZERO_MONEY

    def render_expected_money(self, record: Variance) -> SafeString | str:
        return self._money(record.expected_money, "cost price")

    def render_rebilled_money(self, record: Variance) -> SafeString | str:
        return self._money(record.rebilled_money, "sell price")

    def render_history(self, record: Variance) -> SafeString:
        return spark(self.histories.get((record.organization_id, record.product), [record.billed]))

    def render_severity(self, record: Variance) -> SafeString:
        return severity(Severity(record.severity).code, icon_only=True)

    def render_state(self, record: Variance) -> SafeString:
        tone, symbol, word = row_state(record)
        owner = record.owner
        whose = (
            format_html('<span class="avatar" title="{0}" aria-hidden="true">{1}</span>', person(owner), initials(owner)) if owner else ""
        )
        said = f"{word}, {person(owner)}" if owner else word
        mark = format_html('<span class="is-{}">{}</span>', tone, icon(symbol)) if symbol else ""
        return format_html(
            '<span class="who" title="{0}">{1}{2}<span class="wide" aria-hidden="true">{3}</span><span class="vh">{0}</span></span>',
            said,
            whose,
            mark,
            word if symbol else "",
        )


def row_state(row: Variance) -> tuple[str, str, str]:
    """How far people are with a row: tone, icon and word. A quiet row asks for nothing."""
    left = any(getattr(row, f"{check}_severity") in _LOUD and getattr(row, f"{check}_left") for check in CHECKS)
    if left:
        return "todo", "todo", "Open"
    if row.is_reviewed:
        return "done", "done", "Reviewed"
    if not set(ALWAYS).isdisjoint(row.flags.split(",")):
        return "todo", "todo", "To review"
    return ("within", "half", "Explained") if row.severity in _LOUD else ("", "", "Nothing to do")


def _mark(words: str, symbol: str) -> SafeString:
    return format_html('<span class="flag" title="{0}">{1}<span class="vh">{0}</span></span>', words, icon(symbol))


def _noted(count: int) -> str:
    return "1 note" if count == 1 else f"{count} notes"
