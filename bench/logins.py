"""Who publishes in a bar: a platform's account as the sandbox knows it, or the same platform with another login."""

from __future__ import annotations

from typing import Any

import attrs

from socialkit.registry import adapter

PAGE = "instagram, a Page"
"""Instagram through a Facebook Page: with Facebook Login, batches, and bytes of videos."""


def platform_of(name: str) -> str:
    """The platform of a name that may also say which login."""
    return name.partition(",")[0]


def credentials(box: Any, name: str, base_url: str | None = None) -> dict[str, Any]:
    """Arguments of the adapter; ``box`` is a sandbox."""
    made = box[platform_of(name)]
    given: dict[str, Any] = (made.page_credentials if name == PAGE else made.credentials)(base_url)
    return given


def account(name: str, given: dict[str, Any], limit: int | None = None) -> Any:
    """An account of that login; with ``limit`` every budget of the platform is that large."""
    made = adapter(platform_of(name))(**given)
    if limit is not None:
        budgets = tuple(attrs.evolve(one, limit=limit) for one in made.rules.budgets)
        made.__dict__["rules"] = attrs.evolve(made.rules, budgets=budgets)
    return made
