"""Pinterest, through its API v5: pins of one picture, of a video, or of two to five pictures.

A pin cannot be repeated safely here: there is no idempotency key and no check for duplicates. Nothing is public before
the one request that makes the pin; a lost answer is settled by reading the board.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import attrs

from socialkit import errors
from socialkit.flows import Flow
from socialkit.flows._whoami import as_text, told_id
from socialkit.flows.pinterest import FLOWS
from socialkit.metrics import Metrics
from socialkit.model import Identity, Problem, Receipt
from socialkit.rules import Rules, measured

from . import base
from ._pinterest_media import JsonBody, cover_of, has_address, picture_of, upload_video
from ._pinterest_metrics import account_row, rows_of
from ._pinterest_pins import (
    PIN,
    entries,
    id_of,
    likeness_of,
    made_at,
    made_of,
    own_id_of,
    receipt_of,
    sent_of,
)
from ._pinterest_rules import BUDGETS, LINK, PICTURES, PRODUCTION, RULES, SANDBOX, STILL, TITLE, TRIAL, covers
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Finding, Found, Lost, Part, Sent

_MINUTE = timedelta(seconds=60)
_FIXED = "Pinterest never changes it in a pin that is there"
_MADE_OF = {"media": "media", "thumbnail": "media[0].thumbnail"}
_SHORTENERS = frozenset(
    {"bit.ly", "buff.ly", "goo.gl", "is.gd", "ow.ly", "rebrand.ly", "t.co", "tinyurl.com"}
)


def _texts(given: Any) -> tuple[Any, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


@attrs.frozen
class PinterestOptions(base.Options):
    """What only Pinterest knows.

    Attributes:
        board: the board the pin goes on, by name or id; the account's own ``board`` where it is left out.
        section: a section of that board, by name or id.
        slot_titles, slot_descriptions, slot_links: of the pictures of a carousel, in their order; "" for none.
        first_slot: which picture of a carousel is shown first, from 0.
        cover_seconds: whole seconds into a video at which its cover is taken; without it, and without a thumbnail, it
            is the first frame.
        dominant_color: shown until the picture is loaded, such as "#6E7874".
        ai_disclosures: what was made with AI.
        sponsor_id: id of the account that is asked to confirm a paid partnership (closed beta).

    >>> PinterestOptions(board="Boats", section="Sails").board
    'Boats'
    """

    platform: ClassVar[str] = "pinterest"
    board: str | None = attrs.field(default=None, converter=attrs.converters.optional(str))
    section: str | None = attrs.field(default=None, converter=attrs.converters.optional(str))
    slot_titles: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    slot_descriptions: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    slot_links: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    first_slot: int | None = None
    cover_seconds: int | None = None
    dominant_color: str | None = None
    ai_disclosures: tuple[Literal["AI_MODIFIED", "SYNTHETIC_PERFORMER"], ...] = attrs.field(
        default=(), converter=_texts
    )
    sponsor_id: str | None = None


class Pinterest(base.Adapter):
    """One account on Pinterest.

    Args:
        token: an OAuth 2.0 token with ``Pinterest.scopes``. refresh_token: renews it, every time with a new one; needs
            ``client_id`` and ``client_secret`` of the app.
        board: name or id of the board pins go on when the options name none.
        trial: whether the app has trial access: its limits count by the day, and its pins are made on Pinterest's own
            sandbox alone.
        server: base URL of the API; ``https://api-sandbox.pinterest.com`` is Pinterest's own sandbox.

    >>> Pinterest(token="…", board="Boats")
    <Pinterest https://api.pinterest.com>
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "pinterest"
    title: ClassVar[str] = "Pinterest"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[PinterestOptions]] = PinterestOptions
    rotation: ClassVar[base.Rotation] = "strict"
    flows: ClassVar[tuple[Flow, ...]] = FLOWS
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes

    def __init__(
        self,
        *,
        token: str | None = None,
        refresh_token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        board: str | int | None = None,
        trial: bool = False,
        server: str = PRODUCTION,
    ) -> None:
        seed = base.Credential.of_user(
            "Pinterest", token, refresh_token, client_id, client_secret, ("client_id", "client_secret")
        )
        super().__init__(server, seed)
        self.board, self.trial = None if board is None else str(board), trial
        if trial:
            vars(self)["rules"] = attrs.evolve(RULES, budgets=(*BUDGETS, *TRIAL))

    # --- who am I ------------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        me = await self._me(call)
        name = as_text(me.get("username"))
        return AccountFacts(
            identity=Identity(self.platform, self.server, told_id(self.platform, me), name),
            url=f"https://www.pinterest.com/{name}/",
            software="pinterest",
            facts={"username": name, "account_type": me.get("account_type")},
        )

    async def _me(self, call: Call) -> dict[str, Any]:
        me = (await call.read("GET", "/v5/user_account")).json()
        if not isinstance(me, dict):
            raise errors.Unavailable("Pinterest did not show the account")
        return me

    # --- plan ----------------------------------------------------------------------------------------------
    def options_for(self, given: PinterestOptions) -> PinterestOptions:
        """With the account's own board: on another board it is another pin."""
        return given if given.board else attrs.evolve(given, board=self.board)

    async def plan(self, draft: Draft, call: Call) -> Part:
        post, options = draft.post, draft.options
        board, section = await self._place(draft, call)
        pin: dict[str, Any] = {
            "board_id": board,
            "board_section_id": section,
            "title": _title(draft),
            "description": post.text.strip() or None,
            "link": _link(draft),
            "alt_text": _alt(draft),
            "dominant_color": options.dominant_color,
            "sponsor_id": options.sponsor_id,
        }
        if options.ai_disclosures:
            pin["ai_disclosures"] = {"values": list(options.ai_disclosures)}
        _check_options(draft)
        if self.trial and self.server == PRODUCTION:
            words = "an app with trial access may make no pins here"
            draft.problem("account", "trial", words, hint=SANDBOX)
        body = {"pin": {name: value for name, value in pin.items() if value is not None}, **_source(draft)}
        requests = 4 if body["kind"] == "video" else 1
        return Part(draft.index, body, post.text, requests=requests)

    async def _place(self, draft: Draft, call: Call) -> tuple[str, str | None]:
        """The ids of board and section; what cannot be found is a Problem with the names there are."""
        options = draft.options
        board = await self._board(options.board, draft, call)
        if board is None:
            return "", None
        board_id, privacy = str(board["id"]), str(board.get("privacy") or "PUBLIC")
        if privacy != "PUBLIC":
            words = f"the board is {privacy.lower()}: the pin is shown to those who may see the board"
            draft.change("visibility", "narrowed", words)
        if not options.section:
            return board_id, None
        return board_id, await self._section(board_id, options.section, draft, call)

    async def _board(self, wanted: str | None, draft: Draft, call: Call) -> Mapping[str, Any] | None:
        if wanted and re.fullmatch("[0-9]+", wanted):
            answer = await call.read("GET", f"/v5/boards/{wanted}", accept=(404,))
            if answer.status != 404:
                return dict(answer.json())
        boards = [board async for board in entries(call, "/v5/boards")]
        return _named(wanted, boards, "board", "a pin goes on a board", draft)

    async def _section(self, board: str, wanted: str, draft: Draft, call: Call) -> str | None:
        sections = [section async for section in entries(call, f"/v5/boards/{board}/sections")]
        found = _named(wanted, sections, "section", "", draft)
        return str(found["id"]) if found else None

    # --- send ----------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        pin = {**part.body["pin"], "media_source": await self._media(part, call)}
        answer = await call.commit("POST", "/v5/pins", content=base.Slice(JsonBody(pin)), timeout=600.0)
        return sent_of(answer.json(), part)

    async def _media(self, part: Part, call: Call) -> dict[str, Any]:
        """The pin's ``media_source``; a video is up and processed then."""
        body, media = part.body, part.media
        if body["kind"] == "video":
            media_id = await upload_video(media[0], call, self.server)
            cover = await cover_of(media[0], body["cover_seconds"], call)
            return {"source_type": "video_id", "media_id": media_id, **cover}
        pictures = [await picture_of(item, call, by_url=body["by_url"]) for item in media]
        if body["kind"] == "image":
            return {"source_type": "image_url" if body["by_url"] else "image_base64", **pictures[0]}
        items = [{**picture, **slot} for picture, slot in zip(pictures, body["slots"], strict=True)]
        kind = "multiple_image_urls" if body["by_url"] else "multiple_image_base64"
        return {"source_type": kind, "items": items} | ({"index": body["first"]} if body["first"] else {})

    # --- after ---------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        """By the pins of the board, and of the section, which the board's own list may leave out."""
        pin = lost.part.body["pin"]
        board = f"/v5/boards/{pin['board_id']}"
        section = pin.get("board_section_id")
        lists = [f"{board}/sections/{section}/pins"] if section else []
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        for path in (*lists, f"{board}/pins"):
            async for one in entries(call, path, since=lost.since):
                if (likeness := likeness_of(one, lost)) != "other":
                    found[str(one["id"])] = (likeness, one)
        same = [one for likeness, one in found.values() if likeness == "same"]
        if len(same) > 1:
            return CannotTell("two pins look exactly like this one")
        if same:
            return Found(sent_of(same[0], lost.part))
        if found:
            return CannotTell("a pin with the same words is there, but it is not known to be this one")
        return Absent("it is not on its board")

    async def edit(self, receipt: Receipt, part: Part, call: Call) -> Sent:
        """Words, link and board; ``None`` clears. What can never change is refused where the receipt knows it."""
        known, ours = receipt.raw.get("made_of") or {}, made_of(part)
        if fixed := [name for name in known if known[name] != ours.get(name)]:
            hint = "delete the pin and publish anew"
            problems = [
                Problem(call.account, _MADE_OF.get(name, f"options.{name}"), "fixed", _FIXED, hint=hint)
                for name in fixed
            ]
            raise errors.InvalidPost(problems)
        names = ("title", "description", "link", "alt_text", "board_section_id")
        body = {"board_id": part.body["pin"]["board_id"], **{n: part.body["pin"].get(n) for n in names}}
        if any(slots := part.body.get("slots") or []):
            body["carousel_slots"] = slots
        if "ai_disclosures" in part.body["pin"]:
            body["ai_disclosures"] = part.body["pin"]["ai_disclosures"]
        answer = await call.attach("PATCH", f"/v5/pins/{own_id_of(receipt)}", json=body, repeatable=True)
        return sent_of(answer.json(), part)

    async def delete(self, receipt: Receipt, call: Call) -> None:
        path = f"/v5/pins/{own_id_of(receipt)}"
        answer = await call.attach("DELETE", path, accept=(404,), repeatable=True)
        if answer.status == 404 and str(self.read_error(answer)[0]) not in ("50", "404"):
            raise self.parse_error(answer)

    # --- read ----------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        """One request for young pins with pictures, one for young videos; older ones from what the pins show."""
        return await rows_of(receipts, call)

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        return await account_row(await self._me(call), call, since=since, until=until)

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        """The account's own pins, without those it saved from others."""
        size = max(1, min(250, limit))
        async for pin in entries(call, "/v5/pins", since=since, size=size, pin_filter="exclude_repins"):
            at = made_at(pin)
            if at is None or not ((since and at < since) or (until and at > until)):
                yield receipt_of(pin, call.facts.identity)

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """A permalink on pinterest.com or one of its national sites, or a bare id."""
        if (pin_id := id_of(reference)) is None:
            raise errors.ConfigError(f"{reference!r} is no pin; give its permalink or id")
        answer = await call.read("GET", f"/v5/pins/{pin_id}", accept=(404,))
        pin = answer.json() if answer.status != 404 else {}
        if answer.status == 404 or pin.get("is_owner") is False:
            raise errors.ConfigError(f"{reference!r} is no pin of this account")
        return receipt_of(pin, call.facts.identity)

    def owns(self, permalink: str) -> bool:
        return PIN.fullmatch(permalink) is not None

    # --- the wire ------------------------------------------------------------------------------------------
    def parse_error(self, response: base.Response) -> errors.SocialKitError:
        """With the id of the request for Pinterest's support, and a minute's rest where no header tells how long."""
        error = super().parse_error(response)
        if isinstance(error, errors.PlatformError):
            error.request_id = response.headers.get("x-pinterest-rid") or error.request_id
        if isinstance(error, errors.RateLimited) and error.retry_at is None and response.received_at:
            told = any(reading.remaining == 0 and reading.resets_at for reading in self.read_limits(response))
            error.retry_at = None if told else response.received_at + _MINUTE
        return error

    def read_limits(self, response: base.Response) -> tuple[base.Reading, ...]:
        """The category's minute, or the day of an app on trial where the limit ends later than that."""
        path = response.url.partition("?")[0].removeprefix(self.server)
        fitting = [budget.name for budget in BUDGETS[:3] if covers(budget, response.method, path)]
        days = [budget.name for budget in TRIAL[::-1] if covers(budget, response.method, path)]
        named = []
        for reading in super().read_limits(response):
            ends, now = reading.resets_at, response.received_at
            later = ends is not None and now is not None and ends - now > _MINUTE * 2
            names = days if later else fitting
            named += [attrs.evolve(reading, name=names[0])] if names else []
        return tuple(named)


