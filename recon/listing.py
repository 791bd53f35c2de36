"""One page of a month's list with what stands beside each row, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import Count, F, Q
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.functional import cached_property
from django_tables2 import RequestConfig

from accounts.access import Need, may, memberships_in, signed_in
from accounts.models import Account, User
from accounts.roots import families, families_of
from accounts.templatetags.recon_ui import signed, signed_money, units
from recon import checks
from recon.board import Figured, Figures, board_of, figures_of
from recon.checks import CHECKS, LEGS
from recon.filters import FURTHER_VIEWS, VIEWS, WORST_FIRST, VarianceFilter, rows_of, view_condition
from recon.live import LEG, Snapshot, current_snapshot, had_by, snapshot_of
from recon.live_sums import differs
from recon.models import Cause, Note, Reconciliation, Severity, Variance
from recon.progress import Progress, progress_of
from recon.seal import roots_shown
from recon.shown import Shown, shown_inputs
from recon.tables import LIVE_COLUMNS, OF_MICROSOFT, VarianceTable

PER_PAGE: Final = 50
CYCLES: Final = 12
Key = tuple[int, str]


class _Counted(Paginator):
    """A paginator that was told the count."""

    known = 0

    @cached_property
    def count(self) -> int:
        return self.known


class Listing:
    """The list as one request asks for it: ``filter``, ``table``, ``views`` (tabs with counts)."""

    def __init__(
        self, request: HttpRequest, account: Account, reconciliation: Reconciliation, opened: Key | None = None, *, is_past: bool = False
    ) -> None:
        self.account, self.reconciliation, self.opened, self.is_past = account, reconciliation, opened, is_past
        self.user = signed_in(request)
        self.roles: set[str] = request.roles  # type: ignore[attr-defined]
        self.may_work = may(self.roles, Need.WORK)
        self.may_act = self.may_work and reconciliation.is_working and not is_past and bool(reconciliation.pk)
        self.filter = VarianceFilter(request.GET, queryset=rows_of(reconciliation), user=self.user, differing=self._differing)
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
        beside: dict[str, Any] = {"urls": {}, "history": {}, "notes": {}, "live": {}}
        unasked = () if "microsoft" in self.further else OF_MICROSOFT
        left_out = (*(() if self.may_act else ("select",)), *(() if "live" in self.further else LIVE_COLUMNS), *unasked)
        table = VarianceTable(
            rows.order_by(*WORST_FIRST),
            inputs=self.reconciliation.inputs,
            opened=self.opened,
            covered=covered(self.reconciliation),
            exclude=left_out,
            ticked=frozenset(request.POST.getlist("row")),
            **beside,
        )
        table.caption = "Units and money by Organization and product. Differences are billed minus the other leg."
        paginator = type("Counted", (_Counted,), {"known": self.figures.rows})
        RequestConfig(request, paginate={"per_page": PER_PAGE, "paginator_class": paginator, "silent": True}).configure(table)
        shown = [row.record for row in table.paginated_rows]
        table.urls = {_key(one): self.url(_key(one)) for one in shown}
        families_shown = families(self.roots, {one.organization_id for one in shown})
        table.live = self.had = had_by(self.snapshot, families_shown)
        table.histories = histories(self.months, shown, families_shown if self.reconciliation.is_draft else None)
        table.notes = note_counts(self.reconciliation, shown)
        self.shown = shown
        table.footer_rows = self._footer()
        return table

    @cached_property
    def snapshot(self) -> Snapshot:
        """The pull that speaks for the month."""
        return snapshot_of(self.reconciliation) if self.reconciliation.pk else current_snapshot(self.reconciliation.cycle)

    @cached_property
    def roots(self) -> dict[int, int]:
        """Who counts under whom in the rows."""
        return roots_shown(self.reconciliation)

    def _differing(self) -> Q:
        return differs(self.reconciliation, self.snapshot, self.roots)

    @cached_property
    def live_figures(self) -> dict[str, Any] | None:
        """What was counted of the pull with the rows (``recon.live.totals_of``); None while a newer one waits to be."""
        given, found = self.snapshot.given, self.reconciliation.totals.get(LEG)
        return found if given and found and found["sha256"] == given.source_file.sha256 else None

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
        offered = [*VIEWS, *(view for view in FURTHER_VIEWS if view[0] in {current, *self.further})]
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
        if view == "live":
            counted = self.live_figures
            if counted:
                return sum(of_product["differs"] for of_product in counted["products"].values())
            return rows_of(self.reconciliation).filter(self._differing()).count()
        if view == "asked":
            return rows_of(self.reconciliation).filter(view_condition(view)).count()
        return self.board.of(view=view, user=self.user.pk).rows

    @property
    def checks(self) -> tuple[str, ...]:
        """What the month is held against."""
        return checks.asked_in(self.reconciliation.totals)

    @property
    def further(self) -> set[str]:
        """What stands beside the lists in this month: tenants' licences, live counts."""
        return {*self.checks} | ({LEG} if self.snapshot.is_known else set())

    @property
    def checks_offered(self) -> list[tuple[str, str]]:
        """The differences that an item can explain."""
        return [(check, checks.BY_CODE[check].label) for check in self.checks]

    @cached_property
    def board(self) -> Figured:
        return board_of(self.reconciliation)

    @cached_property
    def figures(self) -> Figures:
        """What the list shows, over all its pages: off the board, but for what groups do not tell."""
        asked: dict[str, str] = self.filter.form.cleaned_data  # without what fits no choice, and so filters nothing
        if asked.get("q") or asked.get("view") in {"asked", "live"}:
            return figures_of(self.filter.qs)
        severity = Severity[asked["severity"].upper()] if asked.get("severity") else None
        return self.board.of(product=asked.get("product", ""), severity=severity, view=asked.get("view", ""), user=self.user.pk)

    @cached_property
    def progress(self) -> Progress:
        return progress_of(self.board)

    @cached_property
    def inputs(self) -> dict[str, Shown]:
        """The files that the rows were counted from."""
        return shown_inputs(self.reconciliation)

    @cached_property
    def people(self) -> list[User]:
        """Whose a row can be, for whoever may say so."""
        return people_of(self.account) if self.may_act else []

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
        explained = {check: self.progress.explained_of(check) for check in CHECKS}
        within = {check: self.progress.within_of(check) for check in CHECKS}
        return [
            {
                "name": f"All {units(totals['rows'])} rows",
                **{leg: _units(legs.get(leg)) for leg in LEGS},
                **_gaps(totals["all"], explained),
                **self._live_sums(),
            },
            {"name": "Within tolerance", **_gaps(totals["within"], within)},
        ]

    def _sums(self) -> dict[str, Any]:
        """The foot of a filtered list: the sums of what it shows."""
        found = self.figures
        texts = {leg: _units(found.sum(leg)) for leg in LEGS}
        for check in CHECKS:
            texts |= {name: signed(found.sum(name)) for name in (f"{check}_difference", f"{check}_left")}
            texts[f"{check}_money"] = signed_money(found.sum(f"{check}_money"))
        return {"name": f"These {units(found.rows)} rows", **texts, **self._live_sums_shown(found.rows)}

    def _live_sums(self) -> dict[str, str]:
        """The foot of the whole list: what everybody had, and billed − live of what could be compared."""
        if not self.live_figures:
            return {}
        known = [one for one in self.live_figures["products"].values() if one["known"]]
        live, difference = (sum(one[name] for one in known) for name in ("live", "difference"))
        return {"live": units(live), "live_difference": signed(difference)} if known else {}

    def _live_sums_shown(self, rows: int) -> dict[str, str]:
        """Of a filtered list that fits on its page; the sums of a longer one would take reading all of it."""
        if rows > len(self.shown):
            return {}
        had = [(self.had[one.organization_id], one) for one in self.shown]
        live = [found for one, row in had if (found := one.units(row.product)) is not None]
        gaps = [found for one, row in had if (found := one.difference(row.product, row.billed)) is not None]
        return {"live": units(sum(live)) if live else "", "live_difference": signed(sum(gaps)) if gaps else ""}


