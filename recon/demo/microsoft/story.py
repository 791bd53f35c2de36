"""The demonstration's customers as their Microsoft 365 tenants have them: who holds a licence, and why that is not what Huntress bills.

Tenants and people have the ids and addresses that the invented Huntress knows (``recon.demo.huntress``). A tenant begins in agreement, with
a licence for everybody whom Huntress bills; then each story changes it in its own way. There are two snapshots: 0 is the month before, 1
is now. Each story is one function, named for what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final
from uuid import NAMESPACE_DNS, uuid5

from recon.demo.cast import BRIGHTFEN_CUSTOMERS
from recon.demo.microsoft import records
from recon.demo.microsoft.estate import Tenant
from recon.demo.microsoft.records import Held, Made, stamp
from recon.demo.microsoft.skus import PART_OF, SKUS, UNKNOWN, WITH_PREMIUM
from recon.demo.stories import OPEN, month

_DAY: Final = timedelta(days=1)
_GROUP: Final = "00000000-0000-4000-8000-00000000960f"
_FIRST_NAMES: Final = ("Ada", "Bram", "Ceri", "Dilys", "Evan", "Fern", "Gwen", "Hugh", "Isla", "Joss", "Kit", "Lowri", "Merle")
_LAST_NAMES: Final = ("Alder", "Birtle", "Crake", "Dunmore", "Esk", "Fallow", "Garth", "Holme", "Ings", "Jarrow", "Keld")
#: Not asked for consent yet, and what a consent left out.
_STRANGERS: Final = (41159, 41177)
_WITHHELD: Final = {41048: frozenset({"MailboxSettings.Read"}), 41051: frozenset({"AuditLog.Read.All"})}


@dataclass
class Person:
    """Somebody or something with an address. ``purpose`` "" is no mailbox."""

    local: str
    name: str
    held: list[Held] = field(default_factory=list)
    purpose: str = "user"
    fields: Made = field(default_factory=dict)
    seen_days: int | None = 1

    def __post_init__(self) -> None:
        self.key = self.local  # which stays when the address changes


@dataclass
class Draft:
    """A tenant being made up. ``deleted`` are (person, days ago); ``trials`` and ``parts`` (as this tenant spells it) by SKU."""

    people: list[Person]
    now: datetime
    snapshot: int
    deleted: list[tuple[Person, int]] = field(default_factory=list)
    trials: set[str] = field(default_factory=set)
    parts: dict[str, str] = field(default_factory=dict)
    extra_parts: list[str] = field(default_factory=list)

    def hold(self, place: int, *parts: str) -> None:
        self.people[place].held = [Held(SKUS[part]) for part in parts]


def leavers_keep_their_licence(draft: Draft) -> None:
    """St Brannoc's Academy disables who leaves and keeps the licence: Huntress bills them, rightly."""
    for person in draft.people:
        person.held = [Held(SKUS["M365EDU_A3_FACULTY"])]
    for person in draft.people[:6]:
        person.fields["accountEnabled"] = False
        person.seen_days = 96


def converted_to_shared(draft: Draft) -> None:
    """Northbeck Legal made accounts@ a shared mailbox between the two snapshots, and took away its licence."""
    held = [] if draft.snapshot else [Held(SKUS["EXCHANGESTANDARD"])]
    draft.people.append(Person("accounts", "Accounts", held, "shared" if draft.snapshot else "user", seen_days=None))


def shared_and_licensed(draft: Draft) -> None:
    """Gillbeck Mutual's claims mailbox is shared and carries a licence, perhaps for its archive."""
    person = draft.people[4]
    person.name, person.purpose, person.seen_days = "Claims", "shared", None
    person.held = [Held(SKUS["EXCHANGESTANDARD"])]


def room_with_a_licence(draft: Draft) -> None:
    """Whitcar Analytics' boardroom has a licence for Teams Rooms; Huntress does not bill rooms."""
    draft.people.append(Person("boardroom", "Boardroom", [Held(SKUS["MEETING_ROOM"])], "room", seen_days=None))


def service_account(draft: Draft) -> None:
    """Cranmere Castings' scanner sends mail under a licence of its own, which bills all the same; Huntress has not seen it yet."""
    draft.people.append(Person("svc-scanner", "Scanner, first floor", [Held(SKUS["O365_BUSINESS_ESSENTIALS"])], seen_days=None))


def excluded_only(draft: Draft) -> None:
    """Two at Aldermoss Accountants hold licences of the exclusion list and no other, and are billed: to be disputed."""
    draft.hold(2, "SMB_APPS")
    draft.hold(3, "SMB_APPS", "FORMS_PRO")
    draft.extra_parts.append("MCOPSTNC")


