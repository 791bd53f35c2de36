"""An account's tolerances as a page: the table that is edited, and the versions before it with what each changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from accounts.models import Account, Organization
from accounts.names import normalise
from accounts.products import CODES
from accounts.templatetags.recon_ui import money
from recon.forms import MICROS, ScopeForm
from recon.models import TolerancePolicy
from recon.policies import FIELDS, Scope, default_scope, number_words, scopes_of

VERSIONS_A_PAGE: Final = 10
NAMES_OFFERED: Final = 500
_CANDIDATES: Final = 30


@dataclass
class Line:
    """One scope in the form: whose it is, and what was typed."""

    organization: Organization | None
    product: str
    typed: dict[str, str]
    form: ScopeForm = field(init=False)
    number: int = 0

    def number_as(self, number: int) -> None:
        self.number = number
        self.form = ScopeForm({f"s{number}-{name}": value for name, value in self.typed.items()}, prefix=f"s{number}")
        for one in self.form.fields.values():
            one.widget.attrs["aria-label"] = f"{one.label}, {self.words}"
        for name in self.form.errors:
            self.form.fields[name].widget.attrs["aria-describedby"] = f"{self.form[name].auto_id}_error"

    @property
    def scope(self) -> Scope:
        return Scope(self.organization, self.product, **self.form.values)

    @property
    def words(self) -> str:
        return replace(default_scope(), organization=self.organization, product=self.product).words

    @property
    def is_account(self) -> bool:
        return self.organization is None and not self.product

    @property
    def key(self) -> tuple[int | None, str]:
        return (self.organization.pk if self.organization else None, self.product)


@dataclass
class Sheet:
    """Every scope as it stands in the form. ``seen`` is the version that it began from."""

    lines: list[Line]
    seen: int
    why: str = ""

    def __post_init__(self) -> None:
        for number, line in enumerate(self.lines):
            line.number_as(number)

    def is_valid(self) -> bool:
        return all([line.form.is_valid() for line in self.lines])  # noqa: C419 - each shows its own errors

    @property
    def scopes(self) -> list[Scope]:
        return [line.scope for line in self.lines]

    def without(self, number: int) -> Sheet:
        """The account's own scope stays."""
        return Sheet([line for line in self.lines if line.number != number or line.is_account], self.seen, self.why)

    def with_scope(self, organization: Organization | None, product: str) -> Sheet:
        """One scope more, with the values of the whole account to begin with."""
        new = Line(organization, product, dict(self.lines[0].typed))
        lines = [*self.lines, new]
        return Sheet(sorted(lines, key=lambda one: (one.organization is not None, one.product != "", one.words)), self.seen, self.why)

    def has(self, organization: Organization | None, product: str) -> bool:
        return (organization.pk if organization else None, product) in {line.key for line in self.lines}


def sheet_in_force(policy: TolerancePolicy | None) -> Sheet:
    return Sheet([Line(s.organization, s.product, _typed(s)) for s in scopes_of(policy)], policy.version if policy else 0)


def _typed(scope: Scope) -> dict[str, str]:
    typed = {name: number_words(getattr(scope, name)).replace(",", "") for name in FIELDS if name != "floor"}
    return typed | {"floor": f"{Decimal(scope.floor) / MICROS:.2f}"}


def sheet_of(account: Account, data: QueryDict) -> Sheet:
    """The form as it was sent. Organizations are the account's own; a line about another one is left out."""
    count = min(int(data.get("lines", "0")), 200) if data.get("lines", "").isascii() and data.get("lines", "").isdecimal() else 0
    wanted = [data.get(f"s{n}-organization", "") for n in range(count)]
    numbers = {int(text) for text in wanted if text.isascii() and text.isdecimal() and len(text) < 19}
    known = Organization.objects.filter(account=account).in_bulk(numbers)
    lines = []
    for n, text in enumerate(wanted):
        organization = known.get(int(text)) if text.isascii() and text.isdecimal() and len(text) < 19 else None
        product = data.get(f"s{n}-product", "")
        if (text and organization is None) or product not in ("", *CODES):
            continue
        lines.append(Line(organization, product, {name: data.get(f"s{n}-{name}", "")[:40] for name in FIELDS}))
    seen = data.get("seen", "")
    return Sheet(lines, int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 9 else -1, data.get("why", "").strip()[:500])


