"""TikTok's side of signing in: ``client_key``, scopes by comma, a hexadecimal challenge, slashes that count.

Facts: TikTok's documentation of Login Kit, user access tokens and the user info object, read in November 2026.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from .core import Answer
from .sign_in import Issued, RegisteredApp, SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute


__all__ = ["People", "TikToker"]

Json = dict[str, Any]
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_HEX = re.compile(r"[0-9a-f]{64}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_BASIC = ("open_id", "union_id", "avatar_url", "avatar_url_100", "avatar_large_url", "display_name")
_PROFILE = ("bio_description", "profile_deep_link", "is_verified", "username")
_STATS = ("follower_count", "following_count", "likes_count", "video_count")
_FIELDS = {
    **dict.fromkeys(_BASIC, "user.info.basic"),
    **dict.fromkeys(_PROFILE, "user.info.profile"),
    **dict.fromkeys(_STATS, "user.info.stats"),
}


@attrs.define(eq=False)
class TikToker:
    """A TikTok user, with the id they have for this app. Settable: what their account lets them do.

    ``private``: a private account, which cannot post for everyone. ``banned``: from posting.
    """

    open_id: str
    union_id: str
    username: str
    name: str
    private: bool = False
    comment_disabled: bool = False
    duet_disabled: bool = False
    stitch_disabled: bool = False
    max_seconds: int = 600
    banned: bool = False

    @property
    def privacy_options(self) -> tuple[str, ...]:
        """Who may be let see a post."""
        widest = "FOLLOWER_OF_CREATOR" if self.private else "PUBLIC_TO_EVERYONE"
        return (widest, "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY")


class People(SignIn):
    """Two users, ``brand`` and ``other``, and what apps may do for them.

    A refresh token works once (``rotation`` "strict") unless it is set to "none", where the same one comes back:
    TikTok says that it may do either.
    """

    people: dict[str, TikToker]
    access_seconds = 86_400.0
    refresh_seconds = 365 * 86_400.0
    rotation = "strict"
    client_id_name = "client_key"
    scope_separator = ","
    known_scopes = frozenset(
        {
            "user.info.basic",
            "user.info.profile",
            "user.info.stats",
            "video.list",
            "video.publish",
            "video.upload",
        }
    )
    pkce = "hex"

    def add_people(self) -> None:
        """The two users."""
        self.people = {
            name: TikToker(
                f"-000{self.digest('open', name)[:32]}",
                self.digest("union", name)[:36],
                name,
                name.capitalize(),
            )
            for name in ("brand", "other")
        }

    def identity_of(self, username: str) -> str:
        """The person's id for this app."""
        return str(self.people[username].open_id)

    def sign_in_routes(self) -> list[BaseRoute]:
        """Consent, tokens, the user; every path ends with a slash."""
        return [
            *self.consent_routes("/v2/auth/authorize/"),
            self.route("POST", "/v2/oauth/token/", self.give_token),
            self.route("POST", "/v2/oauth/revoke/", self.end_token),
            self.route("GET", "/v2/user/info/", self.show_user),
        ]

    # consent ---------------------------------------------------------------------------------------

    def app_asked(self, asked: Json) -> RegisteredApp:
        """The app, when the callback is one of its own and of a form TikTok takes."""
        app = self.apps.get(str(asked.get("client_key")))
        if app is None:
            raise self.oauth_error("invalid_client", "client_key is unknown", 401)
        uri = str(asked.get("redirect_uri") or "")
        if not _well_formed(uri) or not any(_covers(own, uri) for own in app.redirect_uris):
            raise self.oauth_error("invalid_request", "redirect_uri is not one of this app")
        return app

    def check_asked(self, asked: Json) -> None:
        """Desktop apps must send a challenge; any challenge is the SHA-256 in lower-case hexadecimal digits."""
        super().check_asked(asked)
        challenge = str(asked.get("code_challenge") or "")
        desktop = urlsplit(str(asked["redirect_uri"])).hostname in _LOOPBACK
        if desktop and not challenge:
            raise self.oauth_error("invalid_request", "code_challenge is required")
        if challenge and (asked.get("code_challenge_method") != "S256" or not _HEX.fullmatch(challenge)):
            raise self.oauth_error("invalid_request", "code_challenge is not valid")

    def callback_query(self, asked: Json, code: str) -> Json:
        """The granted scopes stand in the callback, too; codes have characters that must be decoded."""
        granted = sorted(self.codes[code]["granted"])
        return {"code": code, "scopes": ",".join(granted), **self._state(asked)}

    def new_code(self, asked: Json, username: str, scopes: frozenset[str]) -> str:
        """A code with the odd characters TikTok's have."""
        code = super().new_code(asked, username, scopes)
        odd = f"{code}*v!4567.s1"
        self.codes[odd] = self.codes.pop(code)
        return odd

    def refused_query(self, asked: Json) -> Json:
        """With a description."""
        return {
            "error": "access_denied",
            "error_description": "User canceled the authorization",
            **self._state(asked),
        }

    # tokens ----------------------------------------------------------------------------------------

    def oauth_error(self, code: str, words: str, status: int = 400) -> Answer:
        """Flat, with a ``log_id``."""
        from starlette.responses import JSONResponse

        told = {"error": code, "error_description": words, "log_id": self._log_id()}
        return Answer(JSONResponse(told, status))

    def _log_id(self) -> str:
        return f"{self.now():%Y%m%d%H%M%S}{self.serial('log')[:18].upper()}"

    def give_token(self, request: Request) -> Response:
        """``POST /v2/oauth/token/``: for a code or a refresh token, form-encoded, never with Basic."""
        from starlette.responses import JSONResponse

        given = self._form(request)
        app = self.client_of(request, given)
        verifier = given.get("code_verifier")
        if verifier is not None and not _VERIFIER.fullmatch(str(verifier)):
            raise self.oauth_error("invalid_request", "code_verifier has 43 to 128 unreserved characters")
        if given.get("grant_type") == "client_credentials":
            told = {"access_token": f"clt.{self.serial('app')}", "expires_in": 7200, "token_type": "Bearer"}
            return JSONResponse(told)
        return JSONResponse(self.token_answer(self.issue(self.redeem(given, app))))

    def _form(self, request: Request) -> Json:
        kind = request.headers.get("content-type", "").partition(";")[0]
        if kind != "application/x-www-form-urlencoded":
            raise self.oauth_error("invalid_request", "Only application/x-www-form-urlencoded is supported")
        return self.form(request)

    def token_answer(self, issued: Issued) -> Json:
        """Flat, with the user's id and both lifetimes."""
        grant = self.refreshes[issued.refresh_token]
        ends = (grant.issued_at or self.now()) + timedelta(seconds=self.refresh_seconds)
        return {
            "access_token": issued.access_token,
            "expires_in": issued.expires_in,
            "open_id": self.identity_of(issued.grant.username),
            "refresh_expires_in": int((ends - self.now()).total_seconds()),
            "refresh_token": issued.refresh_token,
            "scope": issued.scope(","),
            "token_type": "Bearer",
        }

    def new_access(self, grant: Any) -> str:
        """``act.`` and more."""
        return f"act.{self.serial('access')}"

    def new_refresh(self, grant: Any) -> str:
        """``rft.`` and more."""
        return f"rft.{self.serial('refresh')}"

    def end_token(self, request: Request) -> Response:
        """``POST /v2/oauth/revoke/``: an empty body."""
        from starlette.responses import Response

        given = self._form(request)
        app = self.client_of(request, given)
        token = str(given.get("token") or "")
        grant = self.grant_of(token)
        if grant is None or grant.client_id != app.client_id:
            raise self.oauth_error("invalid_grant", "Access token is invalid or expired")
        self.revoke(token)
        return Response(b"")

    # the API ---------------------------------------------------------------------------------------

    def envelope(self, code: str, message: str, status: int, data: Json | None = None) -> Response:
        """What every answer of the API stands in."""
        from starlette.responses import JSONResponse

        error = {"code": code, "message": message, "log_id": self._log_id()}
        return JSONResponse({"data": data or {}, "error": error}, status)

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        """The envelope with nothing in it."""
        usual = "internal_error" if status >= 500 else "invalid_params"
        return self.envelope(code or usual, message, status)

    def token_expired(self) -> Response:
        """401 ``access_token_invalid``."""
        return self.envelope("access_token_invalid", "The access token is invalid or not found.", 401)

    def scope_missing(self, missing: set[str]) -> Response:
        """401 ``scope_not_authorized``."""
        words = f"The user did not authorize the scope required: {', '.join(sorted(missing))}"
        return self.envelope("scope_not_authorized", words, 401)

    def show_user(self, request: Request) -> Response:
        """``GET /v2/user/info/?fields=…``: the fields asked for, each with its scope."""
        fields = [name for name in request.query_params.get("fields", "").split(",") if name]
        if not fields or any(name not in _FIELDS for name in fields):
            raise Answer(self.error(400, "invalid_params", "The fields parameter is missing or unknown"))
        grant = self.grant(request, *{_FIELDS[name] for name in fields})
        known = self.user_object(self.people[grant.username])
        return self.envelope("ok", "", 200, {"user": {name: known[name] for name in fields}})

    def user_object(self, person: TikToker) -> Json:
        """Everything TikTok tells of a user."""
        avatar = "https://example.com/picture.png"
        pictures = dict.fromkeys(("avatar_url", "avatar_url_100", "avatar_large_url"), avatar)
        return {
            "open_id": person.open_id,
            "union_id": person.union_id,
            **pictures,
            "display_name": person.name,
            "bio_description": "",
            "profile_deep_link": f"https://www.tiktok.com/@{person.username}",
            "is_verified": False,
            "username": person.username,
            **dict.fromkeys(_STATS, 0),
        }


def _well_formed(uri: str) -> bool:
    """A web address is https, a desktop one has a port; neither has a query or fragment, nor 512 characters."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return False
    if parts.query or parts.fragment or len(uri) >= 512:
        return False
    if parts.hostname in _LOOPBACK:
        return port is not None and parts.scheme in ("http", "https")
    return parts.scheme == "https" and bool(parts.hostname)


def _covers(registered: str, uri: str) -> bool:
    """Whether a callback is the registered one; ``:*`` there is any port. The slash at the end counts."""
    before, wildcard, after = registered.partition(":*")
    if not wildcard:
        return registered == uri
    return re.fullmatch(rf"{re.escape(before)}:\d+{re.escape(after)}", uri) is not None