def trial_only(draft: Draft) -> None:
    """Foxbarrow Foods tries E5 on two people who have nothing else."""
    draft.trials.add("SPE_E5")
    draft.hold(0, "SPE_E5")
    draft.hold(1, "SPE_E5")


def guest_with_a_licence(draft: Draft) -> None:
    """Rowantree Hospice gave a licence to a guest."""
    guest = next(one for one in draft.people if one.fields.get("userType") == "Guest")
    guest.held = [Held(SKUS["SPB"])]


def unknown_sku(draft: Draft) -> None:
    """Somebody at Calder Fold Veterinary holds a licence that the tenant's own list does not name."""
    draft.people[0].held = [Held(UNKNOWN)]


def direct_and_by_group(draft: Draft) -> None:
    """Pinfold Insurance Brokers assigns by group, and some have the same licence directly besides."""
    for person in draft.people[:12]:
        person.held = [Held(SKUS["SPB"]), Held(SKUS["SPB"], group=_GROUP)]


def other_case(draft: Draft) -> None:
    """Greyfriars Housing Trust's list spells a part number in small letters, with a space behind."""
    draft.parts["SMB_APPS"] = "smb_apps "
    for place in range(3):
        draft.hold(place, "SMB_APPS")


def deleted_after_the_cycle(draft: Draft) -> None:
    """Meadowsweet Care Homes deleted three carers a few days ago, whom the bill still has."""
    if draft.snapshot:
        draft.deleted += [(person, 2 + place) for place, person in enumerate(draft.people[:3])]
        del draft.people[:3]


def upn_changed(draft: Draft) -> None:
    """Tarn Vale Dental renamed somebody who married: the old address is still the mail address."""
    if draft.snapshot:
        person = draft.people[0]
        person.fields["mail"] = person.local
        person.local, person.name = "bryony.crake", "Bryony Crake"


def device_licence(draft: Draft) -> None:
    """Dunnock Green Primary's phone in the staff room has a licence for shared devices."""
    draft.people.append(Person("staffroom-phone", "Staff room phone", [Held(SKUS["MCOCAP"])], "", seen_days=None))


def could_not_be_assigned(draft: Draft) -> None:
    """Brindle & Stow Architects ran out of licences: two are in its group and got none, and have but a free one."""
    for person in draft.people[:2]:
        person.held = [Held(SKUS["SPB"], group=_GROUP, state="Error"), Held(SKUS["SMB_APPS"])]


def licensed_in_mid_cycle(draft: Draft) -> None:
    """Hawkshead Lane Surgery gave four starters their licence a few days ago."""
    if draft.snapshot:
        since = stamp(draft.now - 6 * _DAY)
        draft.people += [Person(f"starter{number}", f"Starter {number}", [Held(SKUS["SPB"], since=since)]) for number in range(1, 5)]


def no_premium(draft: Draft) -> None:
    """Brasserie Édouard has no Entra ID P1, and so no sign-in activity to read."""
    for person in draft.people:
        person.held = [Held(SKUS["O365_BUSINESS_PREMIUM"])] if person.held else []


STORIES: Final[Mapping[int, Callable[[Draft], None]]] = {
    41138: leavers_keep_their_licence,
    41108: converted_to_shared,
    41063: shared_and_licensed,
    41171: room_with_a_licence,
    41036: service_account,
    41007: excluded_only,
    41057: trial_only,
    41135: guest_with_a_licence,
    41030: unknown_sku,
    41123: direct_and_by_group,
    41069: other_case,
    41096: deleted_after_the_cycle,
    41153: upn_changed,
    41039: device_licence,
    41024: could_not_be_assigned,
    41075: licensed_in_mid_cycle,
    41021: no_premium,
}
#: Gillbeck Mutual bought another society: a second tenant of the same Organization.
SECOND_TENANT: Final = (941063, "Gillbeck Mutual (formerly Thorn Society)", 41063, 9)


def tenant_of(number: int) -> str:
    """The tenant's id, as the invented Huntress has it for an Organization's id."""
    return f"00000000-0000-4000-8000-{number:012}"


