"""What every template promises, and what the shell, the sign-in pages and the shared table show."""

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django_tables2 as tables
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template.loader import get_template, render_to_string
from django.test import RequestFactory

TEMPLATES = Path(settings.BASE_DIR) / "templates"
PAGES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
ERRORS = ["400.html", "403.html", "403_csrf.html", "404.html", "413.html", "429.html", "500.html"]


def source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def without_comments(text: str) -> str:
    return re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", text, flags=re.DOTALL)


def asked(path: str = "/", **cookies: str) -> HttpRequest:
    request = RequestFactory().get(path)
    request.COOKIES.update(cookies)
    request.user = AnonymousUser()
    return request


def signed_in(path: str = "/", **cookies: str) -> HttpRequest:
    request = asked(path, **cookies)
    request.user = get_user_model()(email="mara@quillmere.example", name="Mara Kestle")
    return request


class TestEveryTemplate:
    @pytest.mark.parametrize("name", PAGES)
    def test_it_compiles(self, name: str) -> None:
        get_template(name)

    @pytest.mark.parametrize("name", PAGES)
    def test_it_states_what_it_is_given(self, name: str) -> None:
        assert re.search(r"{#.*\bContext\b.*#}|{% comment %}.*\bContext\b.*{% endcomment %}", source(name), re.DOTALL)

    @pytest.mark.parametrize("name", PAGES)
    def test_it_has_nothing_that_the_content_security_policy_refuses(self, name: str) -> None:
        text = without_comments(source(name))
        assert not re.search(r"\sstyle=|<style|javascript:|\son[a-z]+=|\shx-on|\shx-vals=.js", text)
        assert not re.search(r"<script(?![^>]*\ssrc=)", text)

    @pytest.mark.parametrize("name", PAGES)
    def test_its_icons_are_in_the_sprite(self, name: str) -> None:
        sprite = source("includes/sprite.html")
        used = re.findall(r'{% icon "([a-z]+)"', source(name))
        assert [icon for icon in used if f'id="i-{icon}"' not in sprite] == []

    def test_the_sprite_names_each_symbol_once(self) -> None:
        names = re.findall(r'id="(i-[a-z]+)"', source("includes/sprite.html"))
        assert len(names) == len(set(names))


class TestErrors:
    @pytest.mark.parametrize("name", ERRORS)
    def test_an_error_page_needs_no_context(self, name: str) -> None:
        html = get_template(name).render()
        assert "<h1>" in html
        assert "Go home" in html
        assert "Sign out" not in html

    @pytest.mark.parametrize("name", ERRORS)
    def test_it_says_its_title(self, name: str) -> None:
        html = get_template(name).render()
        title = re.search(r"<h1>(.*?)</h1>", html)
        assert title is not None
        assert f"<title>{title[1]} · Recon</title>" in html

    def test_too_large_says_how_large_is_right(self) -> None:
        assert "up to 200 MB" in render_to_string("413.html", {"limit": "200 MB"})


@pytest.mark.django_db
class TestShell:
    def test_the_theme_is_rendered_by_the_server(self) -> None:
        assert '<html lang="en" data-theme="dark">' in render_to_string("base.html", request=asked(theme="dark"))
        assert '<html lang="en">' in render_to_string("base.html", request=asked(theme='"><script>'))

    def test_signed_out_there_is_a_brand_and_nothing_else(self) -> None:
        html = render_to_string("base.html", request=asked())
        assert 'class="brand"' in html
        assert 'class="nav"' not in html

    def test_signing_out_is_a_post(self) -> None:
        html = render_to_string("base.html", request=signed_in())
        assert re.search(r'<form method="post" action="/account/logout/"><input type="hidden" name="csrfmiddlewaretoken"', html)

    def test_it_shows_account_cycle_role_and_work(self) -> None:
        cycles = [
            SimpleNamespace(label="14 Oct – 14 Nov 2026", state="in preparation", url="/now"),
            SimpleNamespace(label="14 Sep – 14 Oct 2026", state="signed", url="/before"),
        ]
        account = SimpleNamespace(name="Quillmere IT", slug="quillmere-it", anniversary="14th", url="/q")
        html = render_to_string(
            "base.html",
            {
                "account": account,
                "accounts": [account],
                "cycle": SimpleNamespace(start=date(2026, 10, 14), end=date(2026, 11, 14)),
                "cycles": cycles,
                "role": "Preparer",
                "jobs_running": 2,
                "jobs_url": "/jobs",
            },
            request=signed_in(),
        )
        for part in (
            'aria-label="Account: Quillmere IT"',
            'aria-label="Cycle: 14 Oct – 14 Nov 2026"',
            'href="/before" aria-label="Earlier cycle: 14 Sep – 14 Oct 2026"',
            '<a href="/now" aria-current="true">',
            "Mara Kestle, preparer",
            'aria-label="Background work: 2 running"',
        ):
            assert part in html
        assert "Later cycle" not in html

    def test_requests_of_htmx_carry_the_token(self) -> None:
        assert re.search(r"""hx-headers='{"X-CSRFToken": "\w{64}"}'""", render_to_string("base.html", request=asked()))


