"""Roles are given, changed and taken by admins; an account never loses its last one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import services
from accounts.models import Account, Membership, Reseller, Role, User
from accounts.services import Refused

pytestmark = pytest.mark.django_db
PASSWORD = "four-brass-lanterns"


@pytest.fixture
def account() -> Account:
    reseller = Reseller.objects.create(name="Cobbleside Group")
    return Account.objects.create(name="Quillmere IT", slug="quillmere-it", reseller=reseller)


@pytest.fixture
def ines(account: Account) -> User:
    return person("ines@quillmere.example", account, Role.ADMIN, "Ines Farrow")


@pytest.fixture
def tom(account: Account) -> User:
    return person("tom@quillmere.example", account, Role.VIEWER, "Tom Ashdale")


@pytest.fixture
def signed_in(client: Client, ines: User) -> Client:
    client.force_login(ines)
    return client


@pytest.fixture(params=["embedded", "services"])
def mode(request: pytest.FixtureRequest, settings: Settings) -> str:
    settings.MODE = request.param
    return str(request.param)


def person(email: str, account: Account, role: Role, name: str = "", password: str | None = PASSWORD) -> User:
    user = User.objects.create_user(email, password, name=name)
    Membership.objects.create(user=user, account=account, role=role)
    return user


def role_of(user: User, account: Account) -> str | None:
    return Membership.objects.filter(user=user, account=account).values_list("role", flat=True).first()


def membership_of(user: User) -> Membership:
    return Membership.objects.get(user=user)


def add(client: Client, email: str, role: str = "preparer", name: str = "Mara Kestle") -> Any:
    return client.post(reverse("accounts:people", args=["quillmere-it"]), {"email": email, "name": name, "role": role})


def post(client: Client, name: str, user: User, **fields: str) -> Any:
    return client.post(reverse(f"accounts:{name}", args=["quillmere-it", membership_of(user).pk]), fields)


class TestThePage:
    def test_it_says_who_has_which_role_and_whence(self, signed_in: Client, account: Account, tom: User) -> None:
        ruth = User.objects.create_user("ruth@cobbleside.example", PASSWORD, name="Ruth Ambler")
        Membership.objects.create(user=ruth, reseller=account.reseller, role=Role.REVIEWER)
        html = signed_in.get(reverse("accounts:people", args=["quillmere-it"])).content.decode()
        rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
        theirs = next(row for row in rows if "Ruth Ambler" in row)
        assert "through Cobbleside Group" in theirs
        assert "<a " not in theirs
        assert "in this account" in next(row for row in rows if "Tom Ashdale" in row)

    def test_those_of_another_account_are_not_in_it(self, signed_in: Client) -> None:
        elsewhere = Account.objects.create(name="Brightfen Support", slug="brightfen")
        person("owen@brightfen.example", elsewhere, Role.ADMIN)
        assert "owen@" not in signed_in.get(reverse("accounts:people", args=["quillmere-it"])).content.decode()

    def test_its_queries_do_not_grow_with_the_people(
        self, signed_in: Client, account: Account, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        address = reverse("accounts:people", args=["quillmere-it"])
        signed_in.get(address)
        for n in range(25):
            person(f"someone{n}@quillmere.example", account, Role.VIEWER)
        with django_assert_num_queries(8):
            signed_in.get(address)

    def test_names_are_escaped(self, signed_in: Client, account: Account) -> None:
        person("eve@quillmere.example", account, Role.VIEWER, "<img src=x>")
        assert "<img src=x>" not in signed_in.get(reverse("accounts:people", args=["quillmere-it"])).content.decode()

    @pytest.mark.parametrize(("role", "offered"), [(Role.ADMIN, True), (Role.REVIEWER, False), (Role.VIEWER, False)])
    def test_only_admins_are_led_to_it(self, client: Client, account: Account, ines: User, role: Role, offered: bool) -> None:
        membership = membership_of(ines)
        Membership.objects.filter(pk=membership.pk).update(role=role)
        client.force_login(ines)
        html = client.get(reverse("recon:account", args=["quillmere-it"]), follow=True).content.decode()
        assert (reverse("accounts:people", args=["quillmere-it"]) in html) is offered


class TestAdding:
    def test_somebody_new_gets_a_role_and_a_link_by_mail(self, signed_in: Client, account: Account, mode: str) -> None:
        add(signed_in, "Mara@Quillmere.example", "preparer", "  Mara \r\n Kestle ")
        mara = User.objects.get(email="mara@quillmere.example")
        assert (mara.name, mara.has_usable_password(), role_of(mara, account)) == ("Mara Kestle", False, "preparer")
        (message,) = mail.outbox
        assert message.to == ["mara@quillmere.example"]
        assert message.subject == "Your role in Quillmere IT"
        assert "Ines Farrow made you preparer of Quillmere IT" in message.body

    def test_the_mailed_link_lets_them_choose_a_password_and_in(self, signed_in: Client) -> None:
        add(signed_in, "mara@quillmere.example")
        theirs = Client()
        choose(theirs, link_in(str(mail.outbox[0].body)))
        theirs.post(reverse("account_login"), {"login": "mara@quillmere.example", "password": PASSWORD})
        assert "_auth_user_id" in theirs.session

    def test_the_link_works_once(self, signed_in: Client) -> None:
        add(signed_in, "mara@quillmere.example")
        link = link_in(str(mail.outbox[0].body))
        choose(Client(), link)
        assert "no longer works" in Client().get(link).content.decode()

    def test_only_the_embedded_mode_shows_the_link(self, signed_in: Client, mode: str) -> None:
        html = add(signed_in, "mara@quillmere.example").content.decode()
        assert ("/account/password/reset/key/" in html) is (mode == "embedded")

    def test_who_signs_in_here_already_keeps_name_and_password_and_shows_no_link(self, signed_in: Client, mode: str) -> None:
        elsewhere = Account.objects.create(name="Brightfen Support", slug="brightfen")
        owen = person("owen@brightfen.example", elsewhere, Role.ADMIN, "Owen Lark")
        response = add(signed_in, owen.email, name="Somebody Else")
        owen.refresh_from_db()
        assert (response.status_code, owen.name, owen.check_password(PASSWORD)) == (302, "Owen Lark", True)
        assert "reset/key" not in str(mail.outbox[0].body)
        assert reverse("account_login") in str(mail.outbox[0].body)

    def test_a_link_that_opens_another_account_too_is_never_shown(self, signed_in: Client, mode: str) -> None:
        """Somebody invited by the neighbours, who has not been here yet: our admin must not get in under their name."""
        elsewhere = Account.objects.create(name="Brightfen Support", slug="brightfen")
        nell = person("nell@brightfen.example", elsewhere, Role.ADMIN, password=None)
        assert "reset/key" not in add(signed_in, nell.email).content.decode()

    def test_who_has_a_role_already_is_refused_in_words(self, signed_in: Client, tom: User, account: Account) -> None:
        response = add(signed_in, tom.email, "admin")
        assert response.status_code == 422
        assert "Tom Ashdale has a role here already: viewer." in response.content.decode()
        assert (role_of(tom, account), mail.outbox) == ("viewer", [])

    def test_who_was_switched_off_is_refused_in_words(self, signed_in: Client) -> None:
        User.objects.create_user("old@quillmere.example", PASSWORD, is_active=False)
        assert "is switched off" in add(signed_in, "old@quillmere.example").content.decode()

    @pytest.mark.parametrize("fields", [{"email": "mara"}, {"email": ""}, {"name": " "}, {"role": "owner"}])
    def test_what_is_wrong_is_marked_and_what_was_typed_is_kept(self, signed_in: Client, fields: dict[str, str]) -> None:
        form = {"email": "mara@quillmere.example", "name": "Mara Kestle", "role": "viewer"} | fields
        response = signed_in.post(reverse("accounts:people", args=["quillmere-it"]), form)
        assert response.status_code == 422
        assert 'aria-invalid="true"' in response.content.decode()
        assert User.objects.count() == 1

    def test_the_page_says_where_the_mail_went(self, signed_in: Client, mode: str) -> None:
        html = signed_in.post(
            reverse("accounts:people", args=["quillmere-it"]),
            {"email": "mara@quillmere.example", "name": "Mara Kestle", "role": "viewer"},
            follow=True,
        ).content.decode()
        assert ("is written to the log" in html) is (mode == "embedded")
        assert ("A mail was sent to mara@quillmere.example, with a link" in html) is (mode == "services")

    def test_when_the_mail_server_is_away_the_role_stays_and_the_page_says_so(
        self, signed_in: Client, account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.MODE = "services"

        def away(*_: object, **__: object) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr("accounts.services.send_mail", away)
        add(signed_in, "mara@quillmere.example")
        html = signed_in.get(reverse("accounts:people", args=["quillmere-it"])).content.decode()
        assert "could not be sent" in html
        assert role_of(User.objects.get(email="mara@quillmere.example"), account) == "preparer"


class TestTheLinkAgain:
    def test_it_is_sent_to_who_has_no_password_yet(self, signed_in: Client, account: Account) -> None:
        nell = person("nell@quillmere.example", account, Role.VIEWER, password=None)
        post(signed_in, "send_link", nell)
        assert "/account/password/reset/key/" in str(mail.outbox[0].body)

    def test_who_has_a_password_gets_none(self, signed_in: Client, tom: User, mode: str) -> None:
        response = post(signed_in, "send_link", tom)
        assert response.status_code == 422
        assert "Tom Ashdale has a password" in response.content.decode()
        assert mail.outbox == []

    def test_an_admin_of_one_account_never_sees_that_of_a_whole_reseller(self, signed_in: Client, account: Account, mode: str) -> None:
        ruth = User.objects.create_user("ruth@cobbleside.example", None)
        Membership.objects.create(user=ruth, reseller=account.reseller, role=Role.ADMIN)
        assert "reset/key" not in post(signed_in, "send_link", ruth).content.decode()


class TestChangingARole:
    @pytest.mark.parametrize("role", Role.values)
    def test_it_is_changed(self, signed_in: Client, tom: User, account: Account, role: str) -> None:
        assert post(signed_in, "person", tom, role=role).status_code == 302
        assert role_of(tom, account) == role

    def test_an_unknown_role_is_refused(self, signed_in: Client, tom: User, account: Account) -> None:
        assert post(signed_in, "person", tom, role="owner").status_code == 422
        assert role_of(tom, account) == "viewer"

    def test_its_page_offers_the_role_and_the_way_out(self, signed_in: Client, tom: User) -> None:
        html = signed_in.get(reverse("accounts:person", args=["quillmere-it", membership_of(tom).pk])).content.decode()
        assert '<option value="viewer" selected>Viewer</option>' in html
        assert reverse("accounts:remove_person", args=["quillmere-it", membership_of(tom).pk]) in html

    def test_ones_own_is_refused(self, signed_in: Client, ines: User, tom: User, account: Account) -> None:
        Membership.objects.filter(user=tom).update(role=Role.ADMIN)
        response = post(signed_in, "person", ines, role="viewer")
        assert "Your own role is for another admin to change." in response.content.decode()
        assert role_of(ines, account) == "admin"

    def test_that_of_a_reseller_is_refused(self, signed_in: Client, account: Account) -> None:
        ruth = User.objects.create_user("ruth@cobbleside.example", PASSWORD)
        Membership.objects.create(user=ruth, reseller=account.reseller, role=Role.VIEWER)
        assert "through Cobbleside Group" in post(signed_in, "person", ruth, role="admin").content.decode()
        assert membership_of(ruth).role == "viewer"

    def test_the_last_admin_stays_one(self, ines: User, tom: User) -> None:
        with pytest.raises(Refused, match="no admin of Quillmere IT could sign in"):
            services.change_role(membership_of(ines), Role.REVIEWER, by=tom)

    def test_an_admin_through_the_reseller_is_an_admin(self, ines: User, tom: User, account: Account) -> None:
        ruth = User.objects.create_user("ruth@cobbleside.example", PASSWORD)
        Membership.objects.create(user=ruth, reseller=account.reseller, role=Role.ADMIN)
        services.change_role(membership_of(ines), Role.REVIEWER, by=ruth)
        assert role_of(ines, account) == "reviewer"


class TestRemoving:
    def test_it_asks_first(self, signed_in: Client, tom: User, account: Account) -> None:
        page = signed_in.get(reverse("accounts:remove_person", args=["quillmere-it", membership_of(tom).pk]))
        assert "Remove Tom Ashdale from Quillmere IT?" in page.content.decode()
        assert role_of(tom, account) == "viewer"

    def test_what_they_could_see_is_gone_for_them(self, signed_in: Client, tom: User, account: Account) -> None:
        assert post(signed_in, "remove_person", tom).headers["Location"] == reverse("accounts:people", args=["quillmere-it"])
        theirs = Client()
        theirs.force_login(tom)
        assert theirs.get(reverse("recon:account", args=["quillmere-it"])).status_code == 404
        assert User.objects.filter(pk=tom.pk).exists()

    def test_the_last_admin_is_refused_even_if_they_mean_it(self, signed_in: Client, ines: User, account: Account) -> None:
        response = post(signed_in, "remove_person", ines, confirmed="on")
        assert response.status_code == 422
        assert "no admin of Quillmere IT could sign in" in response.content.decode()
        assert role_of(ines, account) == "admin"

    @pytest.mark.parametrize("others", [{"password": None}, {"is_active": False}])
    def test_an_admin_who_cannot_sign_in_does_not_count(self, ines: User, tom: User, account: Account, others: dict[str, Any]) -> None:
        second = User.objects.create_user("nell@quillmere.example", **{"password": PASSWORD} | others)
        Membership.objects.create(user=second, account=account, role=Role.ADMIN)
        with pytest.raises(Refused):
            services.remove_person(membership_of(ines), by=ines, confirmed=True)

    def test_oneself_only_when_it_is_meant(self, signed_in: Client, ines: User, tom: User, account: Account) -> None:
        Membership.objects.filter(user=tom).update(role=Role.ADMIN)
        assert "That is you." in post(signed_in, "remove_person", ines).content.decode()
        assert role_of(ines, account) == "admin"
        assert post(signed_in, "remove_person", ines, confirmed="on").headers["Location"] == reverse("recon:home")
        assert role_of(ines, account) is None

    def test_who_is_gone_already_is_said(self, ines: User, tom: User) -> None:
        stale = membership_of(tom)
        Membership.objects.filter(pk=stale.pk).delete()
        with pytest.raises(Refused, match="no role here any more"):
            services.remove_person(stale, by=ines)
        with pytest.raises(Refused, match="no role here any more"):
            services.change_role(stale, Role.ADMIN, by=ines)


def link_in(text: str) -> str:
    found = re.search(r"http://testserver(/account/password/reset/key/\S+)", text)
    assert found is not None
    return found[1]


def choose(client: Client, link: str) -> None:
    form = client.get(link)
    client.post(form.headers["Location"], {"password1": PASSWORD, "password2": PASSWORD})
