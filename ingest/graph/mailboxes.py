"""What mailboxes are for, twenty to a batch: user, shared, room, equipment. It explains a count and never decides it.

A batch is whole as a call, and each answer in it stands for itself: 404 says that there is no mailbox, 403 that this one may not be read,
and 429 that only this one has to be asked again. The user's id is the answer's id, so that stored batches say how far it came.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from ingest.graph.answers import Answer, Record, parsed, wrong
from ingest.graph.calls import CALLS
from ingest.graph.client import Client, refusal, user_path
from ingest.graph.errors import GraphError, Refused, TooMany, code_in
from ingest.graph.gaps import Gap, gap_of
from ingest.http.patience import pause, retry_after

CALL: Final = CALLS["mailboxes"]
BATCH: Final = 20
NO_MAILBOX: Final = "none"
#: As Graph describes the values of userPurpose.
PURPOSES: Final = frozenset({"user", "linked", "shared", "room", "equipment", "others"})
_NO_MAILBOX: Final = frozenset({"MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "ErrorNonExistentMailbox"})
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504, 509})
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Purpose:
    """``value`` is one of PURPOSES, or NO_MAILBOX, or "" where it could not be known, and then ``code`` says why."""

    user: str
    value: str
    status: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch as it came, and the answers in it that are final."""

    number: int
    answer: Answer
    purposes: tuple[Purpose, ...]


class Mailboxes:
    """Iterate over it for the batches. ``gap`` says afterwards why nothing could be known, where the app may not read mailboxes at all.

    ``done`` are users that were answered before, as ``answered`` finds them in stored batches. Where Microsoft goes on
    refusing some for being asked too often, TooMany ends it; what came before stays good.
    """

    def __init__(self, client: Client, users: Iterable[str], done: Collection[str] = ()) -> None:
        self._client = client
        self._waiting = deque(user for user in dict.fromkeys(users) if user not in done)
        self._has_read = bool(done)
        self.gap: Gap | None = None

    def __iter__(self) -> Iterator[Batch]:
        number = rounds = 0
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                answer = self._client.batch(CALL, {user: user_path(user, "mailboxSettings/userPurpose") for user in some})
                found = {reply["id"]: reply for reply in replies_in(answer.data, answer.body)}
                final = [_purpose(user, found[user]) for user in some if user in found and found[user]["status"] not in _AGAIN]
                self._refuse_all(final, len(some))
            except GraphError as error:
                self._waiting.extendleft(reversed(some))
                self.gap = gap_of(CALL, error)
                if self.gap is None:
                    raise
                return
            number += 1
            yield Batch(number, answer, tuple(final))
            answered = {purpose.user for purpose in final}
            again = [user for user in some if user not in answered]
            self._waiting.extendleft(reversed(again))
            rounds = rounds + 1 if again else 0
            if again:
                self._wait(rounds, [found[user] for user in again if user in found])

    def _refuse_all(self, final: Collection[Purpose], asked: int) -> None:
        """Raise Refused where nobody was readable so far: then it is the permission that is missing, not one mailbox that is kept back."""
        if any(purpose.status not in _REFUSED for purpose in final):
            self._has_read = True
        elif not self._has_read and len(final) == asked:
            first = next(iter(final))
            named = f"{first.status} {first.code}".strip()
            raise Refused(refusal(CALL, named), endpoint=CALL.name, status=HTTPStatus.FORBIDDEN, code=first.code)

    def _wait(self, rounds: int, throttled: Collection[Record]) -> None:
        asked = max((seconds for one in throttled if (seconds := _asked_pause(one)) is not None), default=None)
        patience = self._client.patience
        if rounds >= patience.tries or (asked or 0) > patience.total:
            raise TooMany(
                f"The tenant was asked too often for {CALL.label} (429), and stayed so. What came is kept; it goes on from there.",
                endpoint=CALL.name,
                status=HTTPStatus.TOO_MANY_REQUESTS,
            )
        pause(patience.pause_after(rounds, asked), self._client.while_waiting)


def answered(bodies: Iterable[bytes]) -> dict[str, Purpose]:
    """What stored batches say, by user: the final answers. Raises NotJson or WrongShape for what is no batch."""
    found: dict[str, Purpose] = {}
    for body in bodies:
        for reply in replies_in(parsed(body, CALL), body):
            if reply["status"] not in _AGAIN:
                found[reply["id"]] = _purpose(reply["id"], reply)
    return found


def replies_in(data: Record, body: bytes = b"") -> list[Record]:
    """The answers in a batch, in any order. Raises WrongShape."""
    found = data.get("responses")
    if not isinstance(found, list):
        wrong(CALL, "a list “responses” is expected", body)
    for one in found:
        if not isinstance(one, dict) or not isinstance(one.get("id"), str) or type(one.get("status")) is not int:
            wrong(CALL, "an answer in the batch has no id or no status", body)
    return found


def _purpose(user: str, reply: Record) -> Purpose:
    status, body = reply["status"], reply.get("body")
    if status == HTTPStatus.OK:
        value = _value(body)
        return Purpose(user, value, status, "" if value else "unreadable")
    code = code_in(body)
    return Purpose(user, NO_MAILBOX if code in _NO_MAILBOX else "", status, code or str(status))


def _value(body: Any) -> str:
    """In each of the shapes that it was met in; "" for what cannot be read.

    >>> _value({"value": "Shared"}), _value({"userPurpose": {"value": "user"}}), _value({"userPurpose": "room"}), _value(None)
    ('shared', 'user', 'room', '')
    """
    for name in ("userPurpose", "value"):
        if isinstance(body, dict) and name in body:
            return _value(body[name])
    return body.lower() if isinstance(body, str) and body.lower() in PURPOSES else ""


def _asked_pause(reply: Record) -> float | None:
    headers = reply.get("headers")
    told = {str(name).lower(): value for name, value in headers.items()} if isinstance(headers, dict) else {}
    after = told.get("retry-after")
    return retry_after(str(after)) if after is not None else None
