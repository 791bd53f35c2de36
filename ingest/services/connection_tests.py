"""The test of a connection, as a worker does it: whose the key is, whether it may serve here, and what it may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.models import Reseller, User
from accounts.services import Refused
from ingest import jobs
from ingest.huntress import Actor, HuntressError, Kind, Patience, Reach, actor, survey, surveyed
from ingest.huntress.errors import LimiterLost
from ingest.huntress.errors import Refused as KeyRefused
from ingest.models import Connection, Job
from ingest.services.connecting import TEST
from ingest.services.connections import is_admin_of_reseller, require_admin, untested_client, window_named, window_of

#: A person waits for it: what does not answer in good time is said to be closed, and can be tested again.
_PATIENCE: Final = Patience(tries=3, total=90, first=1.0, longest=20.0)
WHOSE: Final = "actor"
_WHAT_TO_DO: Final = "Make a new key in the portal and replace this one; the secret is shown there only once, when the key is made."
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Found:
    """Whose a key is. ``name`` is what Huntress calls them; the ids are Huntress', "" where there is none."""

    kind: str
    name: str
    account: str
    reseller: str

    @classmethod
    def of(cls, whose: Actor) -> Found:
        return cls(whose.kind.value, whose.name[:200], whose.account[:64], whose.reseller[:64])

    @property
    def identity(self) -> str:
        """Whose data the key brings: ``account 5`` or ``reseller 300``."""
        return f"reseller {self.reseller}" if self.kind == Kind.RESELLER else f"account {self.account}"

    @property
    def words(self) -> str:
        article = "An" if self.kind == Kind.ACCOUNT else "A"
        named = f" of {self.name}" if self.name else ""
        return f"{article} {self.kind} key{named} (Huntress {self.identity})."


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a key may serve here; where not, why, and whether a person's word would do."""

    trouble: str = ""
    may_confirm: bool = False


@jobs.handles(TEST)
def run_test(connection_id: int, progress: jobs.Progress) -> None:
    by = Job.objects.select_related("by").get(pk=progress.job_id).by
    examine(connection_id, by=by, tell=progress)


def examine(connection_id: int, *, by: User | None, tell: Tell, patience: Patience = _PATIENCE) -> None:
    """Find out about a key, endpoint by endpoint, and write down what was found as it comes. Raises JobFailed where it cannot be tried."""
    connection = Connection.objects.select_related("account__reseller", "reseller").filter(pk=connection_id).first()
    if connection is None:
        raise jobs.JobFailed("There is no such connection any more.")
    try:
        _Test(connection, by, tell, patience).run()
    except (Refused, LimiterLost) as error:
        raise jobs.JobFailed(str(error)) from None


