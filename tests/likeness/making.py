"""Made the greater part of ``pairs.csv``, once, and makes the crowd of strangers that each search happens in, each time the same.

``pairs.csv`` is frozen, and a good part of it written by hand: nothing here writes over it. To make the generated part anew:
``python -m tests.likeness.making``.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Iterator

from accounts.names import normalise
from tests.likeness.vocabulary import CITIES, DIRECTIONS, FORMS, PEOPLE, SCHOOLS, TOWNS, TRADES

Pair = tuple[str, str]
Maker = Callable[[random.Random], Pair]

SHORTENED = {
    "Academy": "Acad.", "Primary": "Prim.", "School": "Sch.", "Centre": "Ctr", "Medical": "Med.", "Services": "Svcs", "Engineering": "Eng.",
    "Association": "Assoc", "Veterinary": "Vet", "Management": "Mgmt", "Electrical": "Elec", "Building": "Bldg", "Insurance": "Ins.",
    "Community": "Cmty", "Supplies": "Supp.", "College": "Coll.", "Pharmacy": "Pharm.", "Accountants": "Accts", "Practice": "Pract.",
    "International": "Int'l", "Holdings": "Hldgs", "Group": "Grp", "Manufacturing": "Mfg", "Housing": "Hsg", "Marketing": "Mktg",
}  # fmt: skip
RENAMED = {
    "Glass": "Glazing", "Motors": "Garage", "Solicitors": "Law", "Accountants": "Accountancy", "Primary School": "Primary Academy",
    "Plumbing": "Plumbers", "Roofing": "Roofers", "Farms": "Farming", "Opticians": "Eyecare", "Haulage": "Logistics",
    "Joinery": "Carpentry", "High School": "High Academy", "Recruitment": "Staffing", "Dental Practice": "Dentists",
    "Insurance": "Insurance Brokers", "Brewery": "Brewing", "Printing": "Print",
}  # fmt: skip
NEAR = {
    "a": "es", "e": "rw", "i": "uo", "o": "ip", "u": "iy", "r": "te", "t": "ry", "n": "bm", "m": "n", "l": "k", "d": "sf", "s": "ad",
    "h": "gj", "b": "vn", "c": "xv", "w": "qe", "y": "tu", "g": "fh", "k": "jl", "f": "dg", "p": "ol", "v": "cb", "x": "zc", "q": "wa",
    "j": "hk", "z": "x",
}  # fmt: skip


def firm(draw: random.Random) -> str:
    """A whole name, telling enough to be known again."""
    kind = draw.random()
    if kind < 0.5:
        return f"{draw.choice(TOWNS)} {draw.choice(TRADES)}"
    if kind < 0.62:
        return f"{draw.choice(TOWNS)} {draw.choice(SCHOOLS)}"
    if kind < 0.72:
        return f"{draw.choice(DIRECTIONS)} {draw.choice(TOWNS)} {draw.choice(TRADES)}"
    one, other = draw.sample(PEOPLE, 2)
    return f"{one} & {other} {draw.choice(TRADES)}" if kind < 0.88 else f"{one} {other} {draw.choice(TRADES)}"


def in_words(draw: random.Random, least: int) -> str:
    while len((name := firm(draw)).replace(" & ", " ").split()) < least:
        pass
    return name


def formed(draw: random.Random) -> Pair:
    name = firm(draw)
    one, other = draw.sample(["", *FORMS], 2)
    return f"{name} {one}".strip(), f"{name} {other}".strip()


def mistyped(draw: random.Random) -> Pair:
    name = firm(draw)
    places = [place for place in range(1, len(name) - 1) if name[place].islower() and name[place + 1].islower()]
    place = draw.choice(places)
    letter, after = name[place], name[place + 1]
    how = draw.random()
    if how < 0.35:
        wrong = name[:place] + name[place + 1 :]
    elif how < 0.55:
        wrong = name[:place] + letter + name[place:]
    elif how < 0.75 and letter != after:
        wrong = name[:place] + after + letter + name[place + 2 :]
    else:
        wrong = name[:place] + draw.choice(NEAR[letter]) + name[place + 1 :]
    return (wrong, name) if draw.random() < 0.5 else (name, wrong)


def shortened(draw: random.Random) -> Pair:
    while True:
        name = firm(draw)
        if draw.random() < 0.3:
            name += draw.choice([" International", " Holdings", " Group", " Manufacturing", " Services"])
        words = name.split()
        able = [place for place, word in enumerate(words) if word in SHORTENED]
        if able:
            for place in draw.sample(able, draw.randint(1, len(able))):
                words[place] = SHORTENED[words[place]]
            return (" ".join(words), name) if draw.random() < 0.5 else (name, " ".join(words))


def initialled(draw: random.Random) -> Pair:
    name = in_words(draw, 4 if draw.random() < 0.4 else 3)
    letters = [word[0] for word in name.replace("&", " ").split()]
    short = draw.choice(["", "."]).join(letters) + draw.choice(["", " Ltd", " LLP"])
    return (short, name) if draw.random() < 0.5 else (name, short)


def stated(draw: random.Random) -> Pair:
    old, new = firm(draw), firm(draw)
    ways = (
        f"{new} (formerly {old})", f"{new} (formerly known as {old})", f"{new} f/k/a {old}", f"{new} (was {old})", f"{old} (now {new})",
        f"{new} (previously {old})", f"{old} t/a {new}", f"{old} trading as {new}", f"{old} dba {new}", f"{new} Ltd (prev. {old} Ltd)",
    )  # fmt: skip
    long = draw.choice(ways)
    return (draw.choice([old, new]), long) if draw.random() < 0.5 else (long, draw.choice([old, new]))


def turned(draw: random.Random) -> Pair:
    words = [word for word in in_words(draw, 3).split() if word != "&"]
    other = words[:]
    while other == words:
        other = [*words[1:], words[0]] if draw.random() < 0.4 else [words[1], words[0], *words[2:]] if draw.random() < 0.8 else words[::-1]
    joint = ", " if draw.random() < 0.2 else " "
    return " ".join(words), joint.join([other[0], " ".join(other[1:])])


def joined(draw: random.Random) -> Pair:
    name = in_words(draw, 2).replace(" & ", " ")
    words = name.split()
    place = draw.randrange(len(words) - 1)
    both = words[place] + words[place + 1]
    run = " ".join([*words[:place], both.capitalize() if draw.random() < 0.5 else both, *words[place + 2 :]])
    return (run, name) if draw.random() < 0.5 else (name, run)


def dressed(draw: random.Random) -> Pair:
    """The same letters in other clothes: case, punctuation, ampersand, article."""
    name = firm(draw)
    ways = (
        name.upper(), name.lower(), f"The {name}", name.replace(" & ", " and "), name.replace(" ", "  "), f"{name}.",
        name.replace(" ", "-", 1), f"*{name}*", name.replace(" ", "_"), f"{name.upper()} LTD.",
    )  # fmt: skip
    return name, draw.choice([way for way in ways if way != name])


def accented(draw: random.Random) -> Pair:
    name = firm(draw)
    marks = {"a": "àáâä", "e": "éèêë", "o": "ôöó", "u": "üúû", "i": "íîï", "n": "ñ"}
    places = [place for place, letter in enumerate(name) if letter in marks]
    place = draw.choice(places)
    return name, name[:place] + draw.choice(marks[name[place]]) + name[place + 1 :]


def added(draw: random.Random) -> Pair:
    name = firm(draw)
    word = draw.choice(["Group", "Holdings", "Services", "Company", "UK", "& Sons", "Partners", "International", "Solutions", "Care"])
    longer = f"{name} {word}"
    return (name, longer) if draw.random() < 0.5 else (longer, name)


def renamed(draw: random.Random) -> Pair:
    old, new = draw.choice(list(RENAMED.items()))
    who = draw.choice(TOWNS) if draw.random() < 0.6 else " & ".join(draw.sample(PEOPLE, 2))
    return f"{who} {old}", f"{who} {new}"


def sited(draw: random.Random) -> Pair:
    name = firm(draw)
    tail = draw.choice(["Head Office", "HQ", "Main", *CITIES])
    return (f"{name} - {tail}", name) if draw.random() < 0.6 else (name, f"{name} ({tail})")


def numbered(draw: random.Random) -> Pair:
    name, (one, other) = firm(draw), draw.sample(range(1, 60), 2)
    if draw.random() < 0.3:
        other = int(str(one + 10)[::-1])
        one += 10
        other += one == other
    way = draw.choice(["{} {}", "{} No. {}", "{} - Site {}", "{} (Unit {})"])
    return way.format(name, one), way.format(name, other)


def directed(draw: random.Random) -> Pair:
    name, (one, other) = f"{draw.choice(TOWNS)} {draw.choice(TRADES)}", draw.sample(DIRECTIONS, 2)
    return (f"{one} {name}", f"{other} {name}") if draw.random() < 0.6 else (f"{name} {one}", f"{name} {other}")


def elsewhere(draw: random.Random) -> Pair:
    name, (one, other) = firm(draw), draw.sample(CITIES, 2)
    way = draw.choice(["{} {}", "{} - {}", "{} ({})", "{1} {0}"])
    return way.format(name, one), way.format(name, other)


def sibling(draw: random.Random) -> Pair:
    town, (one, other) = draw.choice(TOWNS), draw.sample(TRADES, 2)
    return f"{town} {one}", f"{town} {other}"


def schools(draw: random.Random) -> Pair:
    town, (one, other) = draw.choice(TOWNS), draw.sample(SCHOOLS[:5] + SCHOOLS[7:], 2)
    return f"{town} {one}", f"{town} {other}"


def other_town(draw: random.Random) -> Pair:
    head, (one, other), trade = draw.choice(TOWNS), draw.sample(TOWNS, 2), draw.choice(TRADES)
    if draw.random() < 0.6:  # towns that begin alike
        one = head
        other = draw.choice([town for town in TOWNS if town[:3] == head[:3] and town != head])
    return f"{one} {trade}", f"{other} {trade}"


def other_partner(draw: random.Random) -> Pair:
    same, one, other = draw.sample(PEOPLE, 3)
    trade = draw.choice(TRADES)
    return (f"{same} & {one} {trade}", f"{same} & {other} {trade}") if draw.random() < 0.7 else (f"{one} {same}", f"{other} {same}")


def generic(draw: random.Random) -> Pair:
    trade = draw.choice([trade for trade in TRADES if " " in trade])
    return f"The {trade}", f"{draw.choice(TOWNS)} {trade}"


def one_numbered(draw: random.Random) -> Pair:
    name = firm(draw)
    return name, f"{name} {draw.randint(2, 9)}"


def contained(draw: random.Random) -> Pair:
    short = "".join(draw.sample("ABCDEFGHJKLMNPRSTVW", 3))
    rest = draw.choice(["Holdings", "Logistics", "Dental Group", "Motors", "Community Trust", "Insurance"])
    return short, f"{short} {rest} ({draw.choice(['NZ', 'UK', 'Ireland', 'Leeds'])})"


SAME: dict[str, tuple[Maker, int]] = {
    "legal form changed": (formed, 75), "mistyped": (mistyped, 120), "shortened": (shortened, 70), "initials": (initialled, 30),
    "former name stated": (stated, 60), "other order": (turned, 45), "blank lost": (joined, 45), "other clothes": (dressed, 60),
    "accents": (accented, 30), "word added": (added, 50), "trade renamed": (renamed, 35), "site's tail": (sited, 45),
}  # fmt: skip
DIFFERENT: dict[str, tuple[Maker, int]] = {
    "other number": (numbered, 60), "other direction": (directed, 40), "other place": (elsewhere, 45), "other trade": (sibling, 50),
    "other school": (schools, 30), "other town": (other_town, 60), "other partner": (other_partner, 45), "trade only": (generic, 20),
    "number in one only": (one_numbered, 20), "contained": (contained, 25),
}  # fmt: skip


def bare(name: str) -> str:
    """Without its legal form, where that is one of ours."""
    forms = {word for form in FORMS for word in normalise(form).split()}
    return " ".join(sorted(word for word in normalise(name).split() if word not in forms))


def pairs(seed: int = 20_261_114) -> Iterator[tuple[str, str, str, str, str]]:
    """half, label, why, one, other: the halves take turns, and no customer is in two pairs."""
    draw = random.Random(seed)
    taken: set[str] = set()
    for label, kinds in (("same", SAME), ("different", DIFFERENT)):
        for why, (make, count) in kinds.items():
            made: list[Pair] = []
            while len(made) < count:
                one, other = make(draw)
                names = {bare(other)} if make is generic else {bare(one), bare(other)}
                if one != other and not names & taken:
                    made.append((one, other))
                    taken |= names
            for place, (one, other) in enumerate(made):
                yield "ab"[place % 2], label, why, one, other


def strangers(count: int, *, but: Iterable[str], seed: int = 7) -> list[str]:
    """Names of other customers, out of the same towns, people and trades: none is, but for its legal form or site, one of ``but``."""
    draw, taken = random.Random(seed), "\n".join(sorted(normalise(name).replace(" and ", " ") for name in but))
    found: dict[str, None] = {}
    while len(found) < count:
        name = firm(draw)
        first, second, *rest = words = [word for word in normalise(name).split() if word != "and"]
        if " ".join(words) in taken or " ".join([second, first, *rest]) in taken:
            continue
        if draw.random() < 0.12:
            name += f" {draw.randint(1, 40)}"
        if draw.random() < 0.08:
            name += f" - {draw.choice(CITIES)}"
        if draw.random() < 0.4:
            name += f" {draw.choice(FORMS)}"
        found[name] = None
    return list(found)


if __name__ == "__main__":
    for row in pairs():
        sys.stdout.write(",".join(f'"{cell}"' if "," in cell else cell for cell in row) + "\n")
