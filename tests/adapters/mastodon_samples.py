"""What the tests of the Mastodon adapter share: posts, and short ways to ask what arrived."""

from __future__ import annotations

import json
from email.parser import BytesParser
from typing import Any

from media_files import png
from recording import Recorder
from socialkit import Client, Image, Post
from socialkit.adapters.mastodon import MastodonOptions
from socialkit.model import Receipt
from socialkit.sandbox.mastodon import MastodonBox
from socialkit.sandbox.mastodon_views import Toot

STATUSES = "/api/v1/statuses"
MEDIA = "/api/v2/media"
HELLO = Post("We ship today")
BOAT = Image(png(), alt="The new boat at sea", focus=(0.25, -0.5))


def publish(client: Client, post: Post, **options: Any) -> Receipt:
    receipt = client.publish(post, to="mastodon", **options)["mastodon"].receipt
    assert receipt is not None
    return receipt


def with_options(post: Post, **options: Any) -> Post:
    return post.variant("mastodon", MastodonOptions(**options))


def newest(server: MastodonBox) -> Toot:
    toot = server.timeline()[-1]
    assert isinstance(toot, Toot)
    return toot


def by_reader(server: MastodonBox, text: str = "From somebody else", **fields: Any) -> Toot:
    toot = Toot(server.new_id(), "reader", text, server.now(), **fields)
    server.add(toot)
    return toot


def sent(wire: Recorder, method: str = "POST", path: str = STATUSES) -> dict[str, Any]:
    """The JSON body of the last matching request."""
    body: dict[str, Any] = json.loads(wire.requests(method, path)[-1].content)
    return body


def uploaded(wire: Recorder, path: str = MEDIA) -> dict[str, bytes]:
    """The form of the last upload."""
    request = wire.requests("POST", path)[-1]
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts: Any = BytesParser().parsebytes(head + request.content).get_payload()
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts
    }


def problems(client: Client, post: Post) -> list[tuple[str, str]]:
    found = client.plan(post, to="mastodon")["mastodon"].problems
    return [(problem.field, problem.code) for problem in found]


def changes(client: Client, post: Post) -> list[tuple[str, str]]:
    found = client.plan(post, to="mastodon")["mastodon"].changes
    return [(change.field, change.code) for change in found]