# --- planning ---------------------------------------------------------------------------------------------
def _named(
    wanted: str | None, listed: Sequence[Mapping[str, Any]], what: str, why: str, draft: Draft
) -> Mapping[str, Any] | None:
    """The one board or section meant by a name or an id."""
    field = f"options.{what}"
    names = sorted(str(one.get("name")) for one in listed)
    hint = f"Pinterest.Options({what}=…): {', '.join(names)}" if names else f"there is no {what} yet"
    if not wanted:
        draft.problem(field, "required", why, hint=hint)
        return None
    by_id = [one for one in listed if str(one.get("id")) == wanted]
    exact = [one for one in listed if one.get("name") == wanted]
    alike = [one for one in listed if str(one.get("name")).casefold() == wanted.strip().casefold()]
    found = by_id or exact or alike
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(one["id"]) for one in found)
        draft.problem(
            field, "ambiguous", f"{len(found)} of them are called {wanted!r}", hint=f"give one's id: {ids}"
        )
    else:
        draft.problem(field, "not_found", f"no {what} {wanted!r}", hint=hint)
    return None


def _title(draft: Draft) -> str | None:
    title = " ".join((draft.post.title or "").split())
    if len(title) > TITLE:
        words = measured(len(title), TITLE)
        draft.problem("title", "too_long", words, limit=TITLE, actual=len(title), hint="shorten it")
    return title or None


