"""What went wrong at the invented MSP, month by month: each trouble is one function, named for what it shows.

A month begins in perfect agreement, with every leg the billed one; then each story spoils it in its own way. Months are
counted from 0 to ``OPEN``, the one whose report has just come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from recon.demo.cast import CUSTOMERS, SELL, SPECIAL_RATES, Customer

OPEN: Final = 4
Line = tuple[str, str]
#: A bundle of EDR and ITDR, and the two customers that share one Organization, as the PSA has them.
BUNDLE: Final = "Secure Workplace"
NORTH, SOUTH = "Greyfriars Homes North", "Greyfriars Homes South"


@dataclass
class Draft:
    """One month being made up: units by (Organization id, product) and leg, and what each list calls each Organization.

    ``parts`` are lines that the PSA keeps in several parts, ``rates`` the PSA's unit prices, and ``unreadable`` what somebody
    typed there instead of a quantity; ``strangers`` are PSA rows (customer, service, quantity, rate) that no list of ours names so.
    """

    number: int
    billed: dict[Line, int]
    expected: dict[Line, int]
    rebilled: dict[Line, int]
    names: dict[str, str]
    rmm_names: dict[str, str]
    psa_names: dict[str, str]
    rates: dict[Line, str]
    parts: dict[Line, tuple[int, ...]] = field(default_factory=dict)
    unreadable: dict[Line, str] = field(default_factory=dict)
    strangers: list[tuple[str, str, int, str]] = field(default_factory=list)
    psa_ids: set[str] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        return self.number == OPEN

    def add(self, customer: Customer) -> None:
        """A customer that every list knows."""
        for code, units in customer.products.items():
            self.set((customer.id, code), units)
            self.rates[customer.id, code] = SPECIAL_RATES.get((customer.id, code), SELL[code])
        for names in (self.names, self.rmm_names, self.psa_names):
            names[customer.id] = customer.name

    def set(self, line: Line, units: int) -> None:
        """The same units in every leg."""
        self.billed[line] = self.expected[line] = self.rebilled[line] = units


def month(number: int) -> Draft:
    """The month of a number, with all that went wrong in it."""
    draft = Draft(number, {}, {}, {}, {}, {}, {}, {})
    for customer in CUSTOMERS:
        draft.add(customer)
    for line in list(draft.billed):
        draft.set(line, usual_units(line, draft.billed[line], number))
    for story in STORIES:
        story(draft)
    return draft


def usual_units(line: Line, first: int, number: int) -> int:
    """How a healthy customer's count moves: now and then a starter or a leaver, in every list at once."""
    random = Random(":".join(line))  # noqa: S311 (the same on every machine, which is the point)
    return max(1, first + sum(random.choice((0, 0, 0, 0, 0, 0, 1, 1, -1)) for _ in range(number)))


def renamed_organization(draft: Draft) -> None:
    """Fenwick Lowe became Lowe Ferris Partners: the same id under a new name, which the PSA has not heard of."""
    if draft.is_open:
        draft.names["41054"] = draft.rmm_names["41054"] = "Lowe Ferris Partners"


def recreated_under_another_name(draft: Draft) -> None:
    """Ottersgill Outdoor was set up anew as Ottersgill Outdoor Centre, with another id and key: one gone and one come. The PSA still
    charges the old one, so that nothing agrees until somebody says that they are the same."""
    if draft.is_open:
        units = draft.billed.pop(("41117", "edr"))
        del draft.expected["41117", "edr"]
        draft.names["41198"] = draft.rmm_names["41198"] = "Ottersgill Outdoor Centre"
        draft.billed["41198", "edr"] = draft.expected["41198", "edr"] = units


def abbreviated_in_the_rmm(draft: Draft) -> None:
    """Somebody shortened a client’s name in the RMM, which has no ids: the bill knows nobody of that name."""
    if draft.is_open:
        draft.rmm_names["41123"] = "Pinfold Ins. Brokers"


def charged_and_not_billed(draft: Draft) -> None:
    """The PSA charges a customer that Huntress has never billed, under a name that is like nobody's."""
    if draft.is_open:
        draft.strangers.append(("Yarrowfield Scouts", "Managed EDR", 3, SELL["edr"]))


