"""The laws of the engine, on invented months."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from recon.engine import CHECKS, LEGS, LIST_CHECKS, LISTS, SEVERITIES, LegName, LegTable, reconcile
from recon.engine.compare import INVESTIGATE
from tests.engine.making import ORGANIZATIONS, judged, leg_tables, months, statements, tables, tolerance
from tests.engine.oracle import GivenLeg, Line, Stated

law = settings(max_examples=30)


def rows_of(legs: dict[str, GivenLeg], stated: list[Stated] | None = None) -> pd.DataFrame:
    return reconcile(tables(legs), ORGANIZATIONS, [tolerance(one) for one in stated or []])


def digest(rows: pd.DataFrame) -> str:
    return hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest()


@law
@given(months(whole=True))
def test_what_is_billed_is_conserved(legs: dict[str, GivenLeg]) -> None:
    rows = rows_of(legs)
    for name, leg in legs.items():
        assert rows[name].sum() == sum(line.quantity for line in leg.lines)
    for check in CHECKS:
        compared = rows[rows[f"{check}_difference"].notna()]
        assert compared[f"{check}_difference"].sum() == compared["billed"].sum() - compared[check].sum()


@law
@given(months())
def test_every_line_is_in_exactly_one_row(legs: dict[str, GivenLeg]) -> None:
    rows = rows_of(legs)
    places = Counter(zip(rows["organization"], rows["product"].astype(str), strict=True))
    named = {(line.organization, line.product) for leg in legs.values() for line in leg.lines}
    assert places == Counter(named)


@law
@given(months(), statements(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(legs: dict[str, GivenLeg], stated: list[Stated], random) -> None:
    def shuffled(leg: GivenLeg) -> GivenLeg:
        return GivenLeg(tuple(random.sample(leg.lines, len(leg.lines))), tuple(random.sample(leg.rejected, len(leg.rejected))), leg.partial)

    other = {name: shuffled(leg) for name, leg in sorted(legs.items(), reverse=True)}
    assert_frame_equal(rows_of(legs, stated), rows_of(other, random.sample(stated, len(stated))))


@law
@given(leg_tables(whole=True), statements())
def test_a_list_against_itself_is_silent(leg: GivenLeg, stated: list[Stated]) -> None:
    rows = rows_of({"billed": leg, "expected": leg, "rebilled": leg, "previous": leg}, stated)
    assert set(rows["severity"]) <= {SEVERITIES.index("match")}
    assert not rows[["expected_difference", "rebilled_difference", "previous_difference"]].any(axis=None)
    assert not rows.filter(like="not_").any(axis=None)


@law
@given(months(), statements())
def test_what_tenants_say_is_asked_of_identities_alone_and_is_never_green_unread(legs: dict[str, GivenLeg], stated: list[Stated]) -> None:
    rows = rows_of(legs, stated)
    is_asked = rows["microsoft_severity"].notna()
    assert (is_asked == ((rows["product"] == "itdr") & ("microsoft" in legs))).all()
    unread = rows[is_asked & (rows["microsoft"].isna() | rows["billed"].isna())]
    assert (unread["severity"] >= SEVERITIES.index("unchecked")).all()
    assert (rows.loc[~is_asked, "microsoft_difference"].isna()).all()


@law
@given(months(), statements())
def test_without_tenants_nothing_else_changes(legs: dict[str, GivenLeg], stated: list[Stated]) -> None:
    """But for rows that only a tenant names."""
    rows, without = rows_of(legs, stated), rows_of({name: leg for name, leg in legs.items() if name != "microsoft"}, stated)
    left = [name for name in rows.columns if "microsoft" not in name and name != "severity"]
    both = rows.merge(without[["organization", "product"]], on=["organization", "product"])
    assert_frame_equal(both[left], without[left], check_dtype=False)


@law
@given(leg_tables(), leg_tables())
def test_swapping_two_legs_flips_every_sign(one: GivenLeg, other: GivenLeg) -> None:
    there = judged(rows_of({"billed": one, "rebilled": other}))
    back = judged(rows_of({"billed": other, "rebilled": one}))
    assert list(there) == list(back)
    for cell, row in there.items():
        difference = row.differences["rebilled"]
        assert back[cell].differences["rebilled"] == (None if difference is None else -difference)
        assert {flag.replace("in_rebilled", "billed") for flag in row.flags} <= {"not_billed"}
        swap = {"not_billed": "not_in_rebilled", "not_in_rebilled": "not_billed"}
        assert {swap[flag] for flag in row.flags} == back[cell].flags


@law
@given(months(), statements())
def test_a_rerun_gives_the_same_digest(legs: dict[str, GivenLeg], stated: list[Stated]) -> None:
    assert digest(rows_of(legs, stated)) == digest(rows_of(legs, stated))


@law
@given(months())
def test_what_is_given_is_not_changed(legs: dict[str, GivenLeg]) -> None:
    def copied(given_legs: Mapping[LegName, LegTable]) -> dict[LegName, LegTable]:
        return {name: replace(leg, lines=leg.lines.copy(), rejected=leg.rejected.copy()) for name, leg in given_legs.items()}

    given_tables = tables(legs)
    before = copied(given_tables)
    reconcile(given_tables, ORGANIZATIONS)
    for name, leg in given_tables.items():
        assert_frame_equal(leg.lines, before[name].lines)
        assert_frame_equal(leg.rejected, before[name].rejected)


@law
@given(months(whole=True))
def test_merging_two_organizations_gives_the_sum(legs: dict[str, GivenLeg]) -> None:
    one, other = 0, ORGANIZATIONS - 1
    merged = {
        name: replace(leg, lines=tuple(replace(line, organization=one) if line.organization == other else line for line in leg.lines))
        for name, leg in legs.items()
    }
    apart, together = judged(rows_of(legs)), judged(rows_of(merged))
    assert set(together) == {(one if who == other else who, product) for who, product in apart}
    for (who, product), row in together.items():
        parts = [apart[cell] for cell in {(who, product), (other if who == one else who, product)} if cell in apart]
        for leg in LISTS:
            amounts = [part.quantities[leg] for part in parts]
            assert row.quantities[leg] == (None if None in amounts else sum(filter(None, amounts)))
        counted = [part.quantities["microsoft"] for part in parts if part.quantities["microsoft"] is not None]
        assert row.quantities["microsoft"] == (sum(counted) if counted else None), "the tenants of both are the tenants of one"
        for check in LIST_CHECKS:
            differences = [part.differences[check] for part in parts]
            assert row.differences[check] == (None if None in differences else sum(filter(None, differences)))


@law
@given(
    months(), statements(), st.integers(0, 3), st.sampled_from([Fraction(0), Fraction(1, 100), Fraction(7)]), st.sampled_from([0, 1, 40])
)
def test_raising_a_tolerance_never_adds_a_finding(
    legs: dict[str, GivenLeg], stated: list[Stated], which: int, percent: Fraction, units: int
) -> None:
    raised = list(stated)
    if which < len(stated):
        old = stated[which]
        raised[which] = replace(old, percent=min(old.percent + percent, Fraction(10_000)), units=old.units + units)
    before, after = rows_of(legs, stated), rows_of(legs, raised)
    for column in ("severity", *(f"{check}_severity" for check in CHECKS)):
        assert (after[column] <= before[column]).all()
        assert (after[column].isna() == before[column].isna()).all()
    assert (after["severity"] >= INVESTIGATE).sum() <= (before["severity"] >= INVESTIGATE).sum()


@law
@given(months(), st.sampled_from(["investigate", "escalate"]), st.integers(0, 100), st.integers(0, 40))
def test_a_tolerance_wider_than_the_default_never_adds_a_finding(legs: dict[str, GivenLeg], level: str, percent: int, units: int) -> None:
    least_percent, least_units = {"investigate": (5, 0), "escalate": (10, 1)}[level]
    wide = Stated("everywhere", level, Fraction(percent + least_percent), Fraction(units + least_units))
    before, after = rows_of(legs), rows_of(legs, [wide])
    assert (after["severity"] <= before["severity"]).all()


@law
@given(months(whole=True))
def test_two_merged_organizations_are_the_sum(legs: dict[str, GivenLeg]) -> None:
    """One that counts under another gives that one's row the sum of both, in every leg, and leaves the others as they were."""
    merged = {
        name: replace(leg, lines=tuple(replace(one, organization=min(one.organization, 1)) for one in leg.lines))
        for name, leg in legs.items()
    }
    before, after = rows_of(legs), rows_of(merged)
    apart = before.assign(organization=before["organization"].clip(upper=1))
    for leg in LEGS:
        if leg in legs and legs[leg].lines:
            sums = apart.groupby(["organization", "product"], observed=True)[leg].sum(min_count=1)  # what is not known stays so
            there = after.set_index(["organization", "product"])[leg]
            assert sums.astype("Int64").fillna(-1).to_dict() == there.astype("Int64").fillna(-1).to_dict()


