"""What options of the built-in platforms look like, for the suites that try each of them."""

from __future__ import annotations

from typing import Any

from socialkit import Instagram

OPTIONS: dict[str, dict[str, Any]] = {
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
    "youtube": {"localizations": {"de": {"title": "Das Boot", "description": "Es fährt"}}},
}
"""What an option looks like where its type does not say it."""
MOOT = {"bluesky": frozenset({"card"})}
"""Options that say nothing about most posts."""
