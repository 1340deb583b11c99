"""Whose budgets a request spends: the app's, the member's, the server's; and before anybody knows who it is."""

from __future__ import annotations

import contextlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from socialkit import App, Bluesky, Client, Facebook, Instagram, LinkedIn, Post, Status, YouTube
from socialkit.adapters import _mastodon_rules
from socialkit.adapters.base import Credential, Reading, Response
from socialkit.errors import RateLimited
from socialkit.rate_limits import BudgetKeys, LimitState, RateLimits
from socialkit.registry import adapter, platforms
from socialkit.rules import Budget, Level, Midnight
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore, MemoryTokens, transact
from socialkit.testing import ManualClock

OLD = BudgetKeys("app", "digest-of-a-secret")
NEW = BudgetKeys("app", "account-7", "member-1")
POSTS = Budget("posts", "account", 10, 60)
MEMBER = Budget("member", "user", 10, 60)
DAYS = Budget("days", "user", 10, 86_400, resets=Midnight("UTC"))
ADDRESS = Budget("address", "host", 10, 60)


def client_of(box: Sandbox, store: Any = None, /, **accounts: Any) -> Client:
    place = {"transport": box.transport, "clock": box.clock, "media_host": box.files}
    return Client(accounts, store=store or MemoryStore(), max_wait=0, **place)


def states(client: Client, name: str) -> list[LimitState]:
    return [state for state in client.rate_limits() if state.name == name]


# --- LinkedIn: a member and the Pages it posts for --------------------------------------------------------------------
class TestLinkedIn:
    @pytest.fixture
    def box(self) -> Any:
        with Sandbox(["linkedin"]) as made:
            made.linkedin.tier = "development"
            yield made

    def accounts(self, box: Sandbox) -> dict[str, LinkedIn]:
        given = box.linkedin.member_credentials()
        return {
            "me": LinkedIn(**given, tier="development"),
            "page": LinkedIn(**given, tier="development", organization=2414183),
            "other": LinkedIn(**given, tier="development", organization=5515715),
        }

    def test_a_member_and_two_pages_with_one_token_share_the_members_day(self, box: Sandbox) -> None:
        accounts = self.accounts(box)
        with client_of(box, **accounts) as client:
            client.publish(Post("Ahoy"), to=["me", "page"])
            client.plan(Post("Ahoy"), to="other")
            (day,) = states(client, "member-day")
        assert day.level == "user"
        assert day.owner.endswith(f"|{box.linkedin.identity_of('brand')}")
        assert day.limit - day.remaining == len(box.requests)
        assert day.resets_at == datetime(2026, 11, 3, tzinfo=UTC)

    def test_a_member_has_a_day_with_every_app(self, box: Sandbox) -> None:
        """LinkedIn's words: the calls that a single member per application can make in a day."""
        given = box.linkedin.member_credentials()
        apps = {f"app-{n}": LinkedIn(**given, tier="development", client_id=f"client-{n}") for n in range(2)}
        with client_of(box, **apps) as client:
            for name in apps:
                client.publish(Post(f"Ahoy from {name}"), to=name)
            owners = [state.owner.split("|")[2:] for state in states(client, "member-day")]
        who = box.linkedin.identity_of("brand")
        assert owners == [["client-0", who], ["client-1", who]]

    def test_together_they_never_run_into_it_and_go_on_right_after_midnight(self, box: Sandbox) -> None:
        with client_of(box, **self.accounts(box)) as client:
            client.plan(Post("Ahoy"), to=["me", "page"])
            published = 0
            for number in range(200):
                to = ("me", "page")[number % 2]
                outcome = client.publish(Post(f"Ahoy {number}"), to=to, errors="return")[to]
                published += outcome.status is Status.PUBLISHED
            assert isinstance(outcome.error, RateLimited)
            assert 429 not in [line.status for line in box.requests]
            assert len(box.requests) == 100
            assert published == len(box.timeline("linkedin")) > 90
            midnight = datetime(2026, 11, 3, tzinfo=UTC)
            box.clock.advance((midnight - box.clock.now()).total_seconds() + 20)
            assert client.publish(Post("Good morning"), to="page")["page"].status is Status.PUBLISHED
            assert 429 not in [line.status for line in box.requests]

    def test_a_server_whose_clock_is_behind_has_its_own_midnight(self, box: Sandbox) -> None:
        box.fault("clock-skew", seconds=-90.0)
        midnight = datetime(2026, 11, 3, tzinfo=UTC)
        box.clock.advance((midnight - box.clock.now()).total_seconds() - 3600)
        with client_of(box, **self.accounts(box)) as client:

            def publish(words: str) -> Any:
                return client.publish(Post(words), to="me", errors="return")["me"]

            outcomes = [publish(f"Ahoy {number}") for number in range(101)]
            assert isinstance(outcomes[-1].error, RateLimited)
            box.clock.advance(3630)
            assert isinstance(publish("Good night").error, RateLimited)
            box.clock.advance(75)
            assert publish("Good morning").status is Status.PUBLISHED
            (day,) = states(client, "member-day")
        assert day.resets_at == midnight + timedelta(days=1)
        assert 429 not in [line.status for line in box.requests]

    def test_what_the_answer_says_of_the_member_holds_for_its_pages(self, box: Sandbox) -> None:
        with client_of(box, **self.accounts(box)) as client:
            client.plan(Post("Ahoy"), to=["me", "page"])
            window = next(one for one in box.linkedin.windows if one.name == "member-development")
            box.linkedin.exhaust(window, "app|brand")
            first = client.publish(Post("Ahoy"), to="me", errors="return")["me"]
            asked = len(box.requests)
            second = client.publish(Post("Ahoy"), to="page", errors="return")["page"]
            assert isinstance(first.error, RateLimited)
            assert isinstance(second.error, RateLimited)
            assert len(box.requests) == asked

    def test_a_page_that_is_signed_in_to_knows_its_member(self, box: Sandbox) -> None:
        """By the sign-in, whatever the list of roles says."""
        tokens, back = MemoryTokens(), "https://app.example.com/back"
        app = App(**box.linkedin.app_for("community", back), flow="community")
        place = {"transport": box.transport, "clock": box.clock, "store": MemoryStore(), "tokens": tokens}
        with Client(apps={"linkedin": app}, **place) as client:
            login = client.begin_login("linkedin", redirect_uri=back, capabilities=("publish",))
            who = client.finish_login(login, box.linkedin.approve(login.url, "brand")).identity
        page = LinkedIn.signed_in(who, organization=2414183, tier="development")
        accounts = {"me": LinkedIn.signed_in(who, tier="development"), "page": page}
        with Client(accounts, apps={"linkedin": app}, **place) as client:
            client.publish(Post("Ahoy"), to=["me", "page"])
            assert [state.owner.rpartition("|")[2] for state in states(client, "member-day")] == [who.id]

    def test_a_page_whose_roles_may_not_be_read_counts_by_itself(self, box: Sandbox) -> None:
        given = box.linkedin.member_credentials(None, "openid", "profile", "w_organization_social")
        page = LinkedIn(**given, tier="development", organization=2414183)
        with client_of(box, page=page) as client:
            client.plan(Post("Ahoy"), to="page")
            (day,) = states(client, "member-day")
        assert day.owner.endswith("|urn:li:organization:2414183")


