"""What Bluesky allows: lengths, sizes, limits, and what its errors mean."""

from __future__ import annotations

import re

from ..rules import Budget, ErrorRow, FindRule, ImageRule, Rules, Source, TextRule, VideoRule

_LEXICONS = Source("bluesky-social/atproto lexicons and server source", "2026-11-23")
_SERVERS = Source("answers of the reference server on loopback", "2026-11-23")

POST = "app.bsky.feed.post"
THREADGATE, POSTGATE = "app.bsky.feed.threadgate", "app.bsky.feed.postgate"
LABELS = frozenset({"porn", "sexual", "nudity", "graphic-media"})
THUMB_BYTES = 1_000_000
ALT_TEXT = 2000
"""Graphemes that the official app takes; the protocol has no limit."""
CARD_TITLE, CARD_DESCRIPTION = 300, 1000
"""Graphemes of a card; the protocol has no limit, these are what is shown."""
_WRITES = r"POST /xrpc/com\.atproto\.repo\.(putRecord|deleteRecord)"
_SIGN_IN = r"POST .*server\.createSession"

RULES = Rules(
    text=TextRule(300, "graphemes", also=((3000, "utf8"),)),
    images=ImageRule(
        count=10,
        max_bytes=2_000_000,
        types=frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
        max_side=4000,
        animated_count=10,
    ),
    video=VideoRule(
        count=1,
        max_bytes=300_000_000,
        types=frozenset({"video/mp4"}),
        max_seconds=600,
        captions=20,
        captions_max_bytes=20_000,
    ),
    thread=True,
    carries=frozenset({"link", "reply_to", "quote", "language", "content_warning", "sensitive"}),
    in_text=frozenset({"tags"}),
    link_with_media=False,
    delete=True,
    metrics=frozenset({"likes", "comments", "shares", "quotes", "saves"}),
    metrics_batch=25,
    account_metrics=frozenset({"followers"}),
    fetch_posts=True,
    budgets=(
        Budget("requests", "host", 3000, 300.0, header="ratelimit", source=_LEXICONS),
        Budget("writes-hour", "account", 5000, 3600.0, match=_WRITES, cost=2, source=_LEXICONS),
        Budget("writes-day", "account", 35_000, 86_400.0, match=_WRITES, cost=2, source=_LEXICONS),
        Budget("uploads", "host", 1000, 86_400.0, match=r"POST .*repo\.uploadBlob", source=_LEXICONS),
        Budget("sessions", "account", 30, 300.0, match=_SIGN_IN, source=_LEXICONS),
        Budget("sessions-day", "account", 300, 86_400.0, match=_SIGN_IN, source=_LEXICONS),
    ),
    errors=(
        ErrorRow(400, "ReauthNeeded", code="ExpiredToken", refresh=True),
        ErrorRow(
            400,
            "MissingScope",
            code="InvalidToken",
            text="bad token (method|scope)",
            hint="use an app password that may do this",
        ),
        ErrorRow(400, "ReauthNeeded", code="InvalidToken", refresh=True),
        ErrorRow(400, "Duplicate", code="InvalidSwap", definite=False),
        ErrorRow(400, "Declined", code="BlobNotFound", hint="the upload is gone; publish again"),
        ErrorRow(400, "Declined", text="could not find blob", hint="the upload is gone; publish again"),
        ErrorRow(400, "Declined", code="BlobTooLarge"),
        ErrorRow(400, "Declined", code="InvalidMimeType"),
        ErrorRow(0, "Declined", code="DailyLimitExceeded", hint="the video service takes no more today"),
        ErrorRow(0, "Declined", code="TooManyOpenUploads", hint="the video service forgets them in an hour"),
        ErrorRow(0, "Declined", code="UploadForbidden", hint="confirm the account's e-mail address"),
        ErrorRow(0, "Unavailable", code="ServiceOverloaded"),
        # The end of the same upload is at work already; asking again gets its answer.
        ErrorRow(0, "Unavailable", code="UploadNotReady"),
        ErrorRow(400, "Declined", code="InvalidRequest"),
        ErrorRow(400, "Declined", code="RecordNotFound"),
        ErrorRow(0, "ReauthNeeded", code="AccountTakedown", hint="the account is taken down"),
        ErrorRow(0, "ReauthNeeded", code="AccountDeactivated", hint="the account is deactivated"),
        ErrorRow(0, "ReauthNeeded", code="RepoDeactivated", hint="the account is deactivated"),
        ErrorRow(0, "ReauthNeeded", code="RepoTakendown", hint="the account is taken down"),
        ErrorRow(
            401, "ReauthNeeded", code="AuthFactorTokenRequired", hint="use an app password, not the main one"
        ),
        ErrorRow(
            401,
            "ReauthNeeded",
            code="AuthenticationRequired",
            hint="check the handle and the app password, and server= where the account is not on bsky.social",
        ),
        # Neither executed anything, and a new token would cure neither.
        ErrorRow(401, "Unavailable", code="use_dpop_nonce"),
        ErrorRow(401, "Unavailable", code="invalid_dpop_proof", hint="check the clock of this machine"),
        ErrorRow(401, "ReauthNeeded", refresh=True),
        ErrorRow(403, "MissingScope", code="ScopeMissingError", hint="sign in again with more scopes"),
        ErrorRow(413, "Declined", hint="the server takes no upload of this size"),
        ErrorRow(429, "RateLimited"),
        ErrorRow(500, "Unavailable", definite=False),
    ),
    find=FindRule(by="key", quiet=60.0, looks=2, between=15.0),
    limited=(("content_warning", "labels"),),
    sources=(_LEXICONS, _SERVERS),
    notes=("Posts cannot be edited.", "A post with media has no link card: the link stands in the text."),
)

_LANGUAGE = re.compile(
    r"[a-z]{2,3}(-[a-z]{3}){0,3}(-[a-z]{4})?(-([a-z]{2}|\d{3}))?(-([a-z\d]{5,8}|\d[a-z\d]{3}))*"
    r"(-[a-wyz\d](-[a-z\d]{2,8})+)*(-x(-[a-z\d]{1,8})+)?|x(-[a-z\d]{1,8})+",
    re.ASCII | re.IGNORECASE,
)


def language_tag(given: str) -> str | None:
    """A BCP 47 tag as servers take it: hyphens, the language itself in lower case; None for what is none.

    >>> language_tag("pt_BR"), language_tag("EN"), language_tag("german")
    ('pt-BR', 'en', None)
    """
    language, *rest = given.replace("_", "-").split("-")
    tag = "-".join((language.lower(), *rest))
    return tag if _LANGUAGE.fullmatch(tag) else None
