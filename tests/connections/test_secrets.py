"""A marked secret goes the whole way: added, tested, refused, replaced, removed. Nothing that anybody can read has it then."""

from __future__ import annotations

import io
import logging
from base64 import b64encode
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils.log import AdminEmailHandler

from accounts import sealing
from accounts.models import Account, User
from ingest import jobs
from ingest.models import Connection, Job
from ingest.services import connecting, connection_tests
from ingest.services.connections import client_for
from recon.demo.huntress import FakeHuntress, Fault
from recon.demo.huntress.keys import WHOSE
from tests.connections.conftest import Add, Examine
from tests.huntress.conftest import QUICK
from tests.recon import making

pytestmark = pytest.mark.django_db
KEY, SECRET = "hk_marmalade_7f31c0de", "hs_periwinkle_5b0a9e77"
MARKS = (KEY, SECRET, b64encode(f"{KEY}:{SECRET}".encode()).decode())


@pytest.fixture
def marked(fake: FakeHuntress, settings: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A key that the fake knows, and that is easy to find again."""
    monkeypatch.setitem(WHOSE, (KEY, SECRET), "account")
    settings.RECON_HUNTRESS_URL = fake.base
    return KEY, SECRET


def dumped() -> str:
    """Every text in every table."""
    found = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found.append(str(cursor.fetchall()))
    return "\n".join(found)


def clean(what: str) -> bool:
    return not any(mark in what for mark in MARKS)


def test_it_is_in_no_table_no_log_and_no_page(
    marked: tuple[str, str], fake: FakeHuntress, ines: User, account: Account, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(connection_tests, "_PATIENCE", QUICK)
    client, pages = making.signed_in(ines), []
    where = reverse("ingest:add_connection", args=[account.slug])
    pages.append(client.post(where, {"name": "", "key": KEY, "secret": SECRET}))
    client.post(where, {"name": "Huntress", "key": KEY, "secret": SECRET})
    connection = Connection.objects.get()
    fake.fail(Fault("status", at="agents", times=3, status=500))
    fake.fail(Fault("status", at="identities", times=0, status=403))
    fake.fail(Fault("revoke", at="invoices"))
    for _ in range(2):
        jobs.run_now(connecting.start_test(connection, by=ines))
        pages.append(client.get(reverse("ingest:connection", args=[account.slug, connection.pk])))
    key_form = reverse("ingest:replace_secret", args=[account.slug, connection.pk])
    pages.append(client.post(key_form, {"key": SECRET, "secret": KEY}))
    client.post(key_form, {"key": KEY, "secret": SECRET})
    names = ("ingest:connections", "ingest:jobs", "recon:audit", "recon:audit_csv", "ingest:files")
    pages.extend(client.get(reverse(name, args=[account.slug])) for name in names)
    assert clean(dumped())
    client.post(reverse("ingest:remove_connection", args=[account.slug, connection.pk]))
    assert fake.seen, "it was really used"
    assert clean(dumped())
    assert clean(caplog.text)
    assert all(clean(str(vars(record))) for record in caplog.records)
    for page in pages:
        body = page.getvalue() if getattr(page, "streaming", False) else page.content
        assert clean(body.decode())
    assert Connection.objects.get().sealed == ""


def test_it_is_in_no_repr(marked: tuple[str, str], add: Add, examine: Examine) -> None:
    connection = examine(add(marked))
    assert clean(repr(connection) + str(connection) + repr(vars(connection)))
    with client_for(connection) as client:
        assert clean(repr(client) + repr(client._credential))


def test_a_peer_that_repeats_it_does_not_get_it_shown(marked: tuple[str, str], add: Add, examine: Examine, fake: FakeHuntress) -> None:
    fake.fail(Fault("status", at="agents", times=0, status=403))
    assert clean(str(examine(add(marked)).reach))


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("where", ["sealing", "saving", "before the view"])
def test_djangos_error_pages_do_not_show_it(
    marked: tuple[str, str],
    ines: User,
    account: Account,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    debug: bool,
    where: str,
    mailoutbox: Any,
) -> None:
    """Those that a developer sees, and those that are mailed."""
    settings.DEBUG, settings.ADMINS = debug, [("Ops", "ops@quillmere.example")]

    def breaks(*given: Any, **named: Any) -> Any:
        raise RuntimeError("the disk is full")

    targets = {
        "sealing": (sealing.MultiFernet, "encrypt"),
        "saving": (Connection.objects, "create"),
        "before the view": (User, "is_authenticated"),
    }
    target, name = targets[where]
    client = Client(raise_request_exception=False)
    client.force_login(ines)
    monkeypatch.setattr(target, name, property(breaks) if where == "before the view" else breaks)
    handler = logging.getLogger("django.request")
    mailer = AdminEmailHandler(include_html=True)
    handler.addHandler(mailer)
    try:
        response = client.post(reverse("ingest:add_connection", args=[account.slug]), {"name": "Huntress", "key": KEY, "secret": SECRET})
    finally:
        handler.removeHandler(mailer)
    assert response.status_code == 500
    assert ("the disk is full" in response.content.decode()) == debug
    assert clean(response.content.decode())
    for mail in mailoutbox:
        assert clean(mail.body + str(mail.alternatives))
    assert mailoutbox


# --- another key of the installation ---


def reseal() -> str:
    said = io.StringIO()
    call_command("reseal", stdout=said)
    return said.getvalue()


def test_after_a_change_of_key_the_secrets_are_encrypted_anew(marked: tuple[str, str], add: Add, examine: Examine, settings: Any) -> None:
    connection = examine(add(marked))
    old, new = settings.RECON_SECRETS_KEYS[0], "a-newer-and-longer-one-0123456789"
    settings.RECON_SECRETS_KEYS = [new, old]
    assert reseal() == "1 secret encrypted with the newest key.\n"
    settings.RECON_SECRETS_KEYS = [new]
    connection.refresh_from_db()
    with client_for(connection):
        pass
    assert reseal() == "1 secret encrypted with the newest key.\n", "safe to run twice"


def test_what_no_key_opens_is_named_and_left_as_it_is(
    marked: tuple[str, str], add: Add, settings: Any, sister: Account, ruth: User
) -> None:
    lost = add(marked)
    settings.RECON_SECRETS_KEYS = ["another-one"]
    kept = connecting.add(sister, name="Huntress", key=KEY, secret=SECRET, by=ruth)
    with pytest.raises(CommandError, match=rf"Huntress of Quillmere IT \(connection {lost.pk}\)"):
        reseal()
    before = lost.sealed
    lost.refresh_from_db()
    assert lost.sealed == before
    assert sealing.unseal(Connection.objects.get(pk=kept.pk).sealed)


def test_removed_ones_have_nothing_to_encrypt(marked: tuple[str, str], add: Add, ines: User) -> None:
    connecting.remove(add(marked), by=ines)
    assert reseal() == "0 secrets encrypted with the newest key.\n"
    assert not Job.objects.exists()
