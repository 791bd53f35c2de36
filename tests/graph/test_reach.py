"""Whose tenant it is, what may be read there, and what comes back from a consent."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from urllib3 import PoolManager

from ingest.graph import CALLS, CLOUDS, GLOBAL, NEEDED, consent_link, prove, returned, survey, tenant_id
from ingest.graph import errors as wrong
from recon.demo.microsoft import CLIENT_ID, FakeMicrosoft, Fault
from recon.demo.microsoft.story import Story, tenant_of
from tests.graph.conftest import FIRST, SECOND, Ask, Open

BACK = "https://recon.quillmere.example/microsoft/consent/"


def open_in_browser(link: str) -> tuple[str, dict[str, str]]:
    """Where a browser ends, without going there, and the page that it shows on the way."""
    reply = PoolManager().request("GET", link, redirect=False)
    return reply.headers.get("Location", ""), {"page": reply.data.decode()}


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


# --- proof ------------------------------------------------------------------------------------------------------------------------


def test_a_tenant_says_who_it_is(ask: Ask) -> None:
    with FakeMicrosoft(Story()) as fake:
        tenant = prove(ask(tenant_of(41063).upper(), through=fake.base))
    assert (tenant.id, tenant.name, tenant.country) == (tenant_of(41063), "Gillbeck Mutual", "GB")
    assert tenant.domains == ("gillbeckmutual.example", "gillbeckmutual.onmicrosoft.example")


def test_a_token_for_another_tenant_is_refused(ask: Ask, fake: FakeMicrosoft) -> None:
    """Whatever confuses the two, the tenant's own answer decides."""
    client = ask()
    client.get(CALLS["skus"])
    fake.login.tokens.update(dict.fromkeys(fake.login.tokens, SECOND))
    with pytest.raises(wrong.WrongTenant, match=rf"another tenant: Customer 2 Ltd \({SECOND}\), and {FIRST} was asked for"):
        prove(client)


