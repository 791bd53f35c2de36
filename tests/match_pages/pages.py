"""Somebody who looks at the queue and answers through its forms, as a browser without a script does."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import Organization, User
from recon.models import Question
from tests.review.making import NOVEMBER, OCTOBER, World, work


@dataclass
class Pages:
    client: Client
    world: World
    user: User

    def __post_init__(self) -> None:
        self.client.force_login(self.user)

    def address(self, name: str, *args: Any) -> str:
        return reverse(f"recon:{name}", args=[self.world.account.slug, *args])

    def get(self, name: str, /, *args: Any, **query: str) -> str:
        response = self.client.get(self.address(name, *args), query)
        assert response.status_code == 200
        return words(response)

    def post(self, name: str, /, *args: Any, **form: Any) -> str:
        """What is said where one is led to."""
        return words(self.client.post(self.address(name, *args), form, follow=True))

    def answer(self, question: Question, said: str, **form: Any) -> str:
        return self.post("answer", question.pk, answer=said, **form)


def words(response: Any) -> str:
    """A page's words, without its marks."""
    body = re.sub(r"<(script|style|svg|template)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    body = re.sub(r"</?mark>|</?b>", "", body)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


def namesakes(world: World) -> Question:
    """Two of one name, and a row that waits since it fits both."""
    for number in ("72", "195"):
        Organization.objects.create(account=world.account, name="Harbour Lane Joinery", huntress_id=number)
    world.quiet(OCTOBER, {("Cobble Lane Florists", "edr"): 8})
    world.put("billed", {("Cobble Lane Florists", "edr"): 8}, NOVEMBER)
    world.put("expected", {("Cobble Lane Florists", "edr"): 8}, NOVEMBER, waiting="HARBOUR LANE, Joinery")
    work()
    return Question.objects.get(kind="ambiguous")


def in_rebilled_list_alone(world: World, *strangers: str) -> list[Question]:
    """Customers that a list of ours charges and no bill names."""
    steady = {("Cobble Lane Florists", "edr"): 8}
    world.quiet(OCTOBER, steady)
    world.month(NOVEMBER, steady, steady, {**steady, **{(name, "edr"): 3 for name in strangers}})
    return list(Question.objects.filter(kind="unmatched", state="open").order_by("name"))
