"""The shared window: never more calls than it allows, first come, first served, and nothing lost with a worker that dies."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import RedisError

from config import broker
from ingest.huntress import ENDPOINTS, Patience, Walk
from ingest.huntress import errors as wrong
from ingest.huntress.limiter import OwnStore, Rules, SharedLimiter, State, Store, ask, close, leave, settle
from ingest.huntress.stores import DatabaseStore, RedisStore
from ingest.models import CallWindow
from recon.demo.huntress import FakeHuntress, Fault, Habits
from recon.demo.huntress.estate import Crowd
from tests.huntress.conftest import Ask

AGENTS = ENDPOINTS["agents"]
#: Beyond the limit's own minimum, a tenth.
SLACK = 1.10
STORES = ("redis", pytest.param("database", marks=pytest.mark.django_db(transaction=True)))


def most_in_a_window(times: Sequence[float], seconds: float) -> int:
    times = sorted(times)
    return max(sum(start <= one < start + seconds for one in times) for start in times)


def least_seconds(calls: int, limit: int, seconds: float) -> float:
    return (calls - 1) // limit * seconds


# --- the arithmetic ---------------------------------------------------------------------------------------------------------------


@given(
    limit=st.integers(1, 8),
    steps=st.lists(st.tuples(st.integers(0, 5), st.floats(0, 7), st.floats(0, 3), st.booleans()), max_size=120),
)
def test_no_window_ever_holds_more_than_our_part(limit: int, steps: list[tuple[int, float, float, bool]]) -> None:
    """Callers ask, wait, die and end in any order; a call may end late, or, with its caller, never."""
    state, rules, now = State(), Rules(limit, 10.0, for_others=0), 0.0
    began: list[float] = []
    ends: dict[str, float] = {}
    for caller, pause, length, dies in steps:
        now += pause
        for ticket in [one for one, end in ends.items() if end <= now]:
            settle(state, ends.pop(ticket), ticket, rules, limit=None, remaining=None)
        ticket = f"{caller}-{len(began)}"
        if ask(state, now, ticket, rules) == 0:
            began.append(now)
            if not dies:
                ends[ticket] = now + length
        else:
            leave(state, ticket)
        assert sum(now - 10 < one <= now for one in began) <= limit


@given(waiting=st.integers(1, 20), limit=st.integers(1, 5))
def test_who_came_first_goes_first(waiting: int, limit: int) -> None:
    state, rules, now = State(), Rules(limit, 10.0, for_others=0), 0.0
    served: list[str] = []
    names = [f"caller {number}" for number in range(waiting)]
    while len(served) < waiting:
        served += [name for name in names if name not in served and ask(state, now, name, rules) == 0]
        now += 0.2
    assert served == names


def test_a_place_in_the_queue_lapses_with_who_held_it() -> None:
    state, rules = State(), Rules(1, 12.0, for_others=0)
    assert ask(state, 0, "first", rules) == 0
    assert ask(state, 1, "who dies", rules) > 0
    assert ask(state, 12.1, "later", rules) == 0


def test_an_asking_whose_answer_was_lost_takes_one_slot_only() -> None:
    state, rules = State(), Rules(2, 10.0, for_others=0)
    assert [ask(state, 0, "same", rules), ask(state, 1, "same", rules), ask(state, 1, "other", rules)] == [0, 0, 0]


def test_a_call_counts_from_its_end() -> None:
    state, rules = State(), Rules(1, 10.0, for_others=0)
    ask(state, 0, "slow", rules)
    settle(state, 4, "slow", rules, limit=None, remaining=None)
    assert ask(state, 13.9, "next", rules) > 0
    assert ask(state, 14.0, "next", rules) == 0


def test_a_part_is_left_to_others() -> None:
    state, rules = State(), Rules(60, 60.0, for_others=15)
    assert sum(ask(state, 0, str(number), rules) == 0 for number in range(60)) == 51


def test_it_learns_the_limit_and_what_others_use() -> None:
    state, rules = State(), Rules(60, 60.0, for_others=0)
    ask(state, 0, "first", rules)
    settle(state, 0, "first", rules, limit=20, remaining=4)  # 16 were used, and one of them was ours
    assert sum(ask(state, 1, str(number), rules) == 0 for number in range(60)) == 4
    assert ask(state, 61, "later", rules) == 0


def test_after_a_429_nobody_calls_for_a_while() -> None:
    state, rules = State(), Rules(60, 60.0)
    close(state, 0, 7)
    assert ask(state, 6.9, "early", rules) == pytest.approx(0.1)
    assert ask(state, 7, "early", rules) == 0


def test_a_clock_that_was_set_back_does_not_close_the_window_for_long() -> None:
    state, rules = State(), Rules(1, 10.0, for_others=0)
    ask(state, 1_000_000, "before", rules)
    assert ask(state, 5, "after", rules) == 0


def test_a_state_is_kept_as_it_is() -> None:
    state, rules = State(), Rules(1, 10.0)
    ask(state, 0, "first", rules)
    ask(state, 1, "second", rules)
    settle(state, 2, "first", rules, limit=60, remaining=3)
    assert State.load(state.dump()) == state


# --- threads ----------------------------------------------------------------------------------------------------------------------


def test_threads_never_pass_the_limit_nor_starve_each_other() -> None:
    limiter, times, counts = SharedLimiter(OwnStore(), Rules(8, 0.4, for_others=0)), [], [0] * 5
    until = time.monotonic() + 2.4

    def call(place: int) -> None:
        while time.monotonic() < until:
            ticket = limiter.enter(lambda: None)
            times.append(time.monotonic())
            counts[place] += 1
            time.sleep(0.002)
            limiter.settle(ticket)

    together([lambda place=place: call(place) for place in range(5)])  # type: ignore[misc]
    assert most_in_a_window(times, 0.4) <= 8
    assert len(times) >= 40
    assert min(counts) * 2 > sum(counts) / len(counts)


def together(calls: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=one) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- processes, on both stores ----------------------------------------------------------------------------------------------------


class OwnRedis:
    """A Redis of the test's own, which can be restarted, and then has forgotten everything."""

    def __init__(self, folder: Path) -> None:
        self.binary = broker.server_binary()
        if self.binary is None:
            pytest.skip("no redis-server on this machine")
        self.folder, self.socket = folder, broker.socket_path(folder)
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        self.address = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(self.binary), "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(200):
            with suppress(RedisError, OSError), Redis(unix_socket_path=str(self.socket)) as redis:
                if redis.ping():
                    return
            time.sleep(0.02)
        raise TimeoutError("the test's Redis did not answer")

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process = None


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    redis = OwnRedis(tmp_path)
    redis.start()
    yield redis
    redis.stop()


