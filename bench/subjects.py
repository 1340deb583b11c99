"""Posts each platform takes: what it requires besides the words."""

from __future__ import annotations

from typing import Any

from socialkit import Post
from socialkit.testing import AdapterContract


def post_for(platform: str, text: str, **fields: Any) -> Post:
    """A post of that text, and the title, medium or link without which the platform takes none."""
    suite = AdapterContract()
    suite.platform = platform  # type: ignore[misc]
    return suite.post(text, **fields)
