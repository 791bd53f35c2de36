"""Which Organization is this? What this cycle's names, keys and counts suggest beside the cycle before. Suggests, and decides nothing.

Each Organization is the subject of at most one suspicion, of the strongest kind that fits. Pairing is one to one and greedy, but never
forces a bad match: who lost its best partner to another is paired with the next only where that one is likely by itself.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pandas as pd

from accounts.names import normalise, normalise_all
from recon.engine.fallback_keys import is_fallback
from recon.engine.parts import Parted, parted
from recon.engine.suspicion import Kind, Months, Suspicion, pairs_of, settled, topic_of
from recon.engine.weighing import Scales, Weighed

__all__ = ["Months", "Suspicion", "detect", "pairs_of", "topic_of"]

#: The least score of names to be looked at, of a suggestion, of one whose best partner is another's, and of a typing error.
_LOOK, _LEAST, _SECOND, _SLIP, _KEY_SLIP = 55, 60, 75, 78, 85
_KEPT: Final = 5
_Near = dict[int, dict[int, int]]
#: ``Company - Location``, with blanks around the dash.
_SITE: Final = re.compile(r"^(?P<company>.+?)\s+[-–—]\s+(?P<site>\S.*)$")
_MAX_TOPIC: Final = 600


@dataclass
class _Search:
    """What is found so far, and who is spoken for."""

    months: Months
    found: list[Suspicion] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.scales = Scales(self.months)
        self.used |= self.months.decided

    def add(self, suspicion: Suspicion, *others: int) -> None:
        self.found.append(suspicion)
        self.used |= {suspicion.subject, *others}

    def free(self, pks: Iterable[int]) -> list[int]:
        return [pk for pk in pks if pk not in self.used]

    def are_different(self, one: int, other: int) -> bool:
        return frozenset((one, other)) in self.months.different


def detect(months: Months) -> list[Suspicion]:
    """Everything that is suspected, one an Organization, by subject."""
    months = replace(months, parties=months.parties.sort_values("pk", ignore_index=True))  # no step depends on the order of rows
    search, parties = _Search(months), months.parties
    if not len(parties):
        return []
    billed = parties[parties["billed"]]
    _fallbacks(search, billed)
    if months.has_before:
        _swapped(search, parties)
        _renamed_by_id(search, parties)
        sure = parties[~parties["unsure"]]
        come = sure[sure["billed"] & ~sure["previous"] & sure["is_new"]]
        gone = sure[sure["previous"] & ~sure["billed"]] if months.is_complete else sure.iloc[:0]
        _renamed_by_key(search, come, gone)
        near = _near(search, come, gone)
        _split_or_merged(search, near, gone["pk"].tolist())
        _renamed_by_likeness(search, near)
    _same_name(search, billed)
    _sites(search, parties)
    if months.has_before:
        _mistyped(search, come, billed[billed["previous"]])
    if months.is_complete and len(billed):
        _unmatched(search, parties)
    if months.has_before:
        for pk in search.free(come["pk"].tolist()):
            search.add(Suspicion("new", pk, f"new:{months.cycle}:{pk}"))
        for pk in search.free(gone["pk"].tolist()):
            search.add(Suspicion("missing", pk, f"missing:{months.cycle}:{pk}"))
    return sorted(search.found, key=lambda one: one.subject)


def _fallbacks(search: _Search, billed: pd.DataFrame) -> None:
    for pk, key, name in zip(billed["pk"].tolist(), billed["key"], billed["name"], strict=True):
        if pk not in search.used and is_fallback(key, name):
            said = (f"{key or name} is what a script writes that was given no key", 100)
            search.add(Suspicion("fallback_key", pk, f"fallback:{pk}", score=100, reasons=(said,)))


def _swapped(search: _Search, parties: pd.DataFrame) -> None:
    """Two identities, each of which has the other's former name."""
    changed = _renamed(search, parties)
    by_before = {before: pk for pk, (before, _) in changed.items()}
    for pk, (before, now) in changed.items():
        other = by_before.get(now)
        if other is None or other <= pk or changed[other][1] != before or search.are_different(pk, other):
            continue
        said = ("Each has the name that the other had before, under its own id or key", 100)
        search.add(Suspicion("swapped", pk, topic_of([pk, other]), candidate=other, score=100, reasons=(said,)), other)


