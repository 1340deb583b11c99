"""A page of the web, so that preview cards have something to show: every path of example.com."""

from __future__ import annotations

import html
from typing import Any

from .picture import sample_picture

HOSTS = ("example.com", "www.example.com")
_PAGE = (
    "<!doctype html><html lang='en'><head><title>{title}</title>"
    "<meta property='og:title' content='{title}'>"
    "<meta property='og:description' content='An example page of the sandbox'>"
    "<meta property='og:image' content='/picture.png'></head><body><h1>{title}</h1></body></html>"
)


async def site(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers any path with a small page that names it, and ``/picture.png`` with a picture."""
    path = scope["path"]
    if path == "/picture.png":
        kind, body = b"image/png", sample_picture(600, 315)
    else:
        title = html.escape(path.strip("/").replace("-", " ").capitalize() or "Example")
        kind, body = b"text/html; charset=utf-8", _PAGE.format(title=title).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})
