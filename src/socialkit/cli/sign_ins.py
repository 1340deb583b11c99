"""``socialkit accounts`` and ``socialkit logout``: how every sign-in stands, and its end."""

from __future__ import annotations

import argparse
import shlex
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .. import _toml
from .._render import Table, shorten
from ..errors import ConfigError
from .asking import clean, say, wrapped
from .login import guarded, may_of
from .settings import Settings, at_name, where

if TYPE_CHECKING:
    from .._signin_states import SignIn
    from ..flows import Flow

__all__ = ["accounts", "in_words", "logout"]

_WIDEST = 32
"""Columns for who it is; some platforms have names of 64 characters."""


# --- accounts -----------------------------------------------------------------------------------------------
def accounts(options: argparse.Namespace) -> int:
    """One line per account, and the command that repairs each that needs it; 1 when one does."""
    from ..client import Client

    with Client.from_config(options.config) as client, guarded():
        states = client.sign_ins(check=options.check)
        now = client._async._clock.now()
    if not states:
        say("no accounts yet; socialkit login PLATFORM adds one")
        return 0
    settings = Settings.at(where(options.config))
    columns = shutil.get_terminal_size((100, 24)).columns
    rows = [_row(state, _flow(state), now) for state in states]
    say(Table(("account", "platform", "who", "ends", "health", "may"), rows, unknown="?").wrapped(columns))
    broken = [state for state in states if state.repair]
    for state in states:
        for told in _needs(state, settings):
            say(told)
    return 1 if broken else 0


def _row(state: SignIn, flow: Flow | None, now: datetime) -> tuple[str | None, ...]:
    who = shorten(at_name(state.identity.name or state.identity.id), _WIDEST) if state.identity else None
    signed_in = state.health != "not signed in"
    may = [one for one in may_of(flow, state.scopes) if one != "identify"] if flow and signed_in else []
    ends = _ends(state, now) if signed_in else ""
    return clean(state.account), state.platform, who, ends, state.health, ", ".join(may)


def _ends(state: SignIn, now: datetime) -> str | None:
    """When it ends; None where nobody said."""
    if state.renewable:
        return "renews itself"
    if state.expires_at is not None:
        return in_words(state.expires_at - now)
    return "never" if state.endless else None


def in_words(left: timedelta) -> str:
    """How far away an end is.

    >>> in_words(timedelta(days=58, hours=3)), in_words(timedelta(days=-2)), in_words(timedelta(minutes=90))
    ('in 58 days', 'ended 2 days ago', 'in 90 minutes')
    """
    seconds = abs(left.total_seconds())
    sizes = ((86_400, "day"), (3600, "hour"), (60, "minute"))
    size, unit = next((one for one in sizes if seconds >= 2 * one[0]), (60, "minute"))
    count = max(1, int(seconds // size))
    told = f"{count} {unit}{'s' * (count != 1)}"
    return f"in {told}" if left > timedelta() else f"ended {told} ago"


def _needs(state: SignIn, settings: Settings) -> list[str]:
    """What the account needs, and the command on a line of its own so that it can be copied."""
    why = state.words
    if not why and state.missing:
        why = f"not granted: {' '.join(state.missing)}"
    if not state.repair:
        return wrapped(f"{clean(state.account)}: {clean(why)}" if state.words else "")
    return [
        *wrapped(f"{clean(state.account)}: {clean(why or state.health)}"),
        f"  {_repair(state, settings)}",
    ]


def _repair(state: SignIn, settings: Settings) -> str:
    """The command; a hand-written account nobody knows yet is only written over when that is said."""
    table = settings.accounts.get(state.account, {})
    stranger = bool(table) and "id" not in table and state.identity is None
    return f"{state.repair}{' --replace' * stranger}"


def _flow(state: SignIn) -> Flow | None:
    """The way the account signed in."""
    from ..registry import flows

    return next((flow for flow in flows(state.platform) if flow.name == state.flow), None)


# --- logout -------------------------------------------------------------------------------------------------
def logout(options: argparse.Namespace) -> int:
    """End a sign-in at the platform where that can be done, and forget it here."""
    from ..client import Client

    path, name = where(options.config), options.account
    settings = Settings.at(path)
    by_hand = settings.written_by_hand(name)
    if not (by_hand or options.keep):
        _toml.writable(path)
    with Client(**settings.part(accounts=[name]).client_arguments()) as client, guarded():
        adapter, state = client.accounts[name], client.sign_ins()[0]
        ended = client.logout(name)
    say(_ended(name, adapter.title or adapter.platform, ended, _flow(state), state.health == "not signed in"))
    if others := _others(settings, name):
        say(f"the same account has other names, which are signed out too: {', '.join(map(clean, others))}")
    return _removed(settings, name, options.keep, by_hand)


def _ended(name: str, title: str, ended: bool, flow: Flow | None, nothing: bool) -> str:
    if nothing:
        return f"{clean(name)}: was not signed in"
    if ended:
        return f"{clean(name)}: ended at {title}, and removed here"
    if flow is not None and flow.revocation is not None:
        return f"{clean(name)}: removed here; it could not be ended at {title}: remove the app in your settings there"
    place = f" at {flow.setup}" if flow is not None and flow.setup else " in your settings there"
    return f"{clean(name)}: removed here; {title} offers no way to end it: remove the app or the key{place}"


def _others(settings: Settings, name: str) -> Sequence[str]:
    """Other names of the same account."""
    told = [settings.account(name).get(key) for key in ("platform", "id", "server")]
    return [
        other
        for other, table in settings.accounts.items()
        if other != name
        and "id" in table
        and [table.get(key) for key in ("platform", "id", "server")] == told
    ]


def _removed(settings: Settings, name: str, keep: bool, by_hand: bool) -> int:
    shown = f"[accounts.{clean(name)}]"
    if by_hand:
        say(
            f"{shown} was written by hand and stays in {settings.path}; what its secrets refer to is still there"
        )
    elif keep:
        say(f"{shown} stays in {settings.path}; sign in again with socialkit login {_again(settings, name)}")
    else:
        try:
            settings.remove(name)
        except ConfigError as error:
            say(f"{error.message}\ntake it out of {settings.path} yourself")
            return 1
        say(f"removed: {shown} from {settings.path}")
    return 0


def _again(settings: Settings, name: str) -> str:
    return shlex.join([str(settings.account(name).get("platform")), "--name", name])
