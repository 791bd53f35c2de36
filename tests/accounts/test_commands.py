"""Opening accounts and giving reseller roles on the command line."""

from __future__ import annotations

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import Account, AuditEvent, Membership, Reseller, User

pytestmark = pytest.mark.django_db

QUILLMERE = ["Quillmere IT", "--slug=quillmere-it", "--day=14", "--time-zone=Europe/London", "--currency=USD"]
INES = "--admin=ines@quillmere.example"


def run(name: str, *options: str) -> str:
    said = io.StringIO()
    call_command(name, *options, stdout=said)
    return said.getvalue()


def links(text: str) -> list[str]:
    return re.findall(r"^(https?://\S+)/account/password/reset/key/\S+$", text, re.MULTILINE)


class TestAddAccount:
    def test_it_opens_an_account_with_its_admin_and_a_link(self) -> None:
        said = run("add_account", *QUILLMERE, INES, "--admin-name=Ines Farrow", "--site=https://recon.example/")
        account = Account.objects.get(slug="quillmere-it")
        assert (account.name, account.anniversary_day, account.time_zone, account.currency) == ("Quillmere IT", 14, "Europe/London", "USD")
        membership = account.memberships.get()
        assert (membership.user.email, membership.user.name, membership.role) == ("ines@quillmere.example", "Ines Farrow", "admin")
        assert links(said) == ["https://recon.example"]

    def test_the_link_lets_the_admin_choose_a_password(self) -> None:
        said = run("add_account", *QUILLMERE, INES, "--site=http://testserver")
        path = re.findall(r"http://testserver(/\S+)", said)[0]
        client = Client()
        form = client.get(path)
        client.post(form.headers["Location"], {"password1": "four-brass-lanterns", "password2": "four-brass-lanterns"})
        assert User.objects.get().check_password("four-brass-lanterns")

    def test_the_address_is_what_the_settings_know(self, settings: Settings) -> None:
        settings.CSRF_TRUSTED_ORIGINS = ["https://*.recon.example", "https://recon.example"]
        assert links(run("add_account", *QUILLMERE, INES)) == ["https://recon.example"]

    def test_again_changes_nothing(self) -> None:
        run("add_account", *QUILLMERE, INES)
        before = list(Account.objects.values()), list(Membership.objects.values()), list(User.objects.values())
        assert "is there already, just so" in run("add_account", *QUILLMERE, INES)
        assert (list(Account.objects.values()), list(Membership.objects.values()), list(User.objects.values())) == before

    def test_again_prints_no_link_for_who_has_a_password(self) -> None:
        run("add_account", *QUILLMERE, INES)
        ines = User.objects.get()
        ines.set_password("four-brass-lanterns")
        ines.save()
        assert links(run("add_account", *QUILLMERE, INES)) == []

    def test_another_account_of_the_same_slug_is_refused_naming_what_differs(self) -> None:
        run("add_account", *QUILLMERE, INES)
        with pytest.raises(CommandError, match="differs in: name, currency"):
            run("add_account", "Quillmere Group", *QUILLMERE[1:-1], "--currency=EUR", INES)

    def test_a_reseller_is_made_when_there_is_none_of_that_name(self) -> None:
        run("add_account", *QUILLMERE, INES, "--reseller=Cobbleside Group")
        run("add_account", "Brightfen Support", "--slug=brightfen", INES, "--reseller=Cobbleside Group")
        assert Reseller.objects.get().accounts.count() == 2

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            (["--day=32"], "--day"),
            (["--day=0"], "--day"),
            (["--time-zone=Europe/Quillmere"], "--time-zone: Europe/Quillmere is not a time zone"),
            (["--currency=dollars"], "--currency"),
            (["--currency=usd"], "account_currency_is_a_code|--currency"),
            (["--slug=Quillmere IT"], "--slug"),
            (["--admin=ines"], "--admin"),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_made(self, options: list[str], named: str) -> None:
        with pytest.raises(CommandError, match=named):
            run("add_account", *QUILLMERE, INES, "--reseller=Cobbleside Group", *options)
        assert not Account.objects.exists()
        assert not User.objects.exists()
        assert not Reseller.objects.exists()


