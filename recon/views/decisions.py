"""What a person decides of rows, as forms post it: one row's panel and the bar of many selected rows alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.access import Need, account_for, signed_in
from accounts.models import User
from accounts.services import Refused
from accounts.templatetags.recon_ui import person, plural, units
from recon.filters import variances_as_listed
from recon.listing import Key, Listing, people_of
from recon.models import Decision, Note, ReconcilingItem
from recon.services import decisions

_LARGEST_ID: Final = 2**63 - 1
_MINUSES: Final = str.maketrans({"−": "-", "–": "-", ",": "", " ": "", "\u00a0": "", "\u202f": ""})


@dataclass(frozen=True)
class Done:
    """What was done, in words, and the decision that undoes it where there is one."""

    words: str
    decision: Decision | None = None


@dataclass(frozen=True)
class _Act:
    """A posted act on rows, with the fields of its form."""

    request: HttpRequest
    listing: Listing
    keys: list[Key]
    by: User

    def text(self, name: str) -> str:
        return str(self.request.POST.get(name, "")).strip()

    def number(self, name: str, what: str) -> int | None:
        """A whole number as people write it; None where nothing is written."""
        written = self.text(name).translate(_MINUSES)
        if not written:
            return None
        if not written.removeprefix("+").removeprefix("-").isdecimal() or len(written) > 20:
            raise Refused(f"{what}: “{self.text(name)}” is not a whole number.")
        return int(written)

    def id(self, name: str) -> int:
        written = self.text(name)
        return min(int(written), _LARGEST_ID) if written.isdecimal() and len(written) < 20 else 0

    @property
    def rows(self) -> str:
        return plural(len(self.keys), "row")


def _explain(act: _Act) -> Done:
    quantity = act.number("quantity", "Units")
    decision = decisions.explain(
        act.listing.reconciliation, act.keys, check=act.text("check"), cause=act.text("cause"), quantity=quantity,
        note=act.text("note"), by=act.by,
    )  # fmt: skip
    return Done("Explained." if len(act.keys) == 1 else f"Explained what was left of {plural(decision.items.count(), 'row')}.", decision)


def _withdraw(act: _Act) -> Done:
    organization, product = act.keys[0]
    of_row = ReconcilingItem.objects.select_related("organization", "reconciliation")
    item = of_row.filter(reconciliation=act.listing.reconciliation, organization=organization, product=product, pk=act.id("item")).first()
    if item is None:
        raise Refused("That item is not there any more. Look again.")
    return Done(f"Withdrew {item}.", decisions.withdraw_item(item, by=act.by))


def _assign(act: _Act) -> Done:
    owner = next((one for one in people_of(act.listing.account) if one.pk == act.id("owner")), None)
    if owner is None and act.text("owner") != "nobody":
        raise Refused("Choose somebody who has a role in this account.")
    decision = decisions.assign(act.listing.reconciliation, act.keys, owner=owner, by=act.by)
    return Done(f"{act.rows} given to {person(owner)}." if owner else f"{act.rows} without an owner now.", decision)


def _review(act: _Act) -> Done:
    return Done(f"{act.rows} marked as reviewed.", decisions.mark_reviewed(act.listing.reconciliation, act.keys, by=act.by))


def _unreview(act: _Act) -> Done:
    decision = decisions.mark_reviewed(act.listing.reconciliation, act.keys, by=act.by, reviewed=False)
    return Done(f"{act.rows} to be reviewed again.", decision)


def _rebill(act: _Act) -> Done:
    quantity = act.number("rebill", "Rebill quantity")
    if quantity is None:
        raise Refused("Say which quantity is rebilled.")
    decision = decisions.decide_rebill(
        act.listing.reconciliation, act.keys, quantity=quantity, reason=act.text("reason"), note=act.text("rebill_note"), by=act.by
    )
    return Done(f"{units(quantity)} will be rebilled.", decision)


def _as_billed(act: _Act) -> Done:
    return Done("Rebilled as billed.", decisions.decide_rebill(act.listing.reconciliation, act.keys, quantity=None, by=act.by))


def _note(act: _Act) -> Done:
    is_open = bool(act.text("is_open"))
    decision = decisions.add_notes(act.listing.reconciliation, act.keys, text=act.text("text"), is_open=is_open, by=act.by)
    return Done("Note added." if len(act.keys) == 1 else f"Note added to {act.rows}.", decision)


def _resolve(act: _Act) -> Done:
    organization, product = act.keys[0]
    cycle = act.listing.reconciliation.cycle
    of_row = Note.objects.select_related("organization")
    note = of_row.filter(cycle=cycle, organization=organization, product=product, pk=act.id("resolved")).first()
    if note is None:
        raise Refused("That note is not there any more. Look again.")
    decisions.resolve_note(note, act.listing.reconciliation, by=act.by)
    return Done("Note resolved.")


_ACTS: Final[dict[str, Callable[[_Act], Done]]] = {
    "explain": _explain,
    "withdraw": _withdraw,
    "assign": _assign,
    "review": _review,
    "unreview": _unreview,
    "rebill": _rebill,
    "as_billed": _as_billed,
    "note": _note,
    "resolve": _resolve,
}
#: What is about one row, and never posted for many.
_OF_ONE: Final = {"withdraw", "rebill", "as_billed", "resolve"}


def done(request: HttpRequest, listing: Listing, keys: list[Key] | None) -> Done:
    """Do what a form posted, on one row or, without ``keys``, on those that were selected. Raises Refused."""
    name = request.POST.get("act", "")
    if name not in _ACTS or (keys is None and name in _OF_ONE):
        raise Refused("Say what to do with these rows.")
    return _ACTS[name](_Act(request, listing, _chosen(request, listing) if keys is None else keys, signed_in(request)))


def _chosen(request: HttpRequest, listing: Listing) -> list[Key]:
    """The rows that were ticked, or all of the list as it is filtered, provided that it still shows as many."""
    if not request.POST.get("everything"):
        return list(dict.fromkeys(key for key in map(_key, request.POST.getlist("row")) if key))
    rows = variances_as_listed(listing.reconciliation, request.GET, listing.user)
    keys = list(rows.order_by("pk").values_list("organization", "product"))
    if request.POST.get("seen_run") != str(listing.reconciliation.run):
        raise Refused("The month was compared anew since you looked. Look at the rows again, then decide.")
    if request.POST.get("seen_rows") != str(len(keys)):
        raise Refused(f"This list shows {plural(len(keys), 'row')} by now. Look at them, then decide.")
    return keys


def _key(written: str) -> Key | None:
    organization, _, product = written.partition("-")
    return (int(organization), product) if organization.isdecimal() and len(organization) < 19 else None


def ended(request: HttpRequest, what: Done, *, back: str) -> HttpResponse:
    """Say what was done, with a way to undo it, and go back."""
    undo = ""
    if what.decision is not None:
        cycle = what.decision.reconciliation.cycle
        undo = reverse("recon:undo", args=[cycle.account.slug, cycle.start.isoformat(), what.decision.pk])
    messages.success(request, what.words, extra_tags=undo)
    return redirect(back)


@require_POST
def undo(request: HttpRequest, account: str, start: date, pk: int) -> HttpResponse:
    its_account = account_for(request, account, Need.WORK)
    known = Decision.objects.select_related("reconciliation__cycle__account")
    decision = get_object_or_404(
        known, pk=min(pk, _LARGEST_ID), reconciliation__cycle__account=its_account, reconciliation__cycle__start=start
    )
    try:
        decisions.undo(decision, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Undone: it is as it was before.")
    month = reverse("recon:month", args=[its_account.slug, start.isoformat()])
    back = request.POST.get("back", "")
    is_ours = back.startswith(month) and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(back if is_ours else month)
