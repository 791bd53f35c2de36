"""One account and one preparer, as the tests of months have them."""

from tests.recon.conftest import account, mara, preparer, put

__all__ = ["account", "mara", "preparer", "put"]
