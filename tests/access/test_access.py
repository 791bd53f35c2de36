"""Who reaches what: every named route, every method, everybody. A route that is missing here, or here alone, is a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.access import Need
from accounts.models import Membership, Reseller, User
from tests.access.world import PEOPLE, World, build

READ, WORK, ADMINISTER = Need.READ, Need.WORK, Need.ADMINISTER
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
REACH: Final[dict[str, Need | None]] = {
    "stranger": None,
    "viewer": READ,
    "preparer": WORK,
    "reviewer": Need.SIGN,
    "admin": ADMINISTER,
    "reseller_admin": ADMINISTER,
}
ENDED_WELL: Final = frozenset({200, 302, 303, 409, 422})  # what was asked may be refused in words; it was let through


def _nothing(world: World) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Route:
    """What each method needs, and how the world's things stand in the address."""

    needs: dict[str, Need]
    place: Callable[[World], dict[str, Any]] = _nothing
    form: str = ""  # what is posted, where an empty form names nothing that there is

    def address(self, name: str, world: World, **instead: Any) -> str:
        return reverse(name, kwargs={"account": world.account.slug} | self.place(world) | instead)


def _of(name: str) -> Callable[[World], dict[str, Any]]:
    return lambda w: {"pk": w[name].pk}


def _month(w: World) -> dict[str, Any]:
    return {"start": w["cycle"].start}


def _row(w: World) -> dict[str, Any]:
    return _month(w) | {"organization": w["organization"].pk, "product": "edr"}


