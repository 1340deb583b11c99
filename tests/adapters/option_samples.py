"""What options of the built-in platforms look like, for the suites that try each of them."""

from __future__ import annotations

from typing import Any

from socialkit import Instagram, X

OPTIONS: dict[str, dict[str, Any]] = {
    "devto": {"main_image": "https://example.com/a.png", "canonical_url": "https://example.com/a"},
    "facebook": {
        "cards": ({"link": "https://example.com/1"}, {"link": "https://example.com/2"}),
        "targeting": {"geo_locations": {"countries": ["DE"]}},
        "feed_targeting": {"geo_locations": {"countries": ["DE"]}},
        "call_to_action": {"type": "LEARN_MORE", "value": {"link": "https://example.com/1"}},
    },
    "instagram": {
        "user_tags": (Instagram.Tag("boats", 0.5, 0.5),),
        "product_tags": (Instagram.Product("123", 0.5, 0.5),),
    },
    "linkedin": {"targets": ({"geoLocations": ["urn:li:geo:101282230"]},)},
    "reddit": {"subreddit": "boats"},
    "threads": {"attachment_styles": (("boat", "bold"),)},
    "x": {"app_install": X.AppInstall(play_store_id="com.example.boats")},
    "youtube": {"localizations": {"de": {"title": "Das Boot", "description": "Es fährt"}}},
}
"""What an option looks like where its type does not say it."""
MOOT = {"bluesky": frozenset({"card"})}
"""Options that say nothing about most posts."""
