"""The client against a Huntress that refuses, fails, hangs up, drips and lies. All over HTTP; nothing of the client is replaced."""

from __future__ import annotations

import logging
import shutil
import subprocess
import time
import traceback
from pathlib import Path

import pytest

from ingest.huntress import BASE, ENDPOINTS, Bounds, Client, Credential, Kind, Patience, actor, moment_of, survey, text_of, whole_of
from ingest.huntress import errors as wrong
from recon.demo.huntress import ACCOUNT_KEY, RESELLER_KEY, USER_KEY, FakeHuntress, Fault
from recon.demo.huntress.estate import Crowd
from recon.demo.huntress.story import Story
from tests.huntress.conftest import QUICK, Ask

AGENTS, ORGANIZATION, INVOICES = ENDPOINTS["agents"], ENDPOINTS["organization"], ENDPOINTS["invoices"]


# --- whose key it is, and what it may read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "kind"), [(ACCOUNT_KEY, Kind.ACCOUNT), (USER_KEY, Kind.USER), (RESELLER_KEY, Kind.RESELLER)])
def test_it_says_whose_key_it_is(ask: Ask, key: tuple[str, str], kind: Kind) -> None:
    assert actor(ask(key)).kind is kind


def test_a_wrong_secret_is_said_in_words(ask: Ask) -> None:
    with pytest.raises(wrong.Refused, match=r"does not accept this key \(401\)") as refused:
        actor(ask((ACCOUNT_KEY[0], "hs_wrong")))
    assert refused.value.status == 401


def test_a_refusal_is_not_tried_again(ask: Ask, fake: FakeHuntress) -> None:
    with pytest.raises(wrong.Refused):
        ask((ACCOUNT_KEY[0], "hs_wrong")).get(AGENTS)
    assert len(fake.seen) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_another_kind_of_key_is_refused_in_words(ask: Ask, fake: FakeHuntress, status: int) -> None:
    fake.habits.refusal = status  # type: ignore[assignment]
    with pytest.raises(wrong.Refused, match=rf"refuses the reseller's subscriptions to this key \({status}\). It takes a reseller key"):
        ask().get(ENDPOINTS["subscriptions"])


def test_one_endpoint_that_refuses_does_not_stop_the_others(ask: Ask, fake: FakeHuntress) -> None:
    fake.fail(Fault("status", at="identities", status=403, times=0))
    reached = {reach.endpoint.name: reach for reach in survey(ask(), Kind.ACCOUNT)}
    assert {name for name, reach in reached.items() if reach.is_open} == {"account", "organizations", "organization", "agents", "invoices"}
    assert reached["identities"].sentence.startswith("Huntress refuses the list of identities to this key (403).")


def test_what_cannot_be_tried_is_said_to_be_untried(ask: Ask) -> None:
    reached = {reach.endpoint.name: reach.is_open for reach in survey(ask(RESELLER_KEY), Kind.RESELLER)}
    assert reached["subscriptions"] is True
    assert reached["organization_usage"] is None  # this reseller has no invoice to ask for


# --- the secret stays a secret ----------------------------------------------------------------------------------------------------


def test_no_secret_in_reprs_logs_errors_or_tracebacks(ask: Ask, fake: FakeHuntress, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client, credential = ask(), Credential(*ACCOUNT_KEY)
    fake.fail(Fault("cut", times=1))
    said = [repr(client), repr(credential), str(credential), repr(client.get(AGENTS))]
    fake.fail(Fault("status", times=0))
    with pytest.raises(wrong.Unavailable) as failed:
        client.get(AGENTS)
    said += ["".join(traceback.format_exception(failed.value)), caplog.text]
    hidden = [*ACCOUNT_KEY, credential.header().removeprefix("Basic ")]
    assert not [one for one in hidden if one in "\n".join(said)]
    assert "again in" in caplog.text


def test_a_secret_that_is_repeated_to_us_is_not_repeated() -> None:
    assert Credential("hk_a", "hs_b").hidden_in("bad pair hk_a:hs_b") == "bad pair …:…"


def test_a_redirect_to_another_host_is_refused_and_the_key_stays_here(ask: Ask, fake: FakeHuntress) -> None:
    with FakeHuntress(Crowd(agents=1), limit=0) as other:
        fake.fail(Fault("redirect", to=f"{other.base}agents"))
        with pytest.raises(wrong.RedirectRefused, match=r"sends us on to 127\.0\.0\.1, where the key does not belong"):
            ask().get(AGENTS)
        assert not other.seen


def test_a_redirect_on_the_same_host_is_followed(ask: Ask, fake: FakeHuntress) -> None:
    fake.fail(Fault("redirect", to="/v1/agents?limit=3"))
    assert len(ask().get(ENDPOINTS["organizations"], params={"limit": 1}).data["agents"]) == 3


def test_going_round_in_redirects_ends(ask: Ask, fake: FakeHuntress) -> None:
    fake.fail(Fault("redirect", to="/v1/agents", times=0))
    with pytest.raises(wrong.RedirectRefused, match="on and on"):
        ask().get(AGENTS)
    assert len(fake.seen) == 4


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("http://api.huntress.example/v1/", "begin with https"),
        ("ftp://127.0.0.1/", "look like https"),
        ("https://", "look like https"),
        ("https://hk_a:hs_b@api.huntress.io/v1/", "without a name"),
        ("https://api.huntress.io:99999/v1/", "look like https"),
    ],
)
def test_an_address_that_no_key_may_go_to_is_refused(base: str, says: str) -> None:
    with pytest.raises(wrong.BadAddress, match=says):
        Client(Credential(*ACCOUNT_KEY), base=base)


