"""The invented Microsoft tells the stories that it should, about the people whom the invented Huntress bills."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from ingest.graph import CALLS, GLOBAL, Microsoft, Walk, prove
from recon.demo.huntress.story import Story as Billing
from recon.demo.microsoft.estate import Crowd, Tenant
from recon.demo.microsoft.skus import SKUS, UNKNOWN
from recon.demo.microsoft.story import STORIES, Story, tenant_of
from tests.graph.conftest import APP

NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)


def tenant(number: int, snapshot: int = 1) -> Tenant:
    found = Story(snapshot, now=NOW).tenant(tenant_of(number))
    assert found
    return found


def licensed(of: Tenant) -> dict[str, dict[str, Any]]:
    return {one["userPrincipalName"].lower(): one for one in of.users if one["assignedLicenses"]}


def billed() -> dict[str, set[str]]:
    """The addresses that Huntress bills, by tenant."""
    story, found = Billing(now=NOW), dict[str, set[str]]()
    for account in (story.account, story.other):
        owners = story.table("organizations", account["id"])
        identities = story.table("identities", account["id"])
        assert owners
        assert identities
        tenants = {number: owners.make(number)["identity_provider_tenant_id"] for number in owners.ids}
        for one in map(identities.make, identities.ids):
            if one["billable"]:
                found.setdefault(tenants[one["organization"]["id"]], set()).add(one["username"])
    return found


def parts(one: dict[str, Any]) -> set[str]:
    names = {guid: part for part, guid in SKUS.items()}
    return {names.get(licence["skuId"], "?") for licence in one["assignedLicenses"]}


def test_every_tenant_that_huntress_bills_is_there_and_most_agree() -> None:
    story, bills = Story(now=NOW), billed()
    assert bills.keys() <= set(story.ids())
    assert len(set(story.ids()) - bills.keys()) == 1  # the second tenant of one Organization
    differ = {number for number in bills if (found := story.tenant(number)) and licensed(found).keys() != bills[number]}
    assert differ <= {tenant_of(number) for number in STORIES}
    assert len(differ) < len(STORIES)


def test_leavers_kept_their_licence_and_are_the_ones_that_huntress_has() -> None:
    disabled = {name for name, one in licensed(tenant(41138)).items() if not one["accountEnabled"]}
    assert disabled == {f"person{number}@stbrannocsacademy.example" for number in range(1, 7)}
    assert disabled <= billed()[tenant_of(41138)]


def test_a_mailbox_is_converted_between_the_snapshots() -> None:
    address = "accounts@northbecklegal.example"
    assert [address in licensed(tenant(41108, snapshot)) for snapshot in (0, 1)] == [True, False]
    purposes = [
        of.purposes[one["id"]] for of in (tenant(41108, 0), tenant(41108, 1)) for one in of.users if one["userPrincipalName"] == address
    ]
    assert purposes == ["user", "shared"]


def test_licensed_and_billed_differ_as_the_stories_tell() -> None:
    bills = billed()
    extra = {number: licensed(tenant(number)).keys() - bills[tenant_of(number)] for number in (41171, 41036, 41135, 41039, 41075)}
    assert {number: len(names) for number, names in extra.items()} == {41171: 1, 41036: 1, 41135: 1, 41039: 1, 41075: 4}
    gone = bills[tenant_of(41096)] - licensed(tenant(41096)).keys()
    assert gone == {one["mail"] for one in tenant(41096).deleted}
    assert [one["mail"] for name, one in licensed(tenant(41153)).items() if name not in bills[tenant_of(41153)]] == [
        "person1@tarnvaledental.example"
    ]


def test_shared_room_and_device_are_what_their_mailboxes_say() -> None:
    found = {}
    for number in (41063, 41171, 41039):
        of = tenant(number)
        found[number] = {of.purposes[one["id"]] for one in licensed(of).values()}
    assert found == {41063: {"user", "shared"}, 41171: {"user", "room"}, 41039: {"user", ""}}


def test_licences_are_excluded_on_trial_unknown_doubled_and_not_assigned() -> None:
    aldermoss = licensed(tenant(41007))
    found = [parts(aldermoss[f"person{number}@aldermossaccountants.example"]) for number in (3, 4)]
    assert found == [{"SMB_APPS"}, {"SMB_APPS", "FORMS_PRO"}]
    assert {one["skuPartNumber"] for one in tenant(41057).subscriptions if one["isTrial"]} == {"SPE_E5"}
    assert UNKNOWN not in {one["skuId"] for one in tenant(41030).skus}
    assert any(licence["skuId"] == UNKNOWN for one in licensed(tenant(41030)).values() for licence in one["assignedLicenses"])
    first = licensed(tenant(41123))["person1@pinfoldinsurancebrokers.example"]
    assert (len(first["assignedLicenses"]), len(first["licenseAssignmentStates"])) == (1, 2)
    assert "smb_apps " in {one["skuPartNumber"] for one in tenant(41069).skus}
    failed = licensed(tenant(41024))["person1@brindlestowarchitects.example"]
    assert parts(failed) == {"SMB_APPS"}
    assert [one["state"] for one in failed["licenseAssignmentStates"]] == ["Error", "Active"]


def test_consumed_units_are_those_that_are_assigned() -> None:
    for number in (41063, 41138, 41007):
        of = tenant(number)
        counted = {one["skuId"]: one["consumedUnits"] for one in of.skus if one["consumedUnits"]}
        assert sum(counted.values()) == sum(len(one["assignedLicenses"]) for one in of.users)


def test_ids_are_nobodys_twice_and_stay_between_the_snapshots() -> None:
    story = Story(now=NOW)
    ids = [one["id"] for number in story.ids() if (of := story.tenant(number)) for one in (*of.users, *of.deleted)]
    assert len(ids) == len(set(ids))
    for number in (41063, 41138, 41108):
        before, after = ({one["userPrincipalName"]: one["id"] for one in tenant(number, snapshot).users} for snapshot in (0, 1))
        assert all(before[name] == after[name] for name in before.keys() & after.keys())
        assert before.keys() & after.keys()
    before, after = ({one["id"]: one["userPrincipalName"] for one in tenant(41153, snapshot).users} for snapshot in (0, 1))
    assert {(before[one], after[one]) for one in before.keys() & after.keys() if before[one] != after[one]} == {
        ("person1@tarnvaledental.example", "bryony.crake@tarnvaledental.example")
    }


def test_a_crowd_costs_nothing_until_it_is_asked_for() -> None:
    crowd = Crowd(tenants=5_000, users=200)
    assert len(crowd.ids()) == 5_000
    found = crowd.tenant(crowd.ids()[4_999])
    assert found
    assert len(found.users) == 200


def test_it_runs_by_itself() -> None:
    command = [sys.executable, "-m", "recon.demo.microsoft", "--tenants", "3", "--users", "1200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            base = process.stdout.readline().removeprefix("Ready: ").strip()
            with Microsoft(GLOBAL, APP, through=base) as microsoft:
                client = microsoft.tenant(Crowd(tenants=3).ids()[2])
                assert prove(client).name == "Customer 3 Ltd"
                assert sum(len(page.records) for page in Walk(client, CALLS["licensed_users"])) == 1_200
        finally:
            process.terminate()