def _link(draft: Draft) -> str | None:
    link = draft.post.link
    if link is None:
        return None
    if len(link.url) > LINK:
        told, actual = measured(len(link.url), LINK), len(link.url)
        draft.problem("link", "too_long", told, limit=LINK, actual=actual, hint="give a shorter address")
    if link.title or link.description or link.thumbnail:
        words = "its title, description and picture are not sent: a pin has its own"
        draft.change("link", "not_carried", words)
    _check_shortener(draft, "link", link.url)
    return link.url


def _check_shortener(draft: Draft, field: str, url: str) -> None:
    if (urlsplit(url).hostname or "").removeprefix("www.") in _SHORTENERS:
        words = "Pinterest refuses links through shorteners"
        draft.problem(field, "shortener", words, hint="give the address itself", severity="warning")


def _alt(draft: Draft) -> str | None:
    """The pin's one alt text; those of a carousel one below the other."""
    texts = [" ".join((item.alt or "").split()) for item in draft.media]
    if len(texts) < 2:
        return (draft.media[0].alt or None) if draft.media else None
    joined = "\n".join(texts) if any(texts) else ""
    limit = RULES.images.alt_limit if RULES.images and RULES.images.alt_limit else 0
    if joined:
        words = "a pin has one alt text: those of its pictures stand in it, a line each"
        draft.change("media.alt", "joined", words, after=joined)
    if len(joined) > limit:
        words = f"together {measured(len(joined), limit)}"
        draft.problem("media.alt", "too_long", words, limit=limit, actual=len(joined), hint="shorten them")
    return joined or None