def _key(row: Variance) -> Key:
    return (row.organization_id, row.product)


def _units(value: Any) -> str:
    return "" if value is None else units(int(value))


def _gaps(figures: dict[str, Any], explained: dict[str, int]) -> dict[str, str]:
    texts = {}
    for check in CHECKS:
        given = checks.figures_of(figures, check)
        texts[f"{check}_left"] = signed(given["difference"] - explained[check]) if given["checked"] else ""
        texts[f"{check}_difference"] = signed(given["difference"]) if given["checked"] else ""
        texts[f"{check}_money"] = signed_money(given["over"] + given["under"]) if given["priced"] else ""
    return texts


def covered(reconciliation: Reconciliation) -> set[str]:
    """The products that the expected list has a quantity for."""
    return {p["product"] for p in reconciliation.totals.get("products", []) if p["expected"] is not None}


def people_of(account: Account) -> list[User]:
    """Whoever has a role in the account, by name: a row can be theirs."""
    return list(User.objects.filter(memberships__in=memberships_in(account), is_active=True).distinct().order_by("name", "email"))


def months_before(reconciliation: Reconciliation) -> list[Reconciliation]:
    """The newest revision of up to twelve cycles that were compared, oldest first, ending with this one."""
    cycle = reconciliation.cycle
    compared = Reconciliation.objects.filter(cycle__account=cycle.account_id, cycle__start__lte=cycle.start, run__gt=0)
    newest_first = compared.order_by("-cycle__start", "-revision").select_related("cycle")[: CYCLES * 2]
    by_cycle = {month.cycle_id: month for month in reversed(newest_first)}
    return sorted(by_cycle.values(), key=lambda month: month.cycle.start)[-CYCLES:]


