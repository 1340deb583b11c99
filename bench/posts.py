"""Posts that every platform takes: public, with a title and a video where it asks for them."""

from __future__ import annotations

from typing import Any

from socialkit import Post, Video
from socialkit.contracts._samples import mp4
from socialkit.registry import adapter

from .logins import platform_of


def post_for(name: str, text: str, **fields: Any) -> Post:
    """That text as a post, with what the platform cannot do without."""
    required = adapter(platform_of(name)).rules.required
    if "title" in required:
        fields.setdefault("title", text[:60])
    if "media" in required:
        fields.setdefault("media", [Video(mp4(), alt="a black video")])
    return Post(text, visibility="public", **fields)
