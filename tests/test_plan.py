"""Planning: exactly what would be sent, every problem with its place, every change listed; nothing leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from socialkit import (
    Client,
    ConfigError,
    Image,
    InvalidPost,
    KeyReused,
    Link,
    Mastodon,
    Plan,
    Poll,
    Post,
    Receipt,
    Video,
)
from socialkit.model import Identity
from socialkit.sandbox import Sandbox, sample_picture


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


@pytest.fixture
def client(box: Sandbox) -> Iterator[Client]:
    with box.client() as client:
        yield client


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "boat.png"
    path.write_bytes(sample_picture(64, 36))
    return str(path)


def problems(client: Client, post: Post) -> dict[str, str]:
    return {problem.field: problem.code for problem in client.plan(post, "mastodon").problems}


def changes(client: Client, post: Post) -> dict[str, str]:
    return {change.field: change.code for change in client.plan(post, "mastodon").changes}


def body(client: Client, post: Post, part: int = 0) -> dict[str, object]:
    return client.plan(post, "mastodon")["mastodon"].parts[part].body


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("#Launch https://example.com", ""),
        ("#launch, (https://example.com/)", ""),
        ("#launch: https://example.com. More", ""),
        ("#launches https://example.com", "\n\n#launch"),
        ("#launch https://example.com/other", "\n\nhttps://example.com"),
        ("#launch https://example.com.au", "\n\nhttps://example.com"),
        ("#launch https://example.com:8000", "\n\nhttps://example.com"),
        ("#launch https://example.community", "\n\nhttps://example.com"),
    ],
)
def test_what_stands_in_the_text_as_a_whole_is_not_added(client: Client, text: str, added: str) -> None:
    post = Post(text, link="https://example.com", tags=["launch"])
    assert body(client, post)["status"] == text + added


def test_a_plan_sends_nothing(box: Sandbox, client: Client) -> None:
    client.plan(Post("Hello", thread=[Post("again")]), "mastodon")
    assert box.timeline("mastodon") == []
    assert {request.method for request in box.requests} == {"GET"}


def test_link_and_hashtags_stand_in_the_text_where_people_put_them_there(client: Client) -> None:
    post = Post("We ship #launch", link="https://example.com", tags=["launch", "boats"])
    assert body(client, post)["status"] == "We ship #launch\n\nhttps://example.com\n\n#boats"


def test_a_link_already_in_the_text_is_not_repeated(client: Client) -> None:
    post = Post("See https://example.com now", link=Link("https://example.com"))
    assert body(client, post)["status"] == "See https://example.com now"


@pytest.mark.parametrize(
    ("post", "place", "code"),
    [
        (Post("x" * 501), "text", "too_long"),
        (Post(" "), "text", "empty"),
        (Post("a", thread=[Post("x" * 501)]), "thread[0].text", "too_long"),
        (Post("a", poll=Poll(["one"])), "poll.options", "count"),
        (Post("a", poll=Poll(["one", "one"])), "poll.options", "not_unique"),
        (Post("a", poll=Poll(["one", "x" * 51])), "poll.options[1]", "too_long"),
        (Post("a", poll=Poll(["one", "two"], seconds=5)), "poll.seconds", "range"),
        (Post("a", media=[Image("no-such-file.png")]), "media[0]", "unreadable"),
        (Post("a", media=[Image(b"garbage")]), "media[0]", "unreadable"),
        (Post("a", visibility="private"), "visibility", "unsupported"),
        (Post("a").variant("nowhere", text="b"), "variants", "unknown_target"),
        (
            Post("a", reply_to=Receipt(Identity("x", "https://api.x.com", "1"), "2")),
            "reply_to",
            "wrong_platform",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named_with_its_place(client: Client, post: Post, place: str, code: str) -> None:
    assert problems(client, post)[place] == code


def test_a_problem_names_account_limit_and_fix(client: Client) -> None:
    problem = client.plan(Post("x" * 501), "mastodon").problems[0]
    assert (problem.account, problem.limit, problem.actual) == ("mastodon", 500, 501)
    assert "split=True" in (problem.hint or "")


def test_missing_alt_text_is_a_warning_that_does_not_stop_the_post(client: Client, picture: str) -> None:
    plan = client.plan(Post("a", media=[Image(picture)]), "mastodon")
    assert [(p.field, p.severity) for p in plan.problems] == [("media[0].alt", "warning")]
    assert plan.ok


def test_alt_text_over_the_limit_is_a_problem(client: Client, picture: str) -> None:
    assert problems(client, Post("a", media=[Image(picture, alt="x" * 10_001)]))["media[0].alt"] == "too_long"


def test_too_many_pictures_and_mixtures_are_problems(client: Client, picture: str) -> None:
    pictures = [Image(picture, alt="a")] * 5
    assert problems(client, Post("a", media=pictures))["media"] == "count"


def test_split_continues_an_over_long_text_in_a_thread(client: Client) -> None:
    text = "A sentence that says something. " * 40
    post = Post(text.strip(), split=True, language="en", visibility="unlisted")
    target = client.plan(post, "mastodon")["mastodon"]
    assert len(target.parts) == 3
    assert changes(client, post) == {"text": "split"}
    assert "".join("".join(part.text.split()) for part in target.parts) == "".join(text.split())
    assert {part.body["language"] for part in target.parts} == {"en"}
    assert {part.body["visibility"] for part in target.parts} == {"unlisted"}


def test_every_part_of_a_thread_carries_its_fields_or_says_so(client: Client) -> None:
    part = Post("again", link=Link("https://example.com", title="A boat"), tags=["boats"], title="Harbour")
    post = Post("Hello", thread=[part])
    assert body(client, post, 1)["status"] == "again\n\nhttps://example.com\n\n#boats"
    assert changes(client, post) == {"thread[0].title": "not_carried", "thread[0].link": "not_carried"}


def test_what_a_part_of_a_thread_cannot_be_is_named(client: Client) -> None:
    elsewhere = Receipt(Identity("x", "https://api.x.com", "7"), "12")
    parts = [Post("again", visibility="sunny"), Post("more", quote=elsewhere), Post("end", reply_to="12")]
    found = problems(client, Post("Hello", thread=parts))
    assert found == {
        "thread[0].visibility": "unsupported",
        "thread[1].quote": "wrong_platform",
        "thread[2].reply_to": "in_thread",
    }


def test_a_content_warning_counts_where_the_platform_counts_it(client: Client) -> None:
    assert problems(client, Post("x" * 495, content_warning="spoiler")) == {"text": "too_long"}


def test_account_beats_platform_beats_post(box: Sandbox) -> None:
    accounts = {"one": box.accounts()["mastodon"], "two": box.accounts()["mastodon"]}
    post = Post("all").variant("mastodon", text="platform").variant("two", text="account")
    with Client(accounts, transport=box.transport, clock=box.clock) as client:
        plan = client.plan(post, accounts)
    assert [target.parts[0].text for target in plan.targets] == ["platform", "account"]


def test_options_of_another_platform_are_a_problem(client: Client) -> None:
    from socialkit import Bluesky

    post = Post("a").variant("mastodon", Bluesky.Options())
    assert problems(client, post) == {"variants": "options"}


def test_options_reach_the_native_part(client: Client) -> None:
    post = Post("a").variant("mastodon", Mastodon.Options(quote_policy="nobody"))
    assert body(client, post)["quote_approval_policy"] == "nobody"


def test_a_plan_travels_as_json_and_is_sent_as_it_is(box: Sandbox, client: Client, picture: str) -> None:
    plan = client.plan(Post("Hello", media=[Image(picture, alt="boat")]), "mastodon")
    other = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert other.digest == plan.digest
    with box.client() as second:
        second.publish(other)
    entry = box.timeline("mastodon")[0]
    assert (entry.text, entry.media[0]["alt"]) == ("Hello", "boat")


def test_a_plan_from_bytes_does_not_travel(client: Client) -> None:
    plan = client.plan(Post("Hello", media=[Image(sample_picture(8, 8), alt="boat")]), "mastodon")
    with pytest.raises(ConfigError, match="bytes"):
        plan.to_dict()


def test_media_changed_since_the_plan_are_stale(box: Sandbox, client: Client, picture: str) -> None:
    plan = Plan.from_dict(
        client.plan(Post("Hello", media=[Image(picture, alt="boat")]), "mastodon").to_dict()
    )
    Path(picture).write_bytes(sample_picture(32, 18))
    with pytest.raises(InvalidPost) as caught:
        client.publish(plan)
    assert caught.value.code == "stale"
    assert box.timeline("mastodon") == []


def test_a_picture_over_the_limit_is_changed_as_little_as_passes(box: Sandbox, client: Client) -> None:
    pytest.importorskip("PIL")
    box.mastodon.software = "mastodon"
    big = sample_picture(7000, 5000)
    plan = client.plan(Post("Hello", media=[Image(big, alt="boat")]), "mastodon")
    assert [(c.field, c.code) for c in plan.changes] == [("media[0]", "fitted")]
    item = plan["mastodon"].parts[0].media[0]
    assert item.width is not None
    assert item.height is not None
    assert item.width * item.height <= 33_177_600
    client.publish(plan)
    assert box.timeline("mastodon")[0].media[0]["alt"] == "boat"


def test_requests_are_counted(client: Client, picture: str) -> None:
    assert client.plan(Post("Hello", media=[Image(picture, alt="a")]), "mastodon").requests == 2


def test_a_plan_reads_well_as_text_and_html(client: Client) -> None:
    plan = client.plan(Post("x" * 501), "mastodon")
    assert "501 of at most 500" in str(plan)
    assert "<table" in plan._repr_html_()


def test_a_target_whose_reads_fail_is_its_own_failure(box: Sandbox) -> None:
    accounts = {
        "good": box.accounts()["mastodon"],
        "off": Mastodon("https://nowhere.example", token="secret"),
    }
    with Client(accounts, transport=box.transport, clock=box.clock) as client:
        plan = client.plan(Post("Hello"), accounts)
    assert plan["good"].parts
    assert plan["off"].error is not None
    assert not plan.ok


def test_video_needs_a_platform_that_takes_it(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"not a video")
    assert problems(client, Post("a", media=[Video(path)])) == {"media[0]": "unreadable"}


# --- the content an idempotency key is bound to -----------------------------------------------------------
class TestContent:
    """The fields and the media's bytes, however they were given."""

    @pytest.fixture
    def content(self, client: Client) -> Callable[[Post], str]:
        return lambda post: client.plan(post, "mastodon")["mastodon"].content

    def test_is_the_same_for_the_same_bytes_from_another_place(
        self, content: Callable[[Post], str], picture: str, tmp_path: Path
    ) -> None:
        copy = tmp_path / "copy.png"
        copy.write_bytes(Path(picture).read_bytes())
        given = [Image(picture, alt="a"), Image(copy, alt="a"), Image(copy.read_bytes(), alt="a")]
        assert len({content(Post("a", media=[one])) for one in given}) == 1
        cards = [Link("https://example.com", thumbnail=one) for one in given]
        assert len({content(Post("a", thread=[Post("b", link=card)])) for card in cards}) == 1

    def test_is_another_one_when_anything_the_author_gave_is(
        self, content: Callable[[Post], str], picture: str
    ) -> None:
        boat, other = sample_picture(64, 36), sample_picture(65, 36)
        posts = [
            Post("a"),
            Post("b"),
            Post("a", language="en"),
            Post("a", thread=[Post("b")]),
            Post("a", media=[Image(boat, alt="a")]),
            Post("a", media=[Image(other, alt="a")]),
            Post("a", media=[Image(boat, alt="b")]),
            Post("a", media=[Image(boat, alt="a", focus=(0.5, 0.5))]),
            Post("a", media=[Image(boat, alt="a"), Image(other, alt="a")]),
            Post("a", media=[Image(other, alt="a"), Image(boat, alt="a")]),
            Post("a", media=[Image(boat, alt="a")], thread=[Post("b")]),
            Post("a", thread=[Post("b", media=[Image(boat, alt="a")])]),
            Post("a", link="https://example.com"),
            Post("a", link=Link("https://example.com", title="t")),
            Post("a").variant("mastodon", Mastodon.Options(quote_policy="nobody")),
        ]
        assert len({content(post) for post in posts}) == len(posts)

    def test_is_not_touched_by_what_another_account_gets(self, content: Callable[[Post], str]) -> None:
        assert content(Post("a")) == content(Post("a").variant("bluesky", text="b"))

    def test_changed_words_about_a_picture_are_other_content(self, box: Sandbox, picture: str) -> None:
        with box.client(store=":memory:") as client:
            client.publish(Post("a", media=[Image(picture, alt="a")]), "mastodon", idempotency_key="one")
            with pytest.raises(KeyReused):
                client.publish(Post("a", media=[Image(picture, alt="b")]), "mastodon", idempotency_key="one")


