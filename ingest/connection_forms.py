"""What an admin types in of a connection. Key and secret are never put back into a page, also not when a form is refused."""

from __future__ import annotations

from datetime import time
from typing import Any, Final

from django import forms

from ingest.models import Connection
from ingest.services.connecting import Wanted

_MOST_LEFT: Final = 90
_TIME: Final = {"invalid": "Write an hour, such as 02:30.", "required": "Write an hour, such as 02:30."}


def _hidden(label: str) -> forms.CharField:
    """A field that browsers neither show nor remember, and that is empty whenever the page is made anew."""
    attrs = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off", "data-1p-ignore": "", "data-lpignore": "true"}
    said = {"required": f"Enter the {label.lower()}, as the portal shows it.", "max_length": "That is longer than any of them."}
    return forms.CharField(label=label, max_length=300, widget=forms.PasswordInput(attrs=attrs), error_messages=said)


def _hour(label: str) -> forms.TimeField:
    return forms.TimeField(label=label, widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}), error_messages=_TIME)


class SecretForm(forms.Form):
    key = _hidden("Key")
    secret = _hidden("Secret")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="connection-%s")


class AddConnectionForm(SecretForm):
    name = forms.CharField(max_length=100, initial="Huntress")
    field_order = ("name", "key", "secret")

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class ConnectionForm(forms.Form):
    """How a connection is used."""

    name = forms.CharField(max_length=100)
    is_scheduled = forms.BooleanField(required=False, label="Pull by itself")
    nightly_at = _hour("Every night at")
    last_day_at = _hour("On the last day of a cycle at")
    left_to_others = forms.IntegerField(
        label="Left to other integrations, in percent",
        min_value=0,
        max_value=_MOST_LEFT,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages=dict.fromkeys(("invalid", "required", "min_value", "max_value"), f"Write a whole number from 0 to {_MOST_LEFT}."),
    )
    amount_unit = forms.ChoiceField(label="An invoice’s amount counts", required=False, choices=Connection.AmountUnit.choices)

    def __init__(self, connection: Connection, data: Any = None) -> None:
        initial = {name: getattr(connection, name) for name in self.base_fields}
        super().__init__(data, initial=initial, auto_id="connection-%s")

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def _whole_minutes(self, name: str) -> time:
        said: time = self.cleaned_data[name]
        return said.replace(second=0, microsecond=0)

    def clean_nightly_at(self) -> time:
        return self._whole_minutes("nightly_at")

    def clean_last_day_at(self) -> time:
        return self._whole_minutes("last_day_at")

    @property
    def wanted(self) -> Wanted:
        """Only of a valid form."""
        return Wanted(**self.cleaned_data)
