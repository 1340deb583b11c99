"""Accounts of platforms that can be signed in to and not published to yet: they know who they are, and no more."""

from __future__ import annotations

from functools import cache

from ..flows import Flow
from .base import Adapter


@cache
def signed_in_class(platform: str, name: str, flows: tuple[Flow, ...]) -> type[Adapter]:
    """The class of such accounts on one platform."""
    return type(name, (Adapter,), {"platform": platform, "flows": flows, "title": name})
