"""What the presentation tags and filters promise."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.templatetags import recon_ui as ui

WHOLE = st.integers(-(10**18), 10**18)


def rendered(source: str, **context: Any) -> str:
    return Template("{% load recon_ui %}" + source).render(Context(context))


def cycle(start: str, end: str) -> Any:
    return SimpleNamespace(start=date.fromisoformat(start), end=date.fromisoformat(end))


def read(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("\u2212", "-").replace("$", ""))


class TestFigures:
    @pytest.mark.parametrize(
        ("value", "text"),
        [(0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567"), (-1234, "−1,234"), (None, "–"), ("", "–")],
    )
    def test_units_have_thousands_separators(self, value: Any, text: str) -> None:
        assert ui.units(value) == text

    @pytest.mark.parametrize(("value", "text"), [(12, "+12"), (-18, "−18"), (0, "0"), (-1200, "−1,200"), (None, "–")])
    def test_a_difference_has_a_sign_unless_it_is_none(self, value: Any, text: str) -> None:
        assert ui.signed(value) == text

    @given(WHOLE)
    def test_units_are_what_decimal_writes(self, value: int) -> None:
        assert ui.units(value) == f"{Decimal(value):,}".replace("-", "−")
        assert read(ui.signed(value)) == value

    @pytest.mark.parametrize("value", [1.0, 1.5, Decimal(1), "12"])
    @pytest.mark.parametrize("show", [ui.units, ui.signed, ui.money, ui.signed_money])
    def test_only_whole_numbers_are_shown(self, show: Any, value: Any) -> None:
        with pytest.raises(TypeError):
            show(value)

    @pytest.mark.parametrize(
        ("count", "words", "text"), [(1, "row", "1 row"), (0, "row", "0 rows"), (1204, "entry,entries", "1,204 entries")]
    )
    def test_plural(self, count: int, words: str, text: str) -> None:
        assert ui.plural(count, words) == text


class TestMoney:
    @pytest.mark.parametrize(
        ("micros", "text", "with_sign"),
        [
            (0, "0.00", "0.00"),
            (257_550_000, "257.55", "+257.55"),
            (-55_800_000, "−55.80", "−55.80"),
            (5_000, "0.01", "+0.01"),
            (-5_000, "−0.01", "−0.01"),
            (4_999, "0.00", "0.00"),
            (-4_999, "0.00", "0.00"),
            (1_234_567_890_000, "1,234,567.89", "+1,234,567.89"),
            (None, "–", "–"),
        ],
    )
    def test_money_is_rounded_half_up_to_cents(self, micros: Any, text: str, with_sign: str) -> None:
        assert ui.money(micros) == text
        assert ui.signed_money(micros) == with_sign

    @pytest.mark.parametrize(("currency", "text"), [("USD", "−$55.80"), ("EUR", "−€55.80"), ("CHF", "−CHF\u00a055.80"), ("", "−55.80")])
    def test_the_currency_stands_between_sign_and_figure(self, currency: str, text: str) -> None:
        assert ui.money(-55_800_000, currency) == text

    @given(WHOLE)
    def test_money_is_what_decimal_says(self, micros: int) -> None:
        exact = (Decimal(micros) / 1_000_000).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert read(ui.money(micros)) == exact
        assert read(ui.signed_money(micros, "USD")) == exact
        assert ui.money(micros).lstrip("−") == f"{abs(exact):,}"

    @given(WHOLE)
    def test_turning_the_sign_turns_only_the_sign(self, micros: int) -> None:
        flipped = ui.signed_money(-micros).translate(str.maketrans("+−", "−+"))
        assert flipped == ui.signed_money(micros)


class TestDates:
    def test_a_day_is_unambiguous(self) -> None:
        assert ui.day(date(2026, 11, 4)) == "4 Nov 2026"

    def test_a_moment_is_told_in_the_current_time_zone(self) -> None:
        late = datetime(2026, 11, 14, 23, 30, tzinfo=UTC)
        with timezone.override("Europe/Berlin"):
            assert ui.moment(late) == "15 Nov 2026, 00:30"
            assert ui.day(late) == "15 Nov 2026"

    @pytest.mark.parametrize(
        ("start", "end", "text"),
        [
            ("2026-10-14", "2026-11-14", "14 Oct – 14 Nov 2026"),
            ("2026-12-14", "2027-01-14", "14 Dec 2026 – 14 Jan 2027"),
            ("2026-02-01", "2026-03-01", "1 Feb – 1 Mar 2026"),
        ],
    )
    def test_a_cycle_is_named_by_its_range(self, start: str, end: str, text: str) -> None:
        assert rendered("{{ cycle|range }}", cycle=cycle(start, end)) == text

    def test_without_a_date_there_is_a_dash(self) -> None:
        assert (ui.day(None), ui.moment(None), rendered("{{ cycle|range }}", cycle=None)) == ("–", "–", "")


class TestPeople:
    @pytest.mark.parametrize(
        ("who", "text"),
        [("Mara Kestle", "MK"), ("Ada", "AD"), ("jo.falk@example.test", "JF"), ("Anna van der Meer", "AM"), (None, ""), ("", "")],
    )
    def test_initials(self, who: Any, text: str) -> None:
        assert ui.initials(who) == text

    def test_a_person_without_a_name_goes_by_the_address(self) -> None:
        user = SimpleNamespace(name="", email="mara@quillmere.example")
        assert (ui.person(user), ui.initials(user)) == ("mara@quillmere.example", "MA")


class TestStatus:
    def test_an_icon_is_decoration_unless_it_has_a_label(self) -> None:
        assert rendered('{% icon "match" %}') == '<svg class="i" aria-hidden="true"><use href="#i-match"/></svg>'
        assert 'role="img" aria-label="Matched"' in rendered('{% icon "match" "Matched" %}')

    def test_a_severity_has_a_word_an_icon_and_a_tone(self) -> None:
        html = rendered('{% severity "escalate" chip=True %}')
        assert 'class="sev is-chip is-escalate"' in html
        assert "#i-escalate" in html
        assert "<span>Escalate</span>" in html

    def test_every_state_has_a_symbol_in_the_sprite(self) -> None:
        sprite = rendered('{% include "includes/sprite.html" %}')
        assert [symbol for _, symbol, _ in ui.STATES.values() if f'id="i-{symbol}"' not in sprite] == []

    def test_an_unknown_state_is_not_shown_as_anything(self) -> None:
        with pytest.raises(KeyError):
            ui.severity("splendid")

    def test_a_blank_gives_its_reason_and_escapes_it(self) -> None:
        html = rendered("{% blank reason %}", reason='no "ISPM" <column>')
        assert html.count("no &quot;ISPM&quot; &lt;column&gt;") == 2
        assert '<span aria-hidden="true">–</span>' in html


class TestSpark:
    def test_it_draws_the_reference(self) -> None:
        assert rendered("{% spark values %}", values=[0] * 11 + [41]) == (
            '<svg class="spark" viewBox="0 0 60 18" role="img" aria-label="Billed in twelve cycles: from 0 to 41, now 41">'
            '<polyline points="2,16 7.1,16 12.2,16 17.3,16 22.4,16 27.5,16 32.5,16 37.6,16 42.7,16 47.8,16 52.9,16 58,2"/>'
            '<circle cx="58" cy="2" r="1.9"/></svg>'
        )

    def test_a_cycle_without_a_figure_is_a_gap(self) -> None:
        html = ui.spark([4, 5, None, 5, 4])
        assert html.count("<polyline") == 2
        assert "in five cycles: from 4 to 5, now 4" in html

    def test_the_present_may_be_unknown(self) -> None:
        assert "now unknown" in ui.spark([4, None])

    def test_no_figure_at_all_is_a_blank(self) -> None:
        assert 'class="blank"' in ui.spark([None, None])

    @given(st.lists(st.none() | st.integers(0, 10**9), min_size=1, max_size=40))
    def test_it_stays_in_its_box_and_carries_no_style(self, values: list[int | None]) -> None:
        html = ui.spark(values)
        assert "style=" not in html
        for points in html.split('points="')[1:]:
            pairs = [tuple(map(float, pair.split(","))) for pair in points.split('"')[0].split()]
            assert all(2 <= x <= 58 and 2 <= y <= 16 for x, y in pairs)


class Sample(forms.Form):
    email = forms.EmailField(widget=forms.EmailInput(attrs={"placeholder": "E-mail"}))
    kind = forms.ChoiceField(choices=[("a", "A")], required=False)
    agreed = forms.BooleanField(required=False)


class TestField:
    def test_label_hint_and_error_are_tied_to_the_control(self) -> None:
        html = rendered('{% field form.email hint="Yours" autocomplete="username" %}', form=Sample({"email": "no"}))
        for part in (
            '<label for="id_email">',
            'aria-describedby="id_email_hint id_email_error"',
            'aria-invalid="true"',
            'autocomplete="username"',
            'id="id_email_hint">Yours',
            'class="error" id="id_email_error"',
            'value="no"',
        ):
            assert part in html

    def test_a_placeholder_is_no_label(self) -> None:
        html = rendered("{% field form.email %}", form=Sample())
        assert "placeholder" not in html
        assert "aria-invalid" not in html

    def test_an_optional_choice_says_so(self) -> None:
        html = rendered("{% field form.kind %}", form=Sample())
        assert "(optional)" in html
        assert 'class="select"' in html

    def test_a_check_box_is_inside_its_label(self) -> None:
        assert '<label class="check"><input type="checkbox"' in rendered("{% field form.agreed %}", form=Sample())


class TestLists:
    def test_the_pages_offered_are_the_ends_and_the_neighbours(self) -> None:
        offered = rendered("{% pages page as them %}{{ them|join:' ' }}", page=Paginator(range(1000), 25).page(20))
        assert offered == "1 … 18 19 20 21 22 … 40"

    @pytest.fixture
    def cycles(self) -> list[Any]:
        months = [("2026-11-14", "2026-12-14"), ("2026-10-14", "2026-11-14"), ("2026-09-14", "2026-10-14")]
        return [SimpleNamespace(label=ui.cycle_range(cycle(*month))) for month in months]

    def test_a_cycle_has_neighbours(self, cycles: list[Any]) -> None:
        near = ui.neighbours(cycles, cycle("2026-10-14", "2026-11-14"))
        assert (near["later"], near["earlier"]) == (cycles[0], cycles[2])

    def test_the_last_cycle_has_no_later_one(self, cycles: list[Any]) -> None:
        near = ui.neighbours(cycles, cycle("2026-11-14", "2026-12-14"))
        assert (near["later"], near["earlier"]) == (None, cycles[1])

    def test_only_the_first_sorted_column_is_announced(self) -> None:
        first, second = SimpleNamespace(name="billed"), SimpleNamespace(name="product")
        assert ui.aria_sort(first, ("-billed", "product")) == "descending"
        assert ui.aria_sort(second, ("-billed", "product")) == ""
        assert ui.aria_sort(second, ("product",)) == "ascending"
        assert ui.aria_sort(second, ()) == ""
