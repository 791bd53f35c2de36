"""Boards held against the rows that they are of, by the page's own filters."""

from __future__ import annotations

from itertools import product
from typing import Any

from django.http import QueryDict

from accounts.models import User
from accounts.products import CODES
from recon import board
from recon.filters import FURTHER_VIEWS, VIEWS, VarianceFilter, rows_of
from recon.models import Board, Reconciliation, Severity

#: Every list that the board counts: each product, severity and saved view, and none of it. A note is not a row's.
LISTS = list(product(("", *CODES), (None, *Severity), [view for view, _ in (*VIEWS, *FURTHER_VIEWS) if view != "asked"]))


def wrong_boards() -> list[Any]:
    """Compared months whose board is not there, is of another run, or says something else than the rows do."""
    return [
        month
        for month in Reconciliation.objects.filter(run__gt=0)
        if not Board.objects.filter(pk=month.pk, run=month.run).exists() or board.board_of(month).groups != board.counted(rows_of(month))
    ]


def wrong_lists(month: Reconciliation, user: User) -> list[Any]:
    """Lists of a month that the board counts otherwise than the database counts what the filter shows."""
    read, wrong = board.board_of(month), []
    for code, severity, view in LISTS:
        query = QueryDict(mutable=True)
        query.update({"product": code, "severity": severity.code if severity is not None else "", "view": view})
        shown = VarianceFilter(query, queryset=rows_of(month), user=user).qs
        if read.of(product=code, severity=severity, view=view, user=user.pk) != board.figures_of(shown):
            wrong.append((code, severity, view))
    return wrong