SHOW, DO = {"GET": READ}, {"POST": WORK}
#: Ours: always within an account, so that whoever has no role in it finds nothing.
OURS: Final[dict[str, Route]] = {
    "accounts:people": Route({"GET": ADMINISTER, "POST": ADMINISTER}),
    "accounts:person": Route({"GET": ADMINISTER, "POST": ADMINISTER}, _of("membership")),
    "accounts:remove_person": Route({"GET": ADMINISTER, "POST": ADMINISTER}, _of("membership")),
    "accounts:send_link": Route({"POST": ADMINISTER}, _of("invited")),
    "accounts:settings": Route({"GET": ADMINISTER, "POST": ADMINISTER}),
    "ingest:files": Route(SHOW | DO),
    "ingest:file": Route(SHOW, _of("ready")),
    "ingest:state_mapping": Route(DO, _of("ready")),
    "ingest:discard": Route(DO, _of("ready")),
    "ingest:privacy": Route({"GET": READ, "POST": ADMINISTER}),
    "ingest:original": Route(SHOW, _of("imported")),
    "ingest:record": Route(SHOW, _of("imported")),
    "ingest:rows_csv": Route(SHOW, _of("imported")),
    "ingest:mappings": Route({"GET": READ, "POST": ADMINISTER}),
    "ingest:export_mappings": Route(SHOW),
    "ingest:mapping": Route({"GET": READ, "POST": ADMINISTER}, _of("profile")),
    "ingest:export_mapping": Route(SHOW, _of("profile")),
    "ingest:delete_mapping": Route({"GET": ADMINISTER, "POST": ADMINISTER}, _of("profile")),
    "ingest:connections": Route(SHOW),
    "ingest:add_connection": Route({"GET": ADMINISTER, "POST": ADMINISTER}),
    "ingest:connection": Route(SHOW, _of("connection")),
    "ingest:change_connection": Route({"POST": ADMINISTER}, _of("connection")),
    "ingest:replace_secret": Route({"POST": ADMINISTER}, _of("connection")),
    "ingest:test_connection": Route({"POST": ADMINISTER}, _of("connection")),
    "ingest:confirm_connection": Route({"POST": ADMINISTER}, _of("connection")),
    "ingest:remove_connection": Route({"GET": ADMINISTER, "POST": ADMINISTER}, _of("connection")),
    "ingest:microsoft_app": Route({"GET": READ, "POST": ADMINISTER}),
    "ingest:remove_microsoft_app": Route({"GET": ADMINISTER, "POST": ADMINISTER}),
    "ingest:tenants": Route(SHOW),
    "ingest:test_tenants": Route({"POST": ADMINISTER}),
    "ingest:import_tenants": Route({"GET": ADMINISTER, "POST": ADMINISTER}),
    "ingest:huntress_tenants": Route({"GET": READ, "POST": ADMINISTER}),
    "ingest:add_google_tenant": Route({"GET": ADMINISTER, "POST": ADMINISTER}),
    "ingest:consent_links": Route({"GET": ADMINISTER, "POST": ADMINISTER}),
    "ingest:consent_link": Route({"GET": ADMINISTER}, _of("consent_link")),
    "ingest:withdraw_consent_link": Route({"POST": ADMINISTER}, _of("consent_link")),
    "ingest:prove_again": Route({"POST": ADMINISTER}, _of("consent_link")),
    "ingest:tenant": Route(SHOW, _of("tenant")),
    "ingest:confirm_tenant": Route({"POST": ADMINISTER}, _of("tenant")),
    "ingest:test_tenant": Route({"POST": ADMINISTER}, _of("tenant")),
    "ingest:move_tenant": Route({"POST": ADMINISTER}, _of("tenant")),
    "ingest:remove_tenant": Route({"GET": ADMINISTER, "POST": ADMINISTER}, _of("tenant")),
    "ingest:pulls": Route(SHOW | DO),
    "ingest:pull": Route(SHOW, _of("pull")),
    "ingest:cancel_pull": Route(DO, _of("pull")),
    "ingest:jobs": Route(SHOW),
    "ingest:cancel": Route(DO, _of("job")),
    "recon:account": Route(SHOW),
    "recon:month": Route(SHOW | DO, _month),
    "recon:recount": Route(DO, _month),
    "recon:row": Route(SHOW | DO, _row),
    "recon:undo": Route(DO, lambda w: _month(w) | {"pk": w["decision"].pk}),
    "recon:sign": Route(SHOW, _month),
    "recon:settle_rejected": Route(DO, _month),
    "recon:submit": Route(DO, _month),
    "recon:send_back": Route(DO, _month),
    "recon:sign_off": Route({"POST": Need.SIGN}, _month),
    "recon:reopen": Route({"POST": Need.SIGN}, _month),
    "recon:revision": Route(SHOW, lambda w: _month(w) | {"revision": 1}),
    "recon:revision_sign": Route(SHOW, lambda w: _month(w) | {"revision": 1}),
    "recon:revision_row": Route(SHOW, lambda w: _row(w) | {"revision": 1}),
    "recon:start_export": Route({"POST": READ}, _month, "target=rebill-csv"),
    "recon:export": Route(SHOW, _of("export")),
    "recon:download": Route(SHOW, _of("export")),
    "recon:start_import": Route(DO, _of("ready")),
    "recon:use_again": Route(DO, _of("imported")),
    "recon:withdraw": Route(DO, _of("leg_input")),
    "recon:matches": Route(SHOW),
    "recon:match": Route(SHOW, _of("question")),
    "recon:answer": Route(DO, _of("question")),
    "recon:undo_match": Route(DO, _of("question")),
    "recon:accept_exact": Route(DO),
    "recon:accept_own": Route(DO),
    "recon:organizations": Route(SHOW),
    "recon:organization": Route(SHOW | DO, _of("organization")),
    "recon:shares": Route(SHOW | DO, _of("organization")),
    "recon:products": Route(SHOW | DO),
    "recon:state_tenant_count": Route(DO, lambda w: _month(w) | _of("google")(w)),
    "recon:add_invoice": Route(DO, _month),
    "recon:withdraw_invoice": Route(DO, _of("invoice")),
    "recon:set_invoice_aside": Route(DO, _of("invoice")),
    "recon:restore_invoice": Route(DO, _of("invoice")),
    "recon:tie_out": Route(SHOW, _month),
    "recon:name_difference": Route(DO, _month),
    "recon:withdraw_named": Route(DO, _of("tie_out_item")),
    "recon:amount_unit": Route({"GET": READ, "POST": ADMINISTER}),
    "recon:revoke_alias": Route(DO, lambda w: {"pk": w["alias"].organization_id, "alias": w["alias"].pk}),
    "recon:sweep": Route(SHOW | DO),
    "recon:sweep_machines": Route(SHOW | DO, _of("organization")),
    "recon:sweep_changes": Route(SHOW),
    "recon:sweep_print": Route(SHOW),
    "recon:sweep_csv": Route(SHOW),
    "recon:sweep_xlsx": Route(SHOW),
    "recon:sweep_threshold": Route({"POST": ADMINISTER}),
    "recon:tolerances": Route({"GET": READ, "POST": ADMINISTER}),
    "recon:exclusions": Route({"GET": READ, "POST": ADMINISTER}),
    "recon:exclusion_draft": Route({"GET": READ, "POST": ADMINISTER}, _of("exclusions")),
    "recon:exclusion_version": Route({"GET": READ, "POST": ADMINISTER}, _of("version")),
    "recon:sku_names": Route({"GET": READ, "POST": ADMINISTER}),
    "recon:sku_suggestions": Route({"GET": READ, "POST": ADMINISTER}),
    "recon:renewals": Route(SHOW),
    "recon:add_contract": Route({"GET": ADMINISTER, "POST": ADMINISTER}),
    "recon:contract": Route(SHOW, _of("contract")),
    "recon:change_contract": Route({"GET": ADMINISTER, "POST": ADMINISTER}, _of("contract")),
    "recon:end_contract": Route({"POST": ADMINISTER}, _of("contract")),
    "recon:trends": Route(SHOW),
    "recon:audit": Route(SHOW),
    "recon:audit_csv": Route(SHOW),
}
#: A reseller's own: for who has a role in it. A role in one of its accounts opens none of them.
RESELLERS: Final[dict[str, tuple[dict[str, Need], Callable[[World], dict[str, Any]], str]]] = {
    "recon:reseller": ({"GET": READ, "POST": ADMINISTER}, _nothing, "act=ignore&because=Over&row={waits}"),
    "recon:reseller_account": ({"GET": READ, "POST": ADMINISTER}, lambda w: {"pk": w["unmapped"].pk}, "act=ignore&because=Over"),
    "recon:reseller_usage": ({"GET": READ}, _nothing, ""),
}
#: Within an account, and yet only for who has a role in its reseller: it names all of the reseller's accounts.
PLAN: Final = "ingest:pull_plan"
#: For whoever is signed in, about themselves alone: what an anonymous person and a signed-in one get for GET.
OWN: Final[dict[str, int]] = {
    "recon:home": 200,
    "account_change_password": 200,
    "account_set_password": 302,  # who has a password changes it
    "account_reauthenticate": 200,
}
#: For everybody, signed in or not: what GET answers to an anonymous person.
PUBLIC: Final[dict[str, tuple[dict[str, str], int]]] = {
    "healthz": ({}, 200),
    "ingest:consent_return": ({}, 400),  # customers' administrators come back here: see tests/tenants/test_consent.py
    "account_login": ({}, 200),
    "account_logout": ({}, 302),
    "account_inactive": ({}, 200),
    "account_signup": ({}, 200),  # says that it is closed: see tests/accounts/test_sign_in.py
    "account_reset_password": ({}, 200),
    "account_reset_password_done": ({}, 200),
    "account_reset_password_from_key": ({"uidb36": "1", "key": "nonsense"}, 200),
    "account_reset_password_from_key_done": ({}, 200),
}

