"""A token store of your own: one file per account in a folder that only this user can read.

Three methods are all there is to it. A store in your own database does the same with a row per
``identity.key`` and its row or advisory lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

from socialkit import Identity
from socialkit.adapters.base import Credential
from socialkit.store import credential_from_dict, credential_to_dict


class FolderTokens:
    """Credentials as JSON files, readable by this user alone; replaced whole, so that no crash leaves half a one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _file(self, identity: Identity, ending: str) -> Path:
        return self._folder / f"{hashlib.sha256(identity.key.encode()).hexdigest()}.{ending}"

    def load(self, identity: Identity) -> Credential | None:
        try:
            return credential_from_dict(json.loads(self._file(identity, "json").read_text()))
        except FileNotFoundError:
            return None

    def save(self, identity: Identity, credential: Credential) -> None:
        new = self._file(identity, "new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(credential_to_dict(credential), file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file(identity, "json"))

    @contextlib.asynccontextmanager
    async def lock(self, identity: Identity) -> AsyncIterator[None]:
        """A lock of the operating system: it works between processes, and ends with the one that holds it.

        It waits without blocking the thread, which may hold the lock of another account and have to save it.
        """
        with self._file(identity, "lock").open("w") as file:
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                await asyncio.sleep(0.02)
            yield
