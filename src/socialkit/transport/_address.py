"""Addresses that a URL given by a user may not make us ask."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

from ._errors import Unreachable, UnsafeAddress

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""``resolve(host, port)`` gives the addresses of a name."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


async def resolve_name(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def literal(host: str) -> str | None:
    """The address a host name spells, in every notation the C library reads (decimal, hex, octal, short)."""
    bare = host.strip("[]")
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(bare))
    with contextlib.suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(bare))
    return None


def is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(ip.packed[-4:])
        if inner is not None:
            ip = inner
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


async def checked(host: str, port: int, resolve: Resolve, *, allow_private: bool) -> str:
    """One address of the host, after all of them have been looked at.

    Raises :class:`UnsafeAddress` when any of them is not public, :class:`Unreachable` when there is none.
    """
    spelled = literal(host)
    try:
        addresses = [spelled] if spelled else list(await resolve(host, port))
    except OSError as error:
        raise Unreachable(f"{host} has no address ({error.strerror or 'not found'})") from None
    if not addresses:
        raise Unreachable(f"{host} has no address")
    if not allow_private and not all(is_public(address) for address in addresses):
        raise UnsafeAddress(f"{host} is a private, loopback or reserved address")
    return addresses[0]