def histories(
    order: list[Reconciliation], rows: list[Variance], families: Mapping[int, list[int]] | None = None
) -> dict[Key, list[int | None]]:
    """Billed quantities of some cycles for each row. None where no complete report was imported: that is a gap, not a zero.

    ``families`` are the rows' customers as they are now, where the caller has them.
    """
    if families is None:
        families = families_of(order[-1].cycle.account_id, {row.organization_id for row in rows}) if order else {}
    found = Variance.objects.filter(
        reconciliation__in=order, run=F("reconciliation__run"), organization__in={pk for family in families.values() for pk in family}
    ).values_list("organization_id", "product", "reconciliation_id", "billed")
    billed = _by_family(families, found)
    absent = {month.pk: None if month.inputs.get("billed", {"partial": True})["partial"] else 0 for month in order}
    return {_key(row): [billed.get((*_key(row), month.pk), absent[month.pk]) for month in order] for row in rows}


def _by_family(
    families: Mapping[int, list[int]], found: Iterable[tuple[int, str, int, int | None]]
) -> dict[tuple[int, str, int], int | None]:
    """What one customer's Organizations have together, by Organization shown, product and month; unknown where a part is."""
    shown_for: dict[int, list[int]] = defaultdict(list)
    for organization, family in families.items():
        for pk in family:
            shown_for[pk].append(organization)
    sums: dict[tuple[int, str, int], int | None] = {}
    for pk, product, month, value in found:
        for organization in shown_for[pk]:
            key = (organization, product, month)
            before = sums.get(key, 0)
            sums[key] = None if value is None or before is None else before + value
    return sums


def note_counts(reconciliation: Reconciliation, rows: list[Variance]) -> dict[Key, int]:
    whose = {row.organization_id for row in rows}
    notes = Note.objects.filter(cycle=reconciliation.cycle_id, organization__in=whose, withdrawn_at__isnull=True)
    counted = notes.values_list("organization_id", "product").annotate(count=Count("pk")).order_by()
    return {(organization, product): count for organization, product, count in counted}
