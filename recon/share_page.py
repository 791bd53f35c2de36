"""The form of a split: one line a customer, with some blank ones, as it is or as it was typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import cached_property

from accounts.models import CustomerShare, Organization
from accounts.services import Refused
from recon.engine import percent
from recon.services import shares as service

BLANK: Final = 3
_FIELDS: Final = ("customer", "parts", "psa_id")


@dataclass(frozen=True, slots=True)
class Line:
    """One customer of the form. ``percent`` is of the split in force; "" for what is not in force."""

    number: int
    customer: str = ""
    parts: str = ""
    psa_id: str = ""
    percent: str = ""


@dataclass(frozen=True)
class SharePage:
    organization: Organization
    typed: Any = None
    wrong: str = ""

    @cached_property
    def shares(self) -> list[CustomerShare]:
        return service.shares_in_force(self.organization)

    @cached_property
    def can_undo(self) -> bool:
        return service.has_history(self.organization)

    @cached_property
    def lines(self) -> list[Line]:
        """What is in force, or what was typed; below it blank lines."""
        if self.typed is not None:
            given = [Line(number, *values) for number, values in enumerate(_rows(self.typed), start=1) if any(values)]
        else:
            of = sum(share.parts for share in self.shares)
            given = [
                Line(number, share.customer, str(share.parts), share.psa_id, percent(share.parts, of))
                for number, share in enumerate(self.shares, start=1)
            ]
        return [*given, *(Line(len(given) + number) for number in range(1, BLANK + 1))]


def wanted_of(posted: Any) -> list[service.Wanted]:
    """The customers that a form posted; blank lines are none. Raises Refused for parts that cannot be read."""
    found = []
    for customer, parts, psa_id in _rows(posted):
        if not any((customer, parts, psa_id)):
            continue
        if not (parts.isascii() and parts.isdecimal() and len(parts) < 10):
            raise Refused(f"The parts of {customer or 'a customer'} are a whole number, such as 1 or 60; “{parts[:20]}” is not.")
        found.append(service.Wanted(customer, int(parts), psa_id))
    return found


def _rows(posted: Any) -> list[tuple[str, ...]]:
    columns = [[text.strip() for text in posted.getlist(name)] for name in _FIELDS]
    return list(zip(*columns, strict=False))
