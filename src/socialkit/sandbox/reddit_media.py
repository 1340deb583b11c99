"""Reddit's uploads: a lease of a place in a file store, then a form with the lease's fields and the file."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from .core import Answer, Upload, body
from .reddit_auth import RedditSignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.websockets import WebSocket

    from .core import Sandbox

__all__ = ["BUCKETS", "SOCKETS", "Lease", "Leases", "base36"]

Json = dict[str, Any]
_MIB = 1 << 20
BUCKETS = {"media": "reddit-uploaded-media", "video": "reddit-uploaded-video"}
_HOST = "{}.s3-accelerate.amazonaws.com"
SOCKETS = "k8s-lb.wss.redditmedia.com"
"""Where the web sockets are that tell what became of media."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class _Kind(NamedTuple):
    """What the store takes of one MIME type: the most bytes, the bucket."""

    most: int
    bucket: str


_KINDS = {
    "image/jpeg": _Kind(20 * _MIB, BUCKETS["media"]),
    "image/png": _Kind(20 * _MIB, BUCKETS["media"]),
    "image/gif": _Kind(100 * _MIB, BUCKETS["media"]),
    "video/mp4": _Kind(1024 * _MIB, BUCKETS["video"]),
    "video/quicktime": _Kind(1024 * _MIB, BUCKETS["video"]),
}


def base36(number: int) -> str:
    """A number in Reddit's digits.

    >>> base36(35), base36(36)
    ('z', '10')
    """
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits


@attrs.define(eq=False)
class Lease:
    """A place in the store: whose, for what, until when; ``upload`` once the file is there."""

    asset_id: str
    owner: str
    mime: str
    filepath: str
    until: datetime
    fields: list[tuple[str, str]]
    most: int
    upload: Upload | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the file is what it was said to be; what is not fails in processing."""
        return self.upload is not None and self.upload.kind.family == self.mime.partition("/")[0]


class Leases(RedditSignIn):
    """The part of the box that takes files and tells what became of them.

    ``lease_seconds`` is how long a place waits for its file; ``failed_payload`` what the socket says beside ``failed``.
    """

    lease_seconds: float = 900.0

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.leases: dict[str, Lease] = {}
        self.failed_payload: Json = {}
        self.tellings: dict[str, tuple[datetime, str]] = {}
        """By the key of a socket: when it speaks, and its words."""

    def media_routes(self) -> list[BaseRoute]:
        """The lease, the store and the sockets: at their own hosts, or below this one where it is served."""
        return [
            self.route("POST", "/api/media/asset.json", self.lease),
            self.route("POST", "/api/media/asset", self.lease),
            self.route("POST", "/", self.store),
            self.route("POST", "/s3/{bucket}", self.store),
            self.socket("/{key}", self.tell),
            self.socket("/wss/{key}", self.tell),
        ]

    def lease(self, request: Request) -> Response:
        """``POST /api/media/asset.json``."""
        from starlette.responses import JSONResponse

        me, given = self.grant(request, "submit").username, body(request)
        mime, path = str(given.get("mimetype")), str(given.get("filepath") or "")
        if mime not in _KINDS or not path:
            raise Answer(self.error(400))
        asset_id = base36(int(self.serial("asset")[:17], 16))[:13]
        made = self._leased(asset_id, me, mime, path)
        self.leases[asset_id] = made
        socket = self.socket_url(asset_id)
        asset = {"asset_id": asset_id, "processing_state": "incomplete", "payload": {"filepath": path}}
        fields = [{"name": name, "value": value} for name, value in made.fields]
        args = {"action": self._action(_KINDS[mime].bucket), "fields": fields}
        return JSONResponse({"args": args, "asset": {**asset, "websocket_url": socket}})

    def _action(self, bucket: str) -> str:
        """The store's address without a scheme: its own host in process, this server where it is served."""
        _, _, rest = self.base.partition("://")
        return f"//{rest}/s3/{bucket}" if self._served else f"//{_HOST.format(bucket)}"

    def socket_url(self, key: str) -> str:
        """The signed address of a socket. Those of leases are refused since 2023; only a submit's tells anything."""
        _, _, rest = self.base.partition("://")
        place = f"ws://{rest}/wss" if self._served else f"wss://{SOCKETS}"
        return f"{place}/{key}?m={self._signature(key)}"

    def _signature(self, key: str) -> str:
        return self.digest("socket", key)[:44]

    @property
    def _served(self) -> bool:
        scheme, _, rest = self.base.partition("://")
        return not (rest.partition("/")[0] in self.hosts and scheme == "https")

    def tell(self, socket: WebSocket) -> list[tuple[datetime | None, str]]:
        """What became of the media of a submit, once; who comes after it was said hears nothing any more."""
        key = socket.path_params["key"]
        known = self.tellings.get(key)
        if known is None or socket.query_params.get("m") != self._signature(key):
            raise Answer(self.error(403))
        return [known] if known[0] >= self.now() else [(None, "")]

    def _leased(self, asset_id: str, owner: str, mime: str, path: str) -> Lease:
        kind, until = _KINDS[mime], self.now() + timedelta(seconds=self.lease_seconds)
        fields = {
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "key": asset_id,
            "x-amz-storage-class": "STANDARD",
            "success_action_status": "201",
            "bucket": kind.bucket,
            "acl": "private",
            "x-amz-signature": self.digest("signature", asset_id),
            "x-amz-security-token": base64.b64encode(self.digest("session", asset_id).encode()).decode(),
            "x-amz-date": self.now().strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-meta-ext": path.rpartition(".")[2].lower(),
            "policy": _policy(until, asset_id, mime, kind),
            "x-amz-credential": f"ASIASANDBOX/{self.now():%Y%m%d}/us-east-1/s3/aws4_request",
            "Content-Type": mime,
        }
        return Lease(asset_id, owner, mime, path, until, list(fields.items()), kind.most)

    def store(self, request: Request) -> Response:
        """``POST`` of the form to the store: every field as leased, the file, no token."""
        from starlette.responses import Response

        given = body(request)
        lease, file = self.leases.get(given.get("key") or ""), given.files.get("file")
        if "authorization" in request.headers:
            raise self._refused(400, "InvalidArgument", "Only one auth mechanism allowed")
        if lease is None or sorted(given.fields) != sorted(lease.fields):
            raise self._refused(403, "AccessDenied", "Invalid according to Policy: Policy Condition failed")
        if self.now() >= lease.until:
            raise self._refused(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        if file is None:
            words = "POST requires exactly one file upload per request."
            raise self._refused(400, "InvalidArgument", words)
        if not 1 <= file.size <= lease.most:
            raise self._too_large(file.size, lease.most)
        lease.upload = file
        kept = file.data if lease.mime.startswith("image/") else None
        self.media[lease.asset_id] = {"id": lease.asset_id, "mime": lease.mime, "alt": "", "data": kept}
        bucket = dict(lease.fields)["bucket"]
        place = f"https://{_HOST.format(bucket)}/{lease.asset_id}"
        etag = f'"{file.sha256[:32]}"'
        words = f"<Location>{place}</Location><Bucket>{bucket}</Bucket><Key>{lease.asset_id}</Key><ETag>{etag}</ETag>"
        xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{words}</PostResponse>'
        return Response(xml, 201, {"location": place, "etag": etag}, media_type="application/xml")

    def _refused(self, status: int, code: str, words: str) -> Answer:
        return Answer(self.error(status, code, words))

    def _too_large(self, size: int, most: int) -> Answer:
        from starlette.responses import Response

        code, words = "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"
        if not size:
            code, words = "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"
        told = f"<Code>{code}</Code><Message>{words}</Message><ProposedSize>{size}</ProposedSize>"
        xml = f"<Error>{told}<MaxSizeAllowed>{most}</MaxSizeAllowed></Error>"
        return Answer(
            Response(f'<?xml version="1.0" encoding="UTF-8"?>{xml}', 400, media_type="application/xml")
        )

    def uploaded(self, owner: str, reference: str, family: str) -> Lease | None:
        """The owner's upload of that kind behind an address of the store, or a media id."""
        lease = self.leases.get(reference.rstrip("/").rpartition("/")[2])
        fits = lease is not None and lease.owner == owner and lease.mime.startswith(family)
        return lease if fits and lease is not None and lease.upload is not None else None


def _policy(until: datetime, key: str, mime: str, kind: _Kind) -> str:
    """What the store is told to take, as Reddit signs it."""
    equal = {
        "bucket": kind.bucket,
        "acl": "private",
        "key": key,
        "Content-Type": mime,
        "success_action_status": "201",
    }
    conditions: list[list[Any]] = [["eq", f"${name}", value] for name, value in equal.items()]
    conditions.append(["content-length-range", 1, kind.most])
    expiration = until.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return base64.b64encode(
        json.dumps({"expiration": expiration, "conditions": conditions}).encode()
    ).decode()
