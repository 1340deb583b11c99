"""Credentials in files of this user alone, and in the environment."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import stat
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, SocialKitError
from . import _locks
from ._tokens import MemoryTokens, credential_from_dict, credential_to_dict, polled

if TYPE_CHECKING:
    from ..adapters.base import Credential
    from ..model import Identity

_log = logging.getLogger("socialkit")
_FORMAT = 1
PATIENCE = 10.0
"""Seconds a save waits for another one to the same file."""


class FileTokens:
    """Credentials in files that only this user can read, replaced whole: no crash leaves half a one.

    Args:
        path: a folder, made when it is missing, with one file per account; or, when it ends in ``.json`` or is a
            file already, one file for all accounts, whose folder must exist.

    The files are not encrypted: what they rely on is the user's own account. One that others may read, that belongs to
    another user or that is damaged is refused with a ConfigError, and left as it is. Several processes
    may use the same path; the locks lie beside it, in files ending in ``.lock``.

    >>> from socialkit.adapters.base import Credential
    >>> from socialkit.model import Identity
    >>> tokens, who = FileTokens("tokens"), Identity("x", "https://api.example.com", "7")
    >>> tokens.save(who, Credential("bearer", access_token="s3cret"))
    >>> tokens.load(who)
    Credential(kind='bearer')
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not os.fspath(path):
            raise ConfigError("FileTokens: an empty path; give a folder, or a file ending in .json")
        self._path = os.path.realpath(os.path.expanduser(path))
        named = self._path.endswith(".json") and not os.path.isdir(self._path)
        self._single = named or os.path.isfile(self._path)
        folder = os.path.dirname(self._path) if self._single else self._path
        _check_folder(folder, make=not self._single)
        self._locks = f"{self._path}.lock" if self._single else os.path.join(self._path, ".lock")

    def __repr__(self) -> str:
        return f"FileTokens({self._path!r})"

    def load(self, identity: Identity) -> Credential | None:
        """The credential saved last; None when there is none. ConfigError when the file cannot be trusted."""
        path = self._file(identity)
        data = _read(path).get(identity.key)
        return None if data is None else revived(data, path)

    def save(self, identity: Identity, credential: Credential) -> None:
        """Keep the credential, durably; when that fails, the earlier one is still there."""
        path = self._file(identity)
        with _writing(self._locks):
            _replace(path, {**_read(path), identity.key: credential_to_dict(credential)})

    def lock(self, identity: Identity) -> AbstractAsyncContextManager[None]:
        """Held by one task at a time, across threads and processes; freed when the process dies."""
        return file_lock(self._locks, identity.key)

    def _file(self, identity: Identity) -> str:
        name = hashlib.sha256(identity.key.encode()).hexdigest()[:32]
        return self._path if self._single else os.path.join(self._path, f"{name}.json")


class EnvironmentTokens:
    """Credentials given in environment variables; what is renewed is kept in memory and lost at exit.

    One account's variables begin with :meth:`name`, and end in what they hold: ``TOKEN``, ``REFRESH_TOKEN``,
    ``APP_PASSWORD``, ``TOKEN_SECRET``, ``CLIENT_ID``, ``CLIENT_SECRET``. The first renewal is told by a warning
    in the log ``socialkit``. For credentials that are never renewed (app passwords, most bearer tokens)
    nothing is lost. ``env`` stands for ``os.environ``.

    >>> from socialkit.model import Identity
    >>> env = {"SOCIALKIT_X__API_EXAMPLE_COM__7__TOKEN": "s3cret"}
    >>> tokens, who = EnvironmentTokens(env=env), Identity("x", "https://api.example.com", "7")
    >>> tokens.name(who)
    'SOCIALKIT_X__API_EXAMPLE_COM__7'
    >>> tokens.load(who)
    Credential(kind='bearer')
    """

    def __init__(self, prefix: str = "SOCIALKIT_", *, env: Mapping[str, str] | None = None) -> None:
        self._prefix = prefix
        self._env = os.environ if env is None else env
        self._newer = MemoryTokens()
        self._asked: dict[str, str] = {}
        self._warned = False

    def name(self, identity: Identity) -> str:
        """What the names of an account's variables begin with: platform, server and account id in capitals.

        A client asks for an account by what it signs in with: for Bluesky that is the handle; where an adapter without
        a secret says nothing but its server, the last part is left out.
        """
        server = identity.server.partition("://")[2] or identity.server
        login = identity.id.removeprefix("login:")
        parts = [identity.platform, server, *([login] if login != _nameless(identity.platform) else [])]
        return self._prefix + "__".join(_capitals(part) for part in parts)

    def load(self, identity: Identity) -> Credential | None:
        """The newest credential: renewed by this process, else from the environment; None when there is none.

        ConfigError when two accounts would read the same variables.
        """
        return self._newer.load(identity) or self._given(identity)

    def save(self, identity: Identity, credential: Credential) -> None:
        """Keep the credential until the process ends, and say so once."""
        self._newer.save(identity, credential)
        if not self._warned:
            self._warned = True
            _log.warning(
                "%s: the renewed credential is kept in memory and lost at exit, and then the variable may hold a "
                "spent one; use FileTokens, KeyringTokens or the client's own store to keep it",
                self.name(identity),
            )

    def lock(self, identity: Identity) -> AbstractAsyncContextManager[None]:
        """Held by one task of this process at a time; other processes have their own credentials."""
        return self._newer.lock(identity)

    def _given(self, identity: Identity) -> Credential | None:
        from ..adapters.base import Credential

        name = self.name(identity)
        values = {ending: self._env.get(f"{name}__{ending}", "").strip() for ending in _ENDINGS}
        given: dict[str, Any] = {_ENDINGS[ending]: value for ending, value in values.items() if value}
        if not given.keys() & {"access_token", "refresh_token", "secret"}:
            return None
        if self._asked.setdefault(name, identity.key) != identity.key:
            raise ConfigError(
                f"{name}__… would be read for two accounts, {self._asked[name]} and {identity.key}; "
                "keep their credentials in another token store"
            )
        return Credential(_kind(name, values), **given)