class _Test:
    def __init__(self, connection: Connection, by: User | None, tell: Tell, patience: Patience) -> None:
        self._connection, self._by, self._tell, self._patience = connection, by, tell, patience
        self._done, self._total, self._doing = 0, 1, "Asking Huntress whose key it is"
        self._reach: list[dict[str, Any]] = []

    def run(self) -> None:
        """Two clients, because only the first answer says which window of calls the others belong to."""
        self._keep()
        try:
            with self._client(window_of(self._connection)) as client:
                found = Found.of(actor(client))
        except LimiterLost:
            raise
        except HuntressError as error:
            self._end_without(error)
            return
        verdict = judge(self._connection, found, by=self._by)
        self._reach = [_entry_of(found)]
        self._total = 1 + len(surveyed(Kind(found.kind)))
        self._go_on("")
        trouble = self._survey(found) or verdict.trouble
        self._accept(found, verdict, trouble)

    def _survey(self, found: Found) -> str:
        """Try every endpoint. Returns why the key works no more, if it was revoked meanwhile."""
        window = window_named(self._connection, account=found.account, reseller=found.reseller)
        labels = [one.label for one in surveyed(Kind(found.kind))]
        with self._client(window) as client:
            self._doing = f"Trying {labels[0]}"
            for number, reach in enumerate(survey(client, Kind(found.kind)), start=1):
                self._reach.append(_entry(reach))
                self._go_on(f"Trying {labels[number]}" if number < len(labels) else "")
                if reach.is_refused:
                    try:
                        actor(client)
                    except KeyRefused:
                        return f"Huntress took this key at first, and no longer: it was revoked while it was tested. {_WHAT_TO_DO}"
                    except LimiterLost:
                        raise
                    except HuntressError:
                        continue  # the endpoints' own answers say more
        return ""

    def _client(self, window: str) -> Any:
        return untested_client(self._connection, window, while_waiting=self._look_up, patience=self._patience)

    def _look_up(self) -> None:
        self._tell(self._done, self._total + 1, self._doing)

    def _go_on(self, doing: str) -> None:
        self._done, self._doing = len(self._reach), doing
        self._keep()
        self._look_up()

    def _keep(self) -> None:
        """What is known so far, for who looks. Raises Refused where the key is no longer the one that is tested."""
        self._save(reach=self._reach)

    def _save(self, **fields: Any) -> None:
        rows = Connection.objects.filter(pk=self._connection.pk, sealed=self._connection.sealed, removed_at__isnull=True)
        if not rows.update(**fields):
            raise Refused("The key was replaced or removed while it was tested.")

    def _end_without(self, error: HuntressError) -> None:
        """Nobody said whose key it is. What was known of it stays, for an outage says nothing of the key."""
        what_now = _WHAT_TO_DO if isinstance(error, KeyRefused) else "Nothing was found out about the key: test again later."
        trouble = f"{_ended(str(error))} {what_now}"
        entry = {"name": WHOSE, "label": "who the key belongs to", "is_open": False, "sentence": _ended(str(error))}
        self._save(reach=[entry], trouble=trouble[:1000], tested_at=timezone.now())

    def _accept(self, found: Found, verdict: Verdict, trouble: str) -> None:
        fields: dict[str, Any] = {"reach": self._reach, "trouble": trouble[:1000], "tested_at": timezone.now()}
        if verdict.trouble:
            self._reach[0]["may_confirm"] = verdict.may_confirm
            self._save(**fields, key_kind="")
            return
        try:
            with transaction.atomic():
                self._save(**fields, **_becomes(self._connection, found))
                _record_if_new(self._connection, found, self._by)
        except IntegrityError:  # another connection became the reseller's a moment earlier
            self._save(**fields | {"trouble": _second_of_reseller(self._connection.account.reseller)}, key_kind="")


def judge(connection: Connection, found: Found, *, by: User | None, is_confirmed: bool = False) -> Verdict:
    """Whether a key may serve here. A reseller's opens all its accounts, so it takes a reseller here, and an admin of it."""
    account, reseller = connection.account, connection.account.reseller
    if found.kind == Kind.RESELLER:
        if reseller is None:
            return Verdict(
                f"This is a reseller key, and {account} belongs to no reseller here. Use a key of the account, or add this one in an "
                "account that belongs to the reseller."
            )
        if by is None or not by.is_active or not is_admin_of_reseller(by, reseller.pk):
            return Verdict(f"This is a reseller key: it opens every account of {reseller}. Only an admin of {reseller} may use one here.")
        if _live(connection).filter(reseller=reseller).exists():
            return Verdict(_second_of_reseller(reseller))
    elif connection.reseller_id:
        return Verdict(
            f"This connection serves every account of {connection.reseller}, and the key is only one account's. Use a reseller key."
        )
    elif not found.account:
        return Verdict("Huntress does not say to which of its accounts this key belongs, so nobody could say whose data it brings.")
    known = _known(connection, found)
    if known and known.identity != found.identity and not is_confirmed:
        return Verdict(
            f"This key belongs to another one at Huntress: {_named(found)}. What was read here so far is that of {_named(known)}. "
            "Nothing is read with it until an admin has confirmed that this is meant.",
            may_confirm=True,
        )
    return Verdict()


