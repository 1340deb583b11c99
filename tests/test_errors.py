"""The error tree: every one pickles with what it carries; groups split with their report."""

import copy
import pickle
from datetime import UTC, datetime

import pytest

from socialkit import errors
from socialkit.errors import (
    ConfigError,
    Declined,
    Duplicate,
    InvalidPost,
    OutcomeUnknown,
    PlatformError,
    PublishErrors,
    RateLimited,
    SocialKitError,
    ThreadPartlyPosted,
)
from socialkit.model import Identity, Outcome, Problem, Receipt, Report

ME = Identity("x", "https://api.x.com", "7")
REPORT = Report("launch-1", [Outcome("sky", "bluesky", "failed"), Outcome("toots", "mastodon", "published")])
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLASSES = [getattr(errors, name) for name in errors.__all__]


def one_of(cls):
    if cls is PublishErrors:
        return PublishErrors("2 of 2", [Declined("no"), RateLimited("slow")], REPORT)
    if cls is InvalidPost:
        return InvalidPost([Problem("sky", "text", "too_long", "too long", 300, 312)], code="stale")
    return cls("what happened")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
class TestEveryClass:
    def test_is_a_socialkit_error_with_an_explanation(self, cls):
        assert issubclass(cls, SocialKitError)
        assert cls.__doc__

    def test_pickles_and_copies_with_everything_it_carries(self, cls):
        error = one_of(cls)
        error.report = REPORT
        error.account = "sky"
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert type(twin) is cls
            assert str(twin) == str(error)
            assert list(twin.report) == ["sky", "toots"]

    def test_stands_in_the_tree_of_the_module(self, cls):
        assert cls.__name__ in errors.__doc__


def test_all_is_every_public_class():
    public = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, Exception)}
    assert sorted(public) == errors.__all__


def test_a_platform_error_keeps_its_details_through_pickle():
    error = RateLimited("slow down", account="sky", status=429, said="Too many", retry_at=AT)
    twin = pickle.loads(pickle.dumps(error))
    assert vars(twin) == vars(error)
    assert twin.retry_at == AT


def test_the_text_names_the_account_and_the_next_step():
    error = OutcomeUnknown("no answer", account="sky", next_step="client.settle(report)")
    assert str(error) == "sky: no answer\n  next: client.settle(report)"
    assert error.message == "no answer"
    assert error.may_be_live
    assert not Declined("no").may_be_live


def test_wrong_calls_are_value_errors_too():
    assert issubclass(ConfigError, ValueError)
    assert issubclass(InvalidPost, ValueError)


def test_an_invalid_post_lists_every_problem_with_its_place():
    problems = [
        Problem("sky", "text", "too_long", "312 of 300"),
        Problem("toots", "poll", "empty", "no options"),
    ]
    error = InvalidPost(problems)
    assert str(error) == "nothing was sent: 2 problems\n  sky: text: 312 of 300\n  toots: poll: no options"
    assert pickle.loads(pickle.dumps(error)).problems == tuple(problems)


def test_fields_that_were_not_given_have_their_default():
    assert PlatformError("x").retry_at is None
    assert ThreadPartlyPosted("x", receipts=(Receipt(ME, "1"),)).next_index == 0
    assert Duplicate("x").receipt is None


class TestPublishErrors:
    GROUP = PublishErrors("2 of 3", [Declined("too long", account="sky"), RateLimited("wait")], REPORT)

    def test_except_star_keeps_the_report_in_every_split(self):
        seen = []
        try:
            raise self.GROUP
        except* Declined as group:
            seen.append(group)
        except* RateLimited as group:
            seen.append(group)
        assert [type(group) for group in seen] == [PublishErrors, PublishErrors]
        assert all(group.report is REPORT for group in seen)

    def test_plain_except_catches_it_as_a_socialkit_error(self):
        with pytest.raises(SocialKitError) as caught:
            raise self.GROUP
        assert caught.value.report is REPORT

    def test_derive_keeps_message_and_report(self):
        part = self.GROUP.derive([Declined("x")])
        assert (part.message, part.report) == ("2 of 3", REPORT)

    def test_subgroup_by_class(self):
        assert len(self.GROUP.subgroup(RateLimited).exceptions) == 1
