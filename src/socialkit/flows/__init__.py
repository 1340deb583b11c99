"""How accounts sign in, as data: one file per platform, in the words every file uses.

Each ``flows/<platform>.py`` holds ``FLOWS``, the ways to sign in to that platform, the usual one first. The room
:mod:`socialkit.auth` walks them; nothing here does any I/O. Addresses are absolute, or paths below the account's
server; at a server that is not the platform's own (a sandbox) :func:`at` finds every address below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal
from urllib.parse import urlsplit

import attrs

__all__ = [
    "OUT_OF_BAND",
    "AppPasswordFlow",
    "Ask",
    "CodeFlow",
    "DeviceFlow",
    "Exchange",
    "Flow",
    "Granted",
    "KeyFlow",
    "MiAuthFlow",
    "OAuth1Flow",
    "PasswordFlow",
    "Renewal",
    "Revocation",
    "Whoami",
    "addresses",
    "at",
    "scopes_for",
]

Rotation = Literal["none", "grace", "strict"]
"""What becomes of a refresh token that was used: it stays, it works a while longer, it works once."""


@attrs.frozen(kw_only=True)
class Ask:
    """Something a person types or pastes.

    ``shape`` is a regular expression the whole value matches; its named groups become values of their own.

    >>> Ask(name="api_key", words="API key").secret
    True
    """

    name: str
    words: str
    secret: bool = True
    shape: str = ""
    hint: str = ""
    optional: bool = False


@attrs.frozen(kw_only=True)
class Whoami:
    """The request that tells who signed in, and where its answer says so.

    Attributes:
        url: may hold ``{access_token}``, ``{secret}``, ``{client_id}`` of the credential, where platforms put them.
            Alternatives are divided by "|" (see :func:`addresses`).
        params: the query of a GET, the JSON object of a POST.
        id, name: where they stand in the JSON answer: names and indexes joined by dots, such as ``"data.open_id"``;
            alternatives are divided by "|", and parts of one id by "+" (they are put together with a colon).
        proof: a signed address that is read first, where ``url`` itself answers anybody (Ghost): it must succeed.
            Alternatives as in ``url``.
        refusals: the platform's error codes that mean the credential is no good, where the status is not 401.
        each: where a list stands, when one sign-in reaches several accounts; ``id``, ``name`` and ``token`` are then
            looked up in each of its items. ``next``: where the address of the next page stands.
        next_name: the parameter that asks for the next page, where ``next`` is a token and not an address (Google).
        token: where an account's own access token stands (a Facebook Page's). own: the address that tells whose such
            a token is, ``{id}`` in it is the account's id; its answer has the last names of ``id`` and ``name``.
    """

    url: str
    method: str = "GET"
    params: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    id: str = "id"
    name: str = ""
    each: str = ""
    next: str = ""
    next_name: str = ""
    token: str = ""
    own: str = ""
    proof: str = ""
    refusals: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Granted:
    """The request that tells which scopes were granted, where the token answer does not (Facebook, Threads).

    It is signed with the token the person's consent gave, not with that of one of several accounts.

    Attributes:
        url: as a :class:`Whoami`'s.
        each: where the list stands. scope: where a scope stands in each item; "" when the items are scopes themselves.
        only: an item counts when these stand in it as given.
    """

    url: str
    each: str
    scope: str = ""
    only: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Revocation:
    """The request that ends a sign-in.

    ``url`` may hold what a :class:`Whoami`'s may, and ``{found}``: what stands at ``found`` in the answer of the signed
    GET to ``look``, which is then asked first (WordPress: the number of the application password).

    ``sends``: the credential's tokens to send, each in a request of its own, the first that is there or all of them.
    ``name``: the parameter they are sent as; "" when the request is signed with it (as bearer) instead. ``client``:
    whether the app says who it is, as at the token address.
    """

    url: str
    method: str = "POST"
    sends: tuple[Literal["access_token", "refresh_token"], ...] = ("access_token",)
    name: str = "token"
    hint: bool = False
    client: bool = True
    look: str = ""
    found: str = ""


@attrs.frozen(kw_only=True)
class Flow:
    """One way to sign in.

    Attributes:
        name: short, unique on its platform, such as "oauth2"; what ``App(flow=)`` and ``Credential.extra["flow"]`` say.
        title: in words, for people. setup: where a person makes the app or finds the key; a path is below the server.
        server: base URL of the platform's API; "" where the person names a server.
        kind: how requests are signed, as in ``Credential.kind``: "oauth2" and "bearer" (``Authorization: Bearer``),
            "dpop", "oauth1", "basic", "ghost", "bot" (``Authorization: Bot``), "api-key", "session", "none".
        scopes: capability → the scopes it needs ("identify", "publish", "metrics", "replies", "delete", "messages");
            a capability the platform cannot grant is not in it. always: scopes asked for whatever is wanted.
        implied: scope → scopes it includes, where a broad one covers narrow ones.
        rotation: what becomes of a refresh token that was used.
        headers: what every request of a sign-in carries, where the platform demands it.
        source: where the facts were read, with the day.
    """

    name: str
    title: str
    server: str = ""
    setup: str = ""
    kind: str = "oauth2"
    scopes: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    always: tuple[str, ...] = ()
    implied: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    rotation: Rotation = "none"
    whoami: Whoami | None = None
    revocation: Revocation | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    source: str = ""


@attrs.frozen(kw_only=True)
class Exchange:
    """The step that makes a long-lived token of a short-lived one (Meta)."""

    url: str
    grant: str
    method: str = "GET"
    name: str = "access_token"
    client: tuple[Literal["client_id", "client_secret"], ...] = ("client_secret",)


@attrs.frozen(kw_only=True)
class Renewal:
    """How a token is renewed: with a refresh token, or (Meta) with the living access token itself.

    ``url``: None is the token address. ``early``: seconds before its end from which a token is renewed (None: the
    usual). ``min_age``: seconds a token must live before it can be renewed.
    """

    by: Literal["refresh_token", "access_token"] = "refresh_token"
    url: str | None = None
    grant: str = "refresh_token"
    method: str = "POST"
    name: str = "refresh_token"
    client: bool = True
    early: float | None = None
    min_age: float = 0.0


@attrs.frozen(kw_only=True)
class CodeFlow(Flow):
    """OAuth 2.0 authorization code (RFC 6749, 7636, 9126, 9449), with what each platform does differently.

    Attributes:
        authorize_url, token_url: from the facts; where ``discovery`` is given, what is used when the server tells none.
        discovery: "rfc8414" reads ``/.well-known/oauth-authorization-server``, "atproto" goes from handle to DID to PDS
            to authorization server.
        app: "given" by the developer, "registered" on the server at the first login (``register_url``), or a "document"
            at the address that is the client id.
        client_auth: "body", "basic" or "none"; an app without a secret is always "none", but for Basic with an empty
            secret where ``empty_secret`` says so (Reddit).
        client_id_name: TikTok calls it client_key.
        pkce: "S256", "hex" (TikTok: the SHA-256 in hexadecimal digits) or "" where it is not known.
        pushed: the request is pushed first (PAR). bound: tokens are bound to a key (DPoP).
        scope_separator, scope_name, authorize_params, token_params: the address and form as the platform wants them.
        answer: where the token object stands in the token answer: names joined by dots, alternatives by "|".
        takes: field of ``Credential`` → where the token answer has it, when it carries something better than its token
            (Discord: the webhook). Such a credential has the flow's ``kind``, does not end and is not renewed.
        granted: the field that lists the granted scopes, separated by spaces or commas. granted_by: the request that
            tells them where no field does; without an answer they are unknown.
        redirect: what callback addresses the platform takes: "loopback" (any port on 127.0.0.1), "port" (loopback with
            a port that was registered), "https" (no plain http at all).
        lives: seconds an access token lives when the answer does not say; None: it does not end.
        refresh_lives: the same for the refresh token.
    """

    authorize_url: str
    token_url: str
    discovery: Literal["", "rfc8414", "atproto"] = ""
    app: Literal["given", "registered", "document"] = "given"
    register_url: str = ""
    client_auth: Literal["body", "basic", "none"] = "body"
    empty_secret: bool = False
    client_id_name: str = "client_id"
    pkce: Literal["", "S256", "hex"] = ""
    pushed: bool = False
    bound: bool = False
    scope_separator: str = " "
    scope_name: str = "scope"
    authorize_params: Mapping[str, str] = attrs.field(factory=dict)
    token_params: Mapping[str, str] = attrs.field(factory=dict)
    answer: str = ""
    takes: Mapping[str, str] = attrs.field(factory=dict)
    granted: str = "scope"
    granted_by: Granted | None = None
    redirect: Literal["loopback", "port", "https"] = "port"
    exchange: Exchange | None = None
    renewal: Renewal | None = None
    lives: float | None = None
    refresh_lives: float | None = None


@attrs.frozen(kw_only=True)
class DeviceFlow(Flow):
    """OAuth 2.0 device grant (RFC 8628): the person types a short code on another device."""

    device_url: str
    token_url: str
    client_auth: Literal["body", "basic", "none"] = "body"
    scope_separator: str = " "
    renewal: Renewal | None = None


OUT_OF_BAND = "oob"
"""OAuth 1.0a's callback address of a program that cannot be called back."""


