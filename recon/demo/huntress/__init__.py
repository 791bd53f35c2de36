"""A Huntress that is not Huntress: a real HTTP server with invented data, for the demonstration and for tests.

It behaves as the vendor describes API v1, and otherwise as other people met it (docs/domain.md). Nothing of the product is imported here
but the demonstration's own cast, and nothing of the product but ``make run`` starts it: ``python -m recon.demo.huntress`` by hand.
"""

from recon.demo.huntress.faults import Fault
from recon.demo.huntress.keys import ACCOUNT_KEY, RESELLER_KEY, USER_KEY
from recon.demo.huntress.server import FakeHuntress, Habits

__all__ = ["ACCOUNT_KEY", "RESELLER_KEY", "USER_KEY", "FakeHuntress", "Fault", "Habits"]
