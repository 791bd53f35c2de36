"""Who is in the demonstration: people, customers and prices, all invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: One password for all demonstration people. They exist on a machine of one's own only (``manage.py demo`` refuses elsewhere).
PASSWORD: Final = "quillmere-demo"  # noqa: S105 (printed at the start, on purpose)

RESELLER: Final = "Cobbleside Group"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in. ``where`` is the account, by its slug, or the reseller: a role there is a role in each of its accounts."""

    name: str
    email: str
    role: Literal["viewer", "preparer", "reviewer", "admin"]
    where: tuple[str, ...]


PEOPLE: Final = (
    Person("Mara Kestle", "mara@quillmere.example", "preparer", ("quillmere-it", "brightfen-support")),
    Person("Jonah Ostrow", "jonah@quillmere.example", "reviewer", ("quillmere-it", "brightfen-support")),
    Person("Ines Farrow", "ines@quillmere.example", "admin", (RESELLER,)),
    Person("Tom Ashdale", "tom@quillmere.example", "viewer", ("quillmere-it",)),
)


@dataclass(frozen=True, slots=True)
class Customer:
    """An Organization with what it has of each product in the first month; 0 means that it does not have the product."""

    id: str
    name: str
    edr: int = 0
    itdr: int = 0
    ispm: int = 0
    sat: int = 0
    siem: int = 0

    @property
    def products(self) -> dict[str, int]:
        units = {"edr": self.edr, "itdr": self.itdr, "ispm": self.ispm, "sat": self.sat, "siem": self.siem}
        return {code: count for code, count in units.items() if count}


