"""Pages of a server that hand out a token without OAuth: Misskey's MiAuth, WordPress's application passwords."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..adapters.base import Call, Credential
from ..errors import ConfigError, LoginFailed, OutcomeUnknown, ReauthNeeded
from ..flows import AppPasswordFlow, Ask, Flow, MiAuthFlow, at
from ..flows._whoami import as_text, as_token, found
from ._callback import check_state, forged, same
from ._keys import pasted_values
from ._login import App, Asked, Login
from ._signing import with_query

_PORTS = {"https": 443, "http": 80}


async def begin(flow: Flow, app: App | None, draft: Login, call: Call) -> Asked:
    """The address of the page where the person agrees."""
    name = app.name if app else App().name
    if isinstance(flow, MiAuthFlow):
        return _begin_miauth(flow, name, draft)
    assert isinstance(flow, AppPasswordFlow)
    return _begin_app_password(flow, name, draft)


async def finish(
    flow: Flow, app: App | None, login: Login, told: Mapping[str, str], call: Call
) -> Credential:
    """The credential the page handed out, once it is sure that it did so for this login."""
    if isinstance(flow, MiAuthFlow):
        return await _finish_miauth(flow, login, told, call)
    assert isinstance(flow, AppPasswordFlow)
    return _asked_for(flow, login, told) if login.asks else _handed_over(flow, login, told)


async def renew(flow: Flow, credential: Credential, server: str, call: Call) -> Credential:
    """Never: what these pages hand out does not end, and what is refused was revoked."""
    raise ReauthNeeded(f"{flow.title} is no longer accepted and cannot be renewed; sign in again")


# --- MiAuth ---------------------------------------------------------------------------------------------------
def _begin_miauth(flow: MiAuthFlow, name: str, draft: Login) -> Asked:
    session = str(uuid.uuid4())
    query = {"name": name, "permission": ",".join(draft.scopes)}
    if draft.redirect_uri:
        query["callback"] = draft.redirect_uri
    url = at(f"/miauth/{session}", flow, draft.server)
    return Asked(url=with_query(url, query), secrets={"session": session})


async def _finish_miauth(flow: MiAuthFlow, login: Login, told: Mapping[str, str], call: Call) -> Credential:
    session = login.secrets["session"]
    if login.redirect_uri and not same(told.get("session", ""), session):
        forged(login, "it names another session")
    url = at(f"/api/miauth/{session}/check", flow, login.server)
    try:
        response = await call.attach("POST", url, json={}, accept=range(400, 429), auth=False)
    except OutcomeUnknown as error:
        words = f"{login.platform}'s answer with the token never came, and it gives it once; begin again"
        raise LoginFailed(words, reason="lost") from error
    body = response.json_or_none()
    token = as_token(found(body, "token"))
    if found(body, "ok") is not True or token is None:
        raise _not_agreed(login, response.status)
    who = {"id": as_text(found(body, "user.id")), "name": as_text(found(body, "user.username"))}
    extra = {name: value for name, value in who.items() if value}
    return Credential(flow.kind, access_token=token, scopes=login.scopes, extra=extra)


def _not_agreed(login: Login, status: int) -> LoginFailed:
    if login.redirect_uri:
        words = "the person said no, or this session expired or was used before; begin again"
        return LoginFailed(f"{login.platform} gave no token: {words}", reason="denied", status=status)
    words = "nobody agreed on its page yet; agree there, then finish this login again"
    return LoginFailed(f"{login.platform} gave no token: {words}", reason="invalid", status=status)


# --- application passwords ------------------------------------------------------------------------------------
def _begin_app_password(flow: AppPasswordFlow, name: str, draft: Login) -> Asked:
    query = {"app_name": name, "app_id": str(uuid.uuid4())}
    page = at(flow.authorize_url, flow, draft.server)
    if not _takes(draft.redirect_uri):
        return Asked(url=with_query(page, query), asks=_asks(flow))
    back = with_query(draft.redirect_uri, {"state": draft.state})
    query |= {"success_url": back, "reject_url": with_query(back, {"success": "false"})}
    return Asked(url=with_query(page, query))


def _takes(redirect_uri: str) -> bool:
    """Whether WordPress sends a password to such an address: https, or a scheme of an app's own."""
    return bool(redirect_uri) and not redirect_uri.startswith("http://")


def _handed_over(flow: AppPasswordFlow, login: Login, told: Mapping[str, str]) -> Credential:
    check_state(login, told)
    if told.get("success") == "false":
        raise LoginFailed("the person said no on the consent page", reason="denied")
    site = told.get("site_url") or ""
    if _place(site) != _place(login.server):
        words = f"it speaks of another site than {login.server}; if the site has moved, "
        forged(login, f"{words}begin again with its new address as server")
    user, password = told.get("user_login") or "", told.get("password") or ""
    if not user or not password:
        raise LoginFailed(f"{login.platform}: the callback carries no user_login and password; begin again")
    return _app_password(flow, user, password)


def _asked_for(flow: AppPasswordFlow, login: Login, told: Mapping[str, str]) -> Credential:
    values = pasted_values(login.asks, told)
    return _app_password(flow, values["user_login"], values["password"])


def _asks(flow: AppPasswordFlow) -> tuple[Ask, ...]:
    if not flow.asks:
        raise ConfigError(f"{flow.title}: it takes https callback addresses only; give such a redirect_uri")
    return flow.asks


def _app_password(flow: AppPasswordFlow, user: str, password: str) -> Credential:
    """The pair of name and password; the password is shown in groups, whose spaces do not count."""
    return Credential(flow.kind, client_id=user, secret="".join(password.split()), extra={"name": user})


def _place(url: str) -> Any:
    """Host and port of an address; None for what is none."""
    try:
        parts = urlsplit(url)
        return (parts.hostname, parts.port or _PORTS.get(parts.scheme)) if parts.hostname else None
    except ValueError:
        return None
