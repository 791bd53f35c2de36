"""Signing in as the app, by the real msal over HTTP: secrets, certificates, clouds, and what Microsoft refuses."""

from __future__ import annotations

import logging
import time
import traceback
from datetime import UTC, datetime, timedelta

import pytest

from ingest.graph import CALLS, CLOUDS, App, Certificate, GraphError, Microsoft, Secret, prove, skewed
from ingest.graph import errors as wrong
from recon.demo.microsoft import CLIENT_ID, SECRET, FakeMicrosoft, Fault
from recon.demo.microsoft.estate import Crowd
from tests.graph.conftest import APP, FIRST, QUICK, SECOND, Ask, Open, own_certificate

ORGANIZATION, SKUS = CALLS["organization"], CALLS["skus"]


def refusal(call: object) -> wrong.SignInRefused:
    with pytest.raises(wrong.SignInRefused) as refused:
        call()  # type: ignore[operator]
    return refused.value


# --- who the app is ---------------------------------------------------------------------------------------------------------------


def test_a_secret_opens_a_tenant(ask: Ask, fake: FakeMicrosoft) -> None:
    assert prove(ask()).id == FIRST
    assert [(one.method, one.host) for one in fake.seen] == [
        ("GET", "login.microsoftonline.com"),
        ("POST", "login.microsoftonline.com"),
        ("GET", "graph.microsoft.com"),
    ]
    assert [one.has_token for one in fake.seen] == [False, False, True]


def test_a_certificate_opens_a_tenant_and_the_key_stays_here(
    ask: Ask, fake: FakeMicrosoft, certificates: tuple[Certificate, Certificate]
) -> None:
    fake.login.certificate = certificates[0].public
    assert prove(ask(app=App(CLIENT_ID, certificates[0]))).id == FIRST
    sent = b"".join(one.body for one in fake.seen)
    assert b"client_assertion=" in sent
    assert b"client_secret" not in sent
    assert b"PRIVATE" not in sent


def test_a_bare_thumbprint_does_as_well(ask: Ask, fake: FakeMicrosoft, certificates: tuple[Certificate, Certificate]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA1

    fake.login.certificate = certificates[0].public
    print_ = x509.load_pem_x509_certificate(certificates[0].public.encode()).fingerprint(SHA1()).hex(":").upper()
    assert prove(ask(app=App(CLIENT_ID, Certificate(certificates[0].private_key, thumbprint=print_)))).id == FIRST


def test_another_certificate_than_the_registrations_is_refused_in_words(
    ask: Ask, fake: FakeMicrosoft, certificates: tuple[Certificate, Certificate]
) -> None:
    fake.login.certificate = certificates[1].public
    refused = refusal(lambda: prove(ask(app=App(CLIENT_ID, certificates[0]))))
    assert (refused.code, refused.needs) == ("AADSTS700027", wrong.Needs.CREDENTIAL)
    assert "Upload the public certificate" in str(refused)


def test_a_wrong_clock_is_named(ask: Ask, fake: FakeMicrosoft, certificates: tuple[Certificate, Certificate]) -> None:
    """A secret has no time in it, so that with one only the dates of answers tell."""
    fake.login.certificate, fake.login.ahead = certificates[0].public, 40 * 60
    refused = refusal(lambda: prove(ask(app=App(CLIENT_ID, certificates[0]))))
    assert (refused.code, refused.needs) == ("AADSTS700024", wrong.Needs.CLOCK)
    client = ask()
    assert prove(client).id == FIRST
    assert skewed(client) == "This machine's clock is 40 minutes behind Microsoft's. Set it, best from a time server."


def test_a_right_clock_needs_no_words(ask: Ask) -> None:
    client = ask()
    assert skewed(client) == ""
    prove(client)
    assert skewed(client) == ""


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda one, _: Certificate("no key", one.public), "private key cannot be read"),
        (lambda one, _: Certificate(one.private_key, "no certificate"), "certificate cannot be read"),
        (lambda one, other: Certificate(one.private_key, other.public), "does not belong to this private key"),
        (lambda one, _: Certificate(one.private_key), "Give the public certificate, or its thumbprint"),
        (lambda one, _: Certificate(one.private_key, thumbprint="zz"), "Give the public certificate, or its thumbprint"),
        (lambda *_: Secret(" "), "no secret yet"),
    ],
)
def test_a_credential_that_cannot_work_is_refused_before_anything_is_sent(
    connect: Open, fake: FakeMicrosoft, certificates: tuple[Certificate, Certificate], spoil: object, says: str
) -> None:
    with pytest.raises(wrong.BadCredential, match=says):
        connect(App(CLIENT_ID, spoil(*certificates)))  # type: ignore[operator]
    assert not fake.seen


