"""Rules are data: frozen, comparable, narrowed by evolve."""

import attrs
import pytest

from socialkit import rules
from socialkit.rules import Budget, ErrorRow, FindRule, ImageRule, Rules, Source, TextRule

SMALL = Rules(text=TextRule(300, "graphemes", also=((3000, "utf8"),)))


def test_all_limits_of_a_text_hold_together():
    assert SMALL.text.limits == ((300, "graphemes"), (3000, "utf8"))
    assert TextRule(500, "mastodon").limits == ((500, "mastodon"),)


def test_a_live_answer_narrows_the_rules_and_leaves_the_platforms_own_alone():
    live = attrs.evolve(SMALL, text=attrs.evolve(SMALL.text, limit=200))
    assert live.text.limit == 200
    assert SMALL.text.limit == 300


def test_what_is_not_declared_is_not_carried():
    assert SMALL.images is SMALL.video is SMALL.poll is None
    assert not SMALL.thread
    assert not SMALL.edit
    assert not SMALL.delete
    assert SMALL.carries == SMALL.required == frozenset()
    assert SMALL.visibility == {"public"}


def test_without_a_way_to_look_nothing_can_be_found():
    assert SMALL.find == FindRule(by="none")


def test_an_error_row_is_definite_unless_it_says_otherwise():
    assert ErrorRow(422, "Declined").definite
    assert not ErrorRow(503, "Unavailable", definite=False).definite


@pytest.mark.parametrize(
    "value",
    [
        SMALL,
        ImageRule(4, 2**20, frozenset({"image/png"})),
        Budget("posts", "account", 300, 10800.0, source=Source("docs.example.com", "2026-08-22")),
    ],
)
def test_rules_are_frozen_and_hashable(value):
    assert hash(value) == hash(attrs.evolve(value))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.anything = 1


def test_every_rule_is_explained():
    assert all(
        cls.__doc__ for cls in vars(rules).values() if attrs.has(cls) and cls.__module__ == rules.__name__
    )