# --- YouTube: the clients of one Cloud project ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("client_id", "app"),
    [
        ("1234567890-abc.apps.googleusercontent.com", "1234567890"),
        ("1234567890-xyz.apps.googleusercontent.com", "1234567890"),
        ("somebody-else", "somebody-else"),
        (None, ""),
    ],
)
def test_the_clients_of_a_cloud_project_share_its_quota(client_id: str | None, app: str) -> None:
    assert YouTube().app_of(Credential("oauth2", client_id=client_id)) == app


def test_two_channels_share_the_projects_quota_until_midnight_in_california() -> None:
    with Sandbox(["youtube"]) as box:
        given = box.youtube.credentials()
        project = given["client_id"].partition("-")[0]
        given.pop("refresh_token")
        one = YouTube(**given)
        two = YouTube(**{**given, "client_id": f"{project}-another.apps.googleusercontent.com"})
        with client_of(box, one=one, two=two) as client:
            for name in ("one", "two"):
                client.fetch_account_metrics(name)
            (units,) = states(client, "units")
            assert units.limit - units.remaining in (len(box.requests), len(box.requests) + 1)
            assert units.owner.endswith(f"|{project}")
            assert units.resets_at == datetime(2026, 11, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize(("start", "hours"), [("2026-11-01T07:00", 25), ("2027-03-14T08:00", 23)])
def test_on_a_day_of_any_length_the_client_goes_on_right_after_it(
    monkeypatch: pytest.MonkeyPatch, start: str, hours: int
) -> None:
    small = tuple(attrs.evolve(budget, limit=5) for budget in YouTube.rules.budgets)
    monkeypatch.setattr(YouTube, "rules", attrs.evolve(YouTube.rules, budgets=small))
    begins = datetime.fromisoformat(f"{start}:00+00:00")
    with Sandbox(["youtube"], clock=ManualClock(begins + timedelta(hours=1))) as box:
        box.youtube.windows = tuple(attrs.evolve(window, limit=5) for window in box.youtube.windows)
        with box.client(max_wait=0) as client:

            def ask() -> Any:
                return client.fetch_account_metrics("youtube")[0].error

            errors = [ask() for _ in range(8)]
            assert [error is None for error in errors] == [True] * 4 + [False] * 4
            box.clock.advance((hours - 1) * 3600 - 30)
            assert isinstance(ask(), RateLimited)
            box.clock.advance(30 + 11)
            assert ask() is None
        assert 403 not in [line.status for line in box.requests]


def test_a_burst_does_not_close_the_projects_day() -> None:
    """A 429 is too many a minute, whatever else is left of the day."""
    with Sandbox(["youtube"]) as box, box.client(max_wait=0) as client:
        client.fetch_account_metrics("youtube")
        box.fault("429")
        client.fetch_account_metrics("youtube")
        box.clock.advance(75)
        (row,) = client.fetch_account_metrics("youtube")
        assert row.error is None


# --- when the server answered -----------------------------------------------------------------------------------------
DAY_OVER = (
    b'{"status": 429, "message": "Resource level throttle MEMBER DAY limit for calls to it is reached."}'
)
QUOTA_OVER = b'{"error": {"code": 403, "errors": [{"reason": "quotaExceeded", "domain": "youtube.quota"}]}}'


@pytest.mark.parametrize(
    ("adapter", "status", "body", "date", "midnight"),
    [
        (LinkedIn(token="t"), 429, DAY_OVER, "Wed, 25 Nov 2026 23:59:58 GMT", "2026-11-26T00:00"),
        (YouTube(token="t"), 403, QUOTA_OVER, "Wed, 25 Nov 2026 07:59:58 GMT", "2026-11-25T08:00"),
    ],
)
def test_the_day_that_is_over_is_the_servers(
    adapter: Any, status: int, body: bytes, date: str, midnight: str
) -> None:
    """Our clock shows the next day already when the answer comes."""
    there = datetime.fromisoformat(f"{midnight}:00+00:00")
    told = Response(status, {"date": date}, body, received_at=there + timedelta(seconds=3))
    assert [reading.resets_at for reading in adapter.read_limits(told)] == [there]
    assert adapter.parse_error(told).__dict__["retry_at"] in (there, None)
    undated = attrs.evolve(told, headers={})
    assert adapter.read_limits(undated)[0].resets_at == there + timedelta(days=1)
    assert adapter.read_limits(attrs.evolve(undated, received_at=None)) == ()


# --- Bluesky: what a server counts by address -------------------------------------------------------------------------
def test_accounts_on_one_server_share_what_it_counts_by_address() -> None:
    with Sandbox(["bluesky"]) as box:
        given = box.bluesky.credentials()
        alice = {
            **given,
            "handle": "alice.example",
            "app_password": box.bluesky.app_password("alice.example"),
        }
        with client_of(box, one=Bluesky(**given), two=Bluesky(**alice)) as client:
            client.publish(Post("Ahoy"), to=["one", "two"])
            requests = states(client, "requests")
            assert len(states(client, "writes-day")) == 2
        assert {state.owner for state in requests} == {
            "bluesky|https://bsky.social",
            "bluesky|https://morel.us-east.host.bsky.network",
        }
        assert {state.level for state in requests} == {"host"}
        assert sum(state.limit - state.remaining for state in requests) >= len(box.requests)


# --- Meta: the app's allowance and the account's ----------------------------------------------------------------------
FULL = '{"call_count": 100, "total_time": 1, "total_cputime": 1}'
PAGE_FULL = '{"17": [{"type": "pages", "call_count": 99, "estimated_time_to_regain_access": 9}]}'


@pytest.mark.parametrize("adapter", [Facebook("t"), Instagram("IGAAt")])
def test_the_usage_headers_speak_of_two_allowances(adapter: Any) -> None:
    def named(**headers: str) -> list[str | None]:
        told = Response(200, {name.replace("_", "-"): words for name, words in headers.items()})
        return [reading.name for reading in adapter.read_limits(told)]

    assert named(x_app_usage=FULL) == ["app-calls"]
    assert named(x_business_use_case_usage=PAGE_FULL) == ["calls"]
    assert named(x_app_usage=FULL, x_page_usage=FULL) == ["app-calls", "calls"]
    levels = {budget.name: budget.level for budget in adapter.rules.budgets}
    assert (levels["app-calls"], levels["calls"]) == ("app", "account")


async def test_an_app_that_is_throttled_rests_for_all_its_accounts() -> None:
    limits = RateLimits(MemoryStore(), ManualClock(), max_wait=0)
    budgets = Facebook.rules.budgets
    one, two = (BudgetKeys("app", f"page-{number}") for number in range(2))
    for headers, others_wait in (
        ({"x-business-use-case-usage": PAGE_FULL}, False),
        ({"x-app-usage": FULL}, True),
    ):
        await limits.reserve(one, budgets, "GET", "/v26.0/me")
        readings = Facebook("t").read_limits(Response(200, headers))
        await limits.learn(one, budgets, "GET", "/v26.0/me", readings, status=200, retry_at=None)
        if others_wait:
            with pytest.raises(RateLimited, match="app-calls"):
                await limits.reserve(two, budgets, "GET", "/v26.0/me")
        else:
            await limits.reserve(two, budgets, "GET", "/v26.0/me")
            limits = RateLimits(MemoryStore(), ManualClock(), max_wait=0)


def test_two_accounts_behind_one_persons_token_are_two() -> None:
    """What is known of one is not taken for the other."""
    hints = {
        Instagram("EAAt", server="https://graph.facebook.com", account_id=one).hint
        for one in ("1", "2", None)
    }
    assert len(hints) == 3


# --- before anybody knows who it is -----------------------------------------------------------------------------------
PLATFORMS = [
    "x",
    "mastodon",
    "bluesky",
    "linkedin",
    "facebook",
    "instagram",
    "threads",
    "tiktok",
    "pinterest",
]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_asking_who_it_is_costs_is_the_accounts(platform: str) -> None:
    store = MemoryStore()
    with Sandbox([platform]) as box:
        account = box.accounts()[platform]
        if platform == "linkedin":
            account.tier = "development"
        with client_of(box, store, **{platform: account}) as client:
            client.fetch_account_metrics(platform)
            owned = client.rate_limits()
    seeds = [state for state in owned if state.owner.endswith(f"|{account.hint}")]
    assert seeds == []
    assert [state for state in owned if state.level not in ("app", "host")]


def test_facts_that_are_asked_for_again_are_booked_on_who_it_was() -> None:
    """A process that was just started has old facts only; a login that is known is no seed while it asks again."""
    store = MemoryStore()
    with Sandbox(["mastodon"]) as box:
        account = box.accounts()["mastodon"]
        with client_of(box, store, mastodon=account) as client:
            client.plan(Post("Ahoy"), to="mastodon")
            (before,) = states(client, "api")
        box.clock.advance(2 * 3600)
        box.fault("dropped-before", match="GET .*", times=20)
        with client_of(box, store, mastodon=box.accounts()["mastodon"]) as client:
            (row,) = client.fetch_account_metrics("mastodon")
            (state,) = states(client, "api")
    assert row.error is not None
    assert state.owner == before.owner
    assert state.remaining < state.limit


class TestMoving:
    """The books of a login become those of who it turned out to be."""

    def desk(self) -> RateLimits:
        self.clock = ManualClock(datetime(2026, 11, 25, 12, tzinfo=UTC))
        self.store = MemoryStore()
        return RateLimits(self.store, self.clock, max_wait=0)

    async def move(
        self, limits: RateLimits, *budgets: Budget, old: BudgetKeys = OLD, new: BudgetKeys = NEW
    ) -> None:
        await transact(self.store, lambda tx: limits.move(tx, budgets, old, new, 0.0))
        limits.moved()

    async def take(self, limits: RateLimits, keys: BudgetKeys, count: int, *budgets: Budget) -> None:
        for _ in range(count):
            await limits.reserve(keys, budgets, "POST", "/posts")

    @pytest.mark.parametrize(
        ("budget", "owner"), [(POSTS, "account-7"), (MEMBER, "member-1"), (DAYS, "member-1")]
    )
    async def test_what_was_spent_adds_up(self, budget: Budget, owner: str) -> None:
        limits = self.desk()
        await self.take(limits, OLD, 3, budget)
        await self.take(limits, NEW, 4, budget)
        await self.move(limits, budget)
        (state,) = await limits.snapshot()
        assert (state.owner, state.remaining) == (owner, 3)
        await self.take(limits, NEW, 3, budget)
        with pytest.raises(RateLimited):
            await self.take(limits, NEW, 1, budget)

    async def test_what_was_learned_goes_with_it(self) -> None:
        limits = self.desk()
        await self.take(limits, OLD, 1, POSTS)
        reading = Reading(None, 8, 2, self.clock.now() + timedelta(seconds=30), 60.0)
        await limits.learn(OLD, (POSTS,), "POST", "/posts", [reading], status=200, retry_at=None)
        await self.move(limits, POSTS)
        (state,) = await limits.snapshot()
        assert (state.owner, state.limit, state.remaining) == ("account-7", 8, 2)

    async def test_a_budget_that_was_closed_stays_closed(self) -> None:
        limits = self.desk()
        soon = self.clock.now() + timedelta(seconds=30)
        await limits.learn(OLD, (POSTS,), "POST", "/posts", (), status=429, retry_at=soon)
        await self.move(limits, POSTS)
        with pytest.raises(RateLimited):
            await self.take(limits, NEW, 1, POSTS)
        self.clock.advance(40)
        await self.take(limits, NEW, 1, POSTS)

    async def test_what_others_share_is_not_moved(self) -> None:
        """The app's and the server's budgets, and those of a member others post for, too."""
        limits, app = self.desk(), attrs.evolve(POSTS, name="all", level="app")
        shared = BudgetKeys("app", "page-1", "member-1", "server")
        await self.take(limits, shared, 2, MEMBER, ADDRESS, app)
        before = await limits.snapshot()
        await self.move(
            limits, MEMBER, ADDRESS, app, old=shared, new=BudgetKeys("app-2", "page-1", "member-2", "there")
        )
        assert await limits.snapshot() == before

    async def test_a_block_of_places_is_not_used_after_it(self) -> None:
        limits, many = self.desk(), attrs.evolve(POSTS, limit=100_000)
        await self.take(limits, OLD, 40, many)
        await self.move(limits, many)
        await self.take(limits, OLD, 1, many)
        assert {state.owner for state in await limits.snapshot()} == {"account-7", "digest-of-a-secret"}


LEVELS: list[Level] = ["host", "app", "user", "account", "endpoint"]


@pytest.mark.parametrize(("wide", "narrow"), list(itertools.pairwise(LEVELS)))
async def test_a_429_that_names_nothing_closes_what_fewer_share(wide: Level, narrow: Level) -> None:
    limits, keys = RateLimits(MemoryStore(), ManualClock(), max_wait=0), BudgetKeys("a", "b", "c", "d")
    budgets = [attrs.evolve(POSTS, name=level, level=level) for level in (wide, narrow)]
    await limits.learn(keys, budgets, "POST", "/posts", (), status=429, retry_at=None)
    assert [(state.name, state.remaining) for state in await limits.snapshot()] == [(narrow, 0)]


# --- limits the server told -------------------------------------------------------------------------------------------
async def test_a_limit_of_the_rules_changes_with_them_and_one_the_server_told_does_not() -> None:
    limits = RateLimits(MemoryStore(), ManualClock(), max_wait=0)
    await limits.reserve(NEW, (POSTS,), "POST", "/posts")
    await limits.reserve(NEW, (attrs.evolve(POSTS, limit=4),), "POST", "/posts")
    assert [(state.limit, state.remaining) for state in await limits.snapshot()] == [(4, 2)]
    reading = Reading("posts", 20, 18, None, 60.0)
    await limits.learn(NEW, (POSTS,), "POST", "/posts", [reading], status=200, retry_at=None)
    await limits.reserve(NEW, (attrs.evolve(POSTS, limit=5),), "POST", "/posts")
    assert [state.limit for state in await limits.snapshot()] == [20]


# --- what is counted --------------------------------------------------------------------------------------------------
def test_the_budgets_of_what_is_made_are_those_that_a_platform_shows_a_quota_of() -> None:
    """Instagram and Threads show how many were published; LinkedIn counts requests, and YouTube failed uploads."""
    made = {
        f"{name} {budget.name}"
        for name in platforms()
        for budget in adapter(name).rules.budgets
        if budget.counts == "made"
    }
    assert made == {
        "facebook reels",
        "instagram containers",
        "instagram publishing",
        "threads deletions",
        "threads posts",
        "threads replies",
    }


@pytest.mark.parametrize(("server", "posts"), [("mastodon", 1), ("gotosocial", 2)])
def test_the_budgets_are_those_of_the_accounts_own_server(
    server: str, posts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds here is kept; what holds elsewhere holds nobody up."""
    one = (Budget("writes", "account", 1, 3600.0, "POST /api/v1/statuses"),)
    monkeypatch.setattr(_mastodon_rules, "BUDGETS", {"mastodon": (), server: one})
    with Sandbox(["mastodon"]) as box, box.client() as client:
        client.publish(Post("one"), to="mastodon")
        with pytest.raises(RateLimited, match="writes") if posts == 1 else contextlib.nullcontext():
            client.publish(Post("two"), to="mastodon")
        assert len(box.timeline("mastodon")) == posts
