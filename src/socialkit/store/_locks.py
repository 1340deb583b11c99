"""Locks on bytes of a file, held by a process: freed by the kernel when it dies, not inherited by fork.

These are POSIX record locks. They do not conflict within one process, and closing *any* descriptor of the
file drops all of them; hence one :class:`LockFile` per file and process, which counts, and never closes its
descriptor while something is held.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable

from ..errors import ConfigError, SocialKitError

TURNSTILE, PASSAGE = 0, 1
_OWNERS, _NAMES = 1 << 61, 1 << 62
_EXCLUSIVE = -1
_NETWORK = ("nfs", "cifs", "smb", "afs", "ncpfs", "davfs", "lustre", "gpfs", "beegfs", "ceph", "glusterfs")
_NETWORK_FUSE = ("sshfs", "davfs", "s3fs", "rclone", "gcsfuse", "glusterfs", "ceph", "goofys", "smb", "nfs")

_guard = threading.RLock()
_files: dict[tuple[int, int], LockFile] = {}


def _replace_guard() -> None:
    global _guard
    _guard = threading.RLock()


os.register_at_fork(
    before=lambda: _guard.acquire(),
    after_in_parent=lambda: _guard.release(),
    after_in_child=_replace_guard,
)


class LockFile:
    """The locks of one file in this process; see :func:`open_locks`. Only :meth:`wait` blocks."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.users = 0
        self._descriptor = descriptor
        self._holders: dict[int, int] = {}
        self._pid = os.getpid()
        self._owner: str | None = None

    @property
    def intact(self) -> bool:
        """False once somebody removed or replaced the file: its locks then bind nobody else."""
        return identity_of(self.path) == identity_of(self._descriptor)

    def try_lock(self, offset: int, *, shared: bool = False) -> bool:
        """Whether the byte is ours now; shared holders are counted."""
        with _guard:
            count = self._held().get(offset, 0)
            if not (shared and count > 0) and (count or not self._take(offset, shared)):
                return False
            self._holders[offset] = count + 1 if shared else _EXCLUSIVE
            return True

    def unlock(self, offset: int) -> None:
        """Undo one successful :meth:`try_lock`."""
        with _guard:
            count = self._held().get(offset, 0)
            if count == 0:
                raise RuntimeError(f"{self.path}: byte {offset} is not locked by this process")
            if count > 1:
                self._holders[offset] = count - 1
                return
            del self._holders[offset]
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, offset)

    def is_locked(self, offset: int) -> bool:
        """Whether any process, this one too, holds the byte."""
        with _guard:
            if offset in self._held():
                return True
            if not self._take(offset, shared=True):
                return True
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, offset)
            return False

    def wait(self, offset: int, deadline: float, sleep: Callable[[float], None]) -> bool:
        """Lock the byte exclusively, looking again and again until ``deadline`` (``time.monotonic``)."""
        pause = 0.00005
        while not self.try_lock(offset):
            if time.monotonic() >= deadline:
                return False
            sleep(pause)
            pause = min(pause * 1.5, 0.001)
        return True

    def owner(self) -> str:
        """This process's name: its id, and a byte nobody had before which it keeps locked until it dies."""
        if self._owner is None or self._pid != os.getpid():
            with _guard:
                self._held()
                while self._owner is None:
                    slot = int.from_bytes(os.urandom(7))
                    if self.try_lock(_OWNERS + slot):
                        self._owner = f"{os.getpid()}-{slot:x}"
        return self._owner

    def alive(self, owner: str) -> bool:
        """Whether the process that got this name from :meth:`owner` lives."""
        try:
            slot = int(owner.partition("-")[2], 16)
        except ValueError:
            return False
        return 0 <= slot < 1 << 56 and self.is_locked(_OWNERS + slot)

    def close(self) -> None:
        """One user less; the descriptor goes when nobody is left and nothing is held."""
        with _guard:
            self.users -= 1
            _sweep()

    def _held(self) -> dict[int, int]:
        if self._pid != os.getpid():
            self._pid, self._owner, self._holders = os.getpid(), None, {}
        return self._holders

    def _take(self, offset: int, shared: bool) -> bool:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.lockf(self._descriptor, kind | fcntl.LOCK_NB, 1, offset)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise SocialKitError(f"{self.path} cannot be locked: {error.strerror}") from error
        return True


def name_offset(name: str) -> int:
    """The byte that stands for a name."""
    return _NAMES + (int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 4)


def identity_of(file: str | int) -> tuple[int, int] | None:
    """(device, inode) of a path or descriptor; None when there is no such file."""
    try:
        found = os.stat(file)
    except FileNotFoundError:
        return None
    return (found.st_dev, found.st_ino) if found.st_nlink else None


def open_locks(path: str) -> LockFile:
    """This process's one LockFile of that file, created readable by its user alone."""
    with _guard:
        _sweep()
        key = identity_of(path)
        if key is None or key not in _files:
            descriptor = _open(path)
            key = identity_of(descriptor) or (0, descriptor)
            _files.setdefault(key, LockFile(path, descriptor))
        _files[key].users += 1
        return _files[key]


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"the store's lock file {path} cannot be opened: {error.strerror}") from error


def _sweep() -> None:
    """Close the descriptors nobody can miss: unused with nothing held, or of files that are gone."""
    for key, locks in list(_files.items()):
        if locks.users <= 0 and (not locks._held() or identity_of(locks._descriptor) is None):
            del _files[key]
            os.close(locks._descriptor)


def holders(path: str) -> list[int]:
    """Ids of other processes that hold a write lock on a file, where the system tells; else []."""
    key = identity_of(path)
    try:
        with open("/proc/locks", encoding="ascii") as table:
            lines = [line.split() for line in table]
    except OSError:
        return []
    wanted = f"{os.major(key[0]):02x}:{os.minor(key[0]):02x}:{key[1]}" if key else ""
    found = {int(line[4]) for line in lines if line[3:6:2] == ["WRITE", wanted]}
    return sorted(found - {os.getpid()})


def network_filesystem(path: str, mounts: str = "/proc/mounts") -> str | None:
    """The type of the network filesystem a path lies on; None when local or not to be told."""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as table:
            entries = [line.split() for line in table]
    except OSError:
        return None
    places = [(_unescape(entry[1]), entry[2]) for entry in entries if len(entry) > 2]
    above = [entry for entry in places if os.path.join(path, "").startswith(os.path.join(entry[0], ""))]
    kind = max(above, key=lambda entry: len(entry[0]))[1] if above else ""
    helper = kind.removeprefix("fuse.")
    return kind if helper.startswith(_NETWORK if helper == kind else _NETWORK_FUSE) else None


def _unescape(text: str) -> str:
    for code in ("\\040", "\\011", "\\012", "\\134"):
        text = text.replace(code, chr(int(code[1:], 8)))
    return text
