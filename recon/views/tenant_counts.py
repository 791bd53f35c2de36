"""What people counted in a tenant themselves."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.access import Need, account_for, signed_in
from accounts.models import BillingCycle, Tenant
from accounts.services import Refused
from recon.services.tenant_counts import MOST, state_count


@require_POST
def state_tenant_count(request: HttpRequest, account: str, pk: int, start: date) -> HttpResponse:
    ours = account_for(request, account, Need.WORK)
    tenant = get_object_or_404(Tenant.objects.select_related("account"), account=ours, pk=min(pk, 2**63 - 1), removed_at__isnull=True)
    cycle = get_object_or_404(BillingCycle.objects.select_related("account"), account=ours, start=start)
    try:
        made = state_count(
            tenant, cycle, identities=_whole(request.POST.get("identities", "")), note=request.POST.get("note", ""), by=signed_in(request)
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{made.identities:,} it is. The month is compared anew.")
    return redirect("ingest:tenant", ours.slug, tenant.pk)


def _whole(text: str) -> int:
    """Raises Refused: a blank is not zero."""
    bare = text.strip().replace(",", "").replace(" ", "")
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= len(str(MOST))):
        raise Refused(f"Write how many identities there are, as a whole number. “{text.strip()[:20]}” is none.")
    return int(bare)