def test_a_certificate_that_ended_is_said_before_anything_is_sent(certificates: tuple[Certificate, Certificate]) -> None:
    ends = certificates[0].expires
    assert ends
    assert ends - datetime.now(UTC) < timedelta(days=2)
    with pytest.raises(wrong.BadCredential, match=f"The certificate ended on {ends:%Y-%m-%d}"):
        App(CLIENT_ID, certificates[0]).check(ends + timedelta(seconds=1))


def test_an_elliptic_key_is_none_that_microsoft_takes(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = own_certificate(
        tmp_path_factory.mktemp("curve") / "one", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"
    )
    with pytest.raises(wrong.BadCredential, match="takes RSA keys"):
        made.check()


# --- what Microsoft refuses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "needs", "says"),
    [
        (65001, wrong.Needs.CONSENT, "Send the consent link"),
        (65004, wrong.Needs.CONSENT, "was declined"),
        (700016, wrong.Needs.CONSENT, "app is not in this tenant"),
        (7000229, wrong.Needs.CONSENT, "was removed from this tenant"),
        (7000112, wrong.Needs.CUSTOMER, "disabled in this tenant"),
        (7000222, wrong.Needs.CREDENTIAL, "secret has expired"),
        (700027, wrong.Needs.CREDENTIAL, "certificate has expired"),
        (53003, wrong.Needs.CUSTOMER, "Conditional Access"),
        (500011, wrong.Needs.CLOUD, "Choose the cloud"),
        (900382, wrong.Needs.CLOUD, "another of Microsoft's clouds"),
    ],
)
def test_a_code_is_said_in_words(ask: Ask, fake: FakeMicrosoft, code: int, needs: wrong.Needs, says: str) -> None:
    fake.fail(Fault("refuse", at="token", aadsts=code))
    refused = refusal(lambda: prove(ask()))
    assert (refused.code, refused.needs) == (f"AADSTS{code}", needs)
    assert says in str(refused)
    assert fake.calls("token") == 1  # what is refused is not tried again


def test_a_wrong_secret_is_said_in_words(ask: Ask) -> None:
    refused = refusal(lambda: prove(ask(app=App(CLIENT_ID, Secret("wrong")))))
    assert (refused.code, "Copy the secret's Value" in str(refused)) == ("AADSTS7000215", True)


def test_a_code_that_nobody_knows_is_named(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("refuse", at="token", aadsts=7654321))
    refused = refusal(lambda: prove(ask()))
    assert (refused.code, refused.needs) == ("AADSTS7654321", wrong.Needs.UNKNOWN)
    assert str(refused).endswith("gives as the reason: AADSTS7654321.")


def test_an_unknown_tenant_is_said_in_words(ask: Ask) -> None:
    refused = refusal(lambda: prove(ask("99999999-0000-4000-8000-000000000000")))
    assert (refused.code, refused.needs) == ("AADSTS90002", wrong.Needs.TENANT)


@pytest.mark.parametrize("tenant", ["common", "organizations", "quillmere.example", "", "../organization", "not-a-guid"])
def test_only_a_guid_names_a_tenant(ask: Ask, fake: FakeMicrosoft, tenant: str) -> None:
    with pytest.raises(wrong.BadTenant, match="named by its id"):
        ask(tenant)
    assert not fake.seen


def test_msal_repeats_a_refusal_for_a_while_and_a_test_does_not(connect: Open, fake: FakeMicrosoft) -> None:
    """A person who has just mended it should see so at once; a thousand tasks should not ask a thousand times."""
    microsoft = connect()
    fake.fail(Fault("refuse", at="token", aadsts=65001))
    assert refusal(lambda: prove(microsoft.tenant(FIRST))).code == "AADSTS65001"
    assert refusal(lambda: prove(microsoft.tenant(FIRST))).code == "AADSTS65001"
    assert fake.calls("token") == 1
    assert prove(microsoft.tenant(FIRST, is_test=True)).id == FIRST
    assert prove(microsoft.tenant(SECOND)).id == SECOND  # and another tenant is another matter


def test_tenants_do_not_share_tokens_and_calls_of_one_do(connect: Open, fake: FakeMicrosoft) -> None:
    microsoft = connect()
    for tenant in (FIRST, SECOND, FIRST):
        assert prove(microsoft.tenant(tenant)).id == tenant
    assert (fake.calls("token"), fake.calls("openid-configuration")) == (2, 2)


def test_a_token_that_is_taken_back_is_replaced_once(ask: Ask, fake: FakeMicrosoft) -> None:
    client = ask()
    prove(client)
    fake.login.tokens.clear()
    assert prove(client).id == FIRST
    assert fake.calls("token") == 2


