"""A bit of the web: every path of example.com is a page with a preview card, or a picture or a video."""

from __future__ import annotations

import html
from typing import Any

from .picture import sample_photo, sample_picture, sample_video

HOSTS = ("example.com", "www.example.com")
_PAGE = (
    "<!doctype html><html lang='en'><head><title>{title}</title>"
    "<meta property='og:title' content='{title}'>"
    "<meta property='og:description' content='An example page of the sandbox'>"
    "<meta property='og:image' content='/picture.png'></head><body><h1>{title}</h1></body></html>"
)


def content(path: str) -> tuple[str, bytes]:
    """(MIME type, bytes) at a path: ``.png``, ``.jpg``, ``.mp4`` are what they say, all else is a page."""
    match path.rpartition(".")[2].lower():
        case "png":
            return "image/png", sample_picture(600, 315)
        case "jpg" | "jpeg":
            return "image/jpeg", sample_photo()
        case "mp4":
            return "video/mp4", sample_video()
    title = html.escape(path.strip("/").replace("-", " ").capitalize() or "Example")
    return "text/html; charset=utf-8", _PAGE.format(title=title).encode()


async def site(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers every path."""
    kind, body = content(scope["path"])
    head = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})
