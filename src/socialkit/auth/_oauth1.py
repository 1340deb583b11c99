"""OAuth 1.0a (RFC 5849) in three steps, HMAC-SHA1: request token, consent, access token."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from ..adapters.base import Call, Credential, Response
from ..errors import ConfigError, LoginFailed, OutcomeUnknown, ReauthNeeded
from ..flows import OUT_OF_BAND, Ask, Flow, OAuth1Flow, at
from ._callback import clean, forged, same
from ._login import App, Asked, Login
from ._signing import with_query

_PIN = Ask(name="pin", words="PIN", hint="the number the page shows after you agree")
_REFUSALS = range(400, 429)
"""Answers that are read here; above them the machinery waits or repeats."""


def authorization(
    credential: Credential,
    method: str,
    url: str,
    *,
    nonce: str,
    timestamp: int,
    oauth: Mapping[str, str] | None = None,
    form: Iterable[tuple[str, str]] = (),
    version: str = "1.0",
) -> str:
    """The Authorization header over method, URL with its query, and a form body where there is one.

    ``oauth``: further protocol parameters, such as ``oauth_callback``. ``version``: "" leaves ``oauth_version`` out.
    """
    from authlib.oauth1.rfc5849.parameters import prepare_headers  # type: ignore[import-untyped]
    from authlib.oauth1.rfc5849.signature import hmac_sha1_signature  # type: ignore[import-untyped]

    protocol = {
        "oauth_consumer_key": credential.client_id or "",
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(timestamp),
        **({"oauth_token": credential.access_token} if credential.access_token else {}),
        **({"oauth_version": version} if version else {}),
        **(oauth or {}),
    }
    base = base_string(method, url, [*form, *protocol.items()])
    signature = hmac_sha1_signature(base, credential.client_secret, credential.secret)
    headers = prepare_headers([*protocol.items(), ("oauth_signature", signature)], {})
    return str(headers["Authorization"])


def base_string(method: str, url: str, params: Iterable[tuple[str, str]]) -> str:
    """What is signed: the method, the address, and its query sorted together with ``params``."""
    from authlib.oauth1.rfc5849.signature import construct_base_string

    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    # Authlib undoes an escape in every value whose name starts with oauth_, and in no other.
    named = [(name, quote(value, safe="~") if name.startswith("oauth_") else value) for name, value in params]
    return str(construct_base_string(method, url, [*query, *named]))


async def begin(flow: Flow, app: App | None, draft: Login, call: Call) -> Asked:
    """A request token of the app's, and the address where the person agrees to it."""
    assert isinstance(flow, OAuth1Flow)
    credential = _of_app(flow, app, draft.platform)
    callback = draft.redirect_uri or OUT_OF_BAND
    url = at(flow.request_url, flow, draft.server)
    headers = _signed(credential, url, call, oauth_callback=callback)
    response = await call.prepare("POST", url, headers=headers, accept=_REFUSALS, auth=False)
    told = _told(response, "the app", draft.platform, credential.secrets())
    if told.get("oauth_callback_confirmed") != "true":
        words = (
            f"{draft.platform} did not confirm the callback address, as OAuth 1.0a demands; nothing was begun"
        )
        raise LoginFailed(words)
    page = at(flow.authorize_url, flow, draft.server)
    return Asked(
        url=with_query(page, {"oauth_token": told["oauth_token"]}),
        secrets={name: told[name] for name in ("oauth_token", "oauth_token_secret")},
        asks=(_PIN,) if callback == OUT_OF_BAND else (),
    )


