"""Who is billable: the cases of the rule one by one, and its laws against an oracle that reads it out loud."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.skus import sku_key, tidy
from recon.engine.identities import REASONS, UNNAMED, VERDICT_COLUMNS, Effect, classify, effect

GUID = "c7df2760-2c81-4ef7-b578-5b5392b571df"
OTHER = "6fd2c87f-b296-42f0-b197-1e91e994b900"


class Held(NamedTuple):
    tenant: str
    identity: str
    sku_id: str = ""
    sku: str = ""
    state: str | None = ""
    is_trial: bool | None = False


def people(*who: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(who), columns=["tenant", "identity"])


def table(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["tenant", "sku_id", "sku"])


def verdicts(held: Iterable[Held], excluded: Iterable[str] = (), who: pd.DataFrame | None = None, **more: Any) -> pd.DataFrame:
    who = people(("t", "ann")) if who is None else who
    return classify(who, pd.DataFrame(list(held), columns=list(Held._fields)), list(excluded), **more)


def one(held: Iterable[Held], excluded: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    (row,) = verdicts(held, excluded, **more).to_dict("records")
    return {str(name): value for name, value in row.items()}


def ann(sku: str, **more: Any) -> Held:
    return Held("t", "ann", sku=sku, **more)


@pytest.mark.parametrize(
    ("held", "excluded", "said"),
    [
        ([], ["FORMS_PRO"], (False, "unlicensed", "")),
        ([ann("SPB")], ["FORMS_PRO"], (True, "licensed", "SPB")),
        ([ann("FORMS_PRO")], ["FORMS_PRO"], (False, "excluded_only", "FORMS_PRO")),
        ([ann("FORMS_PRO"), ann("SMB_APPS")], ["FORMS_PRO", "SMB_APPS"], (False, "excluded_only", "FORMS_PRO, SMB_APPS")),
        ([ann("FORMS_PRO"), ann("SPB"), ann("EMS")], ["FORMS_PRO"], (True, "licensed", "EMS, SPB")),
        ([ann(" forms_Pro\t")], ["FORMS_PRO\u00a0"], (False, "excluded_only", "forms_Pro")),
        ([ann("SPB", state="Error")], [], (False, "failed_only", "")),
        ([ann("SPB", state="error "), ann("FORMS_PRO")], ["FORMS_PRO"], (False, "excluded_only", "FORMS_PRO")),
        ([ann("SPB", state="Error"), ann("SPB", state="Active")], [], (True, "licensed", "SPB")),
        ([ann("SPB", state="ActiveWithError")], [], (True, "licensed", "SPB")),
        ([ann("SPB", state=None)], [], (True, "licensed", "SPB")),
        ([ann("SPB"), ann("SPB")], [], (True, "licensed", "SPB")),  # directly, and by a group
        ([Held("t", "bob", sku="SPB"), Held("u", "ann", sku="SPB")], [], (False, "unlicensed", "")),  # somebody else's
        ([Held("t", "ann")], [], (True, "unknown_sku", UNNAMED)),
    ],
)
def test_the_rule(held: list[Held], excluded: list[str], said: tuple[bool, str, str]) -> None:
    found = one(held, excluded)
    assert (found["billable"], found["reason"], found["deciding"]) == said


def test_a_guid_is_resolved_through_its_own_tenants_table() -> None:
    catalogue = table(("t", GUID.upper() + "\u00a0", "Forms_Pro "), ("u", OTHER, "FORMS_PRO"))
    who = people(("t", "ann"), ("u", "ann"))
    held = [Held("t", "ann", GUID), Held("u", "ann", GUID)]
    found = verdicts(held, ["FORMS_PRO"], who, catalogue=catalogue)
    assert found["reason"].tolist() == ["excluded_only", "unknown_sku"]
    assert found["deciding"].tolist() == ["Forms_Pro", GUID]
    assert found["has_unknown"].tolist() == [False, True]


def test_the_tenants_table_goes_before_a_part_number_beside_the_guid() -> None:
    assert one([Held("t", "ann", GUID, "SPB")], ["FORMS_PRO"], catalogue=table(("t", GUID, "FORMS_PRO")))["billable"] is False
    assert one([Held("t", "ann", GUID, "FORMS_PRO")], ["FORMS_PRO"], catalogue=table(("t", OTHER, "SPB")))["billable"] is False


def test_a_guid_that_nobody_knows_is_billable_and_flagged_even_where_the_list_has_it() -> None:
    found = one([Held("t", "ann", GUID)], [GUID])
    assert (found["billable"], found["reason"], found["has_unknown"]) == (True, "unknown_sku", True)


def test_a_part_number_that_nobody_knows_is_billable_and_flagged() -> None:
    found = one([ann("BRAND_NEW")], ["MESH_AVATARS"], known=["spb"])
    assert (found["billable"], found["reason"], found["deciding"], found["has_unknown"]) == (True, "unknown_sku", "BRAND_NEW", True)
    both = one([ann("BRAND_NEW"), ann("SPB")], known=["spb"])
    assert (both["reason"], both["has_unknown"]) == ("licensed", True)
    # That Microsoft's table lacks it is no reason to doubt what is on the list.
    on_list = one([ann("MESH_AVATARS")], ["MESH_AVATARS"], known=["spb"])
    assert (on_list["billable"], on_list["has_unknown"]) == (False, False)


def test_trials_and_failures_are_told() -> None:
    catalogue = table(("t", GUID, "SPB_TRIAL")).assign(is_trial=True)
    assert one([Held("t", "ann", GUID)], catalogue=catalogue)["is_trial_only"]
    assert one([ann("SPB", is_trial=True), ann("FORMS_PRO")], ["FORMS_PRO"])["is_trial_only"]  # the other does not decide
    assert not one([ann("SPB", is_trial=True), ann("EMS")])["is_trial_only"]
    assert not one([ann("SPB", is_trial=True), ann("SPB", is_trial=None)])["is_trial_only"]
    assert not one([])["is_trial_only"]
    failed = one([ann("SPB", state="Error"), ann("EMS")])
    assert (failed["has_failed"], failed["deciding"]) == (True, "EMS")


def test_each_row_of_the_identities_is_answered_in_its_place() -> None:
    who = people(("t", "bob"), ("t", "ann"), ("t", "bob")).set_index(pd.Index([7, 3, 7]))
    found = verdicts([Held("t", "bob", sku="SPB")], who=who)
    assert (found.index.tolist(), found["billable"].tolist()) == ([7, 3, 7], [True, False, True])
    assert tuple(found.columns) == VERDICT_COLUMNS


def test_nobody_and_nothing_is_an_empty_table() -> None:
    assert len(verdicts([ann("SPB")], who=people())) == 0
    only = classify(people(("t", "ann")), pd.DataFrame({"tenant": [], "identity": [], "sku_id": [], "sku": []}), [])
    assert only["reason"].tolist() == ["unlicensed"]


# --- laws -------------------------------------------------------------------------------------------------------------------------

SKUS = ["SPB", "spb ", "EMS", "Forms_Pro", "FORMS_PRO\u00a0", "MCOPSTNC", ""]
GUIDS = [GUID, GUID.upper(), OTHER, "not a guid", ""]
HELD = st.lists(
    st.builds(
        Held, st.sampled_from("tu"), st.sampled_from("abc"), st.sampled_from(GUIDS), st.sampled_from(SKUS),
        st.sampled_from(["", "Active", "Error", "ERROR"]), st.booleans(),
    ),
    max_size=12,
)  # fmt: skip
LISTS = st.lists(st.sampled_from([*SKUS[:-1], "OTHER_ONE"]), max_size=5)
CATALOGUES = st.dictionaries(st.tuples(st.sampled_from("tu"), st.sampled_from([GUID, OTHER])), st.sampled_from(SKUS), max_size=4).map(
    lambda found: table(*((tenant, guid, sku) for (tenant, guid), sku in found.items()))
)
#: Each example builds tables, which is slow beside what it proves.
FEW = settings(max_examples=40)
EVERYBODY = people(*((tenant, identity) for tenant in "tu" for identity in "abc"))


def oracle(held: list[Held], excluded: Iterable[str], catalogue: pd.DataFrame) -> dict[tuple[str, str], tuple[bool, str, set[str]]]:
    """The rule, person by person."""
    listed = {sku_key(sku) for sku in excluded}
    parts = {(tenant, guid): sku for tenant, guid, sku in catalogue.itertuples(index=False) if tidy(sku)}
    found = {}
    for tenant, identity in EVERYBODY.itertuples(index=False):
        mine = [one for one in held if (one.tenant, one.identity) == (tenant, identity)]
        named: dict[str, bool] = {}
        for row in mine:
            if row.state and row.state.casefold() == "error":
                continue
            part = parts.get((tenant, row.sku_id.lower())) or row.sku
            named[sku_key(part) if tidy(part) else f"? {row.sku_id.lower()}"] = bool(tidy(part))
        counting = {key for key, has_part in named.items() if not (has_part and key in listed)}
        if counting:
            reason = "licensed" if any(named[key] for key in counting) else "unknown_sku"
        elif named:
            reason = "excluded_only"
        else:
            reason = "failed_only" if mine else "unlicensed"
        found[tenant, identity] = (bool(counting), reason, counting or set(named))
    return found


@FEW
@given(HELD, LISTS, CATALOGUES)
def test_the_engine_says_what_the_oracle_says(held: list[Held], excluded: list[str], catalogue: pd.DataFrame) -> None:
    found = verdicts(held, excluded, EVERYBODY, catalogue=catalogue)
    expected = oracle(held, excluded, catalogue)
    for who, row in zip(EVERYBODY.itertuples(index=False, name=None), found.to_dict("records"), strict=True):
        billable, reason, deciding = expected[who]
        assert (row["billable"], row["reason"]) == (billable, reason)
        assert len([word for word in row["deciding"].split(", ") if word]) == len(deciding)
        assert row["has_unknown"] == any(key.startswith("? ") for key in deciding)


@FEW
@given(HELD, LISTS, st.sampled_from(SKUS[:-1]), CATALOGUES)
def test_excluding_one_more_never_makes_anyone_billable(held: list[Held], excluded: list[str], more: str, catalogue: pd.DataFrame) -> None:
    before = verdicts(held, excluded, EVERYBODY, catalogue=catalogue)["billable"]
    after = verdicts(held, [*excluded, more], EVERYBODY, catalogue=catalogue)["billable"]
    assert not (after & ~before).any()


@FEW
@given(HELD, LISTS, LISTS)
def test_the_union_of_two_lists_frees_whom_either_frees(held: list[Held], one: list[str], other: list[str]) -> None:
    alone = [verdicts(held, listed, EVERYBODY)["billable"] for listed in (one, other)]
    union = verdicts(held, [*one, *other], EVERYBODY)["billable"]
    assert not (union & ~(alone[0] & alone[1])).any()


@FEW
@given(HELD, LISTS, CATALOGUES, st.randoms(use_true_random=False))
def test_order_case_and_repeats_do_not_matter(
    held: list[Held], excluded: list[str], catalogue: pd.DataFrame, chance: random.Random
) -> None:
    again = [one._replace(sku_id=chance.choice([one.sku_id, one.sku_id.upper()])) for one in [*held, *held[:2]]]
    chance.shuffle(again)
    turned = [chance.choice([sku.upper(), f" {sku.lower()}"]) for sku in [*excluded, *excluded]]
    chance.shuffle(turned)
    first = verdicts(held, excluded, EVERYBODY, catalogue=catalogue)
    second = verdicts(again, turned, EVERYBODY, catalogue=catalogue.sample(frac=1, random_state=chance.randrange(9)))
    same = ["billable", "reason", "has_unknown", "has_failed"]
    assert first[same].astype(str).equals(second[same].astype(str))
    assert [words.casefold() for words in first["deciding"]] == [words.casefold() for words in second["deciding"]]


@FEW
@given(HELD, LISTS)
def test_only_a_licence_that_counts_makes_billable(held: list[Held], excluded: list[str]) -> None:
    found = verdicts(held, excluded, EVERYBODY)
    assert set(found.loc[found["billable"], "reason"]) <= set(REASONS[:2])
    assert set(found.loc[~found["billable"], "reason"]) <= set(REASONS[2:])


# --- from one list to another -----------------------------------------------------------------------------------------------------


def test_what_another_list_changes() -> None:
    who = people(("t", "ann"), ("t", "bob"), ("u", "eve"), ("t", "ann")).assign(customer=[1, 1, 2, 1])
    held = pd.DataFrame([Held("t", "ann", sku="A"), Held("t", "bob", sku="B"), Held("u", "eve", sku="A")])
    said = effect(who, held, before=["b"], after=["A", " a"])
    assert said == Effect(added=1, removed=1, freed=2, freed_customers=2, billed=1, billed_customers=1)
    assert said.sentences == [
        "1 added: 2 identities become non-billable at 2 customers.", "1 removed: 1 identity becomes billable at 1 customer.",
    ]  # fmt: skip
    assert effect(who, held, ["A"], ["a"]).sentences == []