@dataclass(frozen=True)
class Found:
    """What a typed name could mean: one Organization, or several to choose from."""

    organization: Organization | None
    candidates: list[Organization]


def find(account: Account, text: str) -> Found:
    """The Organization of that name; else those whose name holds it."""
    ours = Organization.objects.filter(account=account)
    exactly = list(ours.filter(name_key=normalise(text)[:500]).order_by("pk")[:_CANDIDATES])
    if len(exactly) == 1:
        return Found(exactly[0], [])
    alike = exactly or list(ours.filter(name__icontains=text).order_by("name", "pk")[:_CANDIDATES])
    return Found(alike[0], []) if len(alike) == 1 else Found(None, alike)


def names_offered(account: Account) -> list[str]:
    """Names to choose from while typing; none where there are too many to send along."""
    names = list(Organization.objects.filter(account=account).order_by("name").values_list("name", flat=True)[: NAMES_OFFERED + 1])
    return names if len(names) <= NAMES_OFFERED else []


# --- versions ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Version:
    policy: TolerancePolicy
    changes: list[str]


def versions(account: Account, number: str) -> tuple[list[Version], Page[Any]]:
    """A page of versions, newest first, each with what it changed of the one before."""
    page = Paginator(TolerancePolicy.objects.filter(account=account).order_by("-version"), VERSIONS_A_PAGE).get_page(number)
    shown = [policy.version for policy in page.object_list]
    wanted = TolerancePolicy.objects.filter(account=account, version__in=[*shown, min(shown) - 1] if shown else [])
    policies = list(wanted.select_related("by").prefetch_related("rows__organization").order_by("-version"))
    scopes = {policy.version: _scopes(policy) for policy in policies}
    said = [
        Version(one, differences(scopes.get(one.version - 1, [default_scope()]), scopes[one.version], account.currency))
        for one in policies
        if one.version in shown
    ]
    return said, page


def _scopes(policy: TolerancePolicy) -> list[Scope]:
    """Of rows that were fetched already, the widest first."""
    scopes = [Scope(row.organization, row.product, *(getattr(row, name) for name in FIELDS)) for row in policy.rows.all()]
    return sorted(scopes, key=lambda one: (one.organization is not None, one.product != "", one.words))


_WORDS: Final = {
    "investigate_percent": "investigate", "investigate_units": "investigate", "escalate_percent": "escalate", "escalate_units": "escalate",
    "floor": "money floor",
}  # fmt: skip


def differences(before: Sequence[Scope], after: Sequence[Scope], currency: str) -> list[str]:
    """What changed from one version to the next, a sentence a scope."""
    was, now = ({_key(s): s for s in scopes} for scopes in (before, after))
    said = []
    for key in now:
        if key not in was:
            said.append(f"{_title(now[key])} added: {_all(now[key], currency)}.")
        elif parts := _parts(was[key], now[key], currency):
            said.append(f"{_title(now[key])}: {', '.join(parts)}.")
    return said + [f"{_title(was[key])} taken away." for key in was if key not in now]


def _parts(was: Scope, now: Scope, currency: str) -> list[str]:
    changed = [name for name in FIELDS if getattr(was, name) != getattr(now, name)]
    return [f"{_WORDS[name]} {_value(was, name, currency)} → {_value(now, name, currency)}" for name in changed]


def _all(scope: Scope, currency: str) -> str:
    levels = [
        f"{level} above {_value(scope, f'{level}_percent', currency)} and {_value(scope, f'{level}_units', currency)}"
        for level in ("investigate", "escalate")
    ]
    return ", ".join([*levels, *([f"money floor {_value(scope, 'floor', currency)}"] if scope.floor else [])])


def _value(scope: Scope, name: str, currency: str) -> str:
    value = getattr(scope, name)
    if name == "floor":
        return money(value, currency)
    if name.endswith("percent"):
        return f"{number_words(value)}%"
    return f"{number_words(value)} unit{'' if value == 1 else 's'}"


def _key(scope: Scope) -> tuple[int | None, str]:
    return (scope.organization.pk if scope.organization else None, scope.product)


def _title(scope: Scope) -> str:
    return scope.words[:1].upper() + scope.words[1:]
