"""A Microsoft that is not Microsoft: a real HTTP server that plays sign-in and Graph, for the demonstration and for tests.

It behaves as the vendor describes Graph v1.0 and Entra's sign-in (docs/domain.md). Nothing of the product is imported here but the
demonstration's own cast, and nothing but ``make run`` starts it: ``python -m recon.demo.microsoft`` by hand.
"""

from recon.demo.microsoft.faults import Fault
from recon.demo.microsoft.keys import CLIENT_ID, PERMISSIONS, SECRET
from recon.demo.microsoft.server import FakeMicrosoft

__all__ = ["CLIENT_ID", "PERMISSIONS", "SECRET", "FakeMicrosoft", "Fault"]
