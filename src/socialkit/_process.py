"""What a forked child must not share with its parent: the process id, and random numbers."""

from __future__ import annotations

import os
import random
import weakref

_pid = os.getpid()
_randoms: weakref.WeakSet[ProcessRandom] = weakref.WeakSet()


def pid() -> int:
    """This process's id, without a system call (on some machines one costs more than a store transaction)."""
    return _pid


class ProcessRandom(random.Random):
    """A random source that every process seeds for itself: a forked child draws other numbers than its parent.

    >>> 0 <= ProcessRandom().random() < 1
    True
    """

    def __init__(self) -> None:
        super().__init__()
        _randoms.add(self)


def _forked() -> None:
    global _pid
    _pid = os.getpid()
    for source in _randoms:
        source.seed()


os.register_at_fork(after_in_child=_forked)
