"""Signing in through allauth: what lets one in, what does not, and what it gives away."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User

pytestmark = pytest.mark.django_db

EMAIL, PASSWORD = "mara@quillmere.example", "seven-quiet-herons"


@pytest.fixture
def mara() -> User:
    return User.objects.create_user(EMAIL, PASSWORD, name="Mara Kestle")


def sign_in(client: Client, email: str = EMAIL, password: str = PASSWORD, **fields: str) -> Any:
    return client.post(reverse("account_login"), {"login": email, "password": password} | fields)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def ask_for_a_link(client: Client, email: str) -> Any:
    return client.post(reverse("account_reset_password"), {"email": email})


def without_token(response: HttpResponse) -> str:
    return re.sub(r"\w{64}", "", response.content.decode())


class TestSigningIn:
    @pytest.mark.parametrize("email", [EMAIL, "Mara@Quillmere.EXAMPLE", f"  {EMAIL} "])
    def test_it_works_by_address_and_password(self, client: Client, mara: User, email: str) -> None:
        response = sign_in(client, email)
        assert (response.status_code, response.headers["Location"]) == (302, "/")
        assert is_signed_in(client)

    @pytest.mark.parametrize("password", ["", "seven-quiet-heron", "Seven-quiet-herons", f"{PASSWORD} "])
    def test_a_wrong_password_is_refused_in_words(self, client: Client, mara: User, password: str) -> None:
        response = sign_in(client, password=password)
        assert response.status_code == 200
        assert "not correct" in response.content.decode() or not password
        assert not is_signed_in(client)

    def test_an_unknown_address_gets_the_same_answer_as_a_wrong_password(self, client: Client, mara: User) -> None:
        wrong, unknown = sign_in(client, password="no"), sign_in(client, email="nora@quillmere.example", password="no")
        assert without_token(wrong).replace(EMAIL, "") == without_token(unknown).replace("nora@quillmere.example", "")

    def test_five_wrong_passwords_lock_out_the_right_one_too(self, client: Client, mara: User) -> None:
        for _ in range(5):
            assert "not correct" in sign_in(client, password="wrong-again").content.decode()
        response = sign_in(client)
        assert "Too many failed login attempts" in response.content.decode() or response.status_code == 429
        assert not is_signed_in(client)

    def test_one_person_locked_out_leaves_others_alone(self, client: Client, mara: User) -> None:
        User.objects.create_user("jonah@quillmere.example", PASSWORD)
        for _ in range(6):
            sign_in(client, password="wrong-again")
        sign_in(client, "jonah@quillmere.example")
        assert is_signed_in(client)

    def test_too_many_tries_from_one_place_are_429_in_words(self, client: Client, mara: User) -> None:
        answers = [sign_in(client, email=f"nobody{n}@quillmere.example", password="no") for n in range(31)]
        assert answers[-1].status_code == 429
        assert "Too many tries" in answers[-1].content.decode()

    def test_who_was_switched_off_cannot(self, client: Client, mara: User) -> None:
        User.objects.filter(pk=mara.pk).update(is_active=False)
        sign_in(client)
        assert not is_signed_in(client)

    def test_who_is_switched_off_while_signed_in_is_out(self, client: Client, mara: User) -> None:
        sign_in(client)
        User.objects.filter(pk=mara.pk).update(is_active=False)
        assert client.get(reverse("account_change_password")).status_code == 302

    def test_an_invited_person_cannot_before_choosing_a_password(self, client: Client) -> None:
        User.objects.create_user("nell@quillmere.example", None)
        for password in ("", "!", "None"):
            sign_in(client, "nell@quillmere.example", password)
            assert not is_signed_in(client)

    def test_the_session_gets_a_new_key(self, client: Client, mara: User) -> None:
        client.get(reverse("account_login"))
        session = client.session
        session["planted"] = "yes"
        session.save()
        sign_in(client)
        assert client.session.session_key != session.session_key

    @pytest.mark.parametrize(
        "outside", ["https://phish.example/", "//phish.example/", "/\\phish.example", "javascript:alert(1)", "https:phish.example"]
    )
    def test_next_leads_nowhere_else(self, client: Client, mara: User, outside: str) -> None:
        assert sign_in(client, next=outside).headers["Location"] == "/"

    def test_next_leads_on_within(self, client: Client, mara: User) -> None:
        assert sign_in(client, next="/account/password/change/").headers["Location"] == "/account/password/change/"


class TestSigningOut:
    def test_it_ends_the_session(self, client: Client, mara: User) -> None:
        sign_in(client)
        key = client.session.session_key
        response = client.post(reverse("account_logout"))
        assert response.headers["Location"] == reverse("account_login")
        client.cookies["recon_session"] = key or ""
        assert client.get(reverse("account_change_password")).status_code == 302

    def test_a_link_alone_does_not(self, client: Client, mara: User) -> None:
        sign_in(client)
        client.get(reverse("account_logout"))
        assert is_signed_in(client)


class TestSigningUp:
    def test_it_is_closed(self, client: Client) -> None:
        page = client.get(reverse("account_signup"))
        assert "<form" not in page.content.decode()
        client.post(reverse("account_signup"), {"email": "eve@elsewhere.example", "password1": "four-brass-lanterns"})
        assert not User.objects.exists()
        assert not is_signed_in(client)


class TestForgottenPassword:
    def test_the_answer_does_not_tell_who_is_known(self, client: Client, mara: User) -> None:
        known, unknown = ask_for_a_link(client, EMAIL), ask_for_a_link(client, "nora@quillmere.example")
        assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
        assert [message.to for message in mail.outbox] == [[EMAIL]]

    def test_the_link_sets_a_password_once(self, client: Client, mara: User) -> None:
        ask_for_a_link(client, EMAIL)
        link = re.search(r"http://testserver(/account/password/reset/key/\S+)", str(mail.outbox[0].body))
        assert link is not None
        choose(client, link[1], "nine-slow-otters")
        sign_in(client, password="nine-slow-otters")
        assert is_signed_in(client)
        assert "no longer works" in Client().get(link[1]).content.decode()

    def test_an_easy_password_is_refused(self, client: Client, mara: User) -> None:
        ask_for_a_link(client, EMAIL)
        link = re.search(r"http://testserver(/account/password/reset/key/\S+)", str(mail.outbox[0].body))
        assert link is not None
        for easy in ("short", "123456789012", "mara@quillmere", "password1234"):
            assert choose(client, link[1], easy).status_code == 200
        mara.refresh_from_db()
        assert mara.check_password(PASSWORD)

    def test_who_was_switched_off_gets_no_link(self, client: Client, mara: User) -> None:
        User.objects.filter(pk=mara.pk).update(is_active=False)
        ask_for_a_link(client, EMAIL)
        assert mail.outbox == []

    def test_asking_again_and_again_is_stopped(self, client: Client, mara: User) -> None:
        answers = [ask_for_a_link(client, EMAIL) for _ in range(6)]
        assert answers[-1].status_code == 429
        assert len(mail.outbox) == 5


class TestAddresses:
    """An admin gives roles to addresses. Whoever could take one by themselves would take its roles."""

    def test_nobody_takes_an_address_by_themselves(self, client: Client, mara: User) -> None:
        client.force_login(mara)
        for action in ("action_add", "action_primary"):
            assert client.post("/account/email/", {"email": "ines@quillmere.example", action: ""}).status_code == 404
        assert list(EmailAddress.objects.exclude(email=EMAIL)) == []
        mara.refresh_from_db()
        assert mara.email == EMAIL


def choose(client: Client, path: str, password: str) -> Any:
    """Follow the link as a browser does, and choose a password."""
    form = client.get(path)
    return client.post(form.headers["Location"], {"password1": password, "password2": password})
