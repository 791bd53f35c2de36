"""What a pull could do without and did not get: a named gap, never a failed pull."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from ingest.graph.calls import Call
from ingest.graph.errors import BadRequest, GraphError, LinkExpired, NotThere, Refused


@dataclass(frozen=True, slots=True)
class Gap:
    """``name`` is the call's; ``code`` Microsoft's code for it, and ``sentence`` says what is not known, and why."""

    name: str
    code: str
    sentence: str


def gap_of(call: Call, error: GraphError) -> Gap | None:
    """The gap that a refusal leaves. None for what a pull cannot do without, for a token that is not accepted, and for what may pass."""
    if not call.is_optional or error.status == HTTPStatus.UNAUTHORIZED or isinstance(error, LinkExpired):
        return None
    if not isinstance(error, (Refused, NotThere, BadRequest)):
        return None
    return Gap(call.name, error.code or str(error.status or ""), f"It is not known {call.without}. {error}")
