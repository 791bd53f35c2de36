"""The queue of product names that the registry does not know, and the rules that people made, in a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, QueryDict
from django.utils.functional import cached_property

from accounts.models import Account, ProductRule
from accounts.product_hints import Hint
from accounts.products import PRODUCTS, Product
from recon.engine import Holding
from recon.services import products as service

PER_PAGE: Final = 20
#: The field of a product's factor in a form that says what one unit of a name holds.
FIELD: Final = "hold-"


@dataclass(frozen=True, slots=True)
class Field:
    """One product of the form: its factor as it was typed, as it is, or blank."""

    product: Product
    name: str
    value: str


@dataclass(frozen=True)
class Shown:
    """One name that waits, with its form. ``wrong`` says what was refused of it; ``had`` whether something was said of it before."""

    entry: service.Entry
    fields: list[Field]
    wrong: str
    had: bool

    @property
    def hint_words(self) -> str:
        return service.words_of([_held(hint) for hint in self.entry.hints])

    @property
    def hint_fields(self) -> list[tuple[str, int]]:
        """What accepting the suggestion posts."""
        return [(f"{FIELD}{hint.product}", hint.factor) for hint in self.entry.hints]

    @property
    def reasons(self) -> str:
        return "; ".join(dict.fromkeys(hint.reason for hint in self.entry.hints))


def _held(hint: Hint) -> Holding:
    return Holding(hint.product, hint.factor)


@dataclass(frozen=True)
class ProductPage:
    account: Account
    request: HttpRequest
    typed: QueryDict | None = None
    wrong: str = ""

    @cached_property
    def queue(self) -> list[service.Entry]:
        return service.queue(self.account)

    @property
    def count(self) -> int:
        return len(self.queue)

    @property
    def money(self) -> int | None:
        known = [one.money for one in self.queue if one.money is not None]
        return sum(known) if known else None

    @cached_property
    def page(self) -> Page[service.Entry]:
        return Paginator(self.queue, PER_PAGE).get_page(self.request.GET.get("page"))

    @cached_property
    def waiting(self) -> list[Shown]:
        """The names of this page, with what was typed for the one that was refused."""
        keys = [one.key for one in self.page]
        said = ProductRule.objects.filter(account=self.account, name_key__in=keys) if keys else ProductRule.objects.none()
        had = set(said.values_list("name_key", flat=True).distinct().order_by())
        return [self._shown(one, one.key in had) for one in self.page]

    def _shown(self, entry: service.Entry, had: bool) -> Shown:
        typed = self.typed if self.typed is not None and self.typed.get("name") == entry.name else None
        fields = [Field(one, f"{FIELD}{one.code}", typed.get(f"{FIELD}{one.code}", "") if typed else "") for one in PRODUCTS]
        return Shown(entry, fields, self.wrong if typed else "", had)

    @cached_property
    def rules(self) -> list[service.Stated]:
        return service.rules(self.account)

    @cached_property
    def rules_page(self) -> Page[service.Stated]:
        return Paginator(self.rules, PER_PAGE).get_page(self.request.GET.get("rules"))

    @property
    def ticked(self) -> list[str]:
        return self.typed.getlist("names") if self.typed else []

    @property
    def reason(self) -> str:
        return self.typed.get("reason", "") if self.typed else ""

    @property
    def is_wrong_elsewhere(self) -> bool:
        """Whether what was refused has no form on this page to say it beside."""
        return bool(self.wrong) and not any(one.wrong for one in self.waiting)


def holdings_of(posted: Any) -> list[Holding] | str:
    """The holdings that a form posted, or a sentence on the first that cannot be read."""
    found = []
    for product in PRODUCTS:
        text = posted.get(f"{FIELD}{product.code}", "").strip()
        if not text:
            continue
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            return f"“{text[:20]}” is no number of units: one holds 1, 2 or more units of {product.label}, or the field is blank."
        found.append(Holding(product.code, int(text)))
    return found