def _renamed(search: _Search, parties: pd.DataFrame) -> dict[int, tuple[str, str]]:
    """Who is in both bills, identified, under names that differ by more than case and punctuation: normalised, before and now."""
    both = parties[parties["billed"] & parties["previous"] & ((parties["huntress_id"] != "") | (parties["key"] != ""))]
    both = both[(both["name_now"] != both["name_before"]) & (both["name_now"] != "") & (both["name_before"] != "")]
    before, now = (
        normalise_all(both["name_before"].tolist()) if len(both) else [],
        normalise_all(both["name_now"].tolist()) if len(both) else [],
    )
    found = zip(both["pk"].tolist(), before, now, strict=True)
    return {pk: (was, is_now) for pk, was, is_now in found if was != is_now and pk not in search.used}


def _renamed_by_id(search: _Search, parties: pd.DataFrame) -> None:
    names = parties.set_index("pk")["name_before"]
    by_id = parties.set_index("pk")["huntress_id"]
    for pk, (was, _) in _renamed(search, parties).items():
        before = str(names[pk])
        said = (f"The same {'id' if by_id[pk] else 'key'}, and another name: {before} before", 100)
        topic = f"name-of:{pk}:{was}"[:_MAX_TOPIC]
        search.add(Suspicion("renamed", pk, topic, candidate=pk, score=100, reasons=(said,), is_exact=True, before=before))


def _renamed_by_key(search: _Search, come: pd.DataFrame, gone: pd.DataFrame) -> None:
    """One gone and one come under the same key, which nobody else of them has."""
    of_gone: dict[str, list[int]] = defaultdict(list)
    of_come: dict[str, list[int]] = defaultdict(list)
    for found, rows in ((of_gone, gone), (of_come, come)):
        for pk, key in zip(rows["pk"].tolist(), rows["key"], strict=True):
            if key and pk not in search.used:
                found[key].append(pk)
    for key, (new, *more) in sorted(of_come.items()):
        old = of_gone.get(key, [])
        if more or len(old) != 1 or search.are_different(new, old[0]):
            continue
        said = (f"The same key, {key}: one gone, one come", 100)
        marks = search.scales.weigh(new, old[0]).marks
        suspicion = Suspicion("renamed", new, topic_of([new, old[0]]), old[0], 100, (said,), is_exact=True, marks=marks)
        search.add(suspicion, old[0])


def _near(search: _Search, come: pd.DataFrame, gone: pd.DataFrame) -> _Near:
    """For each that came those that went and are called alike, searched once for all that follows."""
    new, old = search.free(come["pk"].tolist()), search.free(gone["pk"].tolist())
    likely = search.scales.partners(new, old, keep=_KEPT, least=_LOOK)
    return {pk: {old[one.place]: one.score for one in best} for pk, best in zip(new, likely, strict=True)}


def _split_or_merged(search: _Search, near: _Near, gone: list[int]) -> None:
    back: dict[int, dict[int, int]] = defaultdict(dict)
    for pk, some in near.items():
        for other, score in some.items():
            back[other][pk] = score
    old, new, different = search.free(gone), search.free(near), search.months.different
    splits = [(one, True) for one in parted(search.scales, old, new, back, is_split=True, different=different)]
    mergers = [(one, False) for one in parted(search.scales, new, old, near, is_split=False, different=different)]
    for one, is_split in sorted([*splits, *mergers], key=lambda found: (-found[0].score, found[0].whole)):
        if one.score >= _LEAST and not {one.whole, *one.parts} & search.used:
            search.add(_parts(one, "split" if is_split else "merged"), *one.parts)


def _parts(one: Parted, kind: Kind) -> Suspicion:
    first, second = one.parts
    return Suspicion(kind, one.whole, topic_of([one.whole, *one.parts]), first, one.score, one.reasons, parts=(first, second))