async def finish(
    flow: Flow, app: App | None, login: Login, told: Mapping[str, str], call: Call
) -> Credential:
    """The access token, for the request token of this login."""
    assert isinstance(flow, OAuth1Flow)
    credential = _of_app(flow, app, login.platform)
    verifier = _verifier(login, told)
    asking = _with_token(credential, login.secrets["oauth_token"], login.secrets["oauth_token_secret"])
    url = at(flow.access_url, flow, login.server)
    headers = _signed(asking, url, call, oauth_verifier=verifier)
    try:
        response = await call.attach("POST", url, headers=headers, accept=_REFUSALS, auth=False)
    except OutcomeUnknown as error:
        words = f"{login.platform}'s answer with the token never came, and it gives it once; sign in again"
        raise LoginFailed(words, reason="lost") from error
    answer = _told(response, "the sign-in", login.platform, (*asking.secrets(), verifier))
    return _with_token(credential, answer["oauth_token"], answer["oauth_token_secret"], _who(flow, answer))


async def renew(flow: Flow, credential: Credential, server: str, call: Call) -> Credential:
    """Never: such a token does not end, and one that is refused was revoked."""
    raise ReauthNeeded(
        f"the token of {flow.title} is no longer accepted and cannot be renewed; sign in again"
    )


def _verifier(login: Login, told: Mapping[str, str]) -> str:
    """What proves that the person agreed to the request token of this login."""
    if login.asks:
        pin = "".join((told.get(_PIN.name) or "").split())
        if not pin.isascii() or not pin.isalnum():
            raise LoginFailed(f"PIN: this has not the form asked for: {_PIN.hint}", reason="invalid")
        return pin
    named = told.get("oauth_token") or told.get("denied") or ""
    if not same(named, login.secrets["oauth_token"]):
        forged(login, "it names another request token; begin again")
    if "denied" in told or not told.get("oauth_verifier"):
        raise LoginFailed("the person said no on the consent page", reason="denied")
    return told["oauth_verifier"]


def _of_app(flow: Flow, app: App | None, platform: str) -> Credential:
    if app is None or not app.client_id or not app.client_secret:
        where = f"; make an app at {flow.setup}" if flow.setup else ""
        words = f'{platform} asks for the app\'s consumer key and secret: apps={{"{platform}": App("key", "secret")}}'
        raise ConfigError(f"{words}{where}")
    return Credential(flow.kind, client_id=app.client_id, client_secret=app.client_secret)


def _with_token(app: Credential, token: str, secret: str, extra: dict[str, str] | None = None) -> Credential:
    return Credential(
        app.kind,
        access_token=token,
        secret=secret,
        client_id=app.client_id,
        client_secret=app.client_secret,
        extra=extra or {},
    )


def _who(flow: OAuth1Flow, answer: Mapping[str, str]) -> dict[str, str]:
    fields = {"id": flow.id, "name": flow.name_field}
    return {name: answer[field] for name, field in fields.items() if answer.get(field)}


def _signed(credential: Credential, url: str, call: Call, **oauth: str) -> dict[str, str]:
    """The headers of one POST without a body."""
    moment, nonce = int(call.now().timestamp()), secrets.token_hex(16)
    header = authorization(credential, "POST", url, nonce=nonce, timestamp=moment, oauth=oauth)
    return {"authorization": header}


def _told(response: Response, what: str, platform: str, hidden: Iterable[str]) -> dict[str, str]:
    """The token answer's fields; LoginFailed when the platform refused, or answered without a token."""
    if response.status >= 400:
        said = f": {words}" if (words := clean(_said(response), hidden)) else ""
        raise LoginFailed(
            f"{platform} did not accept {what} (HTTP {response.status}){said}", status=response.status
        )
    fields = dict(parse_qsl(response.text, keep_blank_values=True))
    if not fields.get("oauth_token") or not fields.get("oauth_token_secret"):
        raise LoginFailed(f"{platform} answered without oauth_token and oauth_token_secret; begin again")
    return fields


def _said(response: Response) -> str:
    """The platform's own words, where they are plainly words and nothing that was sent."""
    from ..flows._whoami import found

    body = response.json_or_none()
    words = found(body, "errors.0.message|errors.0.detail|meta.msg|error")
    return words if isinstance(words, str) else ""
