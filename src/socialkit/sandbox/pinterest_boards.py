"""Pinterest's boards and their sections, and lists that go on with a bookmark."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from . import pinterest_schema as schema
from .core import Entry, body
from .pinterest_auth import Pinner, PinterestAuth

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["Board", "Boards", "stamp"]

Json = dict[str, Any]


@attrs.define(eq=False)
class Board:
    """A board; ``sections`` are names by id."""

    id: str
    name: str
    owner: str
    created_at: datetime
    description: str = ""
    privacy: str = "PUBLIC"
    is_ads_only: bool = False
    sections: dict[str, str] = attrs.field(factory=dict)


def stamp(moment: datetime) -> str:
    """A time as Pinterest writes it: in UTC, without saying so."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


class Boards(PinterestAuth):
    """Boards: two of ``brand``, "Boats" (with the section "Sails") and "Harbour", one of ``other``.

    ``busy`` counts, by board, the next writes that are refused because somebody else is writing there.
    """

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self._numbers = itertools.count(1)
        self.boards: dict[str, Board] = {}
        self.busy: dict[str, int] = {}
        for owner, name in (("brand", "Boats"), ("brand", "Harbour"), ("other", "Recipes")):
            self.add_board(owner, name)
        self.board("Boats").sections[self.new_id()] = "Sails"

    def new_id(self) -> str:
        return str(813_744_226_420_000_000 + next(self._numbers))

    def add_board(self, owner: str, name: str, **fields: Any) -> Board:
        """One more board."""
        made = Board(self.new_id(), name, owner, self.now(), **fields)
        self.boards[made.id] = made
        return made

    def board(self, name: str) -> Board:
        """The board of that name."""
        return next(board for board in self.boards.values() if board.name == name)

    def board_table(self) -> list[tuple[str, str, Any]]:
        """What is answered below ``/v5/boards``."""
        section = "/v5/boards/{board}/sections/{section}"
        return [
            ("GET", "/v5/boards", self.list_boards),
            ("POST", "/v5/boards", self.make_board),
            ("GET", "/v5/boards/{board}", self.show_board),
            ("PATCH", "/v5/boards/{board}", self.change_board),
            ("DELETE", "/v5/boards/{board}", self.remove_board),
            ("GET", "/v5/boards/{board}/sections", self.list_sections),
            ("POST", "/v5/boards/{board}/sections", self.make_section),
            ("PATCH", section, self.rename_section),
            ("DELETE", section, self.remove_section),
        ]

    # what the others use ---------------------------------------------------------------------------

    def checked(self, request: Request, wanted: Json) -> Json:
        """The JSON body, refused where it does not fit."""
        given: Json = body(request).json()
        if (problem := next(schema.problems(given, wanted), None)) is not None:
            raise self.refused(400, 1, f"Invalid request: {problem}")
        return given

    def own_board(self, request: Request, me: Pinner, board_id: str, *, write: bool = False) -> Board:
        """The caller's board; 404 for any other, 409 while somebody else writes."""
        board = self.boards.get(board_id)
        hidden = board is not None and board.privacy == "SECRET" and not self.sees_secret(request)
        if board is None or board.owner != me.name or hidden:
            raise self.refused(404, 40, "Board not found.")
        if write and self.busy.get(board_id, 0) > 0:
            self.busy[board_id] -= 1
            raise self.refused(409, 409, "Could not get exclusive access to the board.")
        return board

    def own_section(self, board: Board, section_id: str) -> str:
        """The id of a section of that board."""
        if section_id not in board.sections:
            raise self.refused(404, 2031, "Sorry! We couldn't find this board section.")
        return section_id

    def paged(self, request: Request, items: Sequence[Any], shown: Any) -> Response:
        """One page, and the bookmark of the next."""
        query = request.query_params
        size, start = query.get("page_size", "25"), 0
        if not size.isdecimal() or not 1 <= int(size) <= 250:
            raise self.refused(400, 1, f"page_size: {size!r} is not between 1 and 250")
        try:
            start = int(base64.b64decode(query.get("bookmark", ""), validate=True) or b"0")
        except ValueError:
            raise self.refused(400, 1, "bookmark is not valid") from None
        end = start + int(size)
        bookmark = base64.b64encode(str(end).encode()).decode() if end < len(items) else None
        return self.json({"items": [shown(one) for one in items[start:end]], "bookmark": bookmark})

    def on_board(self, board: Board) -> list[Entry]:
        """The listed pins of a board, those in its sections too, newest first."""
        return [pin for pin in self.listed(board.owner) if pin.extras["board"] == board.id]

    # boards ----------------------------------------------------------------------------------------

    def shown_board(self, board: Board) -> Json:
        return {
            "id": board.id,
            "name": board.name,
            "description": board.description,
            "privacy": board.privacy,
            "is_ads_only": board.is_ads_only,
            "owner": {"username": board.owner},
            "pin_count": len(self.on_board(board)),
            "follower_count": 3,
            "collaborator_count": 0,
            "created_at": stamp(board.created_at),
            "board_pins_modified_at": stamp(self.now()),
            "media": {"image_cover_url": None, "pin_thumbnail_urls": []},
        }

    def list_boards(self, request: Request) -> Response:
        """``GET /v5/boards``."""
        me, secret = self.asking(request, "boards:read"), self.sees_secret(request)
        own = [one for one in self.boards.values() if one.owner == me.name]
        wanted = request.query_params.get("privacy", "ALL")
        kinds = {"PUBLIC_AND_SECRET": ("PUBLIC", "SECRET"), "ALL": ("PUBLIC", "PROTECTED", "SECRET")}
        allowed = kinds.get(wanted, (wanted,))
        seen = [one for one in own if one.privacy in allowed and (secret or one.privacy != "SECRET")]
        return self.paged(request, seen, self.shown_board)

    def make_board(self, request: Request) -> Response:
        """``POST /v5/boards``."""
        me = self.asking(request, "boards:read", "boards:write")
        return self.json(
            self.shown_board(self.add_board(me.name, **self.checked(request, schema.BOARD))), 201
        )

    def _named(self, request: Request, *, write: bool = False) -> Board:
        scopes = ("boards:read", "boards:write") if write else ("boards:read",)
        me = self.asking(request, *scopes)
        return self.own_board(request, me, request.path_params["board"], write=write)

    def show_board(self, request: Request) -> Response:
        """``GET /v5/boards/{id}``."""
        return self.json(self.shown_board(self._named(request)))

    def change_board(self, request: Request) -> Response:
        """``PATCH /v5/boards/{id}``."""
        board = self._named(request, write=True)
        for name, value in self.checked(request, {**schema.BOARD, "required": []}).items():
            setattr(board, name, value)
        return self.json(self.shown_board(board))

    def remove_board(self, request: Request) -> Response:
        """``DELETE /v5/boards/{id}``, with every pin on it."""
        from starlette.responses import Response

        board = self._named(request, write=True)
        for pin in self.on_board(board):
            self.remove(pin)
        del self.boards[board.id]
        return Response(status_code=204)

    # sections --------------------------------------------------------------------------------------

    def list_sections(self, request: Request) -> Response:
        """``GET /v5/boards/{id}/sections``."""
        sections = list(self._named(request).sections.items())
        return self.paged(request, sections, lambda one: {"id": one[0], "name": one[1]})

    def make_section(self, request: Request) -> Response:
        """``POST /v5/boards/{id}/sections``."""
        board, given = self._named(request, write=True), self.checked(request, schema.SECTION)
        section = self.new_id()
        board.sections[section] = given["name"]
        return self.json({"id": section, "name": given["name"]}, 201)

    def rename_section(self, request: Request) -> Response:
        """``PATCH /v5/boards/{id}/sections/{id}``."""
        board, given = self._named(request, write=True), self.checked(request, schema.SECTION)
        section = self.own_section(board, request.path_params["section"])
        board.sections[section] = given["name"]
        return self.json({"id": section, "name": given["name"]})

    def remove_section(self, request: Request) -> Response:
        """``DELETE /v5/boards/{id}/sections/{id}``, with every pin in it."""
        from starlette.responses import Response

        board = self._named(request, write=True)
        section = self.own_section(board, request.path_params["section"])
        for pin in [pin for pin in self.on_board(board) if pin.extras["section"] == section]:
            self.remove(pin)
        del board.sections[section]
        return Response(status_code=204)
