"""What an admin types in of the app at Microsoft, of tenants and of consent links. A secret is never put back into a page."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from accounts.models import Account, Organization, Tenant
from ingest.graph import CLOUDS
from ingest.services.microsoft_app import Stated
from ingest.services.tenant_imports import MOST_BYTES, Finder

_CLOUDS: Final = [(cloud.code, cloud.label) for cloud in CLOUDS.values()]
_OFF: Final = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off", "data-1p-ignore": "", "data-lpignore": "true"}
_MOST_PEM: Final = 40_000


def _cloud(label: str = "Cloud") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=_CLOUDS, initial="global")


class AppForm(forms.Form):
    client_id = forms.CharField(label="Application (client) ID", max_length=60, widget=forms.TextInput(attrs=_OFF))
    cloud = _cloud("Cloud of new tenants")
    secret = forms.CharField(label="Client secret", max_length=300, required=False, widget=forms.PasswordInput(attrs=_OFF))
    secret_ends = forms.DateField(label="The secret ends on", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    pem = forms.CharField(
        label="Certificate with its key", max_length=_MOST_PEM, required=False, widget=forms.Textarea(attrs=_OFF | {"rows": 5})
    )
    pem_file = forms.FileField(label="Or a PEM file of both", required=False)

    def __init__(self, data: Any = None, files: Any = None, *, cloud: str = "global", client_id: str = "") -> None:
        super().__init__(data, files, auto_id="app-%s", initial={"cloud": cloud, "client_id": client_id})

    def forget(self) -> None:
        """Leave nothing secret in what a refused form is made of again."""
        left: Any = self.data
        self.data = left = left.copy()
        left["secret"] = left["pem"] = ""

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        given = said.get("pem_file")
        if given is not None:
            if given.size > _MOST_PEM:
                self.add_error("pem_file", "That is too long for a key and a certificate.")
            else:
                said["pem"] = given.read().decode("ascii", "replace")
        return said

    @property
    def stated(self) -> Stated:
        """Only of a valid form."""
        return Stated(**{name: value for name, value in self.cleaned_data.items() if name != "pem_file"})


class OrganizationField(forms.CharField):
    """An Organization as people write it: its name, an alias, its id or its key. The value is its primary key."""

    finder: Finder

    def __init__(self, **more: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "off", "list": "organizations"})
        super().__init__(label="Organization", max_length=500, widget=widget, **more)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = self.finder.find(text)
        if isinstance(found, str):
            raise forms.ValidationError(found)
        return found


class _WithOrganization(forms.Form):
    organization = OrganizationField()

    def __init__(self, account: Account, data: Any = None, **more: Any) -> None:
        super().__init__(data, **more)
        self._account = account
        if self.is_bound:
            self.fields["organization"].finder = Finder(account)  # type: ignore[attr-defined]

    @property
    def whose(self) -> Organization | None:
        """Only of a valid form."""
        pk = self.cleaned_data["organization"]
        return Organization.objects.get(account=self._account, pk=pk) if pk else None


class LinkForm(_WithOrganization):
    organization = OrganizationField(required=False)
    cloud = _cloud()

    def __init__(self, account: Account, data: Any = None, *, cloud: str = "global", organization: str = "") -> None:
        super().__init__(account, data, auto_id="link-%s", initial={"cloud": cloud, "organization": organization})


class ConfirmForm(_WithOrganization):
    def __init__(self, account: Account, data: Any = None, *, organization: str = "") -> None:
        super().__init__(account, data, auto_id="confirm-%s", initial={"organization": organization})


class GoogleForm(_WithOrganization):
    name = forms.CharField(label="Its domain or name", max_length=256)
    field_order = ("name", "organization")

    def __init__(self, account: Account, data: Any = None) -> None:
        super().__init__(account, data, auto_id="google-%s")


class CloudForm(forms.Form):
    cloud = _cloud()

    def __init__(self, tenant: Tenant, data: Any = None) -> None:
        super().__init__(data, auto_id="move-%s", initial={"cloud": tenant.cloud})


class ImportForm(forms.Form):
    text = forms.CharField(
        label="Tenant id and Organization, a line each", required=False, max_length=MOST_BYTES, strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "class": "mono"}),
    )  # fmt: skip
    file = forms.FileField(label="Or a CSV file", required=False)
    cloud = _cloud("Cloud, where a line states none")

    def __init__(self, data: Any = None, files: Any = None, *, cloud: str = "global") -> None:
        super().__init__(data, files, auto_id="import-%s", initial={"cloud": cloud})

    @property
    def content(self) -> str:
        """Only of a valid form: what is to be read, of the file where there is one."""
        given = self.cleaned_data["file"]
        if given is None:
            return str(self.cleaned_data["text"])
        raw = given.read(MOST_BYTES + 1)
        for encoding in ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
            try:
                return str(raw.decode(encoding))
            except UnicodeDecodeError:
                continue
        return str(raw.decode("utf-8", "replace"))
