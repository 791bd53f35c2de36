"""What a person says about a file: its kind, account, cycle, sheet, header, decimal sign and columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from accounts.access import Need, accounts_where
from accounts.calendar import Cycle, cycle_containing, parse_cycle, previous_cycle
from accounts.models import Account, BillingCycle, User
from accounts.products import PRODUCTS
from accounts.templatetags.recon_ui import cycle_range
from ingest.models import Leg, SourceFile
from ingest.services.intake import last_finished
from ingest.sources.reading import DecimalSign, Mapping

_CYCLES_BACK: Final = 6
_CYCLES_KEPT: Final = 24
_ACCOUNTS_OFFERED: Final = 200
#: Columns that can be mapped. What lies beyond is ignored, unless a mapping names it.
_COLUMNS_OFFERED: Final = 60
_GUESS: Final = 0  # as a header line and as columns: the reader is to find them

FIELDS: Final[list[tuple[str, Any]]] = [
    ("", "Ignore"),
    ("organization", "Organization"),
    ("organization_id", "Organization ID"),
    ("organization_key", "Organization key"),
    ("product", "Product"),
    ("quantity", "Quantity"),
    ("unit_price", "Unit price"),
    *((f"{p.label}", [(f"quantity:{p.code}", f"{p.label} quantity"), (f"unit_price:{p.code}", f"{p.label} unit price")]) for p in PRODUCTS),
]
FIELD_WORDS: Final[dict[str, str]] = {
    name: word for entry in FIELDS for name, word in (entry[1] if isinstance(entry[1], list) else [entry])
}
_DECIMALS: Final = [("", "Not stated"), (".", "Point: 1.5"), (",", "Comma: 1,5")]


@dataclass(frozen=True, slots=True)
class Stated:
    """What the form says. ``mapping`` None: to be guessed. ``changed``: the file has not been read in this way yet."""

    kind: str
    account: Account
    cycle: Cycle
    mapping: Mapping | None
    changed: bool


class CycleField(forms.ChoiceField):
    """One of an account's cycles, as ``2026-10-14:2026-11-14``; cleans to a Cycle."""

    def clean(self, value: Any) -> Any:
        return parse_cycle(super().clean(value))


class FileForm(forms.Form):
    """All that can be corrected before a file counts, and what is said when it is imported."""

    kind = forms.ChoiceField(choices=[("", "Choose …"), *Leg.choices], error_messages={"required": "Say what kind of list this is."})
    account = forms.ModelChoiceField(Account.objects.none(), to_field_name="slug", empty_label=None)
    cycle = CycleField()
    sheet = forms.ChoiceField(required=False)
    header_line = forms.IntegerField(required=False, min_value=1, max_value=5_000_000, label="Header is on line")
    decimal = forms.ChoiceField(required=False, choices=_DECIMALS, label="Decimal sign")
    partial = forms.BooleanField(required=False, label="This list is partial: what it does not name is unknown, not zero")
    without_rejected = forms.BooleanField(required=False)

    def __init__(self, source_file: SourceFile, user: User, data: Any = None, *, cycle: str = "") -> None:
        self.source_file, self.read_as = source_file, read_as(source_file)
        guessed = source_file.preview.get("cycle") or _text(last_finished(source_file.account))
        shown = cycle if _is_cycle(cycle) else guessed
        initial = {"kind": source_file.kind, "account": source_file.account.slug, "cycle": shown, "partial": source_file.partial}
        initial |= {"sheet": self.read_as.sheet, "header_line": self.read_as.header_line or None, "decimal": self.read_as.decimal}
        super().__init__(data, initial=initial, auto_id="file-%s")
        self._offer_accounts(user)
        self._field("cycle").choices = cycle_choices(source_file.account, shown)
        sheets = source_file.preview.get("sheets") or []
        self._field("sheet").choices = [(name, name) for name in sheets] or [("", "")]
        for index in column_indices(source_file):
            select = forms.Select(attrs={"class": "select is-s"})
            field = forms.ChoiceField(choices=FIELDS, required=False, initial=self.read_as.columns.get(index, ""), widget=select)
            self.fields[f"column_{index}"] = field

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def _offer_accounts(self, user: User) -> None:
        allowed = accounts_where(user, Need.WORK)
        field = self._field("account")
        field.queryset = allowed
        offered = {self.source_file.account.slug: str(self.source_file.account)}
        offered |= {one.slug: one.name for one in allowed[:_ACCOUNTS_OFFERED]}
        field.widget.choices = sorted(offered.items(), key=lambda pair: pair[1].casefold())

    @property
    def chosen_cycle(self) -> Cycle:
        """The cycle that is shown as chosen."""
        said = str(self.data.get("cycle", ""))
        return parse_cycle(said if _is_cycle(said) else self.initial["cycle"])

    @property
    def columns(self) -> dict[int, Any]:
        """The bound select of each column that can be mapped."""
        return {index: self[f"column_{index}"] for index in column_indices(self.source_file)}

    @property
    def stated(self) -> Stated:
        """Only of a valid form."""
        said, target = self.cleaned_data, cast(Account, self.cleaned_data["account"])
        mapping = self._mapping()
        is_changed = mapping is not self.read_as or said["kind"] != self.source_file.kind or target != self.source_file.account
        cycle = said["cycle"] if target == self.source_file.account else cycle_containing(said["cycle"].start, target.anniversary_day)
        is_confirmed = self.source_file.mapping_stated or mapping is not self.read_as or self._is_answer(said["kind"])
        return Stated(said["kind"], target, cycle, mapping if is_confirmed else None, is_changed)

    def _is_answer(self, kind: str) -> bool:
        """Reading a refused file again as it is shown confirms what was asked; under another kind it is a new question."""
        is_asked = self.source_file.state == SourceFile.State.REFUSED and self.source_file.mapping is not None
        return is_asked and kind == self.source_file.kind and not _was_interrupted(self.source_file)

    def _mapping(self) -> Mapping:
        """The mapping as the form shows it; the very one that was read with when nothing differs."""
        said, before = self.cleaned_data, self.read_as
        columns = {index: said[f"column_{index}"] for index in column_indices(self.source_file) if said[f"column_{index}"]}
        sheet, line = said["sheet"] or before.sheet, said["header_line"] or _GUESS
        if line == before.header_line and sheet != before.sheet:
            line = _GUESS
        if (sheet, line) != (before.sheet, before.header_line) and columns == before.columns:
            columns = {}
        decimal = cast(DecimalSign, said["decimal"])
        new = replace(before, columns=columns, sheet=sheet, header_line=line, decimal=decimal)
        return before if new == before else new


