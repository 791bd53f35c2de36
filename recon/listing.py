"""One page of a month's list with what stands beside each row, in a constant number of queries."""

from __future__ import annotations

from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import Count, F, Sum
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.functional import cached_property
from django_tables2 import RequestConfig

from accounts.access import Need, may, signed_in
from accounts.models import Account
from accounts.templatetags.recon_ui import signed, signed_money, units
from recon.filters import FURTHER_VIEWS, VIEWS, WORST_FIRST, VarianceFilter, rows_of, view_condition
from recon.models import Cause, Note, Reconciliation, RowDecision, Severity, Variance
from recon.progress import Progress, progress_of
from recon.tables import VarianceTable

PER_PAGE: Final = 50
CYCLES: Final = 12
Key = tuple[int, str]


class _Counted(Paginator):
    """A paginator that was told the count, where the month's own figures have it."""

    known: int | None = None

    @cached_property
    def count(self) -> int:
        return self.known if self.known is not None else super().count


class Listing:
    """The list as one request asks for it: ``filter``, ``table``, ``views`` (tabs with counts)."""

    def __init__(
        self, request: HttpRequest, account: Account, reconciliation: Reconciliation, opened: Key | None = None, *, is_past: bool = False
    ) -> None:
        self.account, self.reconciliation, self.opened, self.is_past = account, reconciliation, opened, is_past
        self.user = signed_in(request)
        self.may_work = may(request.roles, Need.WORK)  # type: ignore[attr-defined]
        self.may_act = self.may_work and reconciliation.is_working and not is_past and bool(reconciliation.pk)
        self.filter = VarianceFilter(request.GET, queryset=rows_of(reconciliation), user=self.user)
        self.is_filtered = any(request.GET.get(name) for name in ("q", "product", "severity", "view"))
        self.query = request.GET.urlencode()
        rows = self.filter.qs.defer("reconciliation").select_related("owner")
        # The rows of the page are fetched once; what stands beside them is then asked for by their keys.
        self.table = self._table(request, rows)

    @property
    def place(self) -> list[Any]:
        """What an address of this list begins with: account, cycle and, for a past revision, its number."""
        place: list[Any] = [self.account.slug, self.reconciliation.cycle.start.isoformat()]
        return [*place, self.reconciliation.revision] if self.is_past else place

    @property
    def month_url(self) -> str:
        return reverse("recon:revision" if self.is_past else "recon:month", args=self.place)

    @property
    def causes(self) -> list[tuple[str, str]]:
        return [("", "Choose a cause"), *Cause.choices]

    @property
    def sign_url(self) -> str:
        return reverse("recon:revision_sign" if self.is_past else "recon:sign", args=self.place)

    @property
    def here(self) -> str:
        """This list's own address, with its row where one is open."""
        if self.opened:
            return self.url(self.opened)
        return f"{self.month_url}?{self.query}" if self.query else self.month_url

    def _table(self, request: HttpRequest, rows: Any) -> VarianceTable:
        beside: dict[str, Any] = {"urls": {}, "history": {}, "notes": {}}
        table = VarianceTable(
            rows.order_by(*WORST_FIRST),
            inputs=self.reconciliation.inputs,
            opened=self.opened,
            covered=covered(self.reconciliation),
            exclude=() if self.may_act else ("select",),
            ticked=frozenset(request.POST.getlist("row")),
            **beside,
        )
        table.caption = "Units and money by Organization and product. Differences are billed minus the other leg."
        known = None if self.is_filtered else self.reconciliation.totals.get("rows")
        paginator = type("Counted", (_Counted,), {"known": known})
        RequestConfig(request, paginate={"per_page": PER_PAGE, "paginator_class": paginator, "silent": True}).configure(table)
        shown = [row.record for row in table.paginated_rows]
        table.urls = {_key(one): self.url(_key(one)) for one in shown}
        table.histories = histories(self.months, shown)
        table.notes = note_counts(self.reconciliation, shown)
        table.footer_rows = self._footer()
        self.shown = shown
        return table

    @cached_property
    def months(self) -> list[Reconciliation]:
        """This month and those before it that were compared."""
        return months_before(self.reconciliation)

    @property
    def sorted_note(self) -> str:
        return "" if self.filter.data.get("sort") else "most severe first, then by money"

    def url(self, key: Key) -> str:
        """A row's own address, which keeps the list's filter, order and page beside it."""
        address = reverse("recon:revision_row" if self.is_past else "recon:row", args=[*self.place, *key])
        return f"{address}?{self.query}" if self.query else address

    @property
    def views(self) -> list[dict[str, Any]]:
        """The saved views, with how many rows each shows."""
        current = self.filter.data.get("view") or ""
        offered = [*VIEWS, *(view for view in FURTHER_VIEWS if view[0] == current)]
        return [
            {
                "code": code,
                "label": label,
                "count": self._count_of(code),
                "url": self._view_url(code),
                "is_current": current == code,
                "is_hot": code in {"work", "open"},
            }
            for code, label in offered
        ]

    def _count_of(self, view: str) -> int:
        """How many rows a view shows: as counted with the month, where no decision changes it."""
        totals = self.reconciliation.totals
        if not totals:
            return 0
        known = {
            "": totals["rows"],
            "work": sum(totals["severities"].get(str(level.value), 0) for level in (Severity.INVESTIGATE, Severity.ESCALATE)),
            "rebill": totals["flagged"]["rebilled"],
            "unchecked": totals.get("unchecked"),
        }
        if known.get(view) is not None:
            return int(known[view])
        rows = rows_of(self.reconciliation)
        if view == "mine":
            own = RowDecision.objects.filter(reconciliation=self.reconciliation.pk, owner=self.user)
            rows = rows.filter(organization__in=own.values("organization"))
        return rows.filter(view_condition(view, self.user)).count()

    @cached_property
    def progress(self) -> Progress:
        return progress_of(self.reconciliation)

    def _view_url(self, code: str) -> str:
        query = QueryDict(self.query, mutable=True)
        query.pop("page", None)
        query.pop("view", None)
        if code:
            query["view"] = code
        return f"{self.month_url}?{query.urlencode()}" if query else self.month_url

    def _footer(self) -> list[dict[str, Any]]:
        totals = self.reconciliation.totals
        if self.is_filtered or not totals:
            return [self._sums()]
        legs = totals["legs"]
        explained = {check: self.progress.explained_of(check) for check in _CHECKS}
        within = {check: self.progress.within_of(check) for check in _CHECKS}
        return [
            {
                "name": f"All {units(totals['rows'])} rows",
                **{leg: _units(legs.get(leg)) for leg in _LEGS},
                **_gaps(totals["all"], explained),
            },
            {"name": "Within tolerance", **_gaps(totals["within"], within)},
        ]

    def _sums(self) -> dict[str, Any]:
        """The foot of a filtered list: the sums of what it shows, over all its pages."""
        names = (*_LEGS, *(f"{check}_{what}" for check in _CHECKS for what in ("difference", "left", "money")))
        sums = self.filter.qs.aggregate(rows=Count("pk"), **{f"sum_{name}": Sum(name) for name in names})
        texts = {name: _units(sums[f"sum_{name}"]) for name in _LEGS}
        texts |= {name: signed(_whole(sums[f"sum_{name}"])) for name in names if name.endswith(("difference", "left"))}
        texts |= {name: signed_money(_whole(sums[f"sum_{name}"])) for name in names if name.endswith("money")}
        return {"name": f"These {units(sums['rows'])} rows", **texts}