def _renamed_by_likeness(search: _Search, near: _Near) -> None:
    """One gone and one come, alike in name and in counts."""
    options = {
        pk: [other for other in search.free(some) if not search.are_different(pk, other)]
        for pk, some in near.items()
        if pk not in search.used
    }
    search.scales.ask_hostnames({*(pk for pk, some in options.items() if some), *(pk for some in options.values() for pk in some)})
    weighed = {(pk, other): search.scales.weigh(pk, other) for pk, some in options.items() for other in some}
    for one, other, runner_up in _one_to_one({pair: one.score for pair, one in weighed.items()}):
        search.add(_pair("renamed", one, other, weighed[one, other], runner_up, weighed), other)


def _one_to_one(scores: dict[tuple[int, int], int]) -> list[tuple[int, int, int | None]]:
    """Pairs, the best first, each once, with the runner-up of the first of the two: its next best, taken or not."""
    best_of: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (one, other), score in scores.items():
        best_of[one].append((-score, other))
    for some in best_of.values():
        some.sort()
    top: Counter[int] = Counter()
    for (_, other), score in scores.items():
        top[other] = max(top[other], score)
    pairs: list[tuple[int, int, int | None]] = []
    taken: set[tuple[str, int]] = set()
    for (one, other), score in sorted(scores.items(), key=lambda entry: (-entry[1], entry[0])):
        is_first_choice = -best_of[one][0][0] == score and top[other] == score
        if score < (_LEAST if is_first_choice else _SECOND) or {("one", one), ("other", other)} & taken:
            continue
        taken |= {("one", one), ("other", other)}
        runner_up = next((pk for _, pk in best_of[one] if pk != other), None)
        pairs.append((one, other, runner_up))
    return pairs


def _pair(
    kind: Kind, one: int, other: int, weighed: Weighed, runner_up: int | None, others: dict[tuple[int, int], Weighed], topic: str = ""
) -> Suspicion:
    return Suspicion(
        kind,
        one,
        topic or topic_of([one, other]),
        candidate=other,
        score=weighed.score,
        reasons=weighed.reasons,
        runner_up=runner_up,
        runner_up_score=others[one, runner_up].score if runner_up is not None else 0,
        marks=weighed.marks,
        shared_hostnames=weighed.shared,
    )


def _same_name(search: _Search, billed: pd.DataFrame) -> None:
    """Two identities of one normalised name in one bill: a documented case, and perhaps one customer with a second key."""
    identified = billed[((billed["huntress_id"] != "") | (billed["key"] != "")) & (billed["name"] != "")]
    norms = pd.Series(normalise_all(identified["name"].tolist()) if len(identified) else [], index=identified.index, dtype="str")
    shared = identified[norms.duplicated(keep=False)]
    for _, rows in shared.groupby(norms[shared.index]):
        oldest, *newer = rows.sort_values(["is_new", "pk"])["pk"].tolist()
        for pk in search.free(newer):
            if search.are_different(pk, oldest) or oldest in search.months.decided:
                continue
            search.scales.ask_hostnames({pk, oldest})
            weighed = search.scales.weigh(pk, oldest, counts=False)
            is_slip = search.months.has_before and search.scales.keys_alike(pk, oldest) >= _KEY_SLIP
            search.add(_pair("mistyped" if is_slip else "same_name", pk, oldest, weighed, None, {}))


def _sites(search: _Search, parties: pd.DataFrame) -> None:
    """``Company - Location``, where Company is known: a site that an RMM made an Organization of."""
    here = parties[parties["billed"] | parties["named"]]
    sites = [(pk, found["company"]) for pk, name in zip(here["pk"].tolist(), here["name"], strict=True) if (found := _SITE.match(name))]
    companies: dict[str, list[int]] = defaultdict(list)
    if sites:
        for pk, norm in zip(parties["pk"].tolist(), normalise_all(parties["name"].tolist()), strict=True):
            companies[norm].append(pk)
    for pk, company in sites:
        known = [one for one in companies.get(normalise(company), []) if one != pk]
        if pk in search.used or len(known) != 1 or search.are_different(pk, known[0]):
            continue
        reasons = ((f"The name of {company}, and a place behind a dash", 90),)
        search.add(Suspicion("site", pk, topic_of([pk, known[0]]), known[0], 90, reasons))