@attrs.frozen(kw_only=True)
class OAuth1Flow(Flow):
    """OAuth 1.0a in three steps (RFC 5849, HMAC-SHA1); the app's consumer key and secret are its client id and secret.

    A program that cannot be called back gives :data:`OUT_OF_BAND` as its callback address: the page then shows a PIN,
    which the person is asked for. ``id``, ``name_field``: fields of the access-token answer that tell who signed in,
    where it does.
    """

    request_url: str
    authorize_url: str
    access_url: str
    id: str = ""
    name_field: str = ""
    kind: str = "oauth1"


@attrs.frozen(kw_only=True)
class KeyFlow(Flow):
    """A secret the person copies from the platform's settings.

    ``fills``: value (an ask's name, or a named group of its shape) → the field of ``Credential`` it goes to:
    access_token, secret, client_id, client_secret, or ``extra.NAME``. ``derives``: "nostr" works the identity out of
    the key itself.
    """

    asks: tuple[Ask, ...]
    fills: Mapping[str, str]
    kind: str = "bearer"
    derives: Literal["", "nostr"] = ""


@attrs.frozen(kw_only=True)
class PasswordFlow(Flow):
    """A name and a password that are exchanged for a token.

    ``login_url``: alternatives are divided by "|". ``sends``: request field → ask (one left empty is not sent).
    ``constants``: request fields that are always the same. ``form``: sent as a form
    (else JSON). ``client``: the app signs the request with Basic. ``takes``: field of ``Credential`` → where the
    answer has it. ``keeps``: the ask whose value stays in ``Credential.secret`` (the other asks in ``extra``), so that
    the sign-in can be repeated when the token ends.
    """

    asks: tuple[Ask, ...]
    login_url: str
    sends: Mapping[str, str]
    takes: Mapping[str, str]
    constants: Mapping[str, str | bool] = attrs.field(factory=dict)
    form: bool = False
    client: bool = False
    keeps: str = ""
    kind: str = "bearer"


