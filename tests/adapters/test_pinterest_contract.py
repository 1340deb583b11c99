"""The whole suite once more, with pins that are harder to find again: films, in a section of a board."""

from __future__ import annotations

from typing import Any, ClassVar

from media_files import mp4, png
from socialkit import Image, Post, Video
from socialkit.adapters.pinterest import PinterestOptions
from socialkit.model import Medium
from socialkit.rules import Rules
from socialkit.testing import AdapterContract


class TestFilmsInASection(AdapterContract):
    """A film where the suite lets the platform choose; its metrics are asked for apart from those of pictures."""

    platform: ClassVar[str] = "pinterest"

    def post(self, text: str, **fields: Any) -> Post:
        return super().post(text, **fields).variant("pinterest", PinterestOptions(section="Sails"))

    def medium(self, rules: Rules) -> Medium:
        return Video(mp4(seconds=5.0), alt="The boat", thumbnail=Image(png(40, 60), alt="The boat"))