def _source(draft: Draft) -> dict[str, Any]:
    """What the pin is made of, as far as it is known before anything is uploaded."""
    media, options = draft.media, draft.options
    if any(item.kind == "video" for item in media):
        if media[0].thumbnail is None and options.cover_seconds is None:
            draft.change(
                "media[0].thumbnail", "chosen", "the cover is the first frame; a video pin must have one"
            )
        return {"kind": "video", "cover_seconds": options.cover_seconds or 0}
    by_url = all(has_address(item) for item in media)
    for index, item in enumerate(media):
        if not by_url and item.kind != "file" and item.mime not in STILL:
            words = f"{item.mime} is taken from a public address alone, not as bytes"
            hint = "give Image.from_url(...), or make it a JPEG or PNG"
            draft.problem(f"media[{index}]", "type", words, hint=hint)
    if len(media) < PICTURES[0]:
        return {"kind": "image", "by_url": by_url}
    _check_sizes(draft)
    slots = {name: getattr(options, f"slot_{name}s") for name in ("title", "description", "link")}
    filled = [
        {name: given[index] for name, given in slots.items() if index < len(given) and given[index]}
        for index in range(len(media))
    ]
    return {"kind": "carousel", "by_url": by_url, "slots": filled, "first": options.first_slot or 0}


