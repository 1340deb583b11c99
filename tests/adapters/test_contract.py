"""Every built-in platform passes the suite that other people's adapters pass."""

from __future__ import annotations

import pytest

from socialkit import registry
from socialkit.testing import AdapterContract

PLATFORMS = sorted(registry.sandbox_boxes())
PAGE = {"devto": 1000}
"""Posts on one page of a platform's own list, where they are more than 100."""


class TestContract(AdapterContract):
    """The suite once per platform that has a sandbox."""

    @pytest.fixture(autouse=True, params=PLATFORMS)
    def _platform(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "platform", request.param)
        monkeypatch.setattr(type(self), "many", PAGE.get(request.param, 100) + 10)
