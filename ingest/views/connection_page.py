"""A connection as its page shows it: what it is, what the test found, and what that means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from accounts.models import Account, User
from ingest.huntress.limiter import Rules
from ingest.models import Connection, Job
from ingest.reach_words import USES, Use
from ingest.services.connecting import tests_of
from ingest.services.connection_tests import WHOSE, Found, to_confirm
from ingest.services.connections import may_administer

#: Whether an endpoint is open → tone, icon, word.
_LOOKS: Final[dict[bool | None, tuple[str, str, str]]] = {
    True: ("done", "match", "May read"),
    False: ("rejected", "escalate", "May not read"),
    None: ("unchecked", "unchecked", "Not tried"),
}
_FOUND: Final = ("reach", "trouble", "tested_at", "key_kind", "actor", "actor_account", "actor_reseller", "reseller")
#: The first row is no list, but the key itself.
_WHOSE_LOOKS: Final[dict[bool | None, tuple[str, str, str]]] = {
    True: ("done", "match", "Known"),
    False: ("rejected", "escalate", "Not known"),
}
_OF_ACCOUNT: Final = ("account", "user")


@dataclass(frozen=True, slots=True)
class Row:
    """One endpoint: how it looks, what it was answered, and what it is for. ``use`` is None for one that a later version knew."""

    look: tuple[str, str, str]
    is_open: bool | None
    label: str
    sentence: str
    use: Use | None

    @property
    def title(self) -> str:
        return self.use.name if self.use else self.label


class ConnectionPage:
    """``account`` is where it is looked at: a reseller's connection is the same in each of its accounts."""

    def __init__(self, connection: Connection, account: Account, user: User) -> None:
        self.connection, self.account = connection, account
        self.may_change = may_administer(user, connection)
        #: The newest test, as the worker's work. It writes what it found before it ends, so that is read after it.
        self.test: Job | None = tests_of(connection).select_related("by").first()
        if self.test and not self.test.is_open:
            connection.refresh_from_db(fields=_FOUND)

    @property
    def is_testing(self) -> bool:
        return self.test is not None and self.test.is_open

    @property
    def may_stop(self) -> bool:
        return self.is_testing and self.may_change and self.test is not None and self.test.account_id == self.account.pk

    @property
    def broke_off(self) -> str:
        """Why the newest test did not end, where it did not."""
        one = self.test
        if one is None or one.state not in (Job.State.FAILED, Job.State.CANCELLED):
            return ""
        return one.error or "It was cancelled."

    @cached_property
    def rows(self) -> list[Row]:
        return [Row(_look_of(one), one["is_open"], one["label"], one["sentence"], USES.get(one["name"])) for one in self.connection.reach]

    @property
    def closed(self) -> list[Row]:
        return [row for row in self.rows if row.is_open is False]

    @property
    def opened(self) -> list[Row]:
        return [row for row in self.rows if row.is_open]

    @cached_property
    def to_confirm(self) -> Found | None:
        return None if self.is_testing else to_confirm(self.connection)

    @property
    def whose(self) -> str:
        return str(self.rows[0].sentence) if self.rows and self.rows[0].is_open else ""

    @property
    def is_of_account(self) -> bool:
        """Whether billed counts by Organization stay out of its reach, as they do for all keys but a reseller's."""
        return self.connection.key_kind in _OF_ACCOUNT

    @property
    def look(self) -> tuple[str, str, str]:
        """How it stands: tone, icon, word."""
        one = self.connection
        if self.is_testing:
            return ("review", "running", "Being tested")
        if self.to_confirm:
            return ("investigate", "investigate", "To confirm")
        if one.trouble:
            return ("rejected", "escalate", "Does not work")
        if self.broke_off:
            return ("investigate", "investigate", "Test broke off")
        if not one.tested_at:
            return ("todo", "todo", "Not tested")
        if self.closed:
            return ("within", "within", "Works in part")
        return ("done", "match", "Works")

    @property
    def ours(self) -> int:
        """Calls a minute that are made at most."""
        rules = Rules(for_others=self.connection.left_to_others)
        return rules.ours(rules.limit)


def _look_of(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    looks = _WHOSE_LOOKS if entry["name"] == WHOSE else _LOOKS
    return looks[entry["is_open"]]