#: The names that readers stumble over are customers like any other: NA, True, 007 …, +One …, Total Care …, Grand Total ….
CUSTOMERS: Final = (
    Customer("41001", "007 Lock & Key", edr=6),
    Customer("41004", "Abbot's Weir Nurseries", edr=14, itdr=11),
    Customer("41007", "Aldermoss Accountants", edr=28, itdr=31, sat=30),
    Customer("41009", "Ashcombe Haulage", edr=44, itdr=21),
    Customer("41012", "Barrowgate Pharmacy", edr=17, itdr=16, siem=2),
    Customer("41015", "Bexmoor Parish Council", edr=9),
    Customer("41018", "Birchover Glass", edr=23, sat=20),
    Customer("41021", "Brasserie Édouard", edr=7, itdr=9),
    Customer("41024", "Brindle & Stow Architects", edr=26, itdr=29, ispm=29),
    Customer("41027", "Café Lumière", edr=4),
    Customer("41030", "Calder Fold Veterinary", edr=19, itdr=22),
    Customer("41033", "Copperfield Surveyors", edr=34, itdr=36, siem=4),
    Customer("41036", "Cranmere Castings", edr=62, itdr=40, sat=58, siem=5),
    Customer("41039", "Dunnock Green Primary", edr=31, itdr=44, sat=42),
    Customer("41042", "Eastrigg Motors", edr=16),
    Customer("41045", "Ellermoor Farms", edr=11, itdr=8),
    Customer("41048", "Fairholm Estates", edr=37, itdr=39),
    Customer("41051", "Fallowfield Opticians", edr=12, itdr=13),
    Customer("41054", "Fenwick Lowe", edr=22, itdr=25, sat=24),
    Customer("41057", "Foxbarrow Foods", edr=55, itdr=33, siem=4),
    Customer("41060", "Garrow Head Hotel", edr=29, itdr=24),
    Customer("41063", "Gillbeck Mutual", edr=73, itdr=81, ispm=81, sat=80, siem=8),
    Customer("41066", "Grand Total Accounting", edr=8, itdr=9),
    Customer("41069", "Greyfriars Housing Trust", edr=118, itdr=124, sat=120),
    Customer("41072", "Harbour Lane Joinery", edr=15),
    Customer("41075", "Hawkshead Lane Surgery", edr=24, itdr=27, ispm=27),
    Customer("41078", "Hollin Bank Recruitment", edr=18, itdr=22),
    Customer("41081", "Ivelet Engineering", edr=41, itdr=30),
    Customer("41084", "Kestrel Moor Aviation", edr=20, itdr=20, siem=3),
    Customer("41087", "Kirkdale Community Press", edr=5),
    Customer("41090", "Lambrigg Quarries", edr=33),
    Customer("41093", "Marrick Town Trust", edr=10, itdr=7),
    Customer("41096", "Meadowsweet Care Homes", edr=66, itdr=72, sat=70),
    Customer("41099", "Millrace Brewery", edr=21, itdr=17),
    Customer("41102", "NA", edr=8),
    Customer("41105", "Netherby Tiles", edr=13),
    Customer("41108", "Northbeck Legal", edr=27, itdr=30, ispm=30, sat=28),
    Customer("41111", "Oakmere Print Works", edr=9, itdr=6),
    Customer("41114", "+One Events", edr=5, itdr=7),
    Customer("41117", "Ottersgill Outdoor", edr=12),
    Customer("41120", "Peverell & Daughters Solicitors", edr=31, itdr=34, ispm=34),
    Customer("41123", "Pinfold Insurance Brokers", edr=36, itdr=38, sat=36),
    Customer("41126", "Quernstone Bakery", edr=6),
    Customer("41129", "Ravenseat Wool", edr=8),
    Customer("41132", "Redmire Dairy Co-operative", edr=39, itdr=22),
    Customer("41135", "Rowantree Hospice", edr=47, itdr=52, ispm=52, sat=50),
    Customer("41138", "St Brannoc's Academy", edr=64, itdr=88, sat=86),
    Customer("41141", "Saltwick Marine", edr=18, itdr=15),
    Customer("41144", "Skelder Rail Services", edr=58, itdr=44, siem=6),
    Customer("41147", "Stonebeck Logistics", edr=70, itdr=41, sat=44),
    Customer("41150", "Swinhope Textiles", edr=25),
    Customer("41153", "Tarn Vale Dental", edr=16, itdr=18),
    Customer("41156", "Thistledown Florists", edr=4),
    Customer("41159", "Total Care Dental", edr=13, itdr=14),
    Customer("41162", "True", edr=3),
    Customer("41165", "Underhill Timber", edr=22),
    Customer("41168", "Wath & Wain Removals", edr=11),
    Customer("41171", "Whitcar Analytics", edr=30, itdr=33, ispm=33, siem=4),
    Customer("41174", "Willowmead Vets", edr=15, itdr=17),
    Customer("41177", "Zoë Marsh Interiors", edr=6, itdr=6),
)

BRIGHTFEN_CUSTOMERS: Final = (
    Customer("52001", "Alma Street Clinic", edr=12, itdr=14),
    Customer("52002", "Bellwether Books", edr=5),
    Customer("52003", "Cinderhill Allotments", edr=2),
    Customer("52004", "Drover's Rest Inn", edr=9, itdr=8),
    Customer("52005", "Eddystone Freight", edr=27, itdr=21, siem=2),
    Customer("52006", "Fernlea School of Dance", edr=4, sat=6),
)
#: Of an account that only its reseller's key shows: nobody has said yet which account it is.
TARNBECK_CUSTOMERS: Final = (
    Customer("57001", "Aske Hall Kennels", edr=8, itdr=9),
    Customer("57002", "Birkrigg Joinery", edr=14),
    Customer("57003", "Clough Mill Yarns", edr=21, itdr=18, sat=20),
    Customer("57004", "Dowgill Dental", edr=11, itdr=13),
)

#: Unit prices as the lists write them: what Huntress is paid, and what customers usually pay. Invented, like all else.
COST: Final = {"edr": "2.90", "itdr": "1.85", "ispm": "0.90", "sat": "1.05", "siem": "14.00"}
SELL: Final = {"edr": "6.50", "itdr": "4.00", "ispm": "2.00", "sat": "2.25", "siem": "29.00"}
#: Customers with a rate of their own.
SPECIAL_RATES: Final = {("41069", "edr"): "5.9750", ("41063", "itdr"): "3.60", ("41138", "sat"): "1.1150"}
