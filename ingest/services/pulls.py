"""Pulls: asked for, cancelled, and where each subject stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.access import Need, may, roles_in
from accounts.models import Account, Membership, Organization, User
from accounts.services import Refused
from ingest import jobs
from ingest.huntress import Kind
from ingest.huntress.endpoints import PAGE_SIZE
from ingest.huntress.subjects import SUBJECTS, Subject, subjects_for
from ingest.models import AgentLine, Connection, Pull, PullPart, ResellerAccount
from ingest.services import pull_ends, pumping

State = PullPart.State


@dataclass(frozen=True)
class Wanted:
    """A part to be: a subject of one account, or (``account`` None) of the reseller. ``calls`` are about as many as it will take."""

    subject: str
    account: int | None
    external_id: str
    calls: int


# --- who may ---


def may_see_whole(user: User, connection: Connection) -> bool:
    """Whether all parts of its pulls are the user's to see: a reseller's go over many accounts, and are for who has a role in it."""
    return connection.reseller_id is None or bool(_reseller_roles(user, connection.reseller_id))


def may_pull(user: User, connection: Connection, account: Account | None = None) -> bool:
    """Whether the user may ask for a pull: of one account with a role that works there, of a reseller as a whole with one
    in the reseller."""
    if not user.is_active:
        return False
    if connection.reseller_id is None:
        return may(roles_in(user, connection.account), Need.WORK)
    if account is not None:
        return account.reseller_id == connection.reseller_id and may(roles_in(user, account), Need.WORK)
    return may(_reseller_roles(user, connection.reseller_id), Need.WORK)


def _reseller_roles(user: User, reseller_id: int) -> set[str]:
    return set(Membership.objects.filter(user=user, reseller_id=reseller_id).values_list("role", flat=True))


def offered(connection: Connection, account: Account | None = None) -> tuple[Subject, ...]:
    """What can be asked for: of an account, or (None, with a reseller's key) of the reseller as a whole."""
    if not connection.key_kind:
        return ()
    return subjects_for(Kind(connection.key_kind), of_account=account is not None or connection.reseller_id is None)


# --- asking ---


def ask(connection: Connection, *, by: User, subjects: Sequence[str] | None = None, account: Account | None = None) -> Pull:
    """Pull now; None for ``subjects`` is everything. With a reseller's key: of one ``account``, else of the reseller as a whole, and,
    where everything is asked for, of each of its accounts in turn.

    Where the reseller's accounts are being pulled, an account that is asked for goes next. Raises Refused, in words.
    """
    if not may_pull(by, connection, account):
        raise Refused("Your role in this account does not do that.")
    own = account if connection.reseller_id else connection.account
    names = _chosen(connection, subjects, account)
    _refuse_closed(connection)
    with transaction.atomic():
        under_way = Pull.objects.select_for_update(of=("self",), no_key=True).filter(connection=connection, ended_at__isnull=True).first()
        wanted = wanted_of(connection, names, _external_id(connection, own), own)
        if under_way is None:
            pull = begin(connection, wanted, by=by)
        elif connection.reseller_id and own:
            pull = under_way
            _put_first(pull, wanted, own)
        else:
            raise Refused(
                f"A pull of “{connection.name}” is under way since {under_way.created_at:%H:%M} UTC. Wait for its end, or cancel it."
            )
        after = {"pull": pull.pk, "connection": connection.pk, "subjects": names}
        audit.record("ingest.pull.asked", connection.name, account=own or connection.account, actor=by, after=after)
    pumping.pump(pull.pk)
    pull.refresh_from_db()
    return pull


def _chosen(connection: Connection, subjects: Sequence[str] | None, account: Account | None) -> list[str]:
    can = [one.name for one in offered(connection, account)]
    names = [name for name in can if subjects is None or name in subjects]
    if can and not names:
        raise Refused("Say what is to be pulled.")
    return names


def _refuse_closed(connection: Connection) -> None:
    if connection.removed_at:
        raise Refused(f"“{connection.name}” was removed.")
    if connection.provider != Connection.Provider.HUNTRESS:
        raise Refused(f"“{connection.name}” is not a connection to Huntress.")
    if not connection.key_kind:
        raise Refused(f"“{connection.name}” has to be tested first: it is not known yet, or not confirmed, whose key it is.")


def _external_id(connection: Connection, account: Account | None) -> str:
    if account is None:
        return ""
    if connection.reseller_id is None:
        return connection.actor_account
    found = ResellerAccount.objects.filter(reseller=connection.reseller_id, account=account).first()
    if found is None:
        raise Refused(f"Nobody has said yet which account at Huntress {account} is. An admin of the reseller does, on the reseller's page.")
    return found.external_id


def begin(
    connection: Connection,
    wanted: Iterable[Wanted],
    *,
    by: User | None = None,
    why: str = Pull.Why.ASKED,
    planned_for: datetime | None = None,
) -> Pull:
    """The rows of a pull. Raises Refused where one is under way or the slot was filled a moment ago."""
    try:
        with transaction.atomic():
            pull = Pull.objects.create(connection=connection, why=why, by=by, planned_for=planned_for)
            append(pull, wanted)
    except IntegrityError as error:
        raise Refused(f"A pull of “{connection.name}” is under way since a moment ago.") from error
    return pull


def append(pull: Pull, wanted: Iterable[Wanted]) -> None:
    """More parts, after those that there are. Within a transaction that holds the pull."""
    first = (PullPart.objects.filter(pull=pull).aggregate(last=Max("number"))["last"] or 0) + 1
    PullPart.objects.bulk_create(
        PullPart(
            pull=pull,
            number=number,
            subject=one.subject,
            account_id=one.account,
            external_id=one.external_id,
            expected_calls=max(1, one.calls),
        )
        for number, one in enumerate(wanted, start=first)
    )


def _put_first(pull: Pull, wanted: Sequence[Wanted], account: Account) -> None:
    """An account in a round that is under way. Only those that are next have parts, so at their end is soon."""
    if PullPart.objects.filter(pull=pull, account=account, state__in=PullPart.OPEN).exists():
        raise Refused(f"{account} is being pulled, or is next.")
    append(pull, wanted)


def wanted_of(connection: Connection, names: Iterable[str], external_id: str, account: Account | None) -> list[Wanted]:
    """The parts for some subjects of one account, or of the reseller, each with about as many calls as it took the last time."""
    number = account.pk if account else None
    last = PullPart.objects.filter(account=number, state=State.WHOLE, subject__in=SUBJECTS)
    if account is None:
        last = last.filter(pull__connection=connection)
    took = {part["subject"]: part["pages"] for part in last.order_by("ended_at").values("subject", "pages")} if account is None else {}
    if account is not None:
        for name in names:
            if part := latest_whole(account, name):
                took[name] = part.pages
    return [Wanted(name, number, external_id, took.get(name) or _guess(name, account)) for name in names]


def _guess(subject: str, account: Account | None) -> int:
    """Calls for what was never pulled, from what is known of the account otherwise."""
    if account is None:
        return 1
    if subject == "live":
        return 1 + Organization.objects.filter(account=account).exclude(huntress_id="").count()
    if subject == "agents":
        newest = AgentLine.objects.filter(source_file__account=account).order_by("-source_file").values("source_file")[:1]
        return 1 + AgentLine.objects.filter(source_file__in=newest).count() // PAGE_SIZE
    return 1


# --- cancelling ---


def cancel(pull: Pull, *, by: User) -> None:
    """Stop a pull: what waits is not asked for, what is being read stops. What had ended stays. Raises Refused."""
    if not may_cancel(pull, by):
        raise Refused("Your role in this account does not do that.")
    with transaction.atomic():
        if not Pull.objects.filter(pk=pull.pk, ended_at__isnull=True).update(cancelled_by=by):
            raise Refused("This pull has ended already.")
        now, said = timezone.now(), f"Cancelled by {by}."
        PullPart.objects.filter(pull=pull, state=State.WAITING).update(state=State.CANCELLED, ended_at=now, said=said)
        running = list(PullPart.objects.filter(pull=pull, state=State.RUNNING).select_related("job"))
        for part in running:
            if part.job is None or not jobs.ask_to_cancel(part.job):
                pull_ends.cancel(part.pk, said)
        audit.record("ingest.pull.cancelled", pull.connection.name, account=_audited(pull), actor=by, after={"pull": pull.pk})
    pumping.pump(pull.pk)


def may_cancel(pull: Pull, by: User) -> bool:
    """Who may ask for all of it, may stop it."""
    return may_pull(by, pull.connection, _only_account(pull))


def _only_account(pull: Pull) -> Account | None:
    """The account that a reseller's pull was asked for alone; None where it goes over more, or over the reseller's own."""
    numbers = set(PullPart.objects.filter(pull=pull).values_list("account", flat=True).distinct().order_by()[:2])
    if len(numbers) != 1 or pull.why != Pull.Why.ASKED:
        return None
    return Account.objects.filter(pk=numbers.pop()).first()


def _audited(pull: Pull) -> Account:
    return _only_account(pull) or pull.connection.account


# --- looking ---


def pulls_of(account: Account, *, whole: bool) -> QuerySet[Pull]:
    """The pulls that brought something of an account, newest first; with ``whole``, all of its reseller's too."""
    its = Q(connection__account=account, connection__reseller__isnull=True)
    if account.reseller_id:
        through = Q(connection__reseller=account.reseller_id)
        mine = Q(Exists(PullPart.objects.filter(pull=OuterRef("pk"), account=account)))
        its |= through if whole else through & mine
    return Pull.objects.filter(its).select_related("connection__reseller", "by", "cancelled_by").order_by("-created_at", "-pk")


def parts_seen(pull: Pull, account: Account, *, whole: bool) -> QuerySet[PullPart]:
    """The parts of a pull that may be shown in an account: its own, and all of them to who sees the reseller as a whole."""
    parts = PullPart.objects.filter(pull=pull).select_related("account", "source_file").defer("source_file__preview")
    return parts if whole or pull.connection.reseller_id is None else parts.filter(account=account)


def latest_whole(account: Account, subject: str) -> PullPart | None:
    """The newest part that read a subject of an account whole."""
    return latest(account, subject, State.WHOLE)


def latest(account: Account, subject: str, *states: str) -> PullPart | None:
    """The newest part of a subject that has ended, however it did, or in one of some states."""
    ended = PullPart.objects.filter(account=account, subject=subject, ended_at__isnull=False)
    return (ended.filter(state__in=states) if states else ended).select_related("pull", "source_file").order_by("-ended_at").first()
