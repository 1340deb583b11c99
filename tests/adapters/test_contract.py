"""Every built-in platform passes the suite that other people's adapters pass."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from socialkit import Image, Post, Video, registry
from socialkit.contracts import _samples
from socialkit.model import Medium
from socialkit.sandbox import Sandbox
from socialkit.testing import AdapterContract

from .option_samples import MOOT, OPTIONS

PLATFORMS = registry.platforms()
PAGE = {"devto": 1000, "pinterest": 250}
"""Posts on one page of a platform's own list, where they are more than 100."""
FIXED_TITLES = {"reddit"}
"""Platforms that let a post's text be edited, and not its title."""


class TestContract(AdapterContract):
    """The suite once per platform that has a sandbox."""

    premium = False
    """X lets only accounts with Premium edit."""

    @pytest.fixture(autouse=True, params=PLATFORMS)
    def _platform(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "platform", request.param)
        monkeypatch.setattr(type(self), "many", PAGE.get(request.param, 100) + 10)
        monkeypatch.setattr(type(self), "option_values", OPTIONS.get(request.param, {}))
        monkeypatch.setattr(type(self), "moot_options", MOOT.get(request.param, frozenset()))

    def sandbox(self) -> Sandbox:
        box = super().sandbox()
        if self.platform == "x" and self.premium:
            box.x.people["brand"].subscription = "Premium"
        return box

    def test_a_post_is_edited(self) -> None:
        self.premium = True
        super().test_a_post_is_edited()

    def post(self, text: str, **fields: Any) -> Post:
        if self.platform in FIXED_TITLES:
            fields = {"title": "News from the yard", **fields}
        if self.platform == "tiktok":  # who may see a post has to be said; captions of videos are shorter
            fields = {"visibility": "public", "media": [self._boat(text)], **fields}
        return super().post(text, **fields)

    def _boat(self, text: str) -> Medium:
        return self.picture() if len(text) > 2200 else Video(_samples.mp4(), alt="The boat")

    def picture(self, shade: int = 0, alt: str = "A grey boat") -> Image:
        if self.platform == "tiktok":  # it takes no PNG
            return Image.from_url(f"https://example.com/boat-{shade}.jpg", alt=alt)
        return super().picture(shade, alt)


class TestMastodonServers(AdapterContract):
    """Servers that speak Mastodon's API but keep no idempotency keys, or break on them."""

    platform: ClassVar[str] = "mastodon"
    software: ClassVar[str]
    test_metrics_are_asked_for_in_batches = None  # type: ignore[assignment]  # they read one post per request
    test_every_field_changes_what_is_sent_or_is_named = None  # type: ignore[assignment]  # the adapter is the same
    test_every_option_changes_what_is_sent_or_is_named = None  # type: ignore[assignment]

    @pytest.fixture(autouse=True, params=["gotosocial", "mastodon-4.6.0", "pleroma", "takahe"])
    def _software(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "software", request.param, raising=False)

    def sandbox(self) -> Sandbox:
        box = super().sandbox()
        box.mastodon.software = self.software
        return box