def _check_sizes(draft: Draft) -> None:
    """The pictures of a carousel have one size: each that differs from most is named."""
    sizes = [(item.width, item.height) for item in draft.media]
    known = Counter(size for size in sizes if None not in size)
    if len(known) < 2:
        return
    usual = known.most_common(1)[0][0]
    for index, size in enumerate(sizes):
        if size != usual and None not in size:
            words = f"{size[0]} × {size[1]} pixels; the others of the carousel have {usual[0]} × {usual[1]}"
            draft.problem(f"media[{index}]", "size", words, hint="crop it to the size of the others")


def _check_options(draft: Draft) -> None:
    options, count = draft.options, len(draft.media)
    video = any(item.kind == "video" for item in draft.media)
    for name in ("slot_titles", "slot_descriptions", "slot_links"):
        if given := getattr(options, name):
            if count < PICTURES[0]:
                draft.problem(
                    f"options.{name}", "no_carousel", "only the pictures of a carousel have their own"
                )
            elif len(given) > count:
                words = f"{len(given)} for {count} pictures"
                draft.problem(f"options.{name}", "count", words, limit=count, actual=len(given))
    for index, url in enumerate(options.slot_links):
        if url and not re.match(r"https?://[^\s/?#]+", url, re.IGNORECASE):
            hint = "write it whole, such as https://example.com/page"
            draft.problem(f"options.slot_links[{index}]", "invalid", f"{url!r} is no web address", hint=hint)
        _check_shortener(draft, f"options.slot_links[{index}]", url)
    if options.first_slot is not None and not (0 <= options.first_slot < count and count >= PICTURES[0]):
        draft.problem(
            "options.first_slot", "range", f"no picture {options.first_slot} in a carousel of {count}"
        )
    if options.cover_seconds is not None:
        _check_cover(draft, video)
    if options.dominant_color and not re.fullmatch("#[0-9A-Fa-f]{6}", options.dominant_color):
        words = f"{options.dominant_color!r} is no color"
        draft.problem("options.dominant_color", "invalid", words, hint="write it as #6E7874")
    if options.sponsor_id and not re.fullmatch("[0-9]+", options.sponsor_id):
        draft.problem("options.sponsor_id", "not_an_id", f"{options.sponsor_id!r} is no id: digits only")
    allowed = ("AI_MODIFIED", "SYNTHETIC_PERFORMER")
    for one in options.ai_disclosures:
        if one not in allowed:
            draft.problem(
                "options.ai_disclosures", "unknown", f"no disclosure {one!r}", hint=", ".join(allowed)
            )


def _check_cover(draft: Draft, video: bool) -> None:
    field, seconds = "options.cover_seconds", draft.options.cover_seconds
    if not video:
        draft.problem(field, "no_video", "only a video has a cover")
    elif draft.media[0].thumbnail is not None:
        draft.problem(
            field, "mixed", "the video has a thumbnail, which is its cover", hint="leave one of them out"
        )
    if seconds < 0:
        draft.problem(field, "range", f"{seconds} s is before the video begins")
    elif video and seconds > (draft.media[0].seconds or seconds):
        draft.change(field, "shortened", "the cover is the last frame: the video ends before that second")
