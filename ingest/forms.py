"""What a person says about a file: its kind, account, cycle, sheet, header, delimiter, encoding, decimal sign, dates and columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from accounts.access import Need, accounts_where
from accounts.calendar import Cycle, cycle_containing, parse_cycle, previous_cycle
from accounts.models import Account, BillingCycle, User
from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import cycle_range
from ingest.models import Kind, MappingProfile, SourceFile
from ingest.services.mappings import is_proposal
from ingest.services.previews import last_finished
from ingest.sources import READERS
from ingest.sources.grid import letter
from ingest.sources.reading import Mapping

_CYCLES_BACK: Final = 6
_CYCLES_KEPT: Final = 24
_ACCOUNTS_OFFERED: Final = 200
#: Columns that can be mapped. What lies beyond is ignored, unless a mapping names it.
_COLUMNS_OFFERED: Final = 60
_GUESS: Final = 0  # as a header line and as columns: the reader is to find them
#: Fields whose cells can be read in two ways.
_DATED: Final = frozenset({"last_seen", "date"})
_NUMBERS: Final = frozenset({"quantity", "unit_price", "amount", "cost", "sell", "from_quantity"})
#: What a mapping says beside its columns and their place. The form asks for those that a file can have.
_SETTINGS: Final = ("delimiter", "encoding", "decimal", "dates")

_DECIMALS: Final = [("", "Not stated"), (".", "Point: 1.5"), (",", "Comma: 1,5")]
_DATES: Final = [("", "As the column proves"), ("day", "Day first: 14/11/2026"), ("month", "Month first: 11/14/2026")]
_DELIMITERS: Final = [(",", "Comma ,"), (";", "Semicolon ;"), ("\t", "Tab"), ("|", "Vertical bar |")]
_ENCODINGS: Final = [
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("cp1252", "Windows, Western (1252)"),
    ("cp1250", "Windows, Central European (1250)"),
    ("mac-roman", "Mac OS Roman"),
]
#: Until a person says what kind a file is, it is read as this one.
_UNTIL_STATED: Final = "expected"


def kind_choices() -> list[tuple[str, str]]:
    """What a list can be said to be. What only comes as an archive of answers says so itself."""
    return [choice for choice in Kind.choices if choice[0] in READERS and READERS[choice[0]].has_columns]


def field_choices(kind: str) -> list[tuple[str, Any]]:
    """What a column of a kind can be taken for; fields of one product stand together."""
    choices: list[tuple[str, Any]] = [("", "Ignore")]
    groups: dict[str, list[tuple[str, str]]] = {}
    for field in READERS[kind or _UNTIL_STATED].fields:
        code = field.name.partition(":")[2]
        if not code:
            choices.append((field.name, field.label))
        elif code not in groups:
            groups[code] = [(field.name, field.label)]
            choices.append((BY_CODE[code].label if code in BY_CODE else code, groups[code]))
        else:
            groups[code].append((field.name, field.label))
    return choices


def field_words(kind: str) -> dict[str, str]:
    """Field → how people are told of it."""
    return {"": "Ignore", **READERS[kind or _UNTIL_STATED].labels}


@dataclass(frozen=True, slots=True)
class Stated:
    """What the form says. ``changed``: the file has not been read in this way yet.

    ``mapping`` None: as such a list was read before, else guessed; ``as_guessed``, not as before.
    """

    kind: str
    account: Account
    cycle: Cycle
    mapping: Mapping | None
    changed: bool
    as_guessed: bool = False


class CycleField(forms.ChoiceField):
    """One of an account's cycles, as ``2026-10-14:2026-11-14``; cleans to a Cycle."""

    def clean(self, value: Any) -> Any:
        return parse_cycle(super().clean(value))


