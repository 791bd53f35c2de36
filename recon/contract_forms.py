"""What an admin types in of a contract: its terms, and the steps of its schedule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from django import forms

from accounts.models import ContractVersion
from accounts.products import PRODUCTS
from recon.contract_words import MICROS
from recon.services.contracts import MOST_COST, MOST_STEPS, MOST_UNITS, Said, Step

_BLANK_STEPS: Final = 3
_KNOWN: Final = [("", "Not known"), ("yes", "Yes"), ("no", "No: it ends")]
_YES: Final = {"yes": True, "no": False}
_DATE: Final = {"invalid": "Write a day, such as 2027-02-14.", "required": "Write a day, such as 2027-02-14."}


def _day(label: str, *, required: bool = True) -> forms.DateField:
    return forms.DateField(
        label=label, required=required, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), error_messages=_DATE
    )


def _units(label: str, *, required: bool = True) -> forms.IntegerField:
    said = "Write a whole number of units, such as 1500."
    messages = {"invalid": said, "required": said, "min_value": "From 0 up.", "max_value": f"At most {MOST_UNITS:,}."}
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": "12"})
    return forms.IntegerField(label=label, required=required, min_value=0, max_value=MOST_UNITS, widget=widget, error_messages=messages)


def _cost(label: str) -> forms.DecimalField:
    said = "Write an amount, such as 2.90."
    most = MOST_COST // MICROS
    messages = {"invalid": said, "min_value": "From 0 up.", "max_value": f"At most {most:,}.", "max_decimal_places": "At most 6 decimals."}
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "maxlength": "20"})
    return forms.DecimalField(
        label=label, required=False, min_value=0, max_value=most, decimal_places=6, widget=widget, error_messages=messages
    )


def _micros(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * MICROS)


def _amount(micros: int | None) -> Decimal | None:
    return None if micros is None else Decimal(micros) / MICROS


class ContractForm(forms.Form):
    """The product and the subscription's number are said once; what else is said makes a version."""

    product = forms.ChoiceField(choices=[("", "Choose"), *((p.code, f"{p.label}, {p.units}") for p in PRODUCTS)])
    minimum = _units("Minimum a cycle")
    interval = forms.ChoiceField(label="Billed", choices=ContractVersion.Interval.choices)
    support_type = forms.ChoiceField(label="Support", required=False, choices=ContractVersion.Support.choices)
    start = _day("From")
    renewal = _day("Renewal date")
    auto_renew = forms.ChoiceField(label="Renews by itself", required=False, choices=_KNOWN)
    unit_cost = _cost("Cost of one unit and cycle")
    external_id = forms.CharField(label="Subscription number", required=False, max_length=64)
    why = forms.CharField(label="Why", required=False, max_length=500)

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None, is_change: bool = False) -> None:
        super().__init__(data, initial=initial)
        for name in ("product", "external_id") if is_change else ("why",):
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        start, renewal = given.get("start"), given.get("renewal")
        if start and renewal and renewal <= start:
            self.add_error("renewal", "After the day on which it starts.")
        return given


class StepForm(forms.Form):
    """One step of a schedule; a row that is left empty is none."""

    starts = _day("From", required=False)
    minimum = _units("Minimum", required=False)
    unit_cost = _cost("Cost of one unit")

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        starts, minimum, cost = (given.get(name) for name in ("starts", "minimum", "unit_cost"))
        if (minimum is not None or cost is not None) and not starts and "starts" not in self.errors:
            self.add_error("starts", "From which day?")
        if starts and minimum is None and "minimum" not in self.errors:
            self.add_error("minimum", "What is the minimum from that day?")
        return given


_Steps = forms.formset_factory(StepForm, extra=_BLANK_STEPS, max_num=MOST_STEPS, absolute_max=MOST_STEPS + _BLANK_STEPS)


class Typed:
    """Both forms together, as one page has them."""

    def __init__(self, data: Any = None, *, initial: Said | dict[str, Any] | None = None, is_change: bool = False) -> None:
        steps: list[dict[str, Any]] = []
        if isinstance(initial, Said):
            steps = [{"starts": one.starts, "minimum": one.minimum, "unit_cost": _amount(one.unit_cost)} for one in initial.steps]
            initial = _initial(initial)
        self.form = ContractForm(data, initial=initial, is_change=is_change)
        self.steps = _Steps(data, initial=steps, prefix="step")

    def is_valid(self) -> bool:
        """Both are looked at, so that everything wrong is marked at once."""
        return all([self.form.is_valid(), self.steps.is_valid()])

    @property
    def said(self) -> Said:
        given: dict[str, Any] = self.form.cleaned_data
        steps = [one.cleaned_data for one in self.steps.forms if one.cleaned_data.get("starts")]
        return Said(
            minimum=given["minimum"],
            interval=given["interval"],
            start=given["start"],
            renewal=given["renewal"],
            support_type=given["support_type"],
            auto_renew=_YES.get(given["auto_renew"]),
            unit_cost=_micros(given["unit_cost"]),
            steps=tuple(sorted((_step(one) for one in steps), key=lambda step: step.starts)),
        )


def _step(given: dict[str, Any]) -> Step:
    return Step(given["starts"], given["minimum"], _micros(given["unit_cost"]))


def _initial(said: Said) -> dict[str, Any]:
    auto_renew = {True: "yes", False: "no", None: ""}[said.auto_renew]
    return said.columns | {"auto_renew": auto_renew, "unit_cost": _amount(said.unit_cost)}


def following(product: str, said: Said) -> dict[str, Any]:
    """Where the next contract begins: on the renewal date of this one, as it stands at its end, for as many years."""
    steps = said.steps
    cost = next((one.unit_cost for one in reversed(steps) if one.unit_cost is not None), said.unit_cost)
    return _initial(said) | {
        "product": product,
        "minimum": steps[-1].minimum if steps else said.minimum,
        "unit_cost": _amount(cost),
        "start": said.renewal,
        "renewal": _as_long_again(said),
    }


def _as_long_again(said: Said) -> date | None:
    """The same day after as many months. A day that its month does not have is left to the person."""
    months = (said.renewal.year - said.start.year) * 12 + said.renewal.month - said.start.month
    month = said.renewal.month - 1 + months
    try:
        found = said.renewal.replace(year=said.renewal.year + month // 12, month=month % 12 + 1)
    except ValueError:
        return None
    return found if found > said.renewal else None
