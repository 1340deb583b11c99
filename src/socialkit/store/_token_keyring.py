"""Credentials in the keyring of the operating system (extra ``keyring``)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ConfigError
from ._token_files import FileTokens, file_lock, parsed, revived
from ._tokens import credential_to_dict

if TYPE_CHECKING:
    from ..adapters.base import Credential
    from ..model import Identity

T = TypeVar("T")
_LOSES = ("keyring.backends.fail", "keyring.backends.null")
_FIX = (
    "install and unlock one (GNOME Keyring or KWallet; on macOS it is there), pass backend= a keyring backend of your "
    "choice, or use FileTokens"
)


class KeyringTokens:
    """Credentials in the user's keyring: encrypted, and unlocked when the user signs in.

    Args:
        service: the name under which the keyring lists them.
        backend: a backend of the ``keyring`` library; by default the one that library chooses.
        locks: the file whose locks keep two processes from renewing at once; it holds no secret. By default in the
            user's data directory.

    A keyring that is missing, locked or forgets what it is given is a ConfigError that names a way out; a
    backend that keeps plain text is used only when it is passed as ``backend``.

    >>> KeyringTokens(service="bakery")
    KeyringTokens(service='bakery')
    """

    def __init__(
        self,
        service: str = "socialkit",
        *,
        backend: Any = None,
        locks: str | os.PathLike[str] | None = None,
    ) -> None:
        self._service = service
        self._backend = backend
        self._locks = None if locks is None else os.path.realpath(locks)

    def __repr__(self) -> str:
        return f"KeyringTokens(service={self._service!r})"

    def load(self, identity: Identity) -> Credential | None:
        """The credential saved last; None when there is none. ConfigError when no keyring answers."""
        text = self._read(self._chosen(), identity)
        if text is None:
            return None
        return revived(parsed(text), f"the keyring's entry {identity.key} of {self._service!r}")

    def save(self, identity: Identity, credential: Credential) -> None:
        """Keep the credential, and read it back: some keyrings lose what they take without a word."""
        backend, text = self._chosen(), json.dumps(credential_to_dict(credential))
        _asked(backend, lambda: backend.set_password(self._service, identity.key, text))
        if self._read(backend, identity) != text:
            raise ConfigError(f"the keyring {_name(backend)} did not keep the credential; {_FIX}")

    def lock(self, identity: Identity) -> AbstractAsyncContextManager[None]:
        """Held by one task at a time, across threads and processes; freed when the process dies."""
        self._locks = self._locks or _lock_path()
        return file_lock(self._locks, f"{self._service}\0{identity.key}")

    def _read(self, backend: Any, identity: Identity) -> str | None:
        found: str | None = _asked(backend, lambda: backend.get_password(self._service, identity.key))
        return found

    def _chosen(self) -> Any:
        if self._backend is None:
            self._backend = _safe(_library_choice())
        return self._backend


def _library_choice() -> Any:
    try:
        import keyring
    except ImportError:
        raise ConfigError("KeyringTokens needs its extra: pip install 'socialkit-py[keyring]'") from None
    return keyring.get_keyring()


def _safe(backend: Any) -> Any:
    """The backend, or the first of a chain, that keeps what it is given and encrypts it."""
    candidates = list(getattr(backend, "backends", ())) or [backend]
    safe = [one for one in candidates if not _loses(one) and not _is_plain(one)]
    if safe:
        return safe[0]
    if any(_is_plain(one) for one in candidates):
        raise ConfigError(f"the keyring {_name(backend)} keeps plain text; {_FIX}")
    raise ConfigError(f"no keyring keeps credentials here ({_name(backend)}); {_FIX}")


def _loses(backend: Any) -> bool:
    return any(cls.__module__ in _LOSES for cls in type(backend).__mro__)


def _is_plain(backend: Any) -> bool:
    return any("plaintext" in cls.__name__.lower() for cls in type(backend).__mro__)


def _name(backend: Any) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _asked(backend: Any, question: Callable[[], T]) -> T:
    """The backend's answer. Its errors may be of any kind and quote anything, so only their name is told."""
    try:
        return question()
    except Exception as error:
        kind = type(error).__name__
    raise ConfigError(f"the keyring {_name(backend)} did not answer ({kind}); {_FIX}")


def _lock_path() -> str:
    base = os.environ.get("XDG_DATA_HOME", "")
    data = base if os.path.isabs(base) else os.path.expanduser("~/.local/share")
    folder = os.path.join(data, "socialkit", "keyring")
    FileTokens(folder)  # makes the folder for this user alone
    return os.path.join(folder, ".lock")
