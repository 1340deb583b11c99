"""Threads' profiles: who asks, what may be asked for, and the shapes of its refusals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from .core import Answer
from .meta_auth import LongLivedSignIn

if TYPE_CHECKING:
    from starlette.requests import Request

    from .core import Sandbox

__all__ = ["Json", "Profiles", "Threader"]

Json = dict[str, Any]
_FIELD = re.compile(r"([a-z_]+)(?:\{([a-z_,]*)\})?")


@attrs.frozen
class Threader:
    """A Threads profile. Ids are numbers above 2^53: a reader that takes them for floats loses digits."""

    id: str
    username: str
    name: str
    followers: int = 1500


class Profiles(LongLivedSignIn):
    """Two profiles, ``brand`` and ``other``, and what every request to them has in common.

    ``geo_gating`` lets them choose the countries a post is shown in.
    """

    geo_gating: bool = False
    places: ClassVar[dict[str, Json]] = {
        "110843418940484": {
            "id": "110843418940484",
            "name": "Harbour",
            "address": "Quay 1",
            "city": "Hamburg",
            "country": "Germany",
            "latitude": 53.54,
            "longitude": 9.98,
            "postal_code": "20457",
        }
    }

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": Threader("17841405793187219", "brand", "Brand"),
            "other": Threader("17841409264815301", "other", "Other"),
        }

    def permalink(self, username: str, media_id: str) -> str:
        """Where people read the post."""
        return f"https://www.threads.net/@{username}/post/{self.shortcode(media_id)}"

    def shortcode(self, media_id: str) -> str:
        """The id as it stands in addresses."""
        return f"D{self.digest('shortcode', media_id)[:10]}"

    # refusals --------------------------------------------------------------------------------------

    def refused(self, error: Json, status: int = 400) -> Answer:
        """An error body with its trace."""
        from starlette.responses import JSONResponse

        trace = {"fbtrace_id": f"A{self.serial('trace')[:22]}"}
        return Answer(JSONResponse({"error": error | trace}, status))

    def bad(self, words: str) -> Answer:
        """100: a parameter is wrong."""
        return Answer(self.graph_error(100, words))

    def no_object(self, number: str) -> Answer:
        """100/33: there is no such thing, or the token may not see it."""
        words = f"Unsupported request. Object with ID '{number}' does not exist or cannot be loaded"
        error = {"message": words, "type": "THApiException", "code": 100, "error_subcode": 33}
        return self.refused(error | {"is_transient": False})

    def no_field(self, name: str) -> Answer:
        """100: the object has no such field."""
        words = f"Tried accessing nonexisting field ({name})"
        error = {"message": words, "type": "THApiException", "code": 100, "is_transient": False}
        return self.refused(error)

    # who and what ----------------------------------------------------------------------------------

    def user_in_path(self, request: Request, *scopes: str) -> str:
        """Who asks, when the path says ``me`` or the profile's own number."""
        username = self.grant(request, *scopes).username
        number = request.path_params["id"]
        if number not in ("me", self.people[username].id):
            raise self.no_object(number)
        return str(username)

    def asked_fields(self, request: Request) -> list[str]:
        """The names in ``fields``, with ``id``; what stands in braces behind them is left out."""
        asked = [match[1] for match in _FIELD.finditer(request.query_params.get("fields", ""))]
        return list(dict.fromkeys(["id", *asked]))

    def picked(self, asked: list[str], known: Json) -> Json:
        """The fields asked for; those that are None stay away, and unknown ones are refused."""
        if unknown := [name for name in asked if name not in known]:
            raise self.no_field(unknown[0])
        return {name: known[name] for name in asked if known[name] is not None}