class Story:
    """An estate (see ``estate.Estate``)."""

    def __init__(self, snapshot: int = 1, *, now: datetime | None = None) -> None:
        self.snapshot = snapshot
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self.consented = frozenset(self.ids()) - {tenant_of(number) for number in _STRANGERS}
        self.withheld: Mapping[str, frozenset[str]] = {tenant_of(number): names for number, names in _WITHHELD.items()}
        self._made: dict[str, Tenant] = {}

    def ids(self) -> list[str]:
        return list(self._customers)

    def tenant(self, identity: str) -> Tenant | None:
        if identity not in self._customers:
            return None
        if identity not in self._made:
            self._made[identity] = self._make(*self._customers[identity])
        return self._made[identity]

    @cached_property
    def _customers(self) -> dict[str, tuple[int, str, int]]:
        """Number, name and billed identities by tenant."""
        now = month(OPEN - 1 + self.snapshot)
        ours = [(int(number), now.names[number], units) for (number, product), units in now.billed.items() if product == "itdr" and units]
        others = [(int(one.id), one.name, one.itdr) for one in BRIGHTFEN_CUSTOMERS if one.itdr]
        number, name, _, units = SECOND_TENANT
        return {tenant_of(one[0]): one for one in [*ours, *others, (number, name, units)]}

    def _make(self, number: int, name: str, units: int) -> Tenant:
        domain = "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum()) + ".example"
        draft = Draft([*self._billed(number, units), *self._unlicensed(domain)], self.now, self.snapshot)
        if number in STORIES:
            STORIES[number](draft)
        draft.people.sort(key=lambda person: _identity(number, person))
        users = [_user(number, person, domain) for person in draft.people]
        bin_ = [
            records.deleted(_identity(number, person), f"{person.local}@{domain}", person.name, self.now - days * _DAY)
            for person, days in sorted(draft.deleted, key=lambda one: _identity(number, one[0]))
        ]
        skus = _skus(draft, users)
        parts = {PART_OF[one["skuId"]] for one in skus}
        paid = [
            records.subscription(number * 100 + place, part, 25, is_trial=part in draft.trials, ends=self._end(part in draft.trials))
            for place, part in enumerate(sorted(parts))
        ]
        people = dict(zip((one["id"] for one in users), draft.people, strict=True))
        return Tenant(
            tenant_of(number),
            name,
            (domain, f"{domain.removesuffix('.example')}.onmicrosoft.example"),
            users,
            skus,
            paid,
            bin_,
            {identity: person.purpose for identity, person in people.items()},
            {one: stamp(self.now - person.seen_days * _DAY) for one, person in people.items() if person.seen_days is not None},
            bool(parts & WITH_PREMIUM),
        )

    def _billed(self, number: int, units: int) -> list[Person]:
        """person1, person2 … as Huntress knows them; every fourth has the smaller licence, and every third a free one besides."""
        made = []
        for place in range(units):
            held = [Held(SKUS["O365_BUSINESS_PREMIUM" if place % 4 == 3 else "SPB"])]
            held += [Held(SKUS["FLOW_FREE"])] if place % 3 == 0 else []
            first, last = _FIRST_NAMES[(place + number) % len(_FIRST_NAMES)], _LAST_NAMES[(place // 3 + number) % len(_LAST_NAMES)]
            made.append(Person(f"person{place + 1}", f"{first} {last}", held, seen_days=place % 9))
        return made

    def _unlicensed(self, domain: str) -> list[Person]:
        """Whom no tenant is without: an administrator, a shared mailbox and a guest, none of them with a licence."""
        guest: dict[str, Any] = {
            "userType": "Guest",
            "mail": "guest@elsewhere.example",
            "userPrincipalName": f"guest_elsewhere.example#EXT#@{domain}",
        }
        return [
            Person("admin", "Administrator", [], "", seen_days=3),
            Person("info", "Info", [], "shared", seen_days=None),
            Person("guest", "Guest of ours", [], "", guest, None),
        ]

    def _end(self, is_trial: bool) -> str:
        return stamp(self.now + (17 if is_trial else 200) * _DAY)


def _identity(number: int, person: Person) -> str:
    """An id as Microsoft makes them: without an order, and the same for good."""
    return str(uuid5(NAMESPACE_DNS, f"{person.key}.{number}"))


def _user(number: int, person: Person, domain: str) -> Made:
    fields = dict(person.fields)
    if fields.get("mail", "@").find("@") < 0:
        fields["mail"] = f"{fields['mail']}@{domain}"
    return records.user(_identity(number, person), f"{person.local}@{domain}", person.name, person.held, **fields)


def _skus(draft: Draft, users: list[Made]) -> list[Made]:
    """The tenant's own list, with how many of each are assigned; what nobody knows is not in it."""
    counts: dict[str, int] = {}
    for one in users:
        for licence in one["assignedLicenses"]:
            counts[licence["skuId"]] = counts.get(licence["skuId"], 0) + 1
    made = [
        records.sku(draft.parts.get(PART_OF[guid], PART_OF[guid]), count, guid=guid) for guid, count in counts.items() if guid in PART_OF
    ]
    return made + [records.sku(part, 0, bought=10_000_000) for part in draft.extra_parts]