def test_consent_revoked_half_way_says_what_to_do(ask: Ask, fake: FakeMicrosoft) -> None:
    client = ask()
    prove(client)
    fake.fail(Fault("revoke", at="subscribedSkus"))
    assert refusal(lambda: client.get(SKUS)).needs is wrong.Needs.CONSENT


# --- trouble ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["token", "openid-configuration"])
@pytest.mark.parametrize("fault", [{"kind": "html"}, {"kind": "malformed"}, {"kind": "cut"}, {"kind": "status", "status": 503}])
def test_trouble_that_passes_is_tried_again(ask: Ask, fake: FakeMicrosoft, at: str, fault: dict[str, object]) -> None:
    fake.fail(Fault(at=at, times=2, **fault))  # type: ignore[arg-type]
    assert prove(ask()).id == FIRST
    assert fake.calls(at) == 3


def test_a_pause_that_the_sign_in_asks_for_is_kept(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("status", at="token", status=429, retry_after="1"))
    started = time.monotonic()
    assert prove(ask()).id == FIRST
    assert 1 <= time.monotonic() - started < 1.8


@pytest.mark.parametrize("at", ["token", "openid-configuration"])
def test_the_secret_follows_no_redirect(ask: Ask, fake: FakeMicrosoft, at: str) -> None:
    with FakeMicrosoft(Crowd()) as other:
        fake.fail(Fault("redirect", at=at, to=f"{other.base}/{FIRST}/oauth2/v2.0/token"))
        with pytest.raises(wrong.RedirectRefused, match="not followed"):
            prove(ask())
        assert not other.seen


def test_the_secret_goes_to_no_other_host_that_discovery_names(connect: Open) -> None:
    """Whoever answers for the sign-in cannot send the secret away."""
    with FakeMicrosoft(Crowd(), login="https://login.evil.example") as evil:
        evil.hosts["login"] = "login.microsoftonline.com"  # it answers to this name, and says that tokens are elsewhere
        with pytest.raises(wrong.RedirectRefused, match="another host, where the app's secret does not belong"):
            prove(connect(through=evil.base).tenant(FIRST))
        assert not any(one.body for one in evil.seen)


def test_nobody_there_is_said_in_words(ask: Ask) -> None:
    with pytest.raises(wrong.CannotReach, match="cannot be reached from here"):
        prove(ask(through="http://127.0.0.1:9"))


@pytest.mark.parametrize("through", ["http://198.51.100.7:8080", "https://127.0.0.1:1", "https://graph.evil.example"])
def test_only_this_machine_may_play_microsoft(connect: Open, through: str) -> None:
    with pytest.raises(wrong.BadAddress):
        connect(through=through)


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=lambda cloud: cloud.code)
def test_each_cloud_has_its_own_two_hosts(connect: Open, cloud: object) -> None:
    crowd = Crowd(users=3)
    with FakeMicrosoft(crowd, login=cloud.login, graph=cloud.graph) as fake:  # type: ignore[attr-defined]
        assert prove(connect(through=fake.base, cloud=cloud).tenant(FIRST)).id == FIRST
        hosts = {f"https://{one.host}" for one in fake.seen}
        assert hosts == {cloud.login, cloud.graph}  # type: ignore[attr-defined]
        assert fake.seen[1].body.count(f"{cloud.graph.removeprefix('https://')}%2F.default".encode()) == 1  # type: ignore[attr-defined]


# --- what stays secret ------------------------------------------------------------------------------------------------------------


def test_no_secret_and_no_token_in_reprs_logs_errors_or_tracebacks(
    connect: Open, fake: FakeMicrosoft, caplog: pytest.LogCaptureFixture, certificates: tuple[Certificate, Certificate]
) -> None:
    caplog.set_level(logging.DEBUG)
    microsoft = connect()
    client = microsoft.tenant(FIRST)
    fake.fail(Fault("malformed", at="token"))  # half a token is a token's half
    said = [repr(one) for one in (microsoft, APP, APP.credential, client, client.get(ORGANIZATION), certificates[0])]
    fake.fail(Fault("status", times=0))
    fake.fail(Fault("refuse", at="token"))
    for broken in (client, microsoft.tenant(SECOND)):
        with pytest.raises(GraphError) as failed:
            broken.get(SKUS)
        said.append("".join(traceback.format_exception(failed.value)))
    text = "\n".join([*said, caplog.text])
    assert fake.login.tokens
    assert not [one for one in (SECRET, *fake.login.tokens) if one in text or one[:24] in text]
    assert "BEGIN PRIVATE" not in text
    assert "again in" in caplog.text


def test_environment_sends_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch, fake: FakeMicrosoft) -> None:
    """A proxy or a bundle of certificates in the environment would be silently obeyed by requests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Microsoft(CLOUDS["global"], APP, through=fake.base, patience=QUICK) as microsoft:
        assert prove(microsoft.tenant(FIRST)).id == FIRST
