"""Plain views: guard, form, act, redirect."""

from recon.views.exports import download, export, start_export
from recon.views.home import account, home
from recon.views.intake import start_import, use_again, withdraw
from recon.views.matches import matches, settle
from recon.views.month import add_note, month, recount, row

__all__ = [
    "account", "add_note", "download", "export", "home", "matches", "month", "recount", "row", "settle", "start_export",
    "start_import", "use_again", "withdraw",
]  # fmt: skip
