"""A contract's course as a drawing: whole coordinates for a template, which writes them into SVG attributes. No style is inline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from accounts.calendar import Cycle
from accounts.templatetags.recon_ui import MONTHS, cycle_range, units
from recon.engine.contracts import Outlook, Slot

WIDTH: Final = 640
HEIGHT: Final = 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 626, 14, 196
_MOST_LABELS: Final = 9
_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class Mark:
    x: int
    y: int
    text: str


@dataclass(frozen=True)
class Chart:
    """``actual`` and ``minimum`` are lines between gaps, ``ahead`` the run-rate; each is the points of a polyline."""

    width: int
    height: int
    left: int
    right: int
    bottom: int
    rules: list[Mark]
    labels: list[Mark]
    actual: list[str]
    ahead: str
    minimum: list[str]
    dots: list[Mark]
    gaps: list[Mark]
    live: Mark | None
    renewal: Mark | None
    label: str


def chart_of(outlook: Outlook, live: tuple[Cycle, int, str] | None = None) -> Chart | None:
    """None where nothing was ever billed. ``live``: what is there in a cycle, and when it was counted; drawn where that cycle is."""
    slots = outlook.slots
    place_now = next((place for place, slot in enumerate(slots) if live and slot.cycle.start == live[0].start), None)
    figures = [value for slot in slots for value in (slot.actual, slot.minimum) if value is not None]
    figures += [live[1]] if live and place_now is not None else []
    if not any(slot.actual is not None for slot in slots):
        return None
    scale = _Scale.around(min(figures), max(figures), len(slots))
    past = [_point(scale, place, slot) for place, slot in enumerate(outlook.past)]
    drawn = [_point(scale, place, slot) for place, slot in enumerate(slots)]
    last = max(place for place, point in enumerate(past) if point)
    ahead = [point for point in (drawn[last], *drawn[len(past) :]) if point]
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=_RIGHT,
        bottom=_BOTTOM,
        rules=[Mark(_LEFT, scale.y(value), units(value)) for value in scale.rules],
        labels=_labels(scale, slots),
        actual=_lines(past),
        ahead=_text(ahead) if len(ahead) > 1 else "",
        minimum=_steps(scale, slots),
        dots=[
            Mark(*point, f"{cycle_range(slot.cycle)}: {units(slot.actual)}")
            for point, slot in zip(past, outlook.past, strict=True)
            if point
        ],
        gaps=[
            Mark(scale.x(place), _BOTTOM, f"{cycle_range(slot.cycle)}: no complete report")
            for place, slot in enumerate(outlook.past)
            if slot.actual is None
        ],
        live=Mark(scale.x(place_now), scale.y(live[1]), f"Live {live[2]}: {units(live[1])}") if live and place_now is not None else None,
        renewal=_renewal(scale, slots, outlook.terms.renewal),
        label=_label(outlook),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    low: int
    high: int
    places: int

    @classmethod
    def around(cls, low: int, high: int, places: int) -> _Scale:
        """A little air on both sides, and never below zero."""
        air = max(1, (high - low) // 8)
        return cls(max(0, low - air), high + air, places)

    def x(self, place: int) -> int:
        return _LEFT + (_RIGHT - _LEFT) * (2 * place + 1) // (2 * self.places)

    def edge(self, place: int) -> int:
        return _LEFT + (_RIGHT - _LEFT) * place // self.places

    def y(self, value: int) -> int:
        return _BOTTOM - (_BOTTOM - _TOP) * (value - self.low) // (self.high - self.low)

    @property
    def rules(self) -> list[int]:
        """A few round values to read heights by."""
        size = 1
        while (self.high - self.low) // size > _LINES:
            size = size * 5 // 2 if str(size)[0] == "2" else size * 2
        first = -(-self.low // size) * size
        return list(range(first, self.high + 1, size))


def _point(scale: _Scale, place: int, slot: Slot) -> tuple[int, int] | None:
    return None if slot.actual is None else (scale.x(place), scale.y(slot.actual))


def _lines(points: Sequence[tuple[int, int] | None]) -> list[str]:
    """The lines between gaps. A cycle alone between two gaps is its dot."""
    lines: list[list[tuple[int, int]]] = [[]]
    for point in points:
        if point is None:
            lines.append([])
        else:
            lines[-1].append(point)
    return [_text(line) for line in lines if len(line) > 1]


def _steps(scale: _Scale, slots: Sequence[Slot]) -> list[str]:
    """The minimum over the whole width of each cycle that it holds in."""
    lines: list[list[tuple[int, int]]] = [[]]
    for place, slot in enumerate(slots):
        if slot.minimum is None:
            lines.append([])
        else:
            height = scale.y(slot.minimum)
            lines[-1] += [(scale.edge(place), height), (scale.edge(place + 1), height)]
    return [_text(line) for line in lines if line]


def _text(points: Sequence[tuple[int, int]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _labels(scale: _Scale, slots: Sequence[Slot]) -> list[Mark]:
    """The months in which cycles end, as many as there is room for."""
    every = -(-len(slots) // _MOST_LABELS)
    return [
        Mark(scale.x(place), _BOTTOM + 18, f"{MONTHS[slot.cycle.end.month - 1]} {slot.cycle.end.year % 100:02}")
        for place, slot in enumerate(slots)
        if place % every == 0
    ]


def _renewal(scale: _Scale, slots: Sequence[Slot], renewal: date) -> Mark | None:
    """The edge of the first cycle that the renewal lies in or before; at the right end where the drawing stops short of it."""
    if renewal <= slots[0].cycle.start:
        return None
    place = next((place for place, slot in enumerate(slots) if renewal <= slot.cycle.end), None)
    if place is None:
        return Mark(_RIGHT, _TOP, "Renewal") if slots[-1].is_ahead else None
    return Mark(scale.edge(place + 1), _TOP, "Renewal")


def _label(outlook: Outlook) -> str:
    """What the drawing shows, for who cannot see it; the figures are in the table."""
    newest = outlook.newest
    said = [f"Billed and minimum over {len(outlook.past)} cycles"]
    if newest and newest.minimum is not None:
        said.append(f"newest {units(newest.actual)} against a minimum of {units(newest.minimum)}")
    if outlook.ahead:
        said.append(f"on the run-rate {units(outlook.ahead[-1].actual)} in the last cycle before the renewal")
    return ", ".join(said) + "."