@attrs.frozen(kw_only=True)
class MiAuthFlow(Flow):
    """Misskey's MiAuth: a page with a session id of ours, then one request that collects the token."""

    kind: str = "bearer"


@attrs.frozen(kw_only=True)
class AppPasswordFlow(Flow):
    """WordPress's page that makes an application password and hands it to the callback, or shows it.

    It hands it to https addresses and custom schemes only; for any other callback the address names none, and the
    person is asked for ``asks``, which have the names of the callback's parameters.
    """

    authorize_url: str
    asks: tuple[Ask, ...] = ()
    kind: str = "basic"


def at(url: str, flow: Flow, server: str) -> str:
    """The address to use for an account on ``server``: as given on the platform's own, below it on any other.

    >>> flow = Flow(name="oauth2", title="", server="https://api.example.com")
    >>> at("https://www.example.com/authorize", flow, "https://api.example.com")
    'https://www.example.com/authorize'
    >>> at("https://www.example.com/authorize", flow, "http://127.0.0.1:8765/example")
    'http://127.0.0.1:8765/example/authorize'
    >>> at("/token", flow, "https://api.example.com")
    'https://api.example.com/token'
    """
    server = server.rstrip("/")
    if url.startswith("/"):
        return f"{server}{url}"
    if server == flow.server.rstrip("/"):
        return url
    parts = urlsplit(url)
    return f"{server}{parts.path}{'?' + parts.query if parts.query else ''}"


def addresses(url: str, flow: Flow, server: str) -> tuple[str, ...]:
    """The addresses of alternatives divided by "|"; one that answers 404 means the next.

    >>> addresses("/api/v4/account|/api/v3/site", Flow(name="password", title=""), "https://example.com")
    ('https://example.com/api/v4/account', 'https://example.com/api/v3/site')
    """
    return tuple(at(one, flow, server) for one in url.split("|"))


def scopes_for(flow: Flow, capabilities: Iterable[str]) -> tuple[str, ...]:
    """Every scope the capabilities need, each once, the ones always asked for first.

    >>> scopes_for(Flow(name="oauth2", title="", scopes={"publish": ("write",)}, always=("offline",)), ["publish"])
    ('offline', 'write')
    """
    wanted = [scope for one in ("identify", *capabilities) for scope in flow.scopes.get(one, ())]
    return tuple(dict.fromkeys([*flow.always, *wanted]))
