"""The flows, walked: what each step of signing in does, whatever the kind of flow. Loads on use.

Every step gets a :class:`~socialkit.adapters.base.Call` that is not signed with the account's own credential; requests
name absolute addresses made by :func:`socialkit.flows.at`. A request that spends something (a code, a refresh token) is
a plain ``call.attach``; all others are ``call.prepare`` or ``call.read``.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import attrs

from ..adapters.base import Call, Credential
from ..flows import (
    AppPasswordFlow,
    CodeFlow,
    DeviceFlow,
    Flow,
    KeyFlow,
    MiAuthFlow,
    OAuth1Flow,
    PasswordFlow,
)
from ._login import App, Asked, Login

_WALKERS = {
    CodeFlow: "_oauth2",
    DeviceFlow: "_device",
    OAuth1Flow: "_oauth1",
    KeyFlow: "_keys",
    PasswordFlow: "_keys",
    MiAuthFlow: "_pages",
    AppPasswordFlow: "_pages",
}


def _walker(flow: Flow) -> Any:
    """The module that walks such a flow: begin, finish, renew, revoke."""
    return import_module(f".{_WALKERS[type(flow)]}", __package__)


async def begin(flow: Flow, app: App | None, draft: Login, call: Call) -> Asked:
    """The first step. ``draft`` has everything but what the step finds out: platform, server, redirect_uri, state,
    scopes."""
    asked: Asked = await _walker(flow).begin(flow, app, draft, call)
    return asked


async def finish(
    flow: Flow, app: App | None, login: Login, told: Mapping[str, str], call: Call
) -> Credential:
    """The second step: the credential, with ``extra["flow"]``. ``told`` is the callback's query, or the answers to
    ``login.asks``; its ``state`` was checked."""
    credential: Credential = await _walker(flow).finish(flow, app, login, told, call)
    extra = {**credential.extra, "flow": flow.name}
    if (by := renewed_by(flow)) is not None:
        extra["renews"] = by
    return attrs.evolve(credential, extra=extra)


def renewed_by(flow: Flow) -> str | None:
    """What a token is renewed by: "refresh_token", "access_token" or "password"; None where this engine renews none."""
    if isinstance(flow, CodeFlow | DeviceFlow):
        return flow.renewal.by if flow.renewal is not None else "refresh_token"
    return "password" if isinstance(flow, PasswordFlow) and flow.keeps else None


async def renew(flow: Flow, credential: Credential, server: str, call: Call) -> Credential:
    """A newer credential; ReauthNeeded when only a person can help."""
    newer: Credential = await _walker(flow).renew(flow, credential, server, call)
    return newer


async def revoke(flow: Flow, credential: Credential, server: str, call: Call) -> bool:
    """End the sign-in at the platform; False when the platform offers no way."""
    if flow.revocation is None:
        return False
    from ._revoke import revoke as end

    await end(flow, credential, server, call)
    return True