#: What is well formed and is not there; the last number fits no database.
_UNKNOWN: Final[dict[str, tuple[Any, ...]]] = {
    "account": ("no-such-account",),
    "pk": (987654321, 10**25),
    "alias": (987654321, 10**25),
    "organization": (987654321, 10**25),
    "product": ("backup",),
    "revision": (7, 10**25),
    "start": ("2019-01-01", "2026-10-15"),
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return build()


def _names(resolver: URLResolver, spaces: tuple[str, ...] = ()) -> Iterator[str]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from _names(one, (*spaces, one.namespace) if one.namespace else spaces)
        elif isinstance(one, URLPattern):
            assert one.name, f"{one.pattern} has no name"
            yield ":".join((*spaces, one.name))


def _ask(client: Client, method: str, address: str, form: str = "") -> HttpResponse:
    """Ask and forget: whatever it changed is undone."""
    with transaction.atomic():
        response = client.generic(method, address, form, content_type="application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    return response  # type: ignore[return-value]


def test_the_table_knows_every_named_route_and_no_other() -> None:
    listed = [*OURS, *RESELLERS, PLAN, *OWN, *PUBLIC]
    assert sorted(listed) == sorted(_names(get_resolver()))


def test_a_file_on_disk_has_no_address() -> None:
    assert settings.MEDIA_URL in ("", "/")
    assert not any("media" in name or "admin" in name for name in _names(get_resolver()))


@pytest.mark.parametrize("name", OURS)
def test_who_is_not_signed_in_is_led_to_sign_in(client: Client, world: World, name: str) -> None:
    address = OURS[name].address(name, world)
    for method in METHODS:
        response = _ask(client, method, address)
        assert response.status_code == HTTPStatus.FOUND, method
        assert response.headers["Location"].startswith(reverse("account_login") + "?next="), method


@pytest.mark.parametrize("who", [one for one in PEOPLE if one != "anonymous"])
@pytest.mark.parametrize("name", OURS)
def test_who_is_signed_in_does_what_their_role_allows(client: Client, world: World, name: str, who: str) -> None:
    client.force_login(world.people[who])
    route, reach = OURS[name], REACH[who]
    address = route.address(name, world)
    for method in METHODS:
        status = _ask(client, method, address, route.form).status_code
        need = route.needs.get(method)
        if need is None:
            assert status in ({404, 405} if reach is None else {405}), f"{method} is not allowed at all"
        elif reach is None:
            assert status == HTTPStatus.NOT_FOUND, f"{method}: what is not theirs does not exist"
        elif reach < need:
            assert status == HTTPStatus.FORBIDDEN, f"{method} needs {need.name}"
        else:
            assert status in ENDED_WELL, f"{method} is theirs to do"


@pytest.mark.parametrize("name", [name for name, route in OURS.items() if route.place is not _nothing])
def test_what_hangs_on_one_account_is_not_found_through_another(client: Client, world: World, name: str) -> None:
    """An admin next door knows our numbers, and asks for them in their own account."""
    client.force_login(world.people["stranger"])
    address = OURS[name].address(name, world, account=world.elsewhere.slug)
    for method in OURS[name].needs:
        assert _ask(client, method, address).status_code == HTTPStatus.NOT_FOUND, method


@pytest.mark.parametrize("name", OURS)
def test_what_is_not_there_is_not_found(client: Client, world: World, name: str) -> None:
    client.force_login(world.people["admin"])
    for key in {"account": world.account.slug} | OURS[name].place(world):
        for unknown in _UNKNOWN[key]:
            for method in OURS[name].needs:
                status = _ask(client, method, OURS[name].address(name, world, **{key: unknown}), OURS[name].form).status_code
                assert status == HTTPStatus.NOT_FOUND, f"{method} {key}={unknown}"


@pytest.mark.parametrize("name", OURS)
def test_who_was_switched_off_is_led_to_sign_in(client: Client, world: World, name: str) -> None:
    admin = world.people["admin"]
    client.force_login(admin)
    type(admin).objects.filter(pk=admin.pk).update(is_active=False)
    for method in OURS[name].needs:
        response = _ask(client, method, OURS[name].address(name, world))
        assert response.status_code == HTTPStatus.FOUND, method


@pytest.mark.parametrize("name", OURS)
def test_being_a_superuser_opens_no_account(client: Client, world: World, name: str) -> None:
    stranger = world.people["stranger"]
    type(stranger).objects.filter(pk=stranger.pk).update(is_superuser=True, is_staff=True)
    client.force_login(stranger)
    for method in OURS[name].needs:
        assert _ask(client, method, OURS[name].address(name, world)).status_code == HTTPStatus.NOT_FOUND, method


@pytest.mark.parametrize("name", [name for name, route in OURS.items() if "POST" in route.needs])
def test_a_form_of_another_site_changes_nothing(world: World, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people["admin"])
    assert _ask(client, "POST", OURS[name].address(name, world)).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(("name", "signed_in"), OWN.items())
def test_what_is_ones_own_needs_a_sign_in(client: Client, world: World, name: str, signed_in: int) -> None:
    address = reverse(name)
    for method in ("GET", "POST"):
        response = _ask(client, method, address)
        assert response.status_code == HTTPStatus.FOUND
        assert response.headers["Location"].startswith(reverse("account_login"))
    client.force_login(world.people["viewer"])
    assert _ask(client, "GET", address).status_code == signed_in


@pytest.mark.parametrize(("name", "kwargs", "status"), [(name, *given) for name, given in PUBLIC.items()])
def test_what_is_public_answers_everybody(client: Client, world: World, name: str, kwargs: dict[str, str], status: int) -> None:
    assert _ask(client, "GET", reverse(name, kwargs=kwargs)).status_code == status


def test_home_shows_the_accounts_of_ones_own_only(client: Client, world: World) -> None:
    client.force_login(world.people["viewer"])
    html = client.get(reverse("recon:home")).content.decode()
    assert world.account.name in html
    assert world.elsewhere.name not in html


# --- resellers --------------------------------------------------------------------------------------------------------------------


def _of_reseller(name: str, world: World, **instead: Any) -> str:
    return reverse(name, kwargs={"reseller": world["found"].reseller_id} | RESELLERS[name][1](world) | instead)


def _with_a_role(world: World, role: str) -> User:
    user = User.objects.create_user(f"{role}@cobbleside.example", None)
    Membership.objects.create(user=user, reseller=world["found"].reseller, role=role)
    return user


@pytest.mark.parametrize("who", [one for one in PEOPLE if one not in ("anonymous", "reseller_admin")])
@pytest.mark.parametrize("name", RESELLERS)
def test_a_role_in_one_account_opens_nothing_of_its_reseller(client: Client, world: World, name: str, who: str) -> None:
    client.force_login(world.people[who])
    for method in RESELLERS[name][0]:
        assert _ask(client, method, _of_reseller(name, world)).status_code == HTTPStatus.NOT_FOUND, method


@pytest.mark.parametrize("role", ["viewer", "preparer", "reviewer", "admin"])
@pytest.mark.parametrize("name", RESELLERS)
def test_a_role_in_the_reseller_does_what_it_allows(client: Client, world: World, name: str, role: str) -> None:
    client.force_login(_with_a_role(world, role))
    needs, _, form = RESELLERS[name]
    for method in METHODS:
        status = _ask(client, method, _of_reseller(name, world), form.format(waits=world["unmapped"].pk)).status_code
        if method not in needs:
            assert status == HTTPStatus.METHOD_NOT_ALLOWED if role == "admin" else status in {403, 405}, method
        elif (reach := REACH[role]) is not None and reach < needs[method]:
            assert status == HTTPStatus.FORBIDDEN, method
        else:
            assert status in ENDED_WELL, method


@pytest.mark.parametrize("name", RESELLERS)
def test_who_is_nobody_is_led_to_sign_in_before_a_reseller(client: Client, world: World, name: str) -> None:
    for method in METHODS:
        assert _ask(client, method, _of_reseller(name, world)).status_code == HTTPStatus.FOUND, method


@pytest.mark.parametrize("name", RESELLERS)
def test_what_is_not_there_is_not_found_in_a_reseller(client: Client, world: World, name: str) -> None:
    client.force_login(world.people["reseller_admin"])
    for unknown in _UNKNOWN["pk"]:
        for key in {"reseller": 1} | RESELLERS[name][1](world):
            for method in RESELLERS[name][0]:
                assert _ask(client, method, _of_reseller(name, world, **{key: unknown})).status_code == HTTPStatus.NOT_FOUND, (method, key)


@pytest.mark.parametrize("name", RESELLERS)
def test_another_resellers_admin_finds_nothing(client: Client, world: World, name: str) -> None:
    other = Reseller.objects.create(name="Hallbeck Partners")
    user = User.objects.create_user("nora@hallbeck.example", None)
    Membership.objects.create(user=user, reseller=other, role="admin")
    client.force_login(user)
    for method in RESELLERS[name][0]:
        assert _ask(client, method, _of_reseller(name, world)).status_code == HTTPStatus.NOT_FOUND, method
        if "pk" in RESELLERS[name][1](world):
            assert _ask(client, method, _of_reseller(name, world, reseller=other.pk)).status_code == HTTPStatus.NOT_FOUND, method


@pytest.mark.parametrize("name", [name for name, (needs, _, _) in RESELLERS.items() if "POST" in needs])
def test_a_form_of_another_site_changes_nothing_of_a_reseller(world: World, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people["reseller_admin"])
    assert _ask(client, "POST", _of_reseller(name, world)).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("who", PEOPLE)
def test_the_plan_of_a_reseller_is_for_its_own_people(client: Client, world: World, who: str) -> None:
    address = reverse(PLAN, args=[world.account.slug])
    assert _ask(client, "GET", address).status_code == HTTPStatus.FOUND
    if who == "anonymous":
        return
    client.force_login(world.people[who])
    assert _ask(client, "GET", address).status_code == HTTPStatus.NOT_FOUND, "there is no key of the reseller"
    world["connection"].reseller = world.account.reseller
    world["connection"].save()
    expected = HTTPStatus.OK if who == "reseller_admin" else HTTPStatus.NOT_FOUND
    assert _ask(client, "GET", address).status_code == expected
    assert _ask(client, "POST", address).status_code == HTTPStatus.METHOD_NOT_ALLOWED
