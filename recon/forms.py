"""What people state on the pages of an account: tolerances, invoices, and how the audit trail is filtered."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.audit import SENTENCES
from accounts.models import Account, AuditEvent, BillingCycle, User
from accounts.products import PRODUCTS
from accounts.templatetags.recon_ui import cycle_range
from ingest.sources.numbers import Fault, parse_amount, parse_quantity
from recon.engine.tolerance import MAX_PERCENT, MAX_UNITS

MICROS: Final = 1_000_000
_MOST_MONEY: Final = 1_000_000_000
_NUMBER: Final = "Write a number, such as 5 or 2.5."
ALL_PRODUCTS: Final = [("", "Every product"), *((p.code, p.label) for p in PRODUCTS)]


class _Number(forms.DecimalField):
    """An exact number, from zero up, with the column's name for screen readers."""

    def __init__(self, label: str, most: int, places: int) -> None:
        messages = {
            "required": _NUMBER,
            "invalid": _NUMBER,
            "min_value": "From 0 up.",
            "max_value": f"At most {most:,}.",
            "max_decimal_places": f"At most {places} decimals.",
        }
        widget = forms.TextInput(attrs={"inputmode": "decimal"})
        super().__init__(label=label, widget=widget, min_value=0, max_value=most, decimal_places=places, error_messages=messages)
        self.widget.attrs |= {"autocomplete": "off", "size": "7", "maxlength": "20", "class": "input num"}


class ScopeForm(forms.Form):
    """The values of one scope, as one row of the table."""

    investigate_percent = _Number("Investigate, percent", MAX_PERCENT, 4)
    investigate_units = _Number("Investigate, units", MAX_UNITS, 4)
    escalate_percent = _Number("Escalate, percent", MAX_PERCENT, 4)
    escalate_units = _Number("Escalate, units", MAX_UNITS, 4)
    floor = _Number("Money floor", _MOST_MONEY, 2)

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        for what in ("percent", "units"):
            low, high = given.get(f"investigate_{what}"), given.get(f"escalate_{what}")
            if low is not None and high is not None and high < low:
                self.add_error(f"escalate_{what}", "Not below investigate.")
        return given

    @property
    def values(self) -> dict[str, Any]:
        """As ``recon.policies.Scope`` takes them: money in micros."""
        return {name: value for name, value in self.cleaned_data.items() if name != "floor"} | {
            "floor": int(self.cleaned_data["floor"] * Decimal(MICROS))
        }


class InvoiceForm(forms.Form):
    """An invoice as a person reads it off: amounts as people write them, a credit note with a minus or in parentheses."""

    number = forms.CharField(label="Number", max_length=100, required=False)
    issued_on = forms.DateField(label="Date", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    amount = forms.CharField(label="Amount", max_length=40)
    currency = forms.RegexField("^[A-Za-z]{3}$", label="Currency", error_messages={"invalid": "Three letters, such as USD."})
    quantity = forms.CharField(label="Units charged", max_length=20, required=False)

    def __init__(self, data: Any = None, *, currency: str) -> None:
        super().__init__(data, initial={"currency": currency}, prefix="invoice", auto_id="%s")
        for name, field in self.fields.items():
            field.widget.attrs |= {"class": "input num" if name in {"amount", "quantity"} else "input", "autocomplete": "off"}
        for name in ("amount", "quantity"):
            self.fields[name].widget.attrs |= {"inputmode": "decimal"}

    def clean_amount(self) -> int:
        found = parse_amount(self.cleaned_data["amount"])
        if found is Fault.AMBIGUOUS:
            raise forms.ValidationError("That can be read in two ways: write both decimals, such as 1,000.00.")
        if isinstance(found, Fault):
            raise forms.ValidationError("Write an amount, such as 1,234.50; a credit note has a minus.")
        return found

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def clean_quantity(self) -> int | None:
        text = self.cleaned_data["quantity"].strip()
        if not text:
            return None
        found = parse_quantity(text)
        if isinstance(found, Fault):
            raise forms.ValidationError("Write a whole number of units, or leave it blank.")
        return found

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class AuditFilter(forms.Form):
    """Who did what, in which month, between which days."""

    who = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Everybody")
    what = forms.ChoiceField(required=False)
    month = forms.ModelChoiceField(BillingCycle.objects.none(), required=False, empty_label="All months")
    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Any, *, account: Account) -> None:
        super().__init__(data)
        acts = Exists(AuditEvent.objects.filter(account=account, actor=OuterRef("pk")))
        choices: Any = self.fields
        choices["who"].queryset = User.objects.filter(acts).order_by("name", "email")
        choices["month"].queryset = BillingCycle.objects.filter(account=account).order_by("-start")
        choices["month"].label_from_instance = cycle_range
        choices["what"].choices = [("", "Every act"), *ACTS]

    def condition(self) -> dict[str, Any]:
        """What is filtered by, as far as it could be read."""
        given = self.cleaned_data if self.is_valid() else getattr(self, "cleaned_data", {})
        found: dict[str, Any] = {"actor": given.get("who"), "action": given.get("what"), "cycle": given.get("month")}
        if since := given.get("since"):
            found["at__gte"] = timezone.make_aware(datetime.combine(since, time.min))
        if until := given.get("until"):
            found["at__lte"] = timezone.make_aware(datetime.combine(until, time.max))
        return {name: value for name, value in found.items() if value}


#: Every act as a choice: the sentence without its subject.
ACTS: Final = sorted(
    ((action, " ".join(said.replace("{subject}", "…").split()).capitalize()) for action, said in SENTENCES.items()), key=lambda one: one[1]
)