@transaction.atomic
def confirm(connection: Connection, identity: str, *, by: User) -> None:
    """Say that a key of another Huntress account than before is meant. Raises Refused where the last test found another one than that."""
    row = Connection.objects.select_for_update(of=("self",)).select_related("account__reseller", "reseller").get(pk=connection.pk)
    require_admin(by, row)
    asked = to_confirm(row)
    if asked is None or asked.identity != identity:
        raise Refused("There is nothing to confirm any more: the key was tested again, replaced or removed.")
    verdict = judge(row, asked, by=by, is_confirmed=True)
    if verdict.trouble:
        raise Refused(verdict.trouble)
    try:
        with transaction.atomic():
            Connection.objects.filter(pk=row.pk).update(trouble="", **_becomes(row, asked))
    except IntegrityError:
        raise Refused(_second_of_reseller(row.account.reseller)) from None
    before = {"whose": _identity_of(row)} if _identity_of(row) else None
    audit.record("ingest.connection.confirmed", row.name, account=row.account, actor=by, before=before, after=_told(asked))


def to_confirm(connection: Connection) -> Found | None:
    """Whose the key is, where a person has to say that it is meant."""
    first = connection.reach[0] if connection.reach else {}
    if connection.removed_at or connection.key_kind or not first.get("may_confirm"):
        return None
    return Found(**{name: str(first.get(name, "")) for name in ("kind", "account", "reseller")}, name=str(first.get("owner", "")))


def _live(connection: Connection) -> Any:
    return Connection.objects.filter(provider=connection.provider, removed_at__isnull=True).exclude(pk=connection.pk)


def _known(connection: Connection, found: Found) -> Found | None:
    """Whose data were read here before: with this connection, else with one that was removed since."""
    if _identity_of(connection):
        return _found_of(connection)
    same = Connection.objects.filter(provider=connection.provider, is_demo=connection.is_demo, removed_at__isnull=False)
    if found.kind == Kind.RESELLER:
        before = same.filter(reseller=connection.account.reseller_id, reseller__isnull=False).exclude(actor_reseller="")
    else:
        before = same.filter(account=connection.account, reseller__isnull=True).exclude(actor_account="")
    last = before.order_by(F("removed_at").desc(), "-pk").first()
    return _found_of(last) if last else None


def _found_of(connection: Connection) -> Found:
    kind = Kind.ACCOUNT if connection.actor_account else Kind.RESELLER
    return Found(kind.value, connection.actor, connection.actor_account, connection.actor_reseller)


def _identity_of(connection: Connection) -> str:
    return _found_of(connection).identity if connection.actor_account or connection.actor_reseller else ""


def _named(found: Found) -> str:
    return f"{found.identity}{f' (“{found.name}”)' if found.name else ''}"


def _becomes(connection: Connection, found: Found) -> dict[str, Any]:
    reseller = connection.account.reseller_id if found.kind == Kind.RESELLER else None
    return {
        "key_kind": found.kind, "actor": found.name, "actor_account": found.account, "actor_reseller": found.reseller,
        "reseller_id": reseller,
    }  # fmt: skip


def _record_if_new(connection: Connection, found: Found, by: User | None) -> None:
    before = {"kind": connection.key_kind, "whose": _identity_of(connection)}
    after = _told(found)
    if before != after:
        shown = before if before["kind"] else None
        audit.record("ingest.connection.recognised", connection.name, account=connection.account, actor=by, before=shown, after=after)


def _told(found: Found) -> dict[str, Any]:
    return {"kind": found.kind, "whose": found.identity}


def _second_of_reseller(reseller: Reseller | None) -> str:
    return f"{reseller} has a connection to Huntress already. Replace its key, or remove it first."


def _entry(reach: Reach) -> dict[str, Any]:
    return {"name": reach.endpoint.name, "label": reach.endpoint.label, "is_open": reach.is_open, "sentence": _ended(reach.sentence)}


def _ended(text: str) -> str:
    """What others say seldom ends as a sentence does."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _entry_of(found: Found) -> dict[str, Any]:
    whose: Mapping[str, Any] = {"kind": found.kind, "owner": found.name, "account": found.account, "reseller": found.reseller}
    return {"name": WHOSE, "label": "who the key belongs to", "is_open": True, "sentence": found.words, **whose}