class FileForm(forms.Form):
    """All that can be corrected before a file counts, and what is said when it is imported."""

    kind = forms.ChoiceField(error_messages={"required": "Say what kind of list this is."})
    account = forms.ModelChoiceField(Account.objects.none(), to_field_name="slug", empty_label=None)
    cycle = CycleField()
    sheet = forms.ChoiceField(required=False)
    header_line = forms.IntegerField(required=False, min_value=1, max_value=5_000_000, label="Header is on line")
    delimiter = forms.ChoiceField(required=False, choices=_DELIMITERS, label="Cells are split at")
    encoding = forms.ChoiceField(required=False, choices=_ENCODINGS)
    decimal = forms.ChoiceField(required=False, choices=_DECIMALS, label="Decimal sign")
    dates = forms.ChoiceField(required=False, choices=_DATES, label="Dates such as 03/04/2026")
    remembered = forms.ChoiceField(required=False, choices=[("", ""), ("yes", ""), ("no", "")])
    partial = forms.BooleanField(required=False, label="This list is partial: what it does not name is unknown, not zero")
    without_rejected = forms.BooleanField(required=False)

    def __init__(self, source_file: SourceFile, user: User, data: Any = None, *, cycle: str = "") -> None:
        self.source_file, self.read_as = source_file, read_as(source_file)
        guessed = source_file.preview.get("cycle") or _text(last_finished(source_file.account))
        shown = cycle if _is_cycle(cycle) else guessed
        initial = {"kind": source_file.kind, "account": source_file.account.slug, "cycle": shown, "partial": source_file.partial}
        initial |= {"sheet": self.read_as.sheet, "header_line": self.read_as.header_line or None}
        initial |= {name: getattr(self.read_as, name) for name in _SETTINGS}
        super().__init__(data, initial=initial, auto_id="file-%s")
        self._offer_accounts(user)
        itself = [(source_file.kind, source_file.get_kind_display())]
        self._field("kind").choices = itself if self.is_archive else [("", "Choose …"), *kind_choices()]
        self._field("cycle").choices = cycle_choices(source_file.account, shown)
        sheets = source_file.preview.get("sheets") or []
        self._field("sheet").choices = [(name, name) for name in sheets] or [("", "")]
        fields = field_choices(source_file.kind)
        for index in self._indices:
            select = forms.Select(attrs={"class": "select is-s"})
            field = forms.ChoiceField(choices=fields, required=False, initial=self.read_as.columns.get(index, ""), widget=select)
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
    def is_archive(self) -> bool:
        """It says itself what it is, and has no columns."""
        return self.source_file.is_archive

    @property
    def _indices(self) -> list[int]:
        return [] if self.is_archive else column_indices(self.source_file)

    @property
    def chosen_cycle(self) -> Cycle:
        """The cycle that is shown as chosen."""
        said = str(self.data.get("cycle", ""))
        return parse_cycle(said if _is_cycle(said) else self.initial["cycle"])

    @property
    def columns(self) -> dict[int, Any]:
        """The bound select of each column that can be mapped."""
        return {index: self[f"column_{index}"] for index in self._indices}

    @property
    def is_text(self) -> bool:
        """It has a delimiter and an encoding; a workbook has sheets."""
        return not self.is_archive and not self.source_file.preview.get("sheets")

    @property
    def has_dates(self) -> bool:
        """Its kind has a column whose order of days and months can be stated."""
        return not self.is_archive and not _DATED.isdisjoint(field_words(self.source_file.kind))

    @property
    def has_numbers(self) -> bool:
        """Its kind has columns of quantities or money."""
        return not self.is_archive and any(name.partition(":")[0] in _NUMBERS for name in field_words(self.source_file.kind))

    @property
    def stated(self) -> Stated:
        """Only of a valid form."""
        said, target = self.cleaned_data, cast(Account, self.cleaned_data["account"])
        mapping = self._mapping(said["kind"])
        is_moved = said["kind"] != self.source_file.kind or target != self.source_file.account
        cycle = said["cycle"] if target == self.source_file.account else cycle_containing(said["cycle"].start, target.anniversary_day)
        is_read_as_guessed = bool(self.source_file.preview.get("as_guessed")) and mapping is None and not is_moved
        as_guessed = said["remembered"] == "no" or (is_read_as_guessed and said["remembered"] != "yes")
        if said["remembered"]:
            mapping = None
        elif mapping is None and self._is_confirmed(is_moved):
            mapping = self.read_as
        is_changed = is_moved or self._mapping(said["kind"]) is not None or bool(said["remembered"])
        return Stated(said["kind"], target, cycle, mapping, is_changed, as_guessed)

    def _is_confirmed(self, is_moved: bool) -> bool:
        """Whether reading again what is shown states it: what this person stated, and an answer to what was asked. Never of an archive.

        What was remembered of another list is found again by itself, unless it was only proposed.
        """
        if self.is_archive:
            return False
        if self.source_file.preview.get("profile"):
            return not is_moved and (is_proposal(self.source_file) or self._is_answer(is_moved))
        return self._keeps_fields(self.cleaned_data["kind"]) and (self.source_file.mapping_stated or self._is_answer(is_moved))

    def _is_answer(self, is_moved: bool) -> bool:
        """Reading a refused file again as it is shown confirms what was asked; under another kind it is a new question."""
        is_asked = self.source_file.state == SourceFile.State.REFUSED and self.source_file.mapping is not None
        return is_asked and not is_moved and not _was_interrupted(self.source_file)

    def _keeps_fields(self, kind: str) -> bool:
        """Whether columns mean in that kind what they mean in the one that the form shows."""
        return field_words(kind) == field_words(self.source_file.kind)

    def _mapping(self, kind: str) -> Mapping | None:
        """The mapping as the form shows it; None when nothing differs from the one that was read with, and where there is none."""
        if self.is_archive:
            return None
        said, before = self.cleaned_data, self.read_as
        settings = {name: said[name] if name in self.data else getattr(before, name) for name in _SETTINGS}
        columns = {index: said[f"column_{index}"] for index in self._indices if said[f"column_{index}"]}
        sheet, line = said["sheet"] or before.sheet, said["header_line"] or _GUESS
        is_elsewhere = (sheet, settings["delimiter"]) != (before.sheet, before.delimiter)
        if is_elsewhere and line == before.header_line:
            line = _GUESS
        if (is_elsewhere or line != before.header_line) and columns == before.columns:
            columns = {}
        if not self._keeps_fields(kind):
            columns, before = {}, replace(before, columns={})
        new = replace(before, columns=columns, sheet=sheet, header_line=line, **cast(Any, settings))
        return None if new == before else new


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
        others = [choice for choice in kind_choices() if choice[0] != source_file.kind]
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


