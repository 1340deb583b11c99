"""Every option of every platform reaches it with some post: none is only ever refused or explained away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import pytest

from socialkit import registry
from socialkit.adapters.base import Adapter
from socialkit.adapters.instagram import Instagram
from socialkit.contracts._arrivals import Kind
from socialkit.sandbox import Sandbox

from .option_samples import MOOT, OPTIONS
from .test_contract import TestContract as Suite

BARE = ("picture", "video")
PLAYLIST = f"PL{'q' * 32}"
PARTNER = {"brand_partner_id": f"UC{'x' * 22}", "brand_partner_handle": "@zqbrand"}
FLAIR = {"id": "f1", "text": "News", "text_editable": True, "type": "text", "mod_only": False}
NEEDS: dict[str, dict[str, dict[str, Any]]] = {
    "facebook": {"tagged_ids": {"place": "111"}, "collaborators": {"format": "reel"}},
    "instagram": {"audio_volume": {"audio_id": "123"}, "video_volume": {"audio_id": "123"}}
    | {"sponsor_ids": {"paid_partnership": True}},
    "pinterest": {"section": {"board": "Boats"}},
    "reddit": {name: {"subreddit": "boats"} for name in ("flair", "flair_id")}
    | {"flair_text": {"subreddit": "boats", "flair_id": "f1"}},
    "tiktok": {"privacy": {"privacy": "SELF_ONLY"}},
    "threads": {
        name: {"attachment": "The boat, at length"} for name in ("attachment_link", "attachment_styles")
    },
    "youtube": {
        key: {"brand_partner_id": f"UC{'y' * 22}", "brand_partner_handle": "@other"} for key in PARTNER
    },
}
"""Other options without which one says nothing."""
ELSEWHERE = {("mastodon", "local_only"): "gotosocial", ("mastodon", "content_type"): "gotosocial"}
"""Options that other software takes."""
SAMPLES: dict[str, dict[str, Any]] = {
    "bluesky": {"labels": ("nudity",)},
    "facebook": {"content_category": "BUSINESS", "background": "123", "place": "111", "tagged_ids": ("222",)}
    | {"collaborators": ("333",)},
    "instagram": {"location_id": "123", "audio_id": "123", "sponsor_ids": ("123",), "thumb_offset": 1000},
    "mastodon": {"content_type": "text/markdown", "local_only": True},
    "pinterest": {"section": "Sails", "dominant_color": "#6E7874", "board": "Harbour", "sponsor_id": "123"}
    | {"first_slot": 1, "slot_links": ("https://example.com/zq",)},
    "reddit": {"flair": "News", "flair_id": "f1", "flair_text": "zqflair"}
    | {"outbound_urls": ("https://example.com/zq",)},
    "threads": {"attachment_link": "https://example.com/zq", "attachment_styles": (("boat", "bold"),)}
    | {"countries": ("DE",), "spoilers": ("boat",)},
    "tiktok": {"privacy": "MUTUAL_FOLLOW_FRIENDS", "cover_index": 1},
    "youtube": {"category_id": "24", "playlist": PLAYLIST, "audio_language": "de"} | PARTNER,
    "x": {
        "community_id": "1493446837214187523",
        "tagged_user_ids": ("2244994945",),
        "place_id": "df51dec6f4ee2b2c",
        "exclude_reply_user_ids": ("2244994945",),
        "visit_site": "https://example.com/zq",
        "watch_now": "https://example.com/zq",
    },
}


class Tries(Suite):
    """The contract's trials, with an account that may do everything."""

    platform: ClassVar[str]
    software: ClassVar[str] = "mastodon"

    def sandbox(self) -> Sandbox:
        box = super().sandbox()
        if self.platform == "mastodon":
            box.mastodon.software = self.software
        if self.platform == "x":
            box.x.people["brand"].subscription = "Premium"
        if self.platform == "threads":
            box.threads.geo_gating = True
        if self.platform == "reddit":
            box.reddit.subreddits["boats"].flairs = [FLAIR]
        if self.platform == "youtube":
            box.youtube.playlists[PLAYLIST] = box.youtube.playlists.pop(box.youtube.add_playlist())
        return box

    def kinds(self) -> dict[str, Kind]:
        kinds = super().kinds()
        bare = {
            f"bare {name}": attrs.evolve(kinds[name], fields={**kinds[name].fields, "text": ""})
            for name in BARE
        }
        german = {"video in German": Kind({**kinds["video"].fields, "language": "de"})}
        unsaid = {"photo for nobody": Kind({**kinds["picture"].fields, "visibility": None})}
        tagged = {"text with a tag": Kind({"text": "The {{ boat }}"})}
        titled = {"titled picture": Kind({**kinds["picture"].fields, "title": "The boat"})}
        return kinds | bare | german | unsaid | tagged | titled

    def account(self, box: Sandbox) -> Adapter:
        if self.platform == "instagram":
            return Instagram(**box.instagram.page_credentials())
        return super().account(box)


Tries.__test__ = False  # type: ignore[attr-defined]


def arrives(suite: Tries, option: str, value: Any, more: Mapping[str, Any]) -> bool:
    for kind in suite.kinds().values():
        post = suite._post(kind)
        before = suite.tried(kind, post, more)
        after = suite.tried(kind, post, {**more, option: value})
        if None not in (before.requests, after.requests) and before.requests != after.requests:
            return True
    return False


@pytest.mark.parametrize("platform", registry.platforms())
def test_every_option_is_sent_with_some_post(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tries, "platform", platform, raising=False)
    monkeypatch.setattr(Tries, "option_values", OPTIONS.get(platform, {}) | SAMPLES.get(platform, {}))
    monkeypatch.setattr(Tries, "moot_options", MOOT.get(platform, frozenset()))
    suite, needs, unheard = Tries(), NEEDS.get(platform, {}), []
    for name, values in suite.options().items():
        monkeypatch.setattr(Tries, "software", ELSEWHERE.get((platform, name), "mastodon"))
        if not any(arrives(suite, name, value, needs.get(name, {})) for value in values):
            unheard.append(name)
    assert not unheard
    assert set(suite.options()) == {field.name for field in attrs.fields(suite.adapter_class.Options)}