def read_as(source_file: SourceFile) -> Mapping:
    """The mapping of the last reading; an empty one where it did not get that far."""
    return Mapping.from_json(source_file.mapping) if source_file.mapping else Mapping({}, header_line=_GUESS)


def column_indices(source_file: SourceFile) -> list[int]:
    """The columns that the form has a select for."""
    width = len(source_file.preview.get("header") or ())
    rows = source_file.preview.get("first_rows") or ()
    width = max([width, *(len(row["cells"]) for row in rows)])
    mapped = read_as(source_file).columns
    return [index for index in range(width) if index < _COLUMNS_OFFERED or index in mapped]


def _was_interrupted(source_file: SourceFile) -> bool:
    """The file was not refused for what it says: the reading itself failed or was cancelled."""
    return source_file.issues.filter(code="not_read").exists()


class UseForm(forms.Form):
    """Another cycle that an imported file serves as well."""

    cycle = CycleField(widget=forms.Select(attrs={"class": "select"}))
    partial = forms.BooleanField(required=False, label="It is partial for that cycle: what it does not name is unknown")

    def __init__(self, source_file: SourceFile, data: Any = None) -> None:
        super().__init__(data, auto_id="use-%s")
        served = {one.cycle_id for one in source_file.inputs.all() if one.ended_at is None}
        taken = {_text(one.dates) for one in BillingCycle.objects.filter(pk__in=served)}
        choices = [choice for choice in cycle_choices(source_file.account) if choice[0] not in taken]
        self.fields["cycle"].choices = choices  # type: ignore[attr-defined]


class KindForm(forms.Form):
    """The same bytes, read as another kind of list."""

    kind = forms.ChoiceField(widget=forms.Select(attrs={"class": "select"}))

    def __init__(self, source_file: SourceFile, data: Any = None) -> None:
        super().__init__(data, auto_id="again-%s")
        others = [choice for choice in Leg.choices if choice[0] != source_file.kind]
        self.fields["kind"].choices = others  # type: ignore[attr-defined]


def _is_cycle(text: str) -> bool:
    try:
        parse_cycle(text)
    except ValueError:
        return False
    return True


def _text(cycle: Cycle) -> str:
    return f"{cycle.start}:{cycle.end}"


def cycle_choices(account: Account, shown: str = "") -> list[tuple[str, str]]:
    """The running cycle, the ones before it, those that the account has already, and the one that is shown; newest first."""
    today = timezone.now().astimezone(ZoneInfo(account.time_zone)).date()
    running = cycle = cycle_containing(today, account.anniversary_day)
    kept = {one.dates for one in BillingCycle.objects.filter(account=account)[:_CYCLES_KEPT]}
    kept |= {parse_cycle(shown)} if shown else set()
    usual = [running]
    for _ in range(_CYCLES_BACK):
        cycle = previous_cycle(cycle, account.anniversary_day)
        usual.append(cycle)
    free = [one for one in usual if not any(one.start < other.end and other.start < one.end for other in kept)]
    return [(_text(one), cycle_range(one) + (", still running" if one == running else "")) for one in sorted({*kept, *free}, reverse=True)]
