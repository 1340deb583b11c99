"""The kinds of post a platform takes: each is published by requests of its own, and found again in its own way."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from socialkit import File, Image, Poll, Post, Video
from socialkit.contracts._samples import jpeg, mp4
from socialkit.registry import adapter

from .posts import post_for

Make = Callable[[str, str], Post]
KINDS: dict[str, tuple[str, ...]] = {
    "mastodon": ("text", "picture", "pictures", "video", "poll"),
    "bluesky": ("text", "picture", "pictures", "video", "link"),
    "x": ("text", "picture", "pictures", "video", "poll"),
    "youtube": ("video",),
    "facebook": ("text", "link", "picture", "pictures", "video", "reel", "story", "video story"),
    "instagram": ("picture", "pictures", "video", "story", "video story"),
    "linkedin": ("text", "link", "picture", "pictures", "video", "document", "poll"),
    "pinterest": ("picture", "pictures", "video"),
    "reddit": ("text", "link", "picture", "pictures", "video", "poll"),
    "threads": ("text", "link", "picture", "pictures", "video", "poll"),
    "tiktok": ("video",),
}
"""Those whose lost answers can be settled by asking the platform."""
WITH_MEDIA = frozenset({"picture", "pictures", "video", "pulled", "document", "reel", "story", "video story"})


def made(kind: str, platform: str, text: str) -> Post:
    """A post of that kind: the text once, where a post of that kind has one.

    >>> made("picture", "x", "We ship today").media[0].alt
    'a grey square'
    """
    return _MAKERS[kind](platform, text)


def _picture(**fields: Any) -> Image:
    return Image(jpeg(1080, 1080), alt="a grey square", **fields)


def _film() -> Video:
    return Video(mp4(5.0, 720, 1280), alt="a black film")


def _document() -> File:
    return File(b"%PDF-1.4\n1 0 obj<</Type/Page>>endobj\n%%EOF", name="a.pdf")


def _story(platform: str, medium: Image | Video) -> Post:
    """Stories have no text on either of Meta's platforms that take them."""
    option = {"facebook": {"format": "story"}, "instagram": {"story": True}}[platform]
    return post_for(platform, "", media=[medium]).variant(platform, adapter(platform).Options(**option))


def _with(platform: str, text: str, medium: Video, **option: Any) -> Post:
    return post_for(platform, text, media=[medium]).variant(platform, adapter(platform).Options(**option))


_MAKERS: dict[str, Make] = {
    "text": post_for,
    "link": lambda platform, text: post_for(
        platform, text, link=f"https://example.com/{sha256(text.encode()).hexdigest()[:12]}"
    ),
    "picture": lambda platform, text: post_for(platform, text, media=[_picture()]),
    "pictures": lambda platform, text: post_for(platform, text, media=[_picture(), _picture()]),
    "video": lambda platform, text: post_for(platform, text, media=[_film()]),
    "pulled": lambda platform, text: _with(platform, text, _film(), pull=True),
    "reel": lambda platform, text: _with(platform, text, _film(), format="reel"),
    "document": lambda platform, text: post_for(platform, text, media=[_document()]),
    "poll": lambda platform, text: post_for(platform, text, poll=Poll(("yes", "no"), seconds=3 * 86400)),
    "story": lambda platform, _: _story(platform, _picture()),
    "video story": lambda platform, _: _story(platform, _film()),
}
