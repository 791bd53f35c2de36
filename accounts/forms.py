"""What an admin states about people and the account."""

from __future__ import annotations

import zoneinfo
from copy import copy
from functools import cache
from typing import Any, ClassVar, Final

from django import forms

from accounts.models import Account, Role
from accounts.models.account import USUAL_STATEMENT

_MOST_STATEMENTS: Final = 12
_LONGEST_STATEMENT: Final = 1000
_ROLES = [(role.value, role.label) for role in Role]


def one_line(text: str) -> str:
    """Names go into lists, mails and sheets: runs of white space, line ends too, are one space."""
    return " ".join(text.split())


class PersonForm(forms.Form):
    email = forms.EmailField(label="E-mail address", max_length=254)
    name = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=_ROLES, initial=Role.PREPARER)

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"])


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=_ROLES)


class RemoveForm(forms.Form):
    confirmed = forms.BooleanField(required=False, label="I remove myself, and only another admin can let me in again")


@cache
def _time_zones() -> list[tuple[str, str]]:
    places = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [(name, name.replace("_", " ")) for name in ["UTC", *places]]


class SettingsForm(forms.ModelForm):
    anniversary_day = forms.IntegerField(min_value=1, max_value=31)
    time_zone = forms.ChoiceField()
    currency = forms.RegexField(
        r"\A[A-Z]{3}\Z", error_messages={"invalid": "Write the three letters of the currency, such as USD, GBP or EUR."}
    )

    solo_rule = forms.BooleanField(required=False, label="One person may prepare and sign a month")
    statements = forms.CharField(required=False, label="Statements to certify", widget=forms.Textarea)

    class Meta:
        model = Account
        fields: ClassVar = ["name", "anniversary_day", "time_zone", "currency", "solo_rule", "statements"]

    def __init__(self, data: Any = None, *, account: Account) -> None:
        super().__init__(data, instance=copy(account))  # a copy: what is refused must not show in the page's frame
        known = _time_zones()
        here = account.time_zone
        self.initial["statements"] = "\n".join(account.to_certify)
        self.fields["time_zone"].choices = known if here in dict(known) else [(here, here), *known]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"])

    def clean_statements(self) -> str:
        """One a line. The usual one is kept as nothing, so that an account which never said another follows it."""
        stated = list(dict.fromkeys(filter(None, map(one_line, self.cleaned_data["statements"].splitlines()))))
        if len(stated) > _MOST_STATEMENTS:
            raise forms.ValidationError(f"At most {_MOST_STATEMENTS} statements, one a line; these are {len(stated)}.")
        for number, statement in enumerate(stated, start=1):
            if len(statement) > _LONGEST_STATEMENT:
                raise forms.ValidationError(
                    f"Statement {number} has {len(statement):,} characters; a statement has at most {_LONGEST_STATEMENT:,}."
                )
        return "" if stated == [USUAL_STATEMENT] else "\n".join(stated)
