"""Answers to requests that no view gets to see."""

from __future__ import annotations

from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import bad_request as usual_bad_request

from ingest.streams import limit_words


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A file past all limits is stopped while it arrives, before its form can answer: that is said in its own words."""
    if isinstance(exception, RequestDataTooBig):
        return render(request, "413.html", {"limit": limit_words()}, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return usual_bad_request(request, exception)