class Callers:
    """Processes that call one and the same account."""

    def __init__(self, kind: str, address: str, limit: int, seconds: float) -> None:
        self.arguments = [kind, address or "-", str(limit), str(seconds)]
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, count: int, calls: int) -> None:
        database = {"RECON_TEST_DATABASE": str(connection.settings_dict["NAME"])} if self.arguments[0] == "database" else {}
        command = [sys.executable, "-m", "tests.huntress.caller", *self.arguments, str(calls)]
        new = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | database)
            for _ in range(count)
        ]
        self.processes += new
        for process in new:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in new:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()

    def times(self) -> list[float]:
        return [float(line) for process in self.processes for line in process.communicate(timeout=60)[0].split()]

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


@pytest.fixture(params=STORES)
def callers(request: pytest.FixtureRequest) -> Iterator[Callable[[int, float], Callers]]:
    made: list[Callers] = []
    address = request.getfixturevalue("own_redis").address if request.param == "redis" else ""

    def make(limit: int, seconds: float) -> Callers:
        made.append(Callers(request.param, address, limit, seconds))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_processes_keep_the_limit_together_and_waste_none_of_it(callers: Callable[[int, float], Callers]) -> None:
    some = callers(10, 1.0)
    some.start(3, calls=14)
    times = some.times()
    assert len(times) == 42
    assert most_in_a_window(times, 1.0) <= 10
    assert max(times) - min(times) <= least_seconds(42, 10, 1.0) * SLACK


def test_a_killed_process_takes_no_slot_with_it(callers: Callable[[int, float], Callers]) -> None:
    """One is killed while it waits in the queue: another then gets every slot of each window."""
    some = callers(6, 2.0)
    some.start(1, calls=100)
    time.sleep(0.5)
    some.processes.pop().kill()
    some.start(1, calls=18)
    times = some.times()
    assert most_in_a_window(times, 2.0) <= 6
    assert max(times) - min(times) <= least_seconds(18, 6, 2.0) * SLACK


@pytest.mark.django_db(transaction=True)
def test_windows_of_two_accounts_are_two() -> None:
    rules = Rules(1, 60.0)
    for account in ("quillmere", "brightfen"):
        SharedLimiter(DatabaseStore(account), rules).enter(lambda: None)
    assert CallWindow.objects.count() == 2


