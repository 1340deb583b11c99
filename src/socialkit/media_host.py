"""A place of your own where platforms fetch media from: some take no bytes, only public addresses.

Instagram's pictures, everything on Threads and TikTok's photos are fetched by the platform itself. A client with a
``media_host`` puts local files there for as long as the platform may look, at an address nobody can guess.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Mapping
from typing import Protocol, runtime_checkable
from urllib.parse import quote

import attrs

from ._loop import call_user
from .adapters.base import Call, PartMedia, Slice
from .errors import ConfigError

__all__ = ["MediaHost", "Place", "S3MediaHost"]

HOUR = 3600.0


@attrs.frozen
class Place:
    """Where a medium goes, and where anybody who knows the address finds it then.

    Attributes:
        upload_url: takes the bytes in one ``method`` request with ``headers``; the same again does no harm.
        url: what the platform is given: https, plain ASCII, no redirect.
        lives: seconds the medium can be fetched at ``url``.

    >>> Place("https://files.example.com/up?key=s3cret", "https://files.example.com/boat.jpg").method
    'PUT'
    """

    upload_url: str = attrs.field(repr=False)
    url: str = attrs.field(repr=False)
    lives: float = 6 * HOUR
    method: str = "PUT"
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)


@runtime_checkable
class MediaHost(Protocol):
    """Where a client puts media that a platform fetches by itself. The bytes are streamed by the library.

    >>> class OurSite:
    ...     def place(self, name, mime, size, digest):
    ...         return Place(f"https://files.example.com/up/{digest}", f"https://files.example.com/{digest}/{name}")
    >>> isinstance(OurSite(), MediaHost)
    True
    """

    def place(self, name: str, mime: str, size: int, digest: str) -> Place | Awaitable[Place]:
        """A place for a file of that name, MIME type, size in bytes and SHA-256 (hexadecimal). Plain or async."""
        ...


async def hosted(call: Call, medium: PartMedia, host: MediaHost | None) -> str:
    """The address of a medium on the host; its bytes are put there unless they are already, for this part."""
    name, now = f"hosted {medium.digest[:16]}", call.now().timestamp()
    if (known := call.recall(name)) is not None and known[1] > now:
        return str(known[0])
    if host is None:
        words = f"{medium.name} has no public address, and there is no media_host to put it on"
        raise ConfigError(words, account=call.account)
    place = await call_user(host.place, medium.name, medium.mime, medium.size, medium.digest)
    call.remember("media host", place.upload_url, secret=True)  # no error shall repeat it
    answer = await call.prepare(
        place.method,
        place.upload_url,
        content=Slice(await call.open(medium)),
        headers=place.headers,
        auth=False,
        accept=range(300, 500),
        cost=0,
        timeout=600.0,
    )
    if answer.status >= 300:
        words = f"the media host did not take {medium.name} (HTTP {answer.status}): look at its keys and its bucket"
        raise ConfigError(words, account=call.account)
    call.remember(name, [place.url, now + place.lives * 0.9], secret=True)
    return place.url


class S3MediaHost:
    """A bucket of Amazon S3 or of any server that speaks its protocol (MinIO, R2, Spaces, Garage, ...).

    Files are put and fetched through signed addresses, so that the bucket can stay private. They are not deleted: let a
    lifecycle rule of the bucket do that. Needs the ``s3`` extra.

    Args:
        bucket: its name.
        endpoint: base URL of the server; None is Amazon's, in that region.
        access_key, secret_key: of a user who may put and get objects; by default from ``AWS_ACCESS_KEY_ID`` and
            ``AWS_SECRET_ACCESS_KEY``. session_token: with temporary keys.
        prefix: what the objects' names begin with.
        lives: seconds until a signed address ends; at most a week. Platforms fetch within minutes, and videos may wait.
        public_url: base URL where the bucket's objects are public; then addresses are not signed and never end.

    >>> host = S3MediaHost("brand", endpoint="https://s3.example.com", access_key="key", secret_key="s3cret")
    >>> host
    S3MediaHost('brand', endpoint='https://s3.example.com')
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str | None = None,
        region: str = "us-east-1",
        access_key: str | None = None,
        secret_key: str | None = None,
        session_token: str | None = None,
        prefix: str = "socialkit/",
        lives: float = 6 * HOUR,
        public_url: str | None = None,
    ) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
            raise ConfigError(f"S3MediaHost: {bucket!r} is no name of a bucket")
        if not 60 <= lives <= 7 * 24 * HOUR:
            raise ConfigError(
                f"S3MediaHost: lives={lives:g} s; a signed address lives for a minute to a week"
            )
        if access_key is None and secret_key is None:
            access_key, secret_key = (os.environ.get(f"AWS_{name}") for name in _NAMES)
        if not (access_key and secret_key):
            raise ConfigError(
                f"S3MediaHost: give access_key= and secret_key=, or set AWS_{' and AWS_'.join(_NAMES)}"
            )
        self.bucket = bucket
        self.endpoint = (endpoint or f"https://s3.{region}.amazonaws.com").rstrip("/")
        self._keys = (access_key, secret_key, session_token)
        self._region, self._prefix, self._lives = region, prefix, lives
        self._public = public_url.rstrip("/") if public_url else None

    def __repr__(self) -> str:
        return f"S3MediaHost({self.bucket!r}, endpoint={self.endpoint!r})"

    def place(self, name: str, mime: str, size: int, digest: str) -> Place:
        """The object of these bytes; the same bytes get the same object."""
        key = f"{self._prefix}{digest[:32]}/{_plain(name)}"
        headers = {"content-type": mime}
        found = f"{self._public}/{quote(key)}" if self._public else self._signed("GET", key, {})
        return Place(self._signed("PUT", key, headers), found, self._lives, headers=headers)

    def _signed(self, method: str, key: str, headers: Mapping[str, str]) -> str:
        try:
            from botocore.auth import S3SigV4QueryAuth
            from botocore.awsrequest import AWSRequest
            from botocore.credentials import Credentials
        except ImportError:
            raise ConfigError("S3MediaHost needs its extra: pip install 'socialkit-py[s3]'") from None
        request = AWSRequest(method, f"{self.endpoint}/{self.bucket}/{quote(key)}", headers=dict(headers))
        signing = S3SigV4QueryAuth(Credentials(*self._keys), "s3", self._region, expires=int(self._lives))
        signing.add_auth(request)
        return str(request.url)


_NAMES = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")


def _plain(name: str) -> str:
    """A name in plain ASCII letters, which every crawler takes; its ending stays."""
    stem, ending = os.path.splitext(name)
    return (re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[-60:] or "file") + re.sub(
        r"[^A-Za-z0-9.]", "", ending
    )
