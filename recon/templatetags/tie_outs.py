"""The report against the invoice, on the page of either's file; and what amounts of pulled invoices count, beside their connection."""

from __future__ import annotations

from typing import Any

from django import template

from accounts.models import Account
from ingest.models import Connection, SourceFile
from recon.amount_check import amount_check as check_of
from recon.tie_out import tie_outs_of

register = template.Library()


@register.inclusion_tag("recon/file_tie_out.html", takes_context=True)
def file_tie_out(context: template.Context, source_file: SourceFile) -> dict[str, Any]:
    is_either = source_file.kind in {"billed", "invoice"}
    return {"account": context["account"], "ties": tie_outs_of(source_file) if is_either else []}


@register.inclusion_tag("recon/amount_check.html")
def amount_check(connection: Connection, account: Account) -> dict[str, Any]:
    return {"amount_check": check_of(connection, account), "account": account}
