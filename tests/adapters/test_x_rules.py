"""X: every row of its table of errors, and what its headers say of limits."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

import pytest

from socialkit import errors
from socialkit.adapters import base
from socialkit.adapters._errors import _fits
from socialkit.adapters._x_rules import DOCUMENTED_VIDEO, RULES
from socialkit.adapters.x import X
from socialkit.rules import ErrorRow

from .fakes import NOW
from .x_samples import DUPLICATE, FACTS, blank, numbered, problem

INVALID = {
    "errors": [{"parameters": {"ids": ["a"]}, "message": "ids is not valid"}],
    "title": "Invalid Request",
    "detail": "One or more parameters to your request was invalid.",
    "type": "https://api.x.com/2/problems/invalid-request",
}
NOT_PERMITTED = "You are not permitted to perform this action."
SEGMENTS = "Segments do not add up to provided total file size"
OAUTH_SPENT = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
OAUTH_HEADER = {"error": "unauthorized_client", "error_description": "Missing valid authorization header"}
SURE, MAYBE = True, False

ROWS: list[tuple[int, Any, str, str | None, bool]] = [
    # status, body, error, code, whether it proves that nothing was made
    (400, INVALID, "Declined", "invalid-request", SURE),
    (
        400,
        {**INVALID, "errors": [{"message": "Your media IDs are invalid."}]},
        "Declined",
        "invalid-request",
        SURE,
    ),
    (400, numbered(323), "Declined", "323", SURE),
    (400, numbered(324), "Declined", "324", SURE),
    (400, numbered(325), "Declined", "325", SURE),
    (400, blank(SEGMENTS, "Bad Request"), "Declined", None, SURE),
    (400, OAUTH_SPENT, "ReauthNeeded", "invalid_request", SURE),
    (400, {"error": "invalid_grant", "error_description": "spent"}, "ReauthNeeded", "invalid_grant", SURE),
    (401, blank("Unauthorized", "Unauthorized"), "ReauthNeeded", None, SURE),
    (401, {"title": "Unauthorized", "type": "about:blank"}, "ReauthNeeded", None, SURE),
    (401, numbered(32), "ReauthNeeded", "32", SURE),
    (401, numbered(89), "ReauthNeeded", "89", SURE),
    (401, numbered(215), "ReauthNeeded", "215", SURE),
    (401, OAUTH_HEADER, "ReauthNeeded", "unauthorized_client", SURE),
    (402, problem("credits", title="CreditsDepleted"), "Declined", "credits", SURE),
    (402, problem("credits-depleted", detail="credits depleted"), "Declined", "credits-depleted", SURE),
    (402, b"", "Declined", None, SURE),
    (403, blank(DUPLICATE), "Duplicate", None, MAYBE),
    (403, numbered(187, "Status is a duplicate."), "Duplicate", "187", MAYBE),
    (403, blank(NOT_PERMITTED), "Declined", None, MAYBE),
    (403, problem("unsupported-authentication"), "ReauthNeeded", "unsupported-authentication", SURE),
    (403, problem("client-forbidden", reason="client-not-enrolled"), "Declined", "client-forbidden", SURE),
    (403, problem("oauth1-permissions"), "MissingScope", "oauth1-permissions", SURE),
    (
        403,
        blank("Your client app is not configured with the appropriate oauth1 app permissions"),
        "MissingScope",
        None,
        SURE,
    ),
    (403, numbered(453), "Declined", "453", SURE),
    (403, numbered(64), "Declined", "64", SURE),
    (403, problem("user-suspended"), "Declined", "user-suspended", SURE),
    (403, numbered(326), "Declined", "326", SURE),
    (403, blank("Your account is temporarily locked."), "Declined", None, SURE),
    (403, blank("Your account is suspended and may not do this."), "Declined", None, SURE),
    (403, numbered(226), "Declined", "226", SURE),
    (403, numbered(185), "RateLimited", "185", SURE),
    (403, problem("usage-capped", period="Monthly"), "RateLimited", "usage-capped", SURE),
    (403, numbered(186), "Declined", "186", SURE),
    (403, blank("Your post text is too long."), "Declined", None, SURE),
    (403, numbered(385), "Unavailable", "385", SURE),
    (403, blank("You tried to reply to a post that is deleted or not visible"), "Unavailable", None, SURE),
    (403, numbered(433), "Declined", "433", SURE),
    (403, blank("The author restricted who can reply to this Tweet"), "Declined", None, SURE),
    (403, numbered(323), "Declined", "323", SURE),
    (403, numbered(324), "Declined", "324", SURE),
    (403, numbered(325), "Declined", "325", SURE),
    (403, blank("Your media IDs are invalid."), "Declined", None, SURE),
    (403, blank("There is a maximum of one cashtag"), "Declined", None, SURE),
    (403, blank("The Tweet contains an invalid URL."), "Declined", None, SURE),
    (403, blank("maximum of 4 items"), "Declined", None, SURE),
    (403, blank("not allowed to post a video longer than 2 minutes"), "Declined", None, SURE),
    (403, numbered(150), "Declined", "150", SURE),
    (403, numbered(349), "Declined", "349", SURE),
    (403, b"<html><body><h1>Forbidden</h1></body></html>", "Declined", None, MAYBE),
    (404, problem("resource-not-found"), "Declined", "resource-not-found", SURE),
    (404, numbered(34), "Declined", "34", SURE),
    (404, numbered(144), "Declined", "144", SURE),
    (404, b"", "Declined", None, SURE),
    (409, problem("conflict"), "Declined", "conflict", SURE),
    (413, b"<html>too large</html>", "Declined", None, SURE),
    (429, problem("rate-limit-exceeded"), "RateLimited", "rate-limit-exceeded", SURE),
    (429, numbered(88), "RateLimited", "88", SURE),
    (429, b"Too Many Requests", "RateLimited", None, SURE),
    (429, problem("usage-capped", period="Monthly", scope="Product"), "RateLimited", "usage-capped", SURE),
    (500, problem("internal-error"), "Unavailable", "internal-error", MAYBE),
    (500, numbered(131), "Unavailable", "131", MAYBE),
    (403, numbered(130), "Unavailable", "130", MAYBE),
    (502, b"<html>Bad Gateway</html>", "Unavailable", None, MAYBE),
    (503, numbered(130), "Unavailable", "130", MAYBE),
    (503, b"<html>Over capacity</html>", "Unavailable", None, MAYBE),
    (504, b"", "Unavailable", None, MAYBE),
    (520, b"", "Unavailable", None, MAYBE),
]


def refused(status: int, body: Any, url: str = "https://api.x.com/2/tweets", **headers: str) -> base.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return base.Response(status, headers, content, url, "POST", NOW)


class TestErrors:
    @pytest.mark.parametrize(("status", "body", "raises", "code", "definite"), ROWS)
    def test_every_row(self, status: int, body: Any, raises: str, code: str | None, definite: bool) -> None:
        error = X(token="t").parse_error(refused(status, body))
        assert type(error).__name__ == raises
        assert (error.status, error.code) == (status, code)
        assert error.definite is definite

    def test_every_row_of_the_table_is_met(self) -> None:
        """Each row is the first that fits some answer: none stands behind another, none has no test."""
        adapter, met = X(token="t"), list[ErrorRow | None]()
        for status, body, *_ in ROWS:
            code, said = adapter.read_error(refused(status, body))
            met.append(next((row for row in adapter.rules.errors if _fits(row, status, code, said)), None))
        assert [row for row in adapter.rules.errors if row not in met] == []

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            ({"errors": "no"}, (None, "")),
            ({"errors": 7, "title": "Bad"}, (None, "Bad")),
            ({"errors": ["no", {"code": 88}]}, ("88", "")),
            ([], (None, "[]")),
        ],
    )
    def test_shapes_nobody_has_seen(self, body: Any, told: tuple[str | None, str]) -> None:
        assert X(token="t").read_error(refused(403, body)) == told

    def test_x_s_words_are_kept_whole(self) -> None:
        code, said = X(token="t").read_error(refused(400, INVALID))
        assert code == "invalid-request"
        assert said == "One or more parameters to your request was invalid. ids is not valid"
        assert X(token="t").read_error(refused(502, b"<html><p>Bad</p><p>Gateway</p></html>")) == (
            None,
            "Bad\n\nGateway",
        )

    def test_a_list_of_problems_is_read_by_its_first(self) -> None:
        one = {
            "title": "Not Found Error",
            "detail": "gone",
            "type": "https://x/2/problems/resource-not-found",
        }
        assert X(token="t").read_error(refused(404, {"errors": [one]})) == ("resource-not-found", "gone")

    @pytest.mark.parametrize(
        ("detail", "hint"),
        [
            ("Your account is suspended and may not do this.", "the account is suspended"),
            ("To protect our users this account is temporarily locked.", "the account is locked"),
            ("You have been blocked from replying.", "X does not say why"),
            (NOT_PERMITTED, "X does not say why"),
        ],
    )
    def test_words_without_a_code_are_understood(self, detail: str, hint: str) -> None:
        assert hint in str(X(token="t").parse_error(refused(403, blank(detail))))

    def test_the_reason_x_gives_is_kept(self) -> None:
        _, said = X(token="t").read_error(
            refused(403, problem("client-forbidden", reason="client-not-enrolled"))
        )
        assert said == "client-not-enrolled"

    def test_an_empty_balance_says_how_to_go_on(self) -> None:
        assert "top them up" in str(X(token="t").parse_error(refused(402, problem("credits"))))

    def test_a_dead_token_may_be_renewed_but_a_wrong_kind_not(self) -> None:
        adapter = X(token="t")
        assert adapter.parse_error(refused(401, numbered(89))).refreshable
        assert not adapter.parse_error(refused(401, OAUTH_HEADER)).refreshable
        assert not adapter.parse_error(refused(403, problem("unsupported-authentication"))).refreshable

    def test_an_upload_that_is_not_permitted_lacks_a_scope(self) -> None:
        url = "https://api.x.com/2/media/upload"
        error = X(token="t").parse_error(refused(403, blank(NOT_PERMITTED), url))
        assert isinstance(error, errors.MissingScope)
        assert "media.write" in str(error)

    @pytest.mark.parametrize(
        ("status", "body", "headers", "moment"),
        [
            (403, numbered(185), {}, "2026-11-03T00:00:00+00:00"),
            (429, problem("usage-capped", period="Monthly"), {}, "2026-12-01T00:00:00+00:00"),
            (429, problem("usage-capped", period="Daily"), {}, "2026-11-03T00:00:00+00:00"),
            (429, numbered(88), {}, "2026-11-02T09:15:00+00:00"),
            (429, numbered(88), {"retry-after": "30"}, "2026-11-02T09:00:30+00:00"),
            (429, numbered(88), {"x-rate-limit-remaining": "0", "x-rate-limit-reset": "1793610600"}, None),
        ],
    )
    def test_when_it_may_go_on(
        self, status: int, body: Any, headers: dict[str, str], moment: str | None
    ) -> None:
        error = X(token="t").parse_error(refused(status, body, **headers))
        assert isinstance(error, errors.RateLimited)
        assert (error.retry_at.isoformat() if error.retry_at else None) == moment


class TestLimits:
    HEADERS: ClassVar[dict[str, str]] = {
        "x-rate-limit-limit": "100",
        "x-rate-limit-remaining": "99",
        "x-rate-limit-reset": "1793610600",
        "x-user-limit-24hour-limit": "250",
        "x-user-limit-24hour-remaining": "0",
        "x-user-limit-24hour-reset": "1793696400",
        "x-app-limit-24hour-limit": "10000",
        "x-app-limit-24hour-remaining": "9000",
        "x-app-limit-24hour-reset": "1793696400",
    }

    def read(self, method: str, url: str, **headers: str) -> dict[str | None, tuple[Any, Any]]:
        told = base.Response(200, headers or self.HEADERS, b"", url, method, NOW)
        adapter = X(token="t", server=url.partition("/2/")[0])
        return {one.name: (one.limit, one.remaining) for one in adapter.read_limits(told)}

    def test_the_window_and_both_days_are_told_apart(self) -> None:
        read = self.read("POST", "https://api.x.com/2/tweets")
        assert read == {
            None: (100, 99),
            "posts-app-24h": (10_000, 9000),
            "posts-user-24h": (250, 0),
        }
        assert self.read("POST", "http://127.0.0.1:8/x/2/tweets") == read

    def test_the_day_of_an_upload_is_not_the_day_of_posts(self) -> None:
        read = self.read("POST", "https://api.x.com/2/media/upload/12/append")
        assert read == {None: (100, 99), "upload-chunks-app-24h": (10_000, 9000)}

    def test_the_days_may_be_absent(self) -> None:
        assert self.read("POST", "https://api.x.com/2/tweets", **{"x-rate-limit-limit": "100"}) == {
            None: (100, None)
        }

    def test_a_day_that_is_no_number_is_no_reading(self) -> None:
        strange = {"x-app-limit-24hour-limit": "²", "x-app-limit-24hour-remaining": "many"}
        assert self.read("POST", "https://api.x.com/2/tweets", **strange) == {}

    @pytest.mark.parametrize(
        ("request_line", "limit"),
        [
            ("POST /2/tweets", 100),
            ("DELETE /2/tweets/12", 50),
            ("GET /2/tweets", 5000),
            ("GET /2/tweets/12", 900),
            ("GET /2/users/7/tweets", 900),
            ("GET /2/users/me", 75),
            ("POST /2/media/upload", 500),
            ("POST /2/media/upload/initialize", 1875),
            ("POST /2/media/upload/12/append", 1875),
            ("POST /2/media/upload/12/finalize", 1875),
            ("GET /2/media/upload", 1000),
            ("POST /2/media/metadata", 500),
            ("POST /2/media/subtitles", 100),
            ("GET /2/media/analytics", 300),
            ("GET /2/tweets/analytics", 300),
        ],
    )
    def test_every_request_has_one_window_of_its_own(self, request_line: str, limit: int) -> None:
        budgets = [one for one in X(token="t").rules.budgets if one.level == "endpoint"]
        met = [(one.limit, one.window) for one in budgets if re.fullmatch(one.match, request_line)]
        assert met == [(limit, 900.0)]

    def test_posts_are_counted_by_the_day_too(self) -> None:
        budgets = [one for one in X(token="t").rules.budgets if one.match == "POST /2/tweets"]
        assert {one.name: (one.limit, one.window) for one in budgets} == {
            "posts": (100, 900.0),
            "posts-app-24h": (10_000, 86_400.0),
            "posts-3h": (300, 10_800.0),
            "posts-user-24h": (2400, 86_400.0),
        }

    def test_no_two_budgets_share_a_name(self) -> None:
        budgets = X(token="t").rules.budgets
        assert len({budget.name for budget in budgets}) == len(budgets)


class TestNumbers:
    """What X's manual says (2026-08), and what third parties say since September 2026."""

    def test_pictures(self) -> None:
        images = RULES.images
        assert images is not None
        assert (images.count, images.max_bytes, images.alt_limit) == (4, 5_000_000, 1000)
        assert images.types == {"image/jpeg", "image/png", "image/webp", "image/gif"}
        assert (images.animated_count, images.animated_alone, images.animated_max_bytes) == (
            1,
            True,
            15_000_000,
        )
        assert (images.animated_max_frames, images.animated_max_volume) == (350, 300_000_000)

    @pytest.mark.parametrize(("premium", "size", "seconds"), [(False, 8 << 30, 1200), (True, 16 << 30, 7500)])
    def test_videos(self, premium: bool, size: int, seconds: float) -> None:
        video = X(token="t", premium=premium).rules_for(FACTS).video
        assert video is not None
        assert (video.count, video.max_bytes, video.alt_limit) == (1, size, 1000)
        assert (video.min_seconds, video.max_seconds, video.max_fps) == (0.5, seconds, 60)
        assert (video.min_side, video.min_ratio, video.max_ratio) == (32, 1 / 3, 3)
        assert (video.types, video.codecs) == ({"video/mp4", "video/quicktime"}, {"h264", "aac"})
        assert DOCUMENTED_VIDEO == (512_000_000, 140)

    def test_texts_and_polls(self) -> None:
        assert [X(token="t", premium=one).rules_for(FACTS).text.limit for one in (False, True)] == [
            280,
            25_000,
        ]
        poll = RULES.poll
        assert poll is not None
        assert (poll.min_options, poll.max_options, poll.option_limit) == (2, 4, 25)
        assert (poll.min_seconds, poll.max_seconds, poll.with_media) == (5 * 60, 7 * 86_400, False)

    def test_looking_and_asking(self) -> None:
        """Lists lag some seconds, and a request may be executed minutes after its caller has gone."""
        assert (RULES.find.by, RULES.find.quiet, RULES.find.looks, RULES.find.between) == ("list", 150, 3, 20)
        assert RULES.metrics_batch == 100
        assert not RULES.repeats