_LEGS: Final = ("billed", "expected", "rebilled", "previous")
_CHECKS: Final = ("expected", "rebilled")


def _key(row: Variance) -> Key:
    return (row.organization_id, row.product)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _units(value: Any) -> str:
    return "" if value is None else units(int(value))


def _gaps(figures: dict[str, Any], explained: dict[str, int]) -> dict[str, str]:
    texts = {}
    for check in _CHECKS:
        given = figures[check]
        texts[f"{check}_left"] = signed(given["difference"] - explained[check]) if given["checked"] else ""
        texts[f"{check}_difference"] = signed(given["difference"]) if given["checked"] else ""
        texts[f"{check}_money"] = signed_money(given["over"] + given["under"]) if given["priced"] else ""
    return texts


def covered(reconciliation: Reconciliation) -> set[str]:
    """The products that the expected list has a quantity for."""
    return {p["product"] for p in reconciliation.totals.get("products", []) if p["expected"] is not None}


def months_before(reconciliation: Reconciliation) -> list[Reconciliation]:
    """The newest revision of up to twelve cycles that were compared, oldest first, ending with this one."""
    cycle = reconciliation.cycle
    compared = Reconciliation.objects.filter(cycle__account=cycle.account_id, cycle__start__lte=cycle.start, run__gt=0)
    newest_first = compared.order_by("-cycle__start", "-revision").select_related("cycle")[: CYCLES * 2]
    by_cycle = {month.cycle_id: month for month in reversed(newest_first)}
    return sorted(by_cycle.values(), key=lambda month: month.cycle.start)[-CYCLES:]


def histories(order: list[Reconciliation], rows: list[Variance]) -> dict[Key, list[int | None]]:
    """Billed quantities of some cycles for each row. None where no complete report was imported: that is a gap, not a zero."""
    found = Variance.objects.filter(
        reconciliation__in=order, run=F("reconciliation__run"), organization__in={row.organization_id for row in rows}
    ).values_list("organization_id", "product", "reconciliation_id", "billed")
    billed = {(organization, product, month): value for organization, product, month, value in found}
    absent = {month.pk: None if month.inputs.get("billed", {"partial": True})["partial"] else 0 for month in order}
    return {_key(row): [billed.get((*_key(row), month.pk), absent[month.pk]) for month in order] for row in rows}


def note_counts(reconciliation: Reconciliation, rows: list[Variance]) -> dict[Key, int]:
    whose = {row.organization_id for row in rows}
    notes = Note.objects.filter(cycle=reconciliation.cycle_id, organization__in=whose, withdrawn_at__isnull=True)
    counted = notes.values_list("organization_id", "product").annotate(count=Count("pk")).order_by()
    return {(organization, product): count for organization, product, count in counted}