def mistyped_organization(draft: Draft) -> None:
    """A typo in an install script moved three agents of Tarn Vale Dental to an Organization that does not exist, which is billed."""
    if draft.is_open:
        draft.names["41190"] = "Tarn Vale Dentel"
        draft.billed["41190", "edr"] = 3
        draft.billed["41153", "edr"] -= 3


def departed_and_never_zeroed(draft: Draft) -> None:
    """Oakmere Print Works left after the third month. Nobody set the PSA to zero, so it is still charged what it had last."""
    if draft.number >= 3:
        for code in ("edr", "itdr"):
            line = ("41111", code)
            draft.billed.pop(line)
            draft.expected.pop(line)
            draft.rebilled[line] = usual_units(line, {"edr": 9, "itdr": 6}[code], 2)


def fell_to_zero(draft: Draft) -> None:
    """Thistledown Florists uninstalled everything: the report says 0, and the PSA still says 4."""
    if draft.is_open:
        draft.billed["41156", "edr"] = draft.expected["41156", "edr"] = 0
        draft.rebilled["41156", "edr"] = 4


def psa_on_last_months_number(draft: Draft) -> None:
    """Stonebeck Logistics grows by four agents a month; the PSA is always a month behind."""
    draft.billed["41147", "edr"] = draft.expected["41147", "edr"] = 70 + 4 * draft.number
    draft.rebilled["41147", "edr"] = 70 + 4 * max(draft.number - 1, 0)


def psa_line_missing(draft: Draft) -> None:
    """Somebody deleted the ITDR line of Willowmead Vets when the agreement was renewed."""
    if draft.is_open:
        del draft.rebilled["41174", "itdr"]


def product_never_rebilled(draft: Draft) -> None:
    """Copperfield Surveyors has had SIEM from the start, and no agreement has ever had a line for it."""
    del draft.rebilled["41033", "siem"]


def new_organization(draft: Draft) -> None:
    """Larkhill Nursery School was onboarded; the RMM knows it and the PSA does not."""
    if draft.is_open:
        draft.names["41192"] = draft.rmm_names["41192"] = "Larkhill Nursery School"
        for code, units in (("edr", 12), ("itdr", 15)):
            draft.billed["41192", code] = draft.expected["41192", code] = units


def small_drift(draft: Draft) -> None:
    """Three large customers are off by two or three units: under the tolerance each, and yet money."""
    draft.expected["41069", "edr"] -= 3
    draft.expected["41063", "itdr"] -= 2
    draft.rebilled["41096", "edr"] -= 2


def both_wrong(draft: Draft) -> None:
    """Peverell & Daughters closed an office: the contract says 26, and both the bill and the PSA go on at 31."""
    draft.billed["41120", "edr"] = draft.rebilled["41120", "edr"] = 31
    draft.expected["41120", "edr"] = 26 if draft.number >= 2 else 31


def stale_agents_creep(draft: Draft) -> None:
    """Ashcombe Haulage replaces two machines a month and never uninstalls the old ones: billed creeps away from the contract."""
    draft.billed["41009", "edr"] = 44 + 2 * draft.number
    draft.expected["41009", "edr"] = draft.rebilled["41009", "edr"] = 44


def identities_creep(draft: Draft) -> None:
    """St Brannoc's Academy keeps licences on leavers: six more billable identities a month than the contract has."""
    draft.billed["41138", "itdr"] = draft.rebilled["41138", "itdr"] = 88 + 6 * draft.number
    draft.expected["41138", "itdr"] = 88


def two_psa_lines(draft: Draft) -> None:
    """Millrace Brewery is charged in two lines, office and brewhouse, which add up."""
    units = draft.rebilled["41099", "edr"]
    draft.parts["41099", "edr"] = (units - 8, 8)


def overcharged(draft: Draft) -> None:
    """Kestrel Moor Aviation gave back four machines two months ago and is still charged for them."""
    if draft.number >= 3:
        draft.billed["41084", "edr"] = draft.expected["41084", "edr"] = 16
        draft.rebilled["41084", "edr"] = 20


