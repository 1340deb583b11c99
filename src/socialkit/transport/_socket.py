"""One web socket on the network: open it, hear what was waited for, leave."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any

import httpx

from ._errors import AnswerLost, Unreachable

MAX_MESSAGE = 1 << 20
_LEAVING = 1.0
"""Seconds the other end has to say goodbye; nothing depends on it."""


async def hear(
    url: httpx.URL,
    *,
    done: Callable[[str], bool],
    limit: float,
    opening: float,
    address: str | None,
    proxy: str | None,
    verify: ssl.SSLContext,
    user_agent: str,
) -> str:
    """The first message that ``done`` takes, within ``limit`` seconds, of which ``opening`` are for the connection.

    ``address`` is where to connect instead of looking the host up again.
    """
    try:
        from websockets.asyncio.client import ClientConnection, connect
        from websockets.exceptions import WebSocketException
    except ImportError:
        raise Unreachable(f"{url.host}: web sockets need the package websockets") from None

    class Straight(connect):
        """Follows no redirect: the platform named this address and no other."""

        def process_redirect(self, exc: Exception) -> Exception | str:
            return exc

    opened: ClientConnection | None = None
    try:
        async with asyncio.timeout(limit):
            opened = await Straight(
                str(url),
                proxy=proxy,
                ssl=verify if url.scheme == "wss" else None,
                open_timeout=min(opening, limit),
                close_timeout=_LEAVING,
                max_size=MAX_MESSAGE,
                user_agent_header=user_agent,
                logger=_silent(),
                **_destination(url, address),
            )
            while not done(message := str(await opened.recv(decode=True))):  # noqa: ASYNC110 - nothing to wait for
                await asyncio.sleep(0)  # in a flood there is no wait between messages
            return message
    except (OSError, EOFError, ImportError, ValueError, WebSocketException) as error:
        kind = AnswerLost if opened else Unreachable
        raise kind(f"{url.host}: {type(error).__name__}") from None
    finally:
        if opened is not None:
            await opened.close()


def _silent() -> logging.Logger:
    """A logger that writes nothing: the library's own writes the address down, which is signed."""
    logger = logging.Logger("socialkit.transport.socket")
    logger.disabled = True
    return logger


def _destination(url: httpx.URL, address: str | None) -> dict[str, Any]:
    return {"host": address, "port": url.port or (443 if url.scheme == "wss" else 80)} if address else {}
