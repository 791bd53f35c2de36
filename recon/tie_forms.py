"""What a person names of the difference to the invoice, and what an amount of Huntress's counts."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from accounts.products import PRODUCTS
from ingest.models import Connection
from ingest.sources.numbers import Fault, parse_amount
from recon.models import TieOutItem

_UNIT: Final = 1_000_000
_PRODUCTS: Final = [("", "Not of one product"), *((one.code, one.label) for one in PRODUCTS)]
_KINDS: Final = [("", "Choose what it is"), *TieOutItem.Kind.choices]


class NamedForm(forms.Form):
    """Units and money as people write them: with a minus, or in parentheses, what lowers the invoice."""

    kind = forms.ChoiceField(label="What it is", choices=_KINDS, error_messages={"required": "Choose what it is."})
    product = forms.ChoiceField(label="Product", choices=_PRODUCTS, required=False)
    units = forms.CharField(label="Units", max_length=20, required=False)
    money = forms.CharField(label="Money", max_length=40, required=False)
    note = forms.CharField(label="Note", max_length=2000, required=False)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, prefix="named", auto_id="%s")
        for name in ("units", "money"):
            self.fields[name].widget.attrs |= {"inputmode": "text", "autocomplete": "off"}

    def clean_units(self) -> int | None:
        found = _amount(self.cleaned_data["units"], "Write a whole number of units, such as 36 or −4.")
        if found is not None and found % _UNIT:
            raise forms.ValidationError("Write a whole number of units, such as 36 or −4.")
        return None if found is None else found // _UNIT

    def clean_money(self) -> int | None:
        return _amount(self.cleaned_data["money"], "Write an amount, such as 504.00; what lowers the invoice has a minus.")

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not self.errors and not given.get("units") and not given.get("money"):
            self.add_error("money", "Say how many units or how much money it is.")
        return given

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


def _amount(text: str, wanted: str) -> int | None:
    text = text.strip().replace("−", "-").removeprefix("+")
    if not text:
        return None
    found = parse_amount(text)
    if found is Fault.AMBIGUOUS:
        raise forms.ValidationError("That can be read in two ways: write both decimals, such as 1,000.00.")
    if isinstance(found, Fault):
        raise forms.ValidationError(wanted)
    return found


class UnitForm(forms.Form):
    """What the amount of a pulled invoice counts."""

    unit = forms.ChoiceField(
        label="An amount of Huntress’s counts", choices=Connection.AmountUnit.choices, required=False, widget=forms.RadioSelect
    )

    def __init__(self, data: Any = None, *, unit: str = "") -> None:
        super().__init__(data, initial={"unit": unit})