def two_of_one_name(draft: Draft) -> None:
    """A second Harbour Lane Joinery, of another owner. Report and PSA have ids; the RMM has one row with the name alone,
    which fits both, so it waits until a person says which."""
    if draft.is_open:
        draft.names["41195"] = draft.psa_names["41195"] = "Harbour Lane Joinery"
        draft.billed["41195", "edr"] = draft.rebilled["41195", "edr"] = 6
        draft.rates["41195", "edr"] = SELL["edr"]
        draft.psa_ids |= {"41072", "41195"}


def unreadable_psa_quantities(draft: Draft) -> None:
    """Somebody typed half an agent, and a number that is a thousand in one country and one in another."""
    if draft.is_open:
        draft.unreadable["41048", "edr"] = "12.5"
        draft.unreadable["41123", "sat"] = "1.000"


def service_of_another_vendor(draft: Draft) -> None:
    """The PSA's list has a backup line among the Huntress ones: no product of this reconciliation, set aside and listed."""
    if draft.is_open:
        draft.strangers.append(("Foxbarrow Foods", "Offsite Backup 500 GB", 2, "41.00"))


def bundle_in_the_psa(draft: Draft) -> None:
    """Zoë Marsh Interiors buys one bundle of two products, under a name that Huntress does not know."""
    units = draft.rebilled.pop(("41177", "edr"))
    del draft.rebilled["41177", "itdr"]
    draft.strangers.append(("Zoë Marsh Interiors", BUNDLE, units, "10.00"))


def shared_by_two(draft: Draft) -> None:
    """Greyfriars Housing Trust is one Organization, and two customers of the PSA, three parts to two."""
    for code, service in (("edr", "Managed EDR"), ("itdr", "Managed ITDR"), ("sat", "SAT Learners")):
        units, rate = draft.rebilled.pop(("41069", code)), draft.rates["41069", code]
        north = units * 3 // 5
        draft.strangers += [(NORTH, service, north, rate), (SOUTH, service, units - north, rate)]


def no_rate(draft: Draft) -> None:
    """Marrick Town Trust is looked after for a favour: a quantity without a price, so its amounts stay blank."""
    for code in ("edr", "itdr"):
        draft.rates["41093", code] = ""


def names_spelled_differently(draft: Draft) -> None:
    """The RMM shouts and leaves punctuation out, which is the same name; nothing here is guessed by likeness."""
    draft.rmm_names["41024"] = "BRINDLE  STOW ARCHITECTS"
    draft.rmm_names["41132"] = "Redmire Dairy Co operative"
    draft.psa_names["41168"] = "wath & wain removals"


STORIES: Final[tuple[Callable[[Draft], None], ...]] = (
    renamed_organization,
    recreated_under_another_name,
    abbreviated_in_the_rmm,
    charged_and_not_billed,
    mistyped_organization,
    departed_and_never_zeroed,
    fell_to_zero,
    psa_on_last_months_number,
    psa_line_missing,
    product_never_rebilled,
    new_organization,
    small_drift,
    both_wrong,
    stale_agents_creep,
    identities_creep,
    two_psa_lines,
    overcharged,
    two_of_one_name,
    unreadable_psa_quantities,
    service_of_another_vendor,
    bundle_in_the_psa,
    shared_by_two,
    no_rate,
    names_spelled_differently,
)


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody noted on a row of an earlier month. ``author`` is an e-mail address of ``cast.PEOPLE``."""

    month: int
    line: Line
    author: str
    text: str


REMARKS: Final = (
    Remark(0, ("41009", "edr"), "mara@quillmere.example", "Ashcombe replaced two laptops. Asked them to uninstall the old ones."),
    Remark(1, ("41009", "edr"), "mara@quillmere.example", "Two more, and none uninstalled. Raised with their office manager."),
    Remark(1, ("41033", "siem"), "jonah@quillmere.example", "SIEM was never on Copperfield's agreement. At what rate was it sold?"),
    Remark(2, ("41138", "itdr"), "mara@quillmere.example", "Summer leavers still hold licences; the school keeps them until December."),
    Remark(2, ("41120", "edr"), "mara@quillmere.example", "Station Road is closed: five machines should be gone. Waiting for their list."),
    Remark(3, ("41111", "edr"), "jonah@quillmere.example", "Oakmere has left. The agreement must go to zero before the next invoice run."),
    Remark(3, ("41147", "edr"), "mara@quillmere.example", "The PSA is synced before the report comes, so it is always a month behind."),
)