def test_the_vendors_address_is_the_usual_one() -> None:
    assert repr(Client(Credential(*ACCOUNT_KEY))) == f"Client({BASE})"


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(ask: Ask, tmp_path: Path) -> None:
    certificate = own_certificate(tmp_path)
    with FakeHuntress(Crowd(agents=3), limit=0, certificate=certificate) as secure:
        with pytest.raises(wrong.NotTrusted, match="not one to trust, so nothing was sent"):
            ask(base=secure.base).get(AGENTS)
        assert not secure.seen
        with Client(Credential(*ACCOUNT_KEY), base=secure.base, trusted=certificate[0]) as client:
            assert len(client.get(AGENTS).records()) == 3


def own_certificate(folder: Path) -> tuple[str, str]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine to make a certificate with")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-keyout", str(key), "-out", str(certificate), *named]
    subprocess.run(command, check=True, capture_output=True)
    return str(certificate), str(key)


# --- trouble ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cut", "malformed", "html"])
def test_a_spoiled_answer_is_asked_for_again(ask: Ask, fake: FakeHuntress, kind: str) -> None:
    fake.fail(Fault(kind, times=2))  # type: ignore[arg-type]
    answer = ask().get(AGENTS)
    assert (len(answer.records()), answer.tries) == (10, 3)


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (Fault("cut", times=0), wrong.CutOff, "broke before the answer was whole"),
        (Fault("malformed", times=0), wrong.NotJson, "no JSON that can be read"),
        (Fault("html", times=0), wrong.NotJson, "answered a web page. Is something between us"),
        (Fault("status", times=0, status=500), wrong.Unavailable, r"list of agents \(500\): its own fault. It says: Something is amiss"),
        (Fault("status", times=0, status=429), wrong.TooMany, "calls of this minute are used up"),
    ],
)
def test_trouble_that_stays_ends_in_a_sentence(ask: Ask, fake: FakeHuntress, fault: Fault, error: type[Exception], says: str) -> None:
    fake.fail(fault)
    with pytest.raises(error, match=says) as failed:
        ask().get(AGENTS)
    assert isinstance(failed.value, wrong.HuntressError)
    assert failed.value.endpoint == "agents"
    assert len(fake.seen) == QUICK.tries


@pytest.mark.parametrize("style", ["message", "error", "errors"])
def test_the_words_of_an_error_are_found_in_each_of_its_shapes(ask: Ask, fake: FakeHuntress, style: str) -> None:
    fake.habits.body = style  # type: ignore[assignment]
    with pytest.raises(wrong.BadRequest, match="It says: limit does not have a valid value"):
        ask().get(AGENTS, params={"limit": 501})


def test_another_shape_is_said_and_kept(ask: Ask, fake: FakeHuntress) -> None:
    fake.fail(Fault("shape", times=0))
    with pytest.raises(wrong.WrongShape, match="should be an object and is") as failed:
        ask().get(AGENTS)
    assert failed.value.body == b'["not", "an", "object"]'
    assert len(fake.seen) == 1  # asking again would bring the same


def test_a_peer_that_drips_bytes_ends(ask: Ask, fake: FakeHuntress) -> None:
    """Each byte comes well within the time between two bytes: only the time of the whole answer ends it."""
    for kind in ("drip", "drip_headers"):
        fake.fail(Fault(kind, times=1, seconds=0.05))
        started = time.monotonic()
        with pytest.raises(wrong.TooSlow, match=r"had not answered in full after 0\.4 seconds"):
            ask(patience=Patience(tries=1), bounds=Bounds(read=1, answer=0.4)).get(AGENTS)
        assert time.monotonic() - started < 1