class Lines(tables.Table):
    organization = tables.Column(attrs={"cell": {"class": "clip"}})
    billed = tables.Column(attrs={"cell": {"class": "num edge p3"}})

    caption = "Billed units"
    row_header = "organization"
    groups = ({"span": 1, "label": "", "class": ""}, {"span": 1, "label": "Units", "class": "edge"})
    footer_rows = ({"organization": "All rows", "billed": "42"},)
    empty_title = "No row fits"

    class Meta:
        template_name = "includes/table.html"


def shown(rows: list[dict[str, Any]], query: str = "", **table: Any) -> str:
    request = asked(f"/list{query}")
    lines = Lines(rows, order_by=table.pop("order_by", None))
    tables.RequestConfig(request, paginate={"per_page": 2}).configure(lines)
    return render_to_string("includes/table.html", {"table": lines}, request=request) + render_to_string(
        "includes/pager.html", {"page": lines.page, "field": lines.prefixed_page_field}, request=request
    )


ROWS = [{"organization": f"Garrowby {n}", "billed": n} for n in range(5)]


class TestTable:
    def test_the_first_sorted_column_says_so_and_offers_the_other_way(self) -> None:
        html = shown(ROWS, "?sort=-billed&page=2")
        assert html.count("aria-sort=") == 1
        assert 'aria-sort="descending"' in html
        assert 'id="sort-billed" href="?sort=billed" hx-get="?sort=billed"' in html

    def test_sorting_starts_at_the_first_page_and_keeps_the_filter(self) -> None:
        assert 'href="?q=gar&amp;sort=organization"' in shown(ROWS, "?q=gar&page=2")

    def test_rows_have_headers_groups_a_foot_and_classes(self) -> None:
        html = shown(ROWS)
        for part in (
            '<caption class="vh">Billed units</caption>',
            '<th scope="colgroup" colspan="1" class="edge">Units</th>',
            '<th scope="row" class="clip">Garrowby 0</th>',
            '<td class="edge num p3">1</td>',
            '<th scope="row" class="clip">All rows</th>',
            '<td class="edge num p3">42</td>',
        ):
            assert part in html

    def test_without_rows_it_says_what_to_do(self) -> None:
        html = shown([])
        assert "<b>No row fits</b>" in html
        assert "No rows" in html

    def test_the_pager_says_where_one_is(self) -> None:
        html = shown(ROWS, "?page=2&q=gar")
        assert "3–4 of 5 rows" in html
        assert 'href="?page=3&amp;q=gar"' in html
        assert 'aria-label="Page 2" aria-current="page"' in html

    def test_at_the_end_there_is_no_next_page(self) -> None:
        html = shown(ROWS, "?page=3")
        assert 'disabled aria-label="Next page"' in html
        assert 'aria-label="Earlier page"' in html

    def test_customers_are_escaped(self) -> None:
        html = shown([{"organization": "<b>Dunfell</b>", "billed": 1}])
        assert "&lt;b&gt;Dunfell" in html
