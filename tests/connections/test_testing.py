"""The test of a connection: what the key is, what it may read, and everything that can go wrong while it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Account, AuditEvent, Membership, Role, User
from accounts.services import Refused
from ingest import jobs
from ingest.huntress import Kind, surveyed
from ingest.models import Connection
from ingest.reach_words import USES
from ingest.services import connecting, connection_tests
from ingest.services.connections import client_for
from recon.demo.huntress import ACCOUNT_KEY, RESELLER_KEY, USER_KEY, FakeHuntress, Fault, records
from tests.connections.conftest import Add, Examine

pytestmark = pytest.mark.django_db


def reach(connection: Connection) -> dict[str, bool | None]:
    return {one["name"]: one["is_open"] for one in connection.reach}


def sentence(connection: Connection, name: str) -> str:
    return str(next(one["sentence"] for one in connection.reach if one["name"] == name))


# --- what the key is ---


@pytest.mark.parametrize(("key", "kind", "owner"), [(ACCOUNT_KEY, "account", "Quillmere IT"), (USER_KEY, "user", "Mara Kestle")])
def test_a_key_of_an_account_says_so_and_may_read_all_of_it(
    add: Add, examine: Examine, key: tuple[str, str], kind: str, owner: str
) -> None:
    connection = examine(add(key))
    assert (connection.key_kind, connection.actor, connection.actor_account) == (kind, owner, "5")
    assert (connection.trouble, connection.reseller) == ("", None)
    assert connection.tested_at is not None
    assert reach(connection) == dict.fromkeys(["actor", *(one.name for one in surveyed(Kind(kind)))], True)
    assert owner in sentence(connection, "actor")


def test_a_resellers_key_becomes_the_resellers_connection(add: Add, examine: Examine, ruth: User, account: Account) -> None:
    connection = examine(add(RESELLER_KEY, by=ruth), by=ruth)
    assert (connection.key_kind, connection.reseller, connection.actor_reseller) == ("reseller", account.reseller, "300")
    assert (connection.actor_account, connection.trouble) == ("", "")
    opened = reach(connection)
    assert opened["subscriptions"] is opened["account_agents"] is True
    assert opened["organization_usage"] is None, "there is no invoice yet to ask for"


def test_a_resellers_key_is_refused_to_who_is_admin_of_the_account_alone(add: Add, examine: Examine, ines: User) -> None:
    connection = examine(add(RESELLER_KEY))
    assert (connection.key_kind, connection.reseller) == ("", None)
    assert "Only an admin of Cobbleside Group may use one here" in connection.trouble
    with pytest.raises(Refused), client_for(connection):
        pass


@pytest.mark.parametrize("role", [Role.VIEWER, Role.PREPARER, Role.REVIEWER])
def test_no_lesser_role_in_the_reseller_will_do(add: Add, examine: Examine, ines: User, account: Account, role: Role) -> None:
    Membership.objects.create(user=ines, reseller=account.reseller, role=role)
    assert "Only an admin" in examine(add(RESELLER_KEY)).trouble


def test_a_resellers_key_is_refused_where_there_is_no_reseller(add: Add, examine: Examine, account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(reseller=None)
    assert "Quillmere IT belongs to no reseller here" in examine(add(RESELLER_KEY)).trouble


def test_a_reseller_has_one_connection(add: Add, examine: Examine, ruth: User, sister: Account) -> None:
    first = examine(add(RESELLER_KEY, by=ruth), by=ruth)
    second = examine(add(RESELLER_KEY, by=ruth, to=sister), by=ruth)
    assert first.reseller
    assert (second.reseller, second.key_kind) == (None, "")
    assert second.trouble == "Cobbleside Group has a connection to Huntress already. Replace its key, or remove it first."


def test_a_resellers_connection_takes_no_accounts_key(add: Add, examine: Examine, ruth: User) -> None:
    connection = examine(add(RESELLER_KEY, by=ruth), by=ruth)
    connecting.replace_secret(connection, key=ACCOUNT_KEY[0], secret=ACCOUNT_KEY[1], by=ruth)
    connection = examine(connection, by=ruth)
    assert "the key is only one account's" in connection.trouble
    assert (connection.key_kind, connection.actor_reseller) == ("", "300")


# --- what it may not read ---


def test_one_refused_endpoint_does_not_close_the_others(add: Add, examine: Examine, fake: FakeHuntress) -> None:
    fake.fail(Fault("status", at="agents", times=0, status=403))
    connection = examine(add())
    assert [name for name, is_open in reach(connection).items() if not is_open] == ["agents"]
    assert "refuses the list of agents to this key (403)" in sentence(connection, "agents")
    assert (connection.key_kind, connection.trouble) == ("account", "")


@pytest.mark.parametrize("kind", ["html", "malformed", "cut", "shape"])
def test_what_an_endpoint_spoils_is_said_of_that_endpoint(add: Add, examine: Examine, fake: FakeHuntress, kind: Any) -> None:
    fake.fail(Fault(kind, at="identities", times=0))
    connection = examine(add())
    assert [name for name, is_open in reach(connection).items() if not is_open] == ["identities"]
    assert connection.trouble == ""


def test_an_account_without_organizations_leaves_their_detail_untried(add: Add, examine: Examine, fake: FakeHuntress) -> None:
    for number in (50_001, 50_002):
        fake.delete("organizations", number)
    connection = examine(add())
    assert reach(connection)["organization"] is None
    assert "nothing yet to ask" in sentence(connection, "organization")


def test_every_endpoint_has_words_for_what_it_is_for(add: Add) -> None:
    assert {one.name for kind in Kind for one in surveyed(kind)} | {"actor"} == set(USES)


# --- what goes wrong ---


def test_a_wrong_secret_says_so_and_what_to_do(add: Add, examine: Examine) -> None:
    connection = examine(add((ACCOUNT_KEY[0], "hs_wrong")))
    assert "does not accept this key (401)" in connection.trouble
    assert "credential. Make a new key in the portal" in connection.trouble
    assert (connection.key_kind, reach(connection)) == ("", {"actor": False})


def test_a_key_that_is_revoked_half_way_is_found_out(add: Add, examine: Examine, fake: FakeHuntress) -> None:
    fake.fail(Fault("revoke", at="agents"))
    connection = examine(add())
    assert "it was revoked while it was tested" in connection.trouble
    assert reach(connection)["organizations"] is True
    assert reach(connection)["agents"] is False
    assert "invoices" not in reach(connection), "what follows would only say the same"


def test_a_key_that_worked_and_is_revoked_later_says_so(add: Add, examine: Examine, fake: FakeHuntress) -> None:
    connection = examine(add())
    fake.revoke("account")
    connection = examine(connection)
    assert "was revoked" in connection.trouble
    assert connection.actor_account == "5"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("html", at="actor", times=0), "a web page. Is something between us and Huntress"),
        (Fault("cut", at="actor", times=0), "broke before the answer was whole"),
        (Fault("status", at="actor", times=0, status=500), "its own fault"),
        (Fault("status", at="actor", times=0, status=429, retry_after="0"), "used up"),
        (Fault("redirect", at="actor", times=0, to="https://elsewhere.invalid/v1/actor"), "where the key does not belong"),
        (Fault("shape", at="actor", times=0), "not as its API is described"),
    ],
    ids=["html", "cut", "500", "429", "redirect", "shape"],
)
def test_an_outage_says_nothing_of_the_key(add: Add, examine: Examine, fake: FakeHuntress, fault: Fault, words: str) -> None:
    connection = examine(add())
    fake.fail(fault)
    connection = examine(connection)
    assert words in connection.trouble
    assert "test again later" in connection.trouble
    assert connection.key_kind == "account", "what was known stays"


def test_nobody_at_home_is_said(add: Add, examine: Examine, settings: Any) -> None:
    connection = add()
    settings.RECON_HUNTRESS_URL = "http://127.0.0.1:9/v1/"
    assert "cannot be reached from here" in examine(connection).trouble


def test_a_passing_error_is_tried_again(add: Add, examine: Examine, fake: FakeHuntress) -> None:
    fake.fail(Fault("status", at="agents", times=1, status=503))
    assert reach(examine(add()))["agents"] is True


def test_it_stops_when_a_person_asks(add: Add, examine: Examine, fake: FakeHuntress) -> None:
    def tell(done: int, total: int, doing: str) -> None:
        if done >= 3:
            raise jobs.Cancelled

    connection = add()
    with pytest.raises(jobs.Cancelled):
        examine(connection, tell=tell)
    connection.refresh_from_db()
    assert len(connection.reach) == 3
    assert (connection.tested_at, connection.key_kind) == (None, "")


def test_it_tells_endpoint_by_endpoint_how_far_it_is(add: Add, examine: Examine) -> None:
    told: list[tuple[int, int, str]] = []
    connection = examine(add(), tell=lambda *what: told.append(what))
    assert told[0][2] == "Asking Huntress whose key it is"
    assert "Trying the list of agents" in {doing for _, _, doing in told}
    done = [done for done, _, _ in told]
    assert done == sorted(done)
    assert done[-1] == len(connection.reach)


@pytest.mark.parametrize("meanwhile", ["replaced", "removed"])
def test_a_key_that_is_replaced_meanwhile_is_not_written_over(add: Add, examine: Examine, ines: User, meanwhile: str) -> None:
    connection = add()

    def tell(done: int, total: int, doing: str) -> None:
        now = Connection.objects.get(pk=connection.pk)
        if done == 3 and now.sealed == connection.sealed:
            if meanwhile == "replaced":
                connecting.replace_secret(connection, key="hk_another", secret="hs_another", by=ines)
            else:
                connecting.remove(connection, by=ines)

    with pytest.raises(jobs.JobFailed, match="replaced or removed while it was tested"):
        examine(connection, tell=tell)
    connection.refresh_from_db()
    assert (connection.key_kind, connection.tested_at) == ("", None)


def test_a_secret_that_cannot_be_opened_ends_the_job_in_words(add: Add, examine: Examine, settings: Any) -> None:
    connection = add()
    settings.RECON_SECRETS_KEYS = ["another-one"]
    with pytest.raises(jobs.JobFailed, match="RECON_SECRETS_KEY"):
        examine(connection)


def test_as_a_job_it_ends_done_and_may_be_done_twice(add: Add, ines: User) -> None:
    connection = add()
    job = connecting.start_test(connection, by=ines)
    assert connecting.start_test(connection, by=ines) == job, "one is enough"
    assert jobs.run_now(job).state == "done"
    again = connecting.start_test(connection, by=ines)
    assert again != job
    assert jobs.run_now(again).state == "done"


# --- another Huntress account than before ---


@pytest.fixture
def moved(add: Add, examine: Examine, fake: FakeHuntress, ines: User) -> Callable[[], Connection]:
    """A connection that read account 5, and whose new key belongs to account 9."""

    def moved() -> Connection:
        connection = examine(add())
        fake.desk.estate.account = records.account(9, "Brightfen Support")
        connecting.replace_secret(connection, key=USER_KEY[0], secret=USER_KEY[1], by=ines)
        return examine(connection)

    return moved


def test_a_key_of_another_account_reads_nothing_until_somebody_confirms(moved: Callable[[], Connection], ines: User) -> None:
    connection = moved()
    assert "account 9" in connection.trouble
    assert "account 5 (“Quillmere IT”)" in connection.trouble
    assert (connection.key_kind, connection.actor_account) == ("", "5")
    with pytest.raises(Refused, match="not confirmed"), client_for(connection):
        pass
    asked = connection_tests.to_confirm(connection)
    assert asked
    assert asked.identity == "account 9"
    connection_tests.confirm(connection, "account 9", by=ines)
    connection.refresh_from_db()
    assert (connection.key_kind, connection.actor_account, connection.trouble) == ("user", "9", "")
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.before, event.after["whose"]) == ("ingest.connection.confirmed", {"whose": "account 5"}, "account 9")
    with client_for(connection):
        pass


@pytest.mark.parametrize("identity", ["", "account 5", "reseller 9"])
def test_only_what_was_found_is_confirmed(moved: Callable[[], Connection], ines: User, identity: str) -> None:
    connection = moved()
    with pytest.raises(Refused, match="nothing to confirm"):
        connection_tests.confirm(connection, identity, by=ines)


def test_nothing_is_confirmed_twice(moved: Callable[[], Connection], ines: User) -> None:
    connection = moved()
    connection_tests.confirm(connection, "account 9", by=ines)
    with pytest.raises(Refused, match="nothing to confirm"):
        connection_tests.confirm(connection, "account 9", by=ines)


def test_what_a_removed_connection_read_is_remembered(add: Add, examine: Examine, fake: FakeHuntress, ines: User) -> None:
    connecting.remove(examine(add()), by=ines)
    fake.desk.estate.account = records.account(9, "Brightfen Support")
    assert "account 5" in examine(add()).trouble


def test_an_account_connection_does_not_become_the_resellers_unasked(add: Add, examine: Examine, ruth: User, ines: User) -> None:
    connection = examine(add())
    connecting.replace_secret(connection, key=RESELLER_KEY[0], secret=RESELLER_KEY[1], by=ruth)
    connection = examine(connection, by=ruth)
    assert connection.reseller is None
    assert connection_tests.to_confirm(connection)
    with pytest.raises(Refused, match="Only an admin of Cobbleside Group"):
        connection_tests.confirm(connection, "reseller 300", by=ines)
    connection_tests.confirm(connection, "reseller 300", by=ruth)
    connection.refresh_from_db()
    assert connection.reseller == connection.account.reseller


def test_the_same_account_with_another_kind_of_key_is_the_same(add: Add, examine: Examine, ines: User) -> None:
    connection = examine(add())
    connecting.replace_secret(connection, key=USER_KEY[0], secret=USER_KEY[1], by=ines)
    connection = examine(connection)
    assert (connection.key_kind, connection.trouble) == ("user", "")


def test_what_was_found_out_is_in_the_audit_trail(add: Add, examine: Examine) -> None:
    connection = examine(add())
    events = AuditEvent.objects.filter(action="ingest.connection.recognised")
    assert [(one.subject, one.after) for one in events] == [("Huntress", {"kind": "account", "whose": "account 5"})]
    examine(connection)
    assert events.count() == 1, "nothing new was found"
