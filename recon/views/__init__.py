"""Plain views: guard, form, act, redirect."""

from recon.views.audit import audit, audit_csv
from recon.views.contracts import add_contract, change_contract, contract, end_contract, renewals
from recon.views.decisions import undo
from recon.views.exclusions import exclusion_draft, exclusion_version, exclusions, sku_names, sku_suggestions
from recon.views.exports import download, export, start_export
from recon.views.home import account, home
from recon.views.intake import start_import, use_again, withdraw
from recon.views.invoices import add_invoice, withdraw_invoice
from recon.views.matches import accept_exact, accept_own, answer, match, matches, undo_match
from recon.views.month import month, recount, revision, revision_row, row
from recon.views.organizations import organization, organizations, revoke_alias
from recon.views.products import products
from recon.views.reseller import reseller, reseller_account, reseller_usage
from recon.views.shares import shares
from recon.views.sign import reopen, send_back, settle_rejected, sign, sign_off, submit
from recon.views.sweep import sweep, sweep_changes, sweep_csv, sweep_machines, sweep_print, sweep_threshold, sweep_xlsx
from recon.views.tenant_counts import state_tenant_count
from recon.views.tie_outs import amount_unit, name_difference, restore_invoice, set_invoice_aside, tie_out, withdraw_named
from recon.views.tolerances import tolerances
from recon.views.trends import trends

__all__ = [
    "accept_exact", "accept_own", "account", "add_contract", "add_invoice", "amount_unit", "answer", "audit", "audit_csv",
    "change_contract", "contract", "download", "end_contract", "exclusion_draft", "exclusion_version", "exclusions", "export", "home",
    "match", "matches", "month", "name_difference", "organization", "organizations", "products", "recount", "renewals", "reopen",
    "reseller", "reseller_account", "reseller_usage", "restore_invoice", "revision", "revision_row", "revoke_alias", "row", "send_back",
    "set_invoice_aside", "settle_rejected", "shares", "sign", "sign_off", "sku_names", "sku_suggestions", "start_export", "start_import",
    "state_tenant_count", "submit", "sweep", "sweep_changes", "sweep_csv", "sweep_machines", "sweep_print", "sweep_threshold",
    "sweep_xlsx", "tie_out", "tolerances", "trends", "undo", "undo_match", "use_again", "withdraw", "withdraw_invoice", "withdraw_named",
]  # fmt: skip