def test_a_card_thumbnail_follows_the_content_and_the_plan() -> None:
    """Where the platform shows cards: its bytes count, and a plan made from bytes can be sent."""
    with Sandbox(["bluesky"]) as box, box.client() as client:
        posts = [
            Post("a", link=Link("https://example.com", title="t", thumbnail=Image(sample_picture(*size))))
            for size in ((64, 36), (64, 36), (32, 18))
        ]
        plans = [client.plan(post, "bluesky") for post in posts]
        first, same, other = (plan["bluesky"].content for plan in plans)
        assert first == same != other
        assert client.publish(plans[0]).ok


def test_a_plan_with_problems_changes_and_errors_travels(box: Sandbox) -> None:
    accounts = {"good": box.accounts()["mastodon"], "off": Mastodon("https://nowhere.example", token="t")}
    post = Post("A sentence that says something. " * 40, split=True, title="a title", poll=Poll(["one"]))
    with Client(accounts, transport=box.transport, clock=box.clock) as client:
        plan = client.plan(post, accounts)
        other = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
        assert (other.problems, other.changes, other.digest) == (plan.problems, plan.changes, plan.digest)
        assert plan.problems
        assert plan.changes
        assert str(other["off"].error) == str(plan["off"].error)
        assert (other.requests, other.cost, str(other)) == (plan.requests, plan.cost, str(plan))
        with pytest.raises(InvalidPost):
            client.publish(other)


