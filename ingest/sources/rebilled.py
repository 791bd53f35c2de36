"""The rebilled list: what the MSP charges its customers now, out of its PSA.

ConnectWise additions as people copy them out (Product ID, Description, Quantity, Price, Bill, Agreement Status, Company Name …),
Autotask contract services (Contract, Service, Units, Unit Price, Company), or plain Client Name, Product Name, Quantity, Unit Price.
"""

from typing import Final

from ingest.sources.columns import Mark
from ingest.sources.reader import Field
from ingest.sources.usage import leg_reader

#: ConnectWise bills an addition (Billable), shows it at no charge (NoCharge: it is on the invoice, so it counts), or leaves it out.
_BILL: Final = Mark(Field("bill", "Billed or not"), ("Bill", "Bill Customer"), frozenset({"donotbill", "no", "false"}), "do_not_bill")
_STATUS: Final = Mark(
    Field("agreement_status", "Status of the agreement"),
    ("Agreement Status", "Contract Status", "Status"),
    frozenset({"cancelled", "canceled", "inactive", "expired", "terminated", "ended"}),
    "agreement_not_active",
)

READER: Final = leg_reader(
    "rebilled", "Rebilled list", "a rebilled list",
    words=r"re-?bill\w*|agreements?|additions?|psa|connectwise|autotask|halo\s?psa|kaseya|price\s?list|sell(?:ing)? price|recurring",
    marks=(_BILL, _STATUS),
)  # fmt: skip
