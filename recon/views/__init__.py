"""Plain views: guard, form, act, redirect."""

from recon.views.audit import audit, audit_csv
from recon.views.decisions import undo
from recon.views.exports import download, export, start_export
from recon.views.home import account, home
from recon.views.intake import start_import, use_again, withdraw
from recon.views.matches import matches, settle
from recon.views.month import month, recount, revision, revision_row, row
from recon.views.sign import reopen, revision_sign, send_back, settle_rejected, sign, sign_off, submit
from recon.views.tolerances import tolerances

__all__ = [
    "account", "audit", "audit_csv", "download", "export", "home", "matches", "month", "recount", "reopen", "revision",
    "revision_row", "revision_sign", "row", "send_back", "settle", "settle_rejected", "sign", "sign_off", "start_export",
    "start_import", "submit", "tolerances", "undo", "use_again", "withdraw",
]  # fmt: skip