def test_a_peer_that_falls_silent_ends(ask: Ask, fake: FakeHuntress) -> None:
    fake.fail(Fault("silence", times=1, seconds=1))
    with pytest.raises(wrong.TooSlow, match=r"fell silent for 0\.2 seconds"):
        ask(patience=Patience(tries=1), bounds=Bounds(read=0.2, answer=5)).get(AGENTS)


def test_an_answer_may_not_be_of_any_size(ask: Ask, fake: FakeHuntress) -> None:
    fake.fail(Fault("huge"))
    with pytest.raises(wrong.TooBig, match="more than 1 MiB"):
        ask(bounds=Bounds(most_bytes=1 << 20)).get(AGENTS)


def test_nobody_there_is_said_in_words(ask: Ask) -> None:
    with pytest.raises(wrong.CannotReach, match="cannot be reached from here"):
        ask(base="http://127.0.0.1:9/v1/").get(AGENTS)


def test_the_whole_of_all_tries_has_an_end(ask: Ask, fake: FakeHuntress) -> None:
    """An hour that is asked for is more than there is patience for, so it is not begun."""
    fake.fail(Fault("status", status=429, retry_after="3600", times=0))
    started = time.monotonic()
    with pytest.raises(wrong.TooMany):
        ask().get(AGENTS)
    assert time.monotonic() - started < 1
    assert len(fake.seen) == 1


def test_it_waits_as_long_as_it_is_asked_to(ask: Ask, fake: FakeHuntress) -> None:
    fake.fail(Fault("status", status=503, retry_after="1"))
    started = time.monotonic()
    assert ask().get(AGENTS).tries == 2
    assert 1 <= time.monotonic() - started < 1.6


def test_a_person_can_end_a_wait(ask: Ask, fake: FakeHuntress) -> None:
    class Enough(Exception):
        pass

    until = time.monotonic() + 0.4

    def enough() -> None:
        if time.monotonic() > until:
            raise Enough

    fake.fail(Fault("status", status=429, retry_after="8", times=0))
    started = time.monotonic()
    with pytest.raises(Enough):
        ask(while_waiting=enough).get(AGENTS)
    assert time.monotonic() - started < 1.2


# --- what an answer holds ---------------------------------------------------------------------------------------------------------


def test_the_bytes_are_kept_as_they_came_beside_what_they_say(ask: Ask) -> None:
    answer = ask().get(AGENTS, params={"limit": 2})
    assert answer.body.startswith(b'{"agents": [{"id": 1')
    assert answer.address == "/v1/agents?limit=2"
    assert answer.records()[0]["defender_status"] == "Protected"  # a field that nobody here knows
    assert answer.asked_at.tzinfo is not None


@pytest.mark.parametrize(("there", "calls"), [("invoices", ["invoices"] * 2), ("billing_reports", ["invoices", *["billing_reports"] * 2])])
def test_invoices_are_found_on_either_path(ask: Ask, there: str, calls: list[str]) -> None:
    with FakeHuntress(Story(), limit=0) as fake:
        fake.habits.invoices = there  # type: ignore[assignment]
        client = ask(base=fake.base)
        assert [len(client.get(INVOICES, params={"has_usage": True}).records()) for _ in range(2)] == [6, 6]
        assert [target.partition("?")[0].rpartition("/")[2] for target in fake.seen] == calls


def test_what_is_nowhere_is_missing_or_not_permitted(ask: Ask) -> None:
    with pytest.raises(wrong.NotThere, match="has not, or does not show this key, the counts of one Organization"):
        ask().get(ORGANIZATION, {"id": 1})


def test_an_id_cannot_lead_to_another_path(ask: Ask, fake: FakeHuntress) -> None:
    with pytest.raises(wrong.NotThere):
        ask().get(ORGANIZATION, {"id": "../agents?limit=1#"})
    assert fake.seen[0] == "/v1/organizations/..%2Fagents%3Flimit%3D1%23"


def test_a_product_that_is_not_active_is_absent(ask: Ask) -> None:
    with FakeHuntress(Story(), limit=0) as fake:
        client = ask(base=fake.base)
        lock, mutual = (client.get(ORGANIZATION, {"id": number}).record() for number in (41001, 41063))
        assert set(lock["actual_usages"]) == {"edr"}
        assert set(mutual["actual_usages"]) == {"edr", "itdr", "ispm", "sat", "siem"}
        assert text_of(lock, "microsoft_365_tenant_id") == ""
        assert whole_of(lock, "microsoft_365_users_count") is None


def test_both_forms_of_time_are_read(ask: Ask) -> None:
    with FakeHuntress(Story(), limit=0) as fake:
        client = ask(RESELLER_KEY, base=fake.base)
        times = [
            moment_of(client.get(ENDPOINTS[name], {"id": 70_000}).records()[0], "period_end")
            for name in ("account_usage", "organization_usage")
        ]
        assert times[0] == times[1] is not None
