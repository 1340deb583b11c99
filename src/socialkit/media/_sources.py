"""Where a medium's bytes come from: a path, bytes, or a file that can seek. Each can be read again."""

from __future__ import annotations

import os
import stat
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, Protocol

from ..errors import SocialKitError

ReadAt = Callable[[int, int], bytes]


class MediaError(SocialKitError, ValueError):
    """A medium cannot be used: missing, empty, damaged, of no known type, or changed while it was read."""


class Source(Protocol):
    """Bytes of a known size. ``stamp`` changes when they are written to (as the file system tells)."""

    size: int

    def stamp(self) -> object: ...

    def reader(self) -> Any:
        """A context manager that gives ``read_at(start, count)``; readings do not disturb each other."""
        ...


class BytesSource:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def stamp(self) -> object:
        return self.size

    @contextmanager
    def reader(self) -> Iterator[ReadAt]:
        view = memoryview(self.data)
        yield lambda start, count: bytes(view[start : start + count])


class PathSource:
    """A file by its path, opened anew for each reading."""

    def __init__(self, path: str) -> None:
        self.path = path
        with _readable(path):
            found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise MediaError(f"{path!r} is a directory; give the path of a file")
        if not stat.S_ISREG(found.st_mode):
            raise MediaError(f"{path!r} is no regular file, so it cannot be read twice; give a file or bytes")
        self.size = found.st_size

    def stamp(self) -> object:
        with _readable(self.path):
            found = os.stat(self.path)
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    @contextmanager
    def reader(self) -> Iterator[ReadAt]:
        with _readable(self.path):
            file = open(self.path, "rb", buffering=0)  # noqa: SIM115
        with file:
            yield partial(_pread, self.path, file.fileno())


def _pread(path: str, fd: int, start: int, count: int) -> bytes:
    with _readable(path):
        return os.pread(fd, count, start)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise MediaError(f"{path!r} does not exist (looked for in {os.getcwd()!r})") from None
    except PermissionError:
        raise MediaError(f"{path!r} may not be read by this user; change its permissions") from None
    except (OSError, ValueError) as error:
        raise MediaError(f"{path!r} cannot be read: {error}") from None


class FileSource:
    """An open binary file, read from its beginning by seeking, under a lock."""

    def __init__(self, file: BinaryIO, *, owned: bool = False) -> None:
        self._file = file
        self._lock = threading.Lock()
        if owned:
            weakref.finalize(self, file.close)
        with self._usable():
            self.size = file.seek(0, os.SEEK_END)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, AttributeError) as error:
            raise MediaError(
                f"the open file cannot be read from its start again ({error}); give a path"
            ) from None

    def stamp(self) -> object:
        with self._lock, self._usable():
            return self._file.seek(0, os.SEEK_END)

    @contextmanager
    def reader(self) -> Iterator[ReadAt]:
        yield self._read_at

    def _read_at(self, start: int, count: int) -> bytes:
        with self._lock, self._usable():
            self._file.seek(start)
            data = self._file.read(count)
        if not isinstance(data, bytes):
            raise MediaError('the open file gives text, not bytes; open it with mode "rb"')
        return data
