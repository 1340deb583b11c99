"""The two ways in which a request gets no answer."""

from __future__ import annotations


class Unreachable(Exception):
    """Certainly not sent: no connection, no name, no proxy. ``reason`` says why, without secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnsafeAddress(Unreachable):
    """A user's URL leads to a private, loopback or reserved address, or is no http(s) URL: not sent."""


class AnswerLost(Exception):
    """The first byte may have left and no whole answer came. ``reason`` says why, without secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
