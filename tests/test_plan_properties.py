"""Whatever a person writes: planning never fails, loses no character, and what it lets through is within the limits."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialkit import Client, Plan, Poll, Post
from socialkit.sandbox import Sandbox
from socialkit.text import length

PLATFORMS = ["bluesky", "mastodon", "x"]

words = st.sampled_from(
    [
        "ship",
        "https://example.com/a?b=c",
        "#launch",
        "@brand.example",
        "$BTC",
        "東京",
        "👩‍🚀",
        "é",
        "ß",
        "naïve",
        "\u202e",
        "1.",
    ]
)
spaces = st.sampled_from([" ", "  ", "\n", "\n\n", ". ", ", "])
pieces = st.tuples(words, spaces)
texts = st.one_of(st.lists(pieces, max_size=20), st.lists(pieces, min_size=40, max_size=120)).map(
    lambda pairs: "".join(word + space for word, space in pairs)
)
polls = st.builds(
    Poll,
    st.lists(st.text(max_size=60), max_size=6),
    seconds=st.integers(0, 10**7),
    multiple=st.booleans(),
)
posts = st.builds(
    Post,
    texts,
    split=st.booleans(),
    poll=st.none() | polls,
    language=st.none() | st.sampled_from(["en", "de", "pt-BR"]),
    content_warning=st.none() | st.sampled_from(["boats", "graphic-media"]),
    sensitive=st.booleans(),
    visibility=st.none() | st.sampled_from(["public", "unlisted", "followers", "direct", "private"]),
    tags=st.lists(st.sampled_from(["boats", "launch", "sea"]), max_size=3),
    link=st.none() | st.just("https://example.com/launch"),
    title=st.none() | st.just("A launch"),
    thread=st.lists(st.builds(Post, texts), max_size=3),
)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Sandbox(PLATFORMS) as box, box.client() as client:
        yield client


def rules_of(client: Client, account: str):
    return client._async._known.named(account).rules


slow = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(post=posts)
def test_planning_says_what_is_wrong_and_never_fails(client: Client, post: Post) -> None:
    plan = client.plan(post, PLATFORMS)
    for target in plan.targets:
        assert target.error is None
        assert all(problem.account == target.account and problem.message for problem in target.problems)


@slow
@given(post=posts)
def test_what_may_be_sent_is_within_every_limit(client: Client, post: Post) -> None:
    for target in client.plan(post, PLATFORMS).targets:
        rule = rules_of(client, target.account).text
        for part in target.parts if not target.errors else ():
            for limit, unit in rule.limits:
                assert length(part.text, unit, url_length=rule.url_length) <= limit


@slow
@given(text=texts)
def test_a_split_text_loses_no_character(client: Client, text: str) -> None:
    for target in client.plan(Post(text, split=True), PLATFORMS).targets:
        if not target.errors:
            assert "".join("".join(part.text.split()) for part in target.parts) == "".join(text.split())


@slow
@given(post=posts)
def test_a_plan_is_the_same_after_a_journey_as_json(client: Client, post: Post) -> None:
    plan = client.plan(post, PLATFORMS)
    again = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again.digest == plan.digest
    assert (again.problems, again.changes) == (plan.problems, plan.changes)


@slow
@given(post=posts)
def test_a_plan_is_the_same_for_the_same_post(client: Client, post: Post) -> None:
    first, second = client.plan(post, PLATFORMS), client.plan(Post.from_dict(post.to_dict()), PLATFORMS)
    assert first.digest == second.digest
    assert [target.content for target in first.targets] == [target.content for target in second.targets]