def test_an_organization_that_may_not_be_read_proves_nothing(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.withhold(FIRST, "Organization.Read.All")
    with pytest.raises(wrong.Refused, match=r"Organization\.Read\.All"):
        prove(ask())


# --- survey -----------------------------------------------------------------------------------------------------------------------


def test_a_full_consent_opens_everything_with_one_small_call_each(ask: Ask, fake: FakeMicrosoft) -> None:
    assert [reach.is_open for reach in survey(ask())] == [True] * 7
    assert len(fake.seen) == 9  # discovery and a token besides
    assert sum("$top=1&" in seen.target or seen.target.endswith("$top=1") for seen in fake.seen) == 3


@pytest.mark.parametrize(
    ("permission", "closed"),
    [
        ("MailboxSettings.Read", {"mailboxes"}),
        ("AuditLog.Read.All", {"activity"}),
        ("Organization.Read.All", {"organization", "skus", "trials"}),
    ],
)
def test_one_permission_that_is_missing_closes_what_it_opens_and_nothing_else(
    ask: Ask, fake: FakeMicrosoft, permission: str, closed: set[str]
) -> None:
    fake.withhold(FIRST, permission)
    reached = {reach.call.name: reach for reach in survey(ask())}
    assert {name for name, reach in reached.items() if reach.is_open is False} == closed
    assert all(permission in reached[name].sentence for name in closed)
    assert {name for name, reach in reached.items() if reach.is_needed} == {"organization", "skus", "licensed_users"}


def test_minimal_consent_is_enough_for_what_is_needed(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.withhold(FIRST, "MailboxSettings.Read", "AuditLog.Read.All")
    assert all(reach.is_open for reach in survey(ask()) if reach.is_needed)
    assert {CALLS[name].permission for name in ("organization", "skus", "licensed_users")} == set(NEEDED)


def test_without_users_mailboxes_are_not_tried(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.withhold(FIRST, "User.Read.All")
    reached = {reach.call.name: reach for reach in survey(ask())}
    assert reached["mailboxes"].is_open is None
    assert reached["licensed_users"].is_open is False


def test_a_mailbox_that_is_not_there_is_an_answer(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("status", at="userPurpose", status=404, code="MailboxNotEnabledForRESTAPI"))
    assert list(survey(ask()))[-1].is_open is True


def test_no_consent_ends_the_survey_in_a_sentence(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.revoke(FIRST)
    with pytest.raises(wrong.SignInRefused, match="Send the consent link"):
        list(survey(ask()))


# --- consent ----------------------------------------------------------------------------------------------------------------------


def test_the_link_is_the_one_that_microsoft_describes() -> None:
    link = consent_link(GLOBAL, CLIENT_ID, BACK, "signed/state+=")
    assert link.startswith("https://login.microsoftonline.com/organizations/v2.0/adminconsent?")
    assert query_of(link) == {
        "client_id": CLIENT_ID,
        "scope": "https://graph.microsoft.com/.default",
        "redirect_uri": BACK,
        "state": "signed/state+=",
    }
    assert consent_link(CLOUDS["us_dod"], CLIENT_ID, BACK, "s", tenant=FIRST).startswith(
        f"https://login.microsoftonline.us/{FIRST}/v2.0/adminconsent?client_id={CLIENT_ID}&scope=https%3A%2F%2Fdod-graph.microsoft.us%2F.default"
    )


def test_a_round_trip_opens_a_tenant(connect: Open) -> None:
    stranger = tenant_of(41159)
    with FakeMicrosoft(Story()) as fake:
        microsoft = connect(through=fake.base)
        with pytest.raises(wrong.SignInRefused):
            prove(microsoft.tenant(stranger))
        link = consent_link(microsoft.cloud, CLIENT_ID, BACK, "state", login=microsoft.login)
        where, shown = open_in_browser(link)
        assert not where
        assert shown["page"].index("Total Care Dental") < shown["page"].index("Gillbeck Mutual")  # who has not consented comes first
        where, _ = open_in_browser(f"{link}&as={stranger}")
        assert where.startswith(f"{BACK}?admin_consent=True&tenant={stranger}&")
        back = returned(query_of(where))
        assert (back.is_granted, back.tenant, back.state, back.sentence) == (True, stranger, "state", "")
        assert prove(microsoft.tenant(back.tenant, is_test=True)).name == "Total Care Dental"


def test_a_link_for_one_tenant_asks_nothing(connect: Open) -> None:
    with FakeMicrosoft(Story()) as fake:
        microsoft = connect(through=fake.base)
        link = consent_link(microsoft.cloud, CLIENT_ID, BACK, "state", tenant=tenant_of(41159), login=microsoft.login)
        assert query_of(open_in_browser(link)[0])["tenant"] == tenant_of(41159)


def test_a_consent_that_is_declined_says_so(connect: Open) -> None:
    with FakeMicrosoft(Story()) as fake:
        link = consent_link(GLOBAL, CLIENT_ID, BACK, "state", tenant=tenant_of(41159), login=fake.base)
        fake.login.decline = True
        back = returned(query_of(open_in_browser(link)[0]))
        assert (back.is_granted, back.state) == (False, "state")
        assert "declined" in back.sentence
        assert tenant_of(41159) not in fake.desk.consented


def test_a_callback_that_lies_about_the_tenant_is_found_out(connect: Open) -> None:
    """The callback names a tenant that never consented: no token, no connection."""
    honest, named = tenant_of(41159), tenant_of(41177)
    with FakeMicrosoft(Story()) as fake:
        fake.login.lie = named
        where, _ = open_in_browser(consent_link(GLOBAL, CLIENT_ID, BACK, "state", tenant=honest, login=fake.base))
        back = returned(query_of(where))
        assert (back.is_granted, back.tenant) == (True, named)
        with pytest.raises(wrong.SignInRefused):
            prove(connect(through=fake.base).tenant(back.tenant))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({}, "did not say that consent was given"),
        ({"admin_consent": "True"}, "or not in which tenant"),
        ({"admin_consent": "True", "tenant": "evil.example"}, "or not in which tenant"),
        ({"admin_consent": "False", "tenant": FIRST}, "did not say that consent was given"),
        ({"error": "access_denied"}, "was declined"),
        ({"error": "invalid_client", "error_description": "AADSTS700016: …"}, "app is not in this tenant"),
        ({"error": "<script>", "error_description": "x"}, "the reason: no code"),
    ],
)
def test_what_is_no_consent_is_said_in_words(query: dict[str, str], says: str) -> None:
    back = returned(query)
    assert not back.is_granted
    assert says in back.sentence
    assert "<" not in back.sentence


@pytest.mark.parametrize(
    ("text", "found"),
    [(FIRST.upper(), FIRST), (f" {{{FIRST}}} ", FIRST), (FIRST[:-1], ""), (f"{FIRST}x", ""), ("common", ""), (f"{FIRST}\n{SECOND}", "")],
)
def test_ids_of_tenants_are_compared_in_one_form(text: str, found: str) -> None:
    assert tenant_id(text) == found