# --- against Huntress' own count --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STORES)
def test_it_is_never_told_too_many_and_takes_no_longer_than_the_limit_does(kind: str, request: pytest.FixtureRequest, ask: Ask) -> None:
    """Three walks at once, of one account, with a minute of two and a half seconds."""
    limit, seconds, pages = 20, 2.5, 24
    redis = request.getfixturevalue("own_redis") if kind == "redis" else None
    with FakeHuntress(Crowd(agents=pages * 10), limit=limit, seconds=seconds) as fake:

        def walk() -> None:
            store: Store = RedisStore(redis.address, "quillmere") if redis else DatabaseStore("quillmere")
            client = ask(base=fake.base, limiter=SharedLimiter(store, Rules(limit, seconds, for_others=0)))
            assert sum(len(page.records) for page in Walk(client, AGENTS, params={"limit": 10})) == pages * 10
            connection.close()

        started = time.monotonic()
        together([walk] * 3)
        took = time.monotonic() - started
    assert fake.refused == 0
    assert len(fake.seen) == 3 * pages
    assert took <= least_seconds(3 * pages, limit, seconds) * SLACK


def test_redis_restarted_in_the_middle_costs_time_and_no_call(own_redis: OwnRedis, ask: Ask) -> None:
    limit, seconds = 10, 1.0
    with FakeHuntress(Crowd(agents=450), limit=limit, seconds=seconds) as fake:
        limiter = SharedLimiter(RedisStore(own_redis.address, "quillmere"), Rules(limit, seconds, for_others=0))
        pages = []
        for page in Walk(ask(base=fake.base, limiter=limiter), AGENTS, params={"limit": 10}):
            pages.append(page)
            if page.number == 15:
                own_redis.stop()
                threading.Timer(0.3, own_redis.start).start()
    assert sum(len(page.records) for page in pages) == 450
    assert len(fake.seen) == 45
    assert fake.refused == 0


def test_without_redis_nobody_is_asked(own_redis: OwnRedis, ask: Ask, fake: FakeHuntress) -> None:
    own_redis.stop()
    limiter = SharedLimiter(RedisStore(own_redis.address, "quillmere"), patience=0.3)
    with pytest.raises(wrong.LimiterLost, match=r"Huntress is not asked\. Is Redis running"):
        ask(limiter=limiter).get(AGENTS)
    assert not fake.seen


@pytest.mark.parametrize("retry_after", ["", "seconds", "date"])
def test_a_storm_of_429s_is_sat_out(ask: Ask, retry_after: str) -> None:
    """Somebody else uses the whole window up, again and again; every page still comes once."""
    patience = Patience(tries=12, total=30, first=0.1, longest=0.6)
    with FakeHuntress(Crowd(agents=80), habits=Habits(retry_after=retry_after), limit=10, seconds=0.6) as fake:  # type: ignore[arg-type]
        client = ask(base=fake.base, limiter=SharedLimiter(OwnStore(), Rules(60, 0.6)), patience=patience)
        other, is_over = ask(base=fake.base, patience=Patience(tries=1)), threading.Event()

        def storm() -> None:
            until = time.monotonic() + 1.5
            while time.monotonic() < until and not is_over.is_set():
                with suppress(wrong.HuntressError):
                    other.get(ENDPOINTS["actor"])
                time.sleep(0.01)

        thread = threading.Thread(target=storm)
        thread.start()
        time.sleep(0.1)
        pages = list(Walk(client, AGENTS, params={"limit": 10}))
        is_over.set()
        thread.join()
    assert sum(len(page.records) for page in pages) == 80
    assert len({record["id"] for page in pages for record in page.records}) == 80


def test_a_429_holds_back_all_who_share_the_window(ask: Ask, fake: FakeHuntress) -> None:
    limiter = SharedLimiter(OwnStore(), Rules(60, 60.0))
    fake.fail(Fault("status", at="agents", status=429, retry_after="1"))
    thread = threading.Thread(target=lambda: ask(limiter=limiter).get(AGENTS))
    thread.start()
    while not fake.calls("agents"):
        time.sleep(0.01)
    time.sleep(0.1)
    started = time.monotonic()
    ask(limiter=limiter).get(ENDPOINTS["account"])
    assert time.monotonic() - started > 0.7
    thread.join()


def test_a_smaller_limit_is_learnt_from_the_answers(ask: Ask) -> None:
    with FakeHuntress(Crowd(agents=150), limit=5, seconds=0.5) as fake:
        client = ask(base=fake.base, limiter=SharedLimiter(OwnStore(), Rules(60, 0.5, for_others=0)))
        assert sum(len(page.records) for page in Walk(client, AGENTS, params={"limit": 10})) == 150
    assert fake.refused == 0
    assert math.isclose(len(fake.seen), 15)
