"""What has moved under a signature: a signed revision beside what counting it anew would give now. The revision itself never changes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from accounts.templatetags.recon_ui import units
from recon import seal, store
from recon.charges import Charge, by_number, charge_as_said
from recon.checks import LEGS
from recon.models import Drift, Reconciliation, SignedTieOut, Variance
from recon.policies import policy_of, scopes_of
from recon.pricing import KIND as PRICES
from recon.tie_out import current_tie_out
from recon.words import LEG_WORDS

_COMPARED = (*LEGS, "severity", "cost", "sell")


def check(reconciliation: Reconciliation) -> Drift:
    """Compare, and keep what differs in sentences. Safe to run twice."""
    changes = [
        *_changed_inputs(reconciliation),
        *_changed_prices(reconciliation),
        *_changed_policy(reconciliation),
        *_changed_matching(reconciliation),
        *_changed_statements(reconciliation),
        *_changed_invoices(reconciliation),
    ]
    rows = _changed_rows(reconciliation)
    if rows:
        changes.append(f"{rows} {'row' if rows == 1 else 'rows'} would be counted otherwise now.")
    return Drift.objects.update_or_create(reconciliation=reconciliation, defaults={"changes": changes, "rows": rows})[0]


def _changed_inputs(reconciliation: Reconciliation) -> list[str]:
    signed: dict[str, Any] = reconciliation.inputs
    now = store.inputs_of(reconciliation.cycle).described()
    said = []
    for leg, words in LEG_WORDS.items():
        before, after = signed.get(leg), now.get(leg)
        if before and not after:
            said.append(f"The {words} {before['name']} was withdrawn.")
        elif after and not before:
            said.append(f"A {words} came: {after['name']}.")
        elif before and after and before["sha256"] != after["sha256"]:
            said.append(f"The {words} {after['name']} took the place of {before['name']}.")
        elif before and after and bool(before.get("partial")) != bool(after["partial"]):
            said.append(f"The {words} {after['name']} is taken as {'partial' if after['partial'] else 'complete'} now.")
    return said


def _changed_prices(reconciliation: Reconciliation) -> list[str]:
    before, now = reconciliation.inputs.get(PRICES), store.inputs_of(reconciliation.cycle).described().get(PRICES)
    if (before or {}).get("sha256") == (now or {}).get("sha256"):
        return []
    if now is None:
        return [f"The prices changed: the price list {before['name'] if before else ''} is no longer in force."]
    signed = f", and {before['name']} was signed" if before else ""
    return [f"The prices changed: the price list {now['name']} is in force now{signed}."]


def _changed_statements(reconciliation: Reconciliation) -> list[str]:
    """Product names and splits over customers that count otherwise than when it was signed."""
    said = []
    for what, now, words in (
        ("products", seal.products_of(reconciliation), ("product name", "product names", "decided otherwise")),
        ("shares", seal.split_of(reconciliation), ("Organization", "Organizations", "shared out otherwise between customers")),
    ):
        before = {tuple(row) for row in seal.stated_signed(reconciliation, what) or []}
        if moved := {row[0] for row in before ^ {tuple(row) for row in now}}:
            one, many, how = words
            said.append(f"{len(moved)} {one + ' was' if len(moved) == 1 else many + ' were'} {how} since.")
    return said


def _changed_invoices(reconciliation: Reconciliation) -> list[str]:
    """Invoices that came, went or charge otherwise, and what they come to now. Nothing where it was signed before they were kept."""
    kept = SignedTieOut.objects.filter(reconciliation=reconciliation).first()
    if kept is None:
        return []
    now = current_tie_out(reconciliation)
    before, after = (by_number([one for one in charges if not one.is_beside]) for charges in (_kept(kept), now.charges))
    said = [one for key in sorted(before.keys() | after.keys()) for one in _changed_invoice(before.get(key), after.get(key))]
    return said and [*said, f"With them, the tie-out would say now: {now.words[:1].lower()}{now.words[1:]}."]


def _kept(kept: SignedTieOut) -> list[Charge]:
    return [charge_as_said(said) for said in kept.invoices]


def _changed_invoice(before: Charge | None, after: Charge | None) -> list[str]:
    if before is None or after is None:
        one, verb = (after, "came") if after else (before, "does not count any more")
        return [f"The invoice {one.name} of {one.worth} {verb}."] if one else []
    said = []
    if before.status != after.status and (after.state.stands_out or before.is_charged != after.is_charged):
        said.append(f"was “{before.state.label or 'without a status'}” and is “{after.state.label}” now")
    if (before.amount, before.currency) != (after.amount, after.currency):
        said.append(f"was of {before.worth} and is of {after.worth} now")
    if before.quantity != after.quantity:
        said.append(f"was of {units(before.quantity)} units and is of {units(after.quantity)} now")
    return [f"The invoice {after.name} {' and '.join(said)}."] if said else []


def _changed_policy(reconciliation: Reconciliation) -> list[str]:
    now = policy_of(reconciliation.cycle.account)
    if (now.pk if now else None) == reconciliation.policy_id:
        return []
    before = f"version {reconciliation.policy.version} was" if reconciliation.policy else "the defaults were"
    return [f"The tolerances are {f'version {now.version}' if now else 'the defaults'} now; {before} signed."]


def _changed_matching(reconciliation: Reconciliation) -> list[str]:
    """Who counts under whom otherwise than when it was signed, and for whom nobody is rebilled (any more)."""
    merged, standings = seal.matching_signed(reconciliation) or ([], [])
    merged_now, standings_now = seal.matching_of(reconciliation)
    before, now = {tuple(pair) for pair in merged}, {tuple(pair) for pair in merged_now}
    said = [
        _organizations_were(len({pair[0] for pair in pairs}), words)
        for pairs, words in ((now - before, "merged"), (before - now, "taken apart again"))
        if pairs
    ]
    stood, stand = {pk: standing for pk, standing, _ in standings}, {pk: standing for pk, standing, _ in standings_now}
    if moved := {pk for pk in stood.keys() | stand.keys() if stood.get(pk) != stand.get(pk)}:
        said.append(_organizations_were(len(moved), "marked or unmarked as internal use or not ours"))
    return said


def _organizations_were(count: int, words: str) -> str:
    return f"{count} {'Organization was' if count == 1 else 'Organizations were'} {words} since."


def _changed_rows(reconciliation: Reconciliation) -> int:
    signed = Variance.objects.filter(reconciliation=reconciliation, run=reconciliation.run)
    before = pd.DataFrame(list(signed.values_list("organization_id", "product", *_COMPARED)), columns=["pk", "product", *_COMPARED])
    now = store.judged_by(reconciliation.cycle, scopes_of(policy_of(reconciliation.cycle.account)))
    after = now[["pk", "product", *_COMPARED]].astype({"product": "str"})
    both = before.astype(object).merge(after.astype(object), on=["pk", "product"], how="outer", suffixes=("", "_now"), indicator=True)
    same = both["_merge"] == "both"
    for column in _COMPARED:
        left, right = both[column], both[f"{column}_now"]
        same &= (left.isna() & right.isna()) | (left == right).fillna(False).astype(bool)
    return int((~same).sum())
