"""The suite every adapter passes, for Instagram's other login: through the Facebook Page the account belongs to."""

from __future__ import annotations

from typing import Any, ClassVar

from socialkit.adapters.instagram import PAGE_RULES, Instagram
from socialkit.rules import Rules
from socialkit.sandbox import Sandbox
from socialkit.testing import AdapterContract

from .option_samples import OPTIONS


class TestThroughAPage(AdapterContract):
    """Videos are uploaded, metrics come 50 at a time, posts can be deleted."""

    platform: ClassVar[str] = "instagram"
    option_values: ClassVar[dict[str, Any]] = OPTIONS["instagram"]

    def account(self, box: Sandbox) -> Instagram:
        return Instagram(**box.instagram.page_credentials())

    @property
    def rules(self) -> Rules:
        return PAGE_RULES
