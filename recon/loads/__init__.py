"""Loading: how each kind of document becomes rows. A further kind is a module of its own, and a line here."""

from typing import Final

from recon.loads import agents, directory, exclusions, identities, invoice, invoices, live, prices, usage
from recon.loads.loader import Effect, Loader

LOADERS: Final[dict[str, Loader]] = {
    "billed": usage.LOADER,
    "expected": usage.LOADER,
    "rebilled": usage.LOADER,
    "agents": agents.LOADER,
    "invoice": invoice.LOADER,
    "prices": prices.LOADER,
    "exclusions": exclusions.LOADER,
    "live": live.LOADER,
    "identities": identities.LOADER,
    "invoices": invoices.LOADER,
    "directory": directory.LOADER,
}

__all__ = ["LOADERS", "Effect", "Loader"]
