"""OAuth 1.0a (RFC 5849, HMAC-SHA1) as platforms check it: signatures, the three steps, tokens that do not end."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from .core import Answer, body
from .sign_in import Grant, RegisteredApp, SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["OAuth1", "header_of", "is_signed", "signature"]

Json = dict[str, Any]
SKEW_SECONDS = 300
OUT_OF_BAND = "oob"


def signature(
    method: str, url: str, parameters: Iterable[tuple[str, str]], consumer_secret: str, token_secret: str
) -> str:
    """The OAuth 1.0a HMAC-SHA1 signature (RFC 5849, section 3.4) of a request, in base 64.

    ``url`` has no query; ``parameters`` are those of the query, of a form body and the ``oauth_`` ones
    without ``oauth_signature``, decoded.

    >>> signature("GET", "https://api.x.com/2/users/me", [("oauth_nonce", "n")], "consumer", "token")
    'TOe8OocP6vNWpJ8pAa+ueCq3aoU='
    """
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in parameters)
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), _escaped(url), _escaped(joined)))
    key = f"{_escaped(consumer_secret)}&{_escaped(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _escaped(text: str) -> str:
    return quote(text, safe="-._~")


def is_signed(request: Request) -> bool:
    """Whether the request carries an OAuth 1.0a header."""
    return request.headers.get("authorization", "").startswith("OAuth ")


def header_of(request: Request) -> dict[str, str]:
    """The parameters of an ``Authorization: OAuth`` header, decoded; {} without one."""
    if not is_signed(request):
        return {}
    text = request.headers["authorization"].partition(" ")[2]
    pairs = (part.strip().partition("=") for part in text.split(","))
    return {unquote(name): unquote(value.strip('"')) for name, _, value in pairs if name}


class OAuth1(SignIn):
    """The part of a box that lets apps sign requests, and people sign in in three steps.

    ``consumers`` are the apps by consumer key. :meth:`approve` and :meth:`deny` take the authorize address of the
    second step as well; out of band (``oauth_callback=oob``) the address they give holds the PIN the page shows.
    """

    pin_length: ClassVar[int] = 7
    request_token_seconds: float = 900.0

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.consumers: dict[str, RegisteredApp] = {}
        self.request_tokens: dict[str, Json] = {}
        self._nonces: dict[tuple[str, str], float] = {}

    # what a platform file may replace --------------------------------------------------------------

    def badly_signed(self) -> Answer:
        """The answer to a signature that does not hold, to raise."""
        return Answer(self.token_expired())

    def callback_refused(self) -> Answer:
        """The answer to a callback address that is missing or was not registered, to raise."""
        return Answer(self.error(403, message="Callback URL not approved for this client application"))

    def new_token(self, username: str, app: RegisteredApp, asked: Json) -> str:
        """An access token and its secret's name; the grant behind it does not end."""
        token = self.serial("oauth1 token")[:50]
        secret, family = self.serial("oauth1 secret")[:45], self.serial("family")[:16]
        self.grants[token] = Grant(
            username, frozenset(), app.client_id, family, self.now(), asked, "oauth1", secret
        )
        return token

    def identity_fields(self, username: str) -> Json:
        """What the access-token answer says of the person."""
        return {}

    # signatures ------------------------------------------------------------------------------------

    def signature_holds(self, request: Request, consumer_secret: str, token_secret: str) -> bool:
        """Whether the request's signature is of these secrets, fresh, and not seen before."""
        given = header_of(request)
        claimed = given.pop("oauth_signature", "")
        given.pop("realm", None)
        if given.get("oauth_signature_method") != "HMAC-SHA1" or not self._fresh(given):
            return False
        parameters = [*given.items(), *parse_qsl(request.url.query, keep_blank_values=True)]
        parameters += body(request).fields if _is_form(request) else []
        path = self.turn.path if self.turn is not None else request.url.path
        return any(
            hmac.compare_digest(
                claimed.encode(),
                signature(request.method, base + path, parameters, consumer_secret, token_secret).encode(),
            )
            for base in (self.base, *(f"https://{host}" for host in self.hosts))
        )

    def _fresh(self, given: dict[str, str]) -> bool:
        """Whether the timestamp is near the platform's clock and the nonce was not used before."""
        now = self.now().timestamp()
        try:
            stamp = float(given.get("oauth_timestamp", ""))
        except ValueError:
            return False
        key = (given.get("oauth_token", ""), given.get("oauth_nonce", ""))
        if abs(now - stamp) > SKEW_SECONDS or key in self._nonces:
            return False
        self._nonces = {old: at for old, at in self._nonces.items() if now - at <= 2 * SKEW_SECONDS}
        self._nonces[key] = now
        return True

    def signer(self, request: Request) -> Grant | None:
        """What the token of a signed request stands for; None where anything about it is wrong."""
        given = header_of(request)
        app = self.consumers.get(given.get("oauth_consumer_key", ""))
        grant = self.grants.get(given.get("oauth_token", ""))
        if app is None or grant is None or grant.kind != "oauth1" or grant.client_id != app.client_id:
            return None
        return grant if self.signature_holds(request, app.client_secret or "", grant.secret) else None

    def asking(self, request: Request) -> Grant | None:
        """What the request's credential stands for, signed or a bearer token; a token to sign with is no bearer's."""
        if is_signed(request):
            return self.signer(request)
        grant = self.grant_of(self.bearer(request))
        return None if grant is not None and grant.kind == "oauth1" else grant

    # the three steps -------------------------------------------------------------------------------

    def give_request_token(self, request: Request) -> Response:
        """The first step: a token for one sign-in, bound to where the browser comes back."""
        given = {**dict(body(request).fields), **dict(request.query_params), **header_of(request)}
        app = self.consumers.get(given.get("oauth_consumer_key", ""))
        if app is None or not self.signature_holds(request, app.client_secret or "", ""):
            raise self.badly_signed()
        callback = given.get("oauth_callback", "")
        if not callback or (
            callback != OUT_OF_BAND and app.redirect_uris and callback not in app.redirect_uris
        ):
            raise self.callback_refused()
        token, secret = self.serial("request token")[:27], self.serial("request secret")[:32]
        rights = given.get("x_auth_access_type", "write")
        made = {"app": app, "secret": secret, "redirect_uri": callback, "rights": rights, "at": self.now()}
        self.request_tokens[token] = made
        return _form({"oauth_token": token, "oauth_token_secret": secret, "oauth_callback_confirmed": "true"})

    def asked_in(self, url: str) -> Json:
        token = dict(parse_qsl(urlsplit(url).query)).get("oauth_token")
        if token is None:
            return super().asked_in(url)
        return {**self.request_tokens.get(token, {}), "oauth_token": token}

    def check_asked(self, asked: Json) -> None:
        if "oauth_token" not in asked:
            super().check_asked(asked)
        elif self._waiting(asked["oauth_token"]) is None:
            raise self.badly_signed()

    def _waiting(self, token: str) -> Json | None:
        """The first step's token, while nobody used it up."""
        asked = self.request_tokens.get(token)
        late = asked is None or (self.now() - asked["at"]).total_seconds() >= self.request_token_seconds
        return None if late else asked

    def new_code(self, asked: Json, username: str, scopes: frozenset[str]) -> str:
        if "oauth_token" not in asked:
            return super().new_code(asked, username, scopes)
        self.check_known(username)
        code = str(int(self.serial("verifier"), 16))
        verifier = code[: self.pin_length] if asked["redirect_uri"] == OUT_OF_BAND else code[:32]
        self.request_tokens[asked["oauth_token"]] |= {"username": username, "verifier": verifier}
        return verifier

    def callback_query(self, asked: Json, code: str) -> Json:
        if "oauth_token" not in asked:
            return super().callback_query(asked, code)
        return {"oauth_token": asked["oauth_token"], "oauth_verifier": code}

    def refused_query(self, asked: Json) -> Json:
        """X names the token; what the others do is not documented, and a callback without a verifier is a no anyway."""
        if "oauth_token" not in asked:
            return super().refused_query(asked)
        self.request_tokens.pop(asked["oauth_token"], None)
        return {"denied": asked["oauth_token"]}

    def press(self, request: Request) -> Response:
        from starlette.responses import HTMLResponse

        answer = super().press(request)
        address = answer.headers.get("location", "")
        if not address.startswith(f"{OUT_OF_BAND}?"):
            return answer
        pin = dict(parse_qsl(address.partition("?")[2])).get("oauth_verifier")
        words = f"<p>Type this into the app:</p><p><code>{pin}</code></p>" if pin else "<p>Refused.</p>"
        return HTMLResponse(f"<!DOCTYPE html><title>{self.title}</title>{words}")

    def give_access_token(self, request: Request) -> Response:
        """The third step: the request token and the verifier for an access token; both are spent."""
        given = {**dict(body(request).fields), **dict(request.query_params), **header_of(request)}
        app = self.consumers.get(given.get("oauth_consumer_key", ""))
        asked = self._waiting(given.get("oauth_token", ""))
        if app is None or asked is None or asked["app"] is not app:
            raise self.badly_signed()
        if not self.signature_holds(request, app.client_secret or "", asked["secret"]):
            raise self.badly_signed()
        if "verifier" not in asked or given.get("oauth_verifier") != asked["verifier"]:
            raise self.badly_signed()
        del self.request_tokens[given["oauth_token"]]
        token = self.new_token(asked["username"], app, {"rights": asked["rights"]})
        fields = {"oauth_token": token, "oauth_token_secret": self.grants[token].secret}
        return _form({**fields, **self.identity_fields(asked["username"])})


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def _form(fields: Json) -> Response:
    """A form-encoded answer; its content type is text/html, as platforms have it."""
    from starlette.responses import Response

    return Response(urlencode(fields), media_type="text/html")