def _mistyped(search: _Search, come: pd.DataFrame, living: pd.DataFrame) -> None:
    """A new Organization whose name or key nearly equals one that did not go away."""
    new, old = search.free(come["pk"].tolist()), [pk for pk in living["pk"].tolist() if pk not in search.months.decided]
    scales = search.scales
    keyed, with_key = [pk for pk in new if scales.key[pk]], [pk for pk in old if scales.key[pk]]
    by_key = dict(zip(keyed, scales.partners(keyed, with_key, keep=2, least=_KEY_SLIP, by_key=True), strict=True))
    by_name = scales.partners(new, old, keep=_KEPT, least=_LOOK)
    options: dict[int, dict[int, int]] = {}
    for pk, best in zip(new, by_name, strict=True):
        keys = {with_key[one.place]: one.score for one in by_key.get(pk, ())}
        options[pk] = {old[one.place]: 0 for one in best} | keys
        options[pk] = {other: score for other, score in options[pk].items() if not search.are_different(pk, other)}
    scales.ask_hostnames({*(pk for pk, some in options.items() if some), *(pk for some in options.values() for pk in some)})
    for pk, some in options.items():
        weighed = {(pk, other): _weighed_slip(scales, pk, other, by_key_score) for other, by_key_score in some.items()}
        order = sorted(weighed, key=lambda pair: (-weighed[pair].score, pair))
        if order and weighed[order[0]].score >= _SLIP:
            runner_up = order[1][1] if len(order) > 1 else None
            search.add(_pair("mistyped", *order[0], weighed[order[0]], runner_up, weighed))


def _weighed_slip(scales: Scales, one: int, other: int, by_key: int) -> Weighed:
    stays = ("The known one did not go away", 0)
    weighed = scales.weigh(one, other, counts=False, extra=[stays])
    if weighed.score >= by_key:
        return weighed
    said = (f"Keys nearly the same: {scales.key[one]}, {scales.key[other]}", by_key)
    score, reasons = settled([said, ("The names differ", 0), stays])
    return Weighed(score, reasons, weighed.marks, weighed.shared)


def _unmatched(search: _Search, parties: pd.DataFrame) -> None:
    """Named by the expected or the rebilled list alone, without id or key, and never billed."""
    bare = parties[parties["named"] & ~parties["billed"] & ~parties["previous"] & parties["is_new"] & ~parties["unsure"]]
    bare = bare[(bare["huntress_id"] == "") & (bare["key"] == "")]
    asked, among = search.free(bare["pk"].tolist()), parties[parties["billed"] | parties["previous"]]["pk"].tolist()
    for pk, best in zip(asked, search.scales.partners(asked, among, keep=_KEPT, least=_LEAST), strict=True):
        topic = name_topic(search.scales.name[pk])
        options = [among[one.place] for one in best if not search.are_different(pk, among[one.place])]
        if not options:
            search.add(Suspicion("unmatched", pk, topic, reasons=(("No name in the bill is alike", 0),)))
            continue
        weighed = {(pk, other): search.scales.weigh(pk, other, counts=False) for other in options}
        runner_up = options[1] if len(options) > 1 else None
        search.add(_pair("unmatched", pk, options[0], weighed[pk, options[0]], runner_up, weighed, topic))


def name_topic(name: str) -> str:
    """Of a name that fits nobody or several.

    >>> name_topic("HARBOUR LANE, Joinery")
    'name:harbour lane joinery'
    """
    return f"name:{normalise(name)[:500]}"


def ordered(suspicions: Sequence[Suspicion]) -> list[Suspicion]:
    """By topic, each once: of two on one topic the one of the smaller subject."""
    return sorted({one.topic: one for one in reversed(suspicions)}.values(), key=lambda one: one.topic)