def test_a_focal_point_nobody_looks_at_is_a_change(picture: str) -> None:
    post = Post("a", media=[Image(picture, alt="boat", focus=(0.0, 0.5))])
    with Sandbox(["mastodon", "x"]) as box, box.client() as client:
        plan = client.plan(post, ["mastodon", "x"])
    assert plan["mastodon"].changes == ()
    assert [(c.field, c.code) for c in plan["x"].changes] == [("media[0].focus", "not_carried")]


def test_a_warning_counts_as_the_text_does(box: Sandbox, client: Client) -> None:
    """Where every code point counts, those of the warning do, too."""
    family = "👩‍👩‍👧‍👦"  # one grapheme, seven code points
    box.mastodon.software = "gotosocial"
    fits, over = Post("x" * 4986, content_warning=family * 2), Post("x" * 4987, content_warning=family * 2)
    assert problems(client, fits) == {}
    assert problems(client, over) == {"text": "too_long"}


def test_the_thumbnail_of_a_picture_is_not_dropped_in_silence(client: Client, picture: str) -> None:
    post = Post("a", media=[Image(picture, alt="a", thumbnail=Image(picture))])
    assert changes(client, post) == {"media[0].thumbnail": "not_carried"}


def test_a_thread_is_for_those_its_first_post_is_for(client: Client) -> None:
    post = Post("one", visibility="followers", thread=[Post("two"), Post("three", visibility="direct")])
    parts = client.plan(post, "mastodon")["mastodon"].parts
    assert [part.body["visibility"] for part in parts] == ["private", "private", "direct"]
    open_one = Post("one", thread=[Post("two")])
    parts = client.plan(open_one, "mastodon")["mastodon"].parts
    assert [part.body["visibility"] for part in parts] == ["public", "public"]