class TestAddResellerRole:
    @pytest.fixture
    def reseller(self) -> Reseller:
        return Reseller.objects.create(name="Cobbleside Group")

    def test_it_gives_a_role_in_every_account(self, reseller: Reseller) -> None:
        account = Account.objects.create(name="Quillmere IT", slug="quillmere-it", reseller=reseller)
        said = run("add_reseller_role", "Cobbleside Group", "ruth@cobbleside.example", "--role=admin", "--name=Ruth Ambler")
        assert "is admin of every account of Cobbleside Group" in said
        assert len(links(said)) == 1
        assert list(Account.objects.visible_to(User.objects.get())) == [account]

    def test_again_with_another_role_changes_it(self, reseller: Reseller) -> None:
        for role in ("admin", "viewer"):
            run("add_reseller_role", "Cobbleside Group", "ruth@cobbleside.example", f"--role={role}")
        assert Membership.objects.get().role == "viewer"

    def test_it_is_taken_away(self, reseller: Reseller) -> None:
        run("add_reseller_role", "Cobbleside Group", "ruth@cobbleside.example", "--role=admin")
        run("add_reseller_role", "Cobbleside Group", "Ruth@cobbleside.example", "--remove")
        assert not Membership.objects.exists()
        with pytest.raises(CommandError, match="has no role"):
            run("add_reseller_role", "Cobbleside Group", "ruth@cobbleside.example", "--remove")

    def test_an_unknown_reseller_is_named_beside_the_known_ones(self, reseller: Reseller) -> None:
        with pytest.raises(CommandError, match=r"no reseller Cobbleside\. Known: Cobbleside Group"):
            run("add_reseller_role", "Cobbleside", "ruth@cobbleside.example", "--role=admin")

    def test_what_is_no_address_is_refused(self, reseller: Reseller) -> None:
        with pytest.raises(CommandError, match="valid email"):
            run("add_reseller_role", "Cobbleside Group", "ruth", "--role=admin")
        assert not User.objects.exists()


class TestSwitchSignIn:
    @pytest.fixture(autouse=True)
    def two_admins(self) -> None:
        run("add_account", *QUILLMERE, INES, "--reseller=Cobbleside Group")
        run("add_account", "Brightfen Support", "--slug=brightfen", "--day=1", "--admin=owen@brightfen.example")
        Membership.objects.create(
            user=User.objects.create_user("ruth@cobbleside.example", "four-brass-lanterns", name="Ruth Ambler"),
            reseller=Reseller.objects.get(),
            role="admin",
        )
        for user in User.objects.all():
            user.set_password("four-brass-lanterns")
            user.save()

    def test_who_is_off_is_out_at_once_and_back_with_the_same_roles(self) -> None:
        client = Client()
        client.force_login(User.objects.get(email="ines@quillmere.example"), backend="allauth.account.auth_backends.AuthenticationBackend")
        assert client.get("/a/quillmere-it/", follow=True).status_code == 200
        before = list(Membership.objects.values())
        assert "is switched off." in run("switch_sign_in", "Ines@Quillmere.example", "--off")
        assert "/account/login/" in client.get("/a/quillmere-it/", follow=True).redirect_chain[0][0]
        assert list(Membership.objects.values()) == before
        assert "is switched on." in run("switch_sign_in", "ines@quillmere.example", "--on")
        client.force_login(User.objects.get(email="ines@quillmere.example"), backend="allauth.account.auth_backends.AuthenticationBackend")
        assert client.get("/a/quillmere-it/", follow=True).status_code == 200

    def test_each_account_of_theirs_says_so_and_no_other(self) -> None:
        run("switch_sign_in", "ruth@cobbleside.example", "--off")
        run("switch_sign_in", "ruth@cobbleside.example", "--on")
        said = (
            AuditEvent.objects.filter(action__startswith="accounts.sign_in.")
            .order_by("pk")
            .values_list("account__slug", "action", "subject")
        )
        assert list(said) == [
            ("quillmere-it", "accounts.sign_in.switched_off", "Ruth Ambler"),
            ("quillmere-it", "accounts.sign_in.switched_on", "Ruth Ambler"),
        ]

    def test_the_last_admin_of_an_account_stays(self) -> None:
        with pytest.raises(CommandError, match="no admin of Brightfen Support could sign in"):
            run("switch_sign_in", "owen@brightfen.example", "--off")
        run("switch_sign_in", "ruth@cobbleside.example", "--off")
        with pytest.raises(CommandError, match="no admin of Quillmere IT could sign in"):
            run("switch_sign_in", "ines@quillmere.example", "--off")
        assert set(User.objects.filter(is_active=True).values_list("email", flat=True)) == {
            "owen@brightfen.example",
            "ines@quillmere.example",
        }
        assert AuditEvent.objects.filter(action__startswith="accounts.sign_in.").count() == 1, "what was refused left no event"

    @pytest.mark.parametrize(
        ("person", "way", "why"),
        [
            ("nobody@quillmere.example", "--off", "Nobody signs in as nobody@quillmere.example."),
            ("ines@quillmere.example", "--on", "is switched on already."),
        ],
    )
    def test_what_cannot_be_is_said(self, person: str, way: str, why: str) -> None:
        with pytest.raises(CommandError, match=why):
            run("switch_sign_in", person, way)

    @pytest.mark.parametrize("ways", [[], ["--on", "--off"]])
    def test_one_way_is_said(self, ways: list[str]) -> None:
        with pytest.raises(CommandError):
            run("switch_sign_in", "ines@quillmere.example", *ways)