_ENDINGS = {
    "TOKEN": "access_token",
    "REFRESH_TOKEN": "refresh_token",
    "APP_PASSWORD": "secret",
    "TOKEN_SECRET": "secret",
    "CLIENT_ID": "client_id",
    "CLIENT_SECRET": "client_secret",
}


def _kind(name: str, given: Mapping[str, str]) -> str:
    kinds = {"APP_PASSWORD": "session", "TOKEN_SECRET": "oauth1", "REFRESH_TOKEN": "oauth2"}
    found = [ending for ending in kinds if given[ending]]
    if len(found) > 1:
        raise ConfigError(f"{name}__{found[0]} and …__{found[1]} do not belong together; unset one")
    return kinds[found[0]] if found else "bearer"


def _nameless(platform: str) -> str:
    """What an adapter that was given neither a secret nor a name calls its login."""
    return hashlib.sha256(f"{platform}\0".encode()).hexdigest()[:16]


def _capitals(text: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")


# --- files --------------------------------------------------------------------------------------------------


def _check_folder(folder: str, *, make: bool) -> None:
    """Refuse a folder in which others could put a file of their own in place of ours."""
    try:
        if make:
            os.makedirs(os.path.dirname(folder), exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, 0o700)
        found = os.stat(folder)
    except OSError as error:
        raise ConfigError(f"{folder}: the folder for tokens cannot be used: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigError(f"{folder} is no folder; give a folder, or a file ending in .json")
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        raise ConfigError(f"others may write to the folder {folder}; run: chmod go-w {folder!r}")


def _read(path: str) -> dict[str, Any]:
    """The credentials in a file by identity; {} when there is no file."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb") as file:
            _check_file(path, os.fstat(file.fileno()))
            text = file.read()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    data = parsed(text)
    if data and isinstance(data.get("version"), int) and data["version"] > _FORMAT:
        raise ConfigError(f"{path} was written by a newer socialkit; update this one")
    found = data and data.get("credentials")
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is no whole token file; restore it, or delete it and sign in again")
    return found


def _check_file(path: str, found: os.stat_result) -> None:
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigError(
            f"{path} holds credentials and others may read it (mode {mode:04o}); run: chmod 600 {path!r}"
        )
    if found.st_uid != os.geteuid():
        raise ConfigError(
            f"{path} holds credentials and belongs to another user (id {found.st_uid}); run as that user, "
            f"or: chown {os.geteuid()} {path!r}"
        )


def parsed(text: str | bytes) -> dict[str, Any] | None:
    """A JSON object; None for anything else. The parser's error holds the text, so it goes no further."""
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def revived(data: Any, place: str) -> Credential:
    """The credential that ``data`` says; ConfigError naming its place when it says none."""
    try:
        return credential_from_dict(data)
    except (AttributeError, TypeError, ValueError):
        pass
    raise ConfigError(f"{place}: the credential is damaged; delete it and sign in again")


def _replace(path: str, credentials: dict[str, Any]) -> None:
    """Put a new file in the place of the old one, durably and at once."""
    new = f"{path}.new"
    text = json.dumps({"version": _FORMAT, "credentials": credentials}, indent=1)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new)  # what a killed process left
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
        _sync_folder(os.path.dirname(path))
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise SocialKitError(f"{path} could not be written: {error.strerror}") from error


def _sync_folder(path: str) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# --- locks --------------------------------------------------------------------------------------------------


@contextmanager
def _writing(path: str) -> Iterator[None]:
    """Alone in writing, among all threads and processes; waits up to PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while (held := _take(path, _locks.TURNSTILE)) is None:
        if time.monotonic() >= deadline:
            raise SocialKitError(f"{path} stayed locked for {PATIENCE:g} s; another process is writing")
        time.sleep(0.002)
    try:
        yield
    finally:
        _give_back(held, _locks.TURNSTILE)


@asynccontextmanager
async def file_lock(path: str, name: str) -> AsyncIterator[None]:
    """Hold the lock of a name in a lock file: one task at a time, freed by the system when the process dies."""
    offset, held = _locks.name_offset(name), list[_locks.LockFile]()

    def acquire() -> bool:
        taken = _take(path, offset)
        held.extend([taken] if taken else [])
        return taken is not None

    async with polled(acquire, lambda: _give_back(held.pop(), offset)):
        yield


def _take(path: str, offset: int) -> _locks.LockFile | None:
    """The lock file with the byte locked; None when somebody has it. One that was removed binds nobody."""
    locks, taken = _locks.open_locks(path), False
    try:
        taken = locks.try_lock(offset)
        if taken and not locks.intact:
            locks.unlock(offset)
            taken = False
    finally:
        if not taken:
            locks.close()
    return locks if taken else None


def _give_back(locks: _locks.LockFile, offset: int) -> None:
    locks.unlock(offset)
    locks.close()
