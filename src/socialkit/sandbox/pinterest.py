"""The Pinterest API v5 as it answers in late 2026: pins, boards, uploads, analytics, limits.

Facts: Pinterest's API description 5.23.0, its documentation, and answers and errors people recorded, November 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from . import pinterest_schema as schema
from .core import Entry
from .pinterest_auth import Pinner
from .pinterest_boards import Board, stamp
from .pinterest_media import S3
from .pinterest_numbers import Numbers

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["PinterestBox"]

Json = dict[str, Any]
_WRITE = ("boards:read", "boards:write", "pins:read", "pins:write")
_SHORT = frozenset({"bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly"})
_TRIAL = (
    "Apps with Trial access may not create Pins in production. Please use the API Sandbox: "
    "https://api-sandbox.pinterest.com"
)
_SIZES = {"150x150": 150, "400x300": 400, "600x": 600, "1200x": 1200}


class PinterestBox(Numbers):
    """Pinterest with the accounts ``brand`` (a business, whose tokens :meth:`credentials` gives) and ``other``.

    ``access`` "trial" refuses pins as Pinterest does to apps it has not reviewed; ``edits`` says whether the app may
    change pins, ``board_lists_sections`` whether a board's list shows the pins of its sections too.
    ``granted_separator`` is what stands between the scopes of a token answer: a space, or a comma. Whether a refresh
    token that was used still works is not documented; here it does not (``rotation``).

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["pinterest"]) as box:
    ...     print(box.pinterest.identity_of("brand"), [board.name for board in box.pinterest.boards.values()])
    2783136121146311751 ['Boats', 'Harbour', 'Recipes']
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "pinterest"
    title: ClassVar[str] = "Pinterest"
    hosts = ("api.pinterest.com", "api-sandbox.pinterest.com", "www.pinterest.com", S3)
    publish_match: ClassVar[str] = "POST /v5/pins"
    edits: bool = True
    board_lists_sections: bool = False

    def routes(self) -> list[BaseRoute]:
        table = [
            *self.number_table(),
            ("GET", "/v5/pins", self.list_pins),
            ("POST", "/v5/pins", self.create),
            ("GET", "/v5/pins/{pin}", self.show),
            ("PATCH", "/v5/pins/{pin}", self.update),
            ("DELETE", "/v5/pins/{pin}", self.delete),
            ("POST", "/v5/pins/{pin}/save", self.save),
            ("GET", "/v5/boards/{board}/pins", self.list_board),
            ("GET", "/v5/boards/{board}/sections/{section}/pins", self.list_section),
            *self.board_table(),
            *self.media_table(),
            *self.auth_table(),
        ]
        return [*self.consent_routes("/oauth/"), *(self.route(*row) for row in table)]

    # the core's questions --------------------------------------------------------------------------

    def twin_of(self, entry: Entry) -> Entry:
        twin = super().twin_of(entry)
        twin.url = f"https://www.pinterest.com/pin/{twin.id}/"
        return twin

    def entry_id(self, reference: str) -> str:
        return reference.rstrip("/").rpartition("/")[2]

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        words = {"SAVE": "saves", "TOTAL_REACTIONS": "reactions", "TOTAL_COMMENTS": "comments"}
        return {word: self.reached(entry, name, self.now()) for name, word in words.items()}

    def shown_notes(self, entry: Entry) -> list[str]:
        board = self.boards.get(entry.extras["board"])
        section = board.sections.get(entry.extras["section"] or "") if board else None
        return [f"on {board.name if board else 'no board'}{f' / {section}' if section else ''}"]

    def shown_card(self, entry: Entry) -> tuple[str, str, str] | None:
        link = entry.extras["given"].get("link")
        return (link, urlsplit(link).hostname or link, "") if link else None

    # making ----------------------------------------------------------------------------------------

    def create(self, request: Request) -> Response:
        """``POST /v5/pins``."""
        me = self.asking(request, *_WRITE)
        if self.access == "trial" and urlsplit(self.base).hostname != "api-sandbox.pinterest.com":
            raise self.refused(403, 29, _TRIAL)
        given = self.checked(request, schema.PIN)
        board, section = self._place(request, me, given)
        self._check_link(given)
        source = given.pop("media_source")
        kind, media = self._made_of(source, me)
        slots = [
            {name: item.get(name) for name in ("title", "description", "link")} for item in _items(source)
        ]
        self._describe(media, given.get("alt_text"))
        pin_id = self.new_id()
        entry = Entry(
            id=pin_id,
            account=me.name,
            text=given.get("description") or "",
            title=given.get("title") or "",
            created_at=self.now().replace(microsecond=0),
            media=media,
            url=f"https://www.pinterest.com/pin/{pin_id}/",
            app="Sandbox",
            extras={
                "given": given,
                "creative_type": kind,
                "board": board.id,
                "section": section,
                "slots": slots,
            },
        )
        return self.json(self.pin(self.add(entry)), 201)

    def _place(self, request: Request, me: Pinner, given: Json) -> tuple[Board, str | None]:
        if "board_id" not in given:
            raise self.refused(400, 1, "Invalid request: 'board_id' is a required property")
        board, section = (
            self.own_board(request, me, given["board_id"], write=True),
            given.get("board_section_id"),
        )
        return board, self.own_section(board, section) if section else None

    def _check_link(self, given: Json) -> None:
        slots = (given.get("media_source") or {}).get("items") or given.get("carousel_slots") or ()
        for link in filter(None, (one.get("link") for one in (given, *slots))):
            parts = urlsplit(link)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.hostname in _SHORT:
                raise self.refused(400, 1, "Invalid request: the link is blocked or not valid")

    def _made_of(self, source: Json, me: Pinner) -> tuple[str, list[Json]]:
        """The creative type and the media; the pictures of a carousel have one size."""
        kind = source["source_type"]
        if kind == "video_id":
            return "VIDEO", [self.filmed(source, me)]
        if not kind.startswith("multiple_"):
            return "REGULAR", [self.pictured(source)]
        media = [self.pictured(item) for item in source["items"]]
        if len({(one["width"], one["height"]) for one in media}) > 1:
            raise self.refused(400, 1, "Invalid request: the images of a carousel must have the same size")
        if source.get("index", 0) >= len(media):
            raise self.refused(400, 1, "Invalid request: index is out of range")
        return "CAROUSEL", media

    def _describe(self, media: Sequence[Json], alt: str | None) -> None:
        """The alt text under the pictures: a line each where there are as many lines as pictures."""
        lines = (alt or "").split("\n")
        for index, medium in enumerate(media):
            medium["alt"] = lines[index] if len(lines) == len(media) else alt or ""

    def save(self, request: Request) -> Response:
        """``POST /v5/pins/{id}/save``: a pin of one's own of somebody's pin."""
        me = self.asking(request, *_WRITE)
        given, pin = self.checked(request, schema.SAVE), self.find(request.path_params["pin"])
        if pin is None:
            raise self.refused(404, 50, "Pin not found.")
        board, section = self._place(request, me, given)
        saved = super().twin_of(pin)
        saved.account, saved.created_at = me.name, self.now().replace(microsecond=0)
        saved.url = f"https://www.pinterest.com/pin/{saved.id}/"
        saved.extras |= {"board": board.id, "section": section, "parent": pin.id}
        return self.json(self.pin(self.add(saved)), 201)

    # reading ---------------------------------------------------------------------------------------

    def show(self, request: Request) -> Response:
        """``GET /v5/pins/{id}``: own pins alone."""
        return self.json(self.pin(self._named_pin(request), numbers=_numbers(request)))

    def _named_pin(self, request: Request, *scopes: str) -> Entry:
        me, pin_id = (
            self.asking(request, *(scopes or ("boards:read", "pins:read"))),
            request.path_params["pin"],
        )
        if not pin_id.isdecimal():
            raise self.refused(400, 1, f"Invalid request: {pin_id!r} does not match '^\\d+$'")
        pin = self.own_pin(pin_id, me)
        if pin is None:
            raise self.refused(404, 50, "Pin not found.")
        return pin

    def list_pins(self, request: Request) -> Response:
        """``GET /v5/pins``."""
        me, wanted = (
            self.asking(request, "boards:read", "pins:read"),
            request.query_params.get("pin_filter", ""),
        )
        pins = self._seen(self.listed(me.name), request)
        if wanted.startswith("exclude_"):
            pins = [pin for pin in pins if ("parent" in pin.extras) == (wanted == "exclude_native")]
        return self._listed(pins, request)

    def list_board(self, request: Request) -> Response:
        """``GET /v5/boards/{id}/pins``."""
        me = self.asking(request, "boards:read", "pins:read")
        board = self.own_board(request, me, request.path_params["board"])
        pins = [pin for pin in self.on_board(board) if self.board_lists_sections or not pin.extras["section"]]
        return self._listed(pins, request)

    def list_section(self, request: Request) -> Response:
        """``GET /v5/boards/{id}/sections/{id}/pins``."""
        me = self.asking(request, "boards:read", "pins:read")
        board = self.own_board(request, me, request.path_params["board"])
        section = self.own_section(board, request.path_params["section"])
        return self._listed(
            [pin for pin in self.on_board(board) if pin.extras["section"] == section], request
        )

    def _seen(self, pins: Sequence[Entry], request: Request) -> list[Entry]:
        """Without the pins on secret boards, unless the token may see them."""
        secret = {board.id for board in self.boards.values() if board.privacy == "SECRET"}
        return [pin for pin in pins if self.sees_secret(request) or pin.extras["board"] not in secret]

    def _listed(self, pins: Sequence[Entry], request: Request) -> Response:
        return self.paged(request, pins, lambda pin: self.pin(pin, numbers=_numbers(request)))

    def pin(self, pin: Entry, *, numbers: bool = False) -> Json:
        """A pin as it is shown."""
        given = pin.extras["given"]
        shown: Json = {
            "id": pin.id,
            "created_at": stamp(pin.created_at),
            "link": given.get("link"),
            "title": pin.title or None,
            "description": pin.text or None,
            "dominant_color": given.get("dominant_color") or "#6E7874",
            "alt_text": given.get("alt_text"),
            "creative_type": pin.extras["creative_type"],
            "board_id": pin.extras["board"],
            "board_section_id": pin.extras["section"],
            "board_owner": {"username": pin.account},
            "is_owner": True,
            "is_standard": True,
            "has_been_promoted": False,
            "parent_pin_id": pin.extras.get("parent"),
            "media": self._media(pin),
            "pin_metrics": self.pin_metrics(pin) if numbers else None,
        }
        return shown | ({"ai_disclosures": given["ai_disclosures"]} if "ai_disclosures" in given else {})

    def _media(self, pin: Entry) -> Json:
        if pin.extras["creative_type"] == "VIDEO":
            film = pin.media[0]
            length = film["seconds"] and film["seconds"] * 1000
            cover = self.media_url(film.get("cover", film["id"]))
            size = {"width": film["width"], "height": film["height"]}
            return {
                "media_type": "video",
                "cover_image_url": cover,
                "duration": length,
                "video_url": None,
                **size,
            }
        if pin.extras["creative_type"] == "CAROUSEL":
            items = [
                {"item_type": "image", "images": self._images(medium), **slot}
                for medium, slot in zip(pin.media, pin.extras["slots"], strict=True)
            ]
            return {"media_type": "multiple_images", "items": items}
        return {"media_type": "image", "images": self._images(pin.media[0])}

    def _images(self, medium: Json) -> Json:
        wide, high, url = medium["width"], medium["height"], self.media_url(medium["id"])
        sizes = {
            name: {"width": width, "height": round(high * width / wide) if wide else None, "url": url}
            for name, width in _SIZES.items()
        }
        return {**sizes, "originals": {"width": wide, "height": high, "url": url}}

    # changing --------------------------------------------------------------------------------------

    def update(self, request: Request) -> Response:
        """``PATCH /v5/pins/{id}``: words, link, board; never the media."""
        pin = self._named_pin(request, *_WRITE)
        if not self.edits:
            raise self.refused(403, 29, "You are not permitted to access that resource.")
        given = self.checked(request, schema.PIN_UPDATE)
        self._check_link(given)
        extras = dict(pin.extras)
        if "board_id" in given:
            me = self.people[pin.account]
            board, section = self._place(request, me, given)
            extras |= {"board": board.id, "section": section}
        slots = given.pop("carousel_slots", [])
        extras["slots"] = [*(old | new for old, new in zip(extras["slots"], slots, strict=False))] or extras[
            "slots"
        ]
        extras["given"] = {**extras["given"], **given}
        self._describe(pin.media, extras["given"].get("alt_text"))
        words = {
            "title": extras["given"].get("title") or "",
            "text": extras["given"].get("description") or "",
        }
        self.change(pin, **words, extras=extras, edited_at=self.now())
        return self.json(self.pin(pin))

    def delete(self, request: Request) -> Response:
        """``DELETE /v5/pins/{id}``."""
        from starlette.responses import Response

        self.remove(self._named_pin(request, *_WRITE))
        return Response(status_code=204)


def _numbers(request: Request) -> bool:
    return request.query_params.get("pin_metrics", "").lower() == "true"


def _items(source: Json) -> Sequence[Json]:
    items: Sequence[Json] = source.get("items", ())
    return items
