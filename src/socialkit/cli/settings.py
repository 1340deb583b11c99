"""``socialkit.toml`` for commands that change it: where it is, what a part of it says, how it is edited."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from .. import _toml
from ..config import SECRETS, Config, _find, _Reader
from ..errors import ConfigError, IdentityClash
from ..model import Identity
from .asking import clean

__all__ = ["Settings", "at_name", "check_name", "where"]

Table = dict[str, Any]
_LONGEST = 24


def where(given: str | None) -> Path:
    """The configuration the command works on; ./socialkit.toml when there is none yet."""
    try:
        return _find(given, os.environ)
    except ConfigError:
        return Path("socialkit.toml")


@attrs.frozen
class Settings:
    """What the file says now, and what can be written into it."""

    path: Path
    document: _toml.Document

    @classmethod
    def at(cls, path: Path) -> Settings:
        """The settings in the file; empty ones when there is no file."""
        return cls(path, _toml.read(path))

    def part(self, *, accounts: Iterable[str] = (), apps: Iterable[str] = ()) -> Config:
        """The configuration with these accounts and apps alone: what is wrong with the others does not matter here."""
        reader = _Reader(self.path, os.environ)
        client = reader._client(reader._table("client", self.document.data))
        asking = reader._table("apps", self.document.data)
        return reader.made(
            client,
            {name: asking[name] for name in apps if name in asking},
            {name: self.accounts[name] for name in accounts},
        )

    @property
    def accounts(self) -> dict[str, Table]:
        """The accounts' tables by name; what is no table is left out."""
        tables = self.document.table(("accounts",)) or {}
        return {name: table for name, table in tables.items() if isinstance(table, dict)}

    def account(self, name: str) -> Table:
        """The account's table; a ConfigError with the nearest name when there is none."""
        from .._signin_checks import nearest

        if name in self.accounts:
            return self.accounts[name]
        known = nearest(name, self.accounts) if self.accounts else "there are none"
        raise ConfigError(f"{self.path}: no account named {clean(name)!r}; {known}")

    def written_by_hand(self, name: str) -> bool:
        """Whether the account's table is not one that a sign-in wrote."""
        table = self.account(name)
        return "id" not in table or not SECRETS.isdisjoint(table)

    def unchanged(self, name: str, identity: Identity) -> bool:
        """Whether the table says already what a sign-in as that identity would write."""
        return _is(self.account(name), identity) and not self.written_by_hand(name)

    def names_of(self, identity: Identity) -> list[str]:
        """The names the file has for who signed in."""
        return [name for name, table in self.accounts.items() if _is(table, identity)]

    def name_for(self, identity: Identity, taken: Iterable[str] = ()) -> str:
        """The name the file has, or a new one that is made of the account's own."""
        if names := self.names_of(identity):
            return names[0]
        used = {*self.accounts, *taken, "all"}
        return next(name for name in _names(identity) if name not in used)

    def check_free(self, name: str, identity: Identity, learned: Identity | None = None) -> None:
        """IdentityClash when the name belongs to another account than the one that signed in.

        ``learned``: who a hand-written account was when it was last used, if anybody knows.
        """
        table = self.accounts.get(name)
        if table is None or _is(table, identity) or learned == identity:
            return
        there = f"{_who(table)} of {table.get('platform')}" if "id" in table else "written by hand"
        if learned is not None:
            there = f"{at_name(learned.name)} (id {learned.id})"
        came = f"{at_name(identity.name)} (id {clean(identity.id)})"
        raise IdentityClash(
            f"{name!r} is {clean(there)} in {self.path}, and {came} signed in: nothing in the file was changed. "
            "Sign in as the other, or give --name another name, or --replace this one",
            account=name,
        )

    def write(self, accounts: Mapping[str, Identity], app: tuple[str, Mapping[str, str]] | None) -> list[str]:
        """Write the accounts and the app; the names of those whose table is new or changed."""
        changed: list[str] = []

        def change(document: _toml.Document) -> _toml.Document:
            now = Settings(self.path, document)
            if app is not None:
                document = document.with_table(
                    ("apps", app[0]), app[1], drop=("client_secret", "private_key")
                )
            for name, identity in accounts.items():
                if name in now.accounts and now.unchanged(name, identity):
                    continue
                changed.append(name)
                document = document.with_table(
                    ("accounts", name), table_of(identity), drop=now._stale(name, identity)
                )
            return document

        _toml.update(self.path, change)
        return changed

    def _stale(self, name: str, identity: Identity) -> list[str]:
        """Keys of the old table that do not go with a sign-in: its secrets, and everything of another platform."""
        table = self.accounts.get(name, {})
        same = table.get("platform") == identity.platform
        return [key for key in table if not same or key in SECRETS or key in ("id", "name", "handle")]

    def remove(self, name: str) -> None:
        """Take the account's table out of the file."""
        _toml.update(self.path, lambda document: document.without_table(("accounts", name)))


def table_of(identity: Identity) -> dict[str, str]:
    """What the file says of an account that signed in."""
    told = {
        "platform": identity.platform,
        "id": identity.id,
        "name": identity.name,
        "server": identity.server,
    }
    return {key: value if key == "id" else clean(value).strip() for key, value in told.items() if value}


def _is(table: Table, identity: Identity) -> bool:
    told = (table.get("platform"), table.get("id"), str(table.get("server", "")).rstrip("/"))
    return told == (identity.platform, identity.id, identity.server.rstrip("/"))


def _who(table: Table) -> str:
    name = table.get("name")
    return f"{at_name(name)} (id {table['id']})" if isinstance(name, str) else f"id {table['id']}"


def at_name(name: str | None) -> str:
    """How an account's name is shown.

    >>> at_name("brand"), at_name("Brand & Co"), at_name("@brand"), at_name(None)
    ('@brand', 'Brand & Co', '@brand', 'an account without a name')
    """
    shown = clean(name or "").strip()
    return f"@{shown}" if re.fullmatch(r"[\w.-]+", shown) else shown or "an account without a name"


def _names(identity: Identity) -> Iterator[str]:
    base = _slug(identity.name or "") or _slug(identity.platform)
    yield base
    if base != _slug(identity.platform):
        base = f"{base}-{_slug(identity.platform)}"
        yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _slug(text: str) -> str:
    """A name that needs no quotes, in a file and in a shell.

    >>> _slug("Brüder & Söhne!"), _slug("brand.example")
    ('bruder-sohne', 'brand-example')
    """
    import unicodedata

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:_LONGEST].strip("-_")


def check_name(name: str | None) -> None:
    """A ConfigError when a name cannot be given to an account."""
    if name is None:
        return
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > 100:
        raise ConfigError(
            "--name: a name is 1 to 100 characters that can be printed, without spaces at its ends"
        )
    if name == "all" or ":" in name:
        raise ConfigError(f"--name: {name!r} would be taken for a scope of halt; choose one without a colon")
