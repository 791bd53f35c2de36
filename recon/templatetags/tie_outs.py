"""The report against the invoice, on the page of either's file."""

from __future__ import annotations

from typing import Any

from django import template

from ingest.models import SourceFile
from recon.tie_out import tie_outs_of

register = template.Library()


@register.inclusion_tag("recon/file_tie_out.html", takes_context=True)
def file_tie_out(context: template.Context, source_file: SourceFile) -> dict[str, Any]:
    is_either = source_file.kind in {"billed", "invoice"}
    return {"account": context["account"], "ties": tie_outs_of(source_file) if is_either else []}