@law
@given(months())
def test_where_nobody_is_rebilled_nothing_else_changes(legs: dict[str, GivenLeg]) -> None:
    """Only the rebilled check of those rows grows quieter, and only where the rebilled list has none of them."""
    unbilled = np.array([True, False, False])
    plain, quiet = rows_of(legs), reconcile(tables(legs), ORGANIZATIONS, nobody_rebilled=unbilled)
    ours = (quiet["organization"] == 0).to_numpy()
    assert (quiet["nobody_rebilled"] == ours).all()
    left = [name for name in plain.columns if name not in {"rebilled_severity", "severity", "nobody_rebilled"}]
    assert_frame_equal(plain[left], quiet[left])
    assert_frame_equal(plain[~ours], quiet[~ours])
    is_zero = ours & (quiet["rebilled"].fillna(1) == 0).to_numpy(dtype=bool) & quiet["rebilled_difference"].notna().to_numpy(dtype=bool)
    assert (quiet["rebilled_severity"][is_zero] <= SEVERITIES.index("within")).all()
    assert (quiet["rebilled_severity"][ours & ~is_zero] == plain["rebilled_severity"][ours & ~is_zero]).all()


def test_who_is_charged_for_what_nobody_should_be_is_flagged_even_where_the_counts_agree() -> None:
    lines = GivenLeg((Line(0, "edr", 5, None),))
    rows = reconcile(
        tables({"billed": lines, "rebilled": lines}), ORGANIZATIONS, always=True, nobody_rebilled=np.array([True, False, False])
    )
    assert rows["charged_anyway"].tolist() == [True]
    assert rows["severity"].tolist() == [INVESTIGATE]