class MappingForm(forms.Form):
    """A remembered mapping: what it is called, and what each of its columns is taken for."""

    name = forms.CharField(max_length=200, label="Name", widget=forms.TextInput(attrs={"class": "input"}))

    def __init__(self, profile: MappingProfile, data: Any = None) -> None:
        self.profile = profile
        self.columns_read = Mapping.from_json(profile.mapping).columns
        super().__init__(data, initial={"name": profile.name}, auto_id="mapping-%s")
        choices = field_choices(profile.kind)
        for index in self.indices:
            select = forms.Select(attrs={"class": "select is-s"})
            initial = self.columns_read.get(index, "")
            self.fields[f"column_{index}"] = forms.ChoiceField(choices=choices, required=False, initial=initial, widget=select)

    @property
    def indices(self) -> list[int]:
        """Columns with a header, and those that are read without one."""
        return [index for index, title in enumerate(self.profile.header) if title.strip() or index in self.columns_read]

    @property
    def rows(self) -> list[tuple[str, str, Any]]:
        """Each column's letter and header, and its select."""
        return [(letter(index), self.profile.header[index].strip(), self[f"column_{index}"]) for index in self.indices]

    @property
    def columns(self) -> dict[int, str]:
        """Only of a valid form."""
        return {index: said for index in self.indices if (said := self.cleaned_data[f"column_{index}"])}


class MappingsFileForm(forms.Form):
    """An export of mappings to be taken in."""

    file = forms.FileField(label="An export of mappings", widget=forms.FileInput(attrs={"accept": ".json", "class": "input"}))
