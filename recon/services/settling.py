"""What a reseller's key brought as a whole, made into accounts, contracts and the billed leg of each account. Safe to do twice.

The archive of a part of a pull stays in the storage; everything here can be made of it again, which is how an account that is mapped
later gets what waited for it. None of it is a file of one account: the members of one may not read another's lines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.utils import timezone

from accounts.models import Reseller, User
from ingest import guards, jobs, storage, turns
from ingest.models import Job, PullPart, ResellerInvoice
from ingest.sources.answers import open_archive
from ingest.sources.reading import Unreadable
from recon.services.came import Came
from recon.services.found_accounts import settle_accounts
from recon.services.subscriptions import make_contracts, settle_subscriptions
from recon.services.usage_settling import settle_usage

KIND: Final = "settle"
#: Turns of resellers, beside those of accounts and of files.
_RESELLERS: Final = (1 << 31) - 1


def _accounts(came: Came, progress: jobs.Progress) -> None:
    settle_accounts(came, progress)
    make_contracts(came.reseller, came.where_from, progress)  # the support type is the account's


#: Subject of a part → what is made of it, and what a list of work calls that.
_SETTLERS: Final[dict[str, tuple[Callable[[Came, jobs.Progress], None], str]]] = {
    "accounts": (_accounts, "Looking through the reseller’s accounts"),
    "subscriptions": (settle_subscriptions, "Looking through the reseller’s subscriptions"),
    "usage": (settle_usage, "Sorting the reseller’s usage lines"),
}


def ask_to_settle(part: PullPart, *, by: User | None) -> Job:
    """Have what a part brought settled, soon, by a worker."""
    label = _SETTLERS[part.subject][1]
    return jobs.enqueue(KIND, part.pk, label=label, account=part.pull.connection.account, by=by)


def settle_again(reseller: Reseller, *, by: User | None) -> list[Job]:
    """The same of everything that holds now, because it means something else: an account was mapped, or begins on another day."""
    parts = PullPart.objects.filter(pull__connection__reseller=reseller, account__isnull=True).exclude(sha256="")
    parts = parts.select_related("pull__connection__account")
    subscriptions = parts.filter(subject="subscriptions", settled_at__isnull=False).order_by("-ended_at").first()
    lines = parts.filter(pk__in=ResellerInvoice.objects.filter(reseller=reseller, part__isnull=False).values("part")).order_by("ended_at")
    return [ask_to_settle(part, by=by) for part in ([subscriptions] if subscriptions else []) + list(lines)]


@jobs.handles(KIND)
def settle(subject: int, progress: jobs.Progress) -> None:
    part = PullPart.objects.select_related(
        "pull__connection__reseller", "pull__connection__account", "pull__connection__added_by", "pull__by"
    ).get(pk=subject)
    reseller = part.pull.connection.reseller
    if reseller is None or part.account_id is not None or not part.sha256 or part.subject not in _SETTLERS:
        return
    with turns.turn(_RESELLERS - reseller.pk, lambda: progress(0, 0, "Waiting for another list of this reseller")):
        _settle(part, progress)
    PullPart.objects.filter(pk=part.pk).update(settled_at=timezone.now())


def _settle(part: PullPart, progress: jobs.Progress) -> None:
    make, _ = _SETTLERS[part.subject]
    try:
        with storage.opened(part.sha256) as stream:
            make(Came(part, open_archive(stream, guards.limits(streamed=True))), progress)
    except Unreadable as refusal:
        raise jobs.JobFailed(str(refusal)) from refusal
    except FileNotFoundError as error:
        raise jobs.JobFailed("What was pulled is no longer in the storage. Pull it again.") from error
