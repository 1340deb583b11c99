"""The platforms' own descriptions as validators: one call per request, one per answer.

    validator("mastodon").check_request(method, url, headers, body)

The descriptions lie in a folder beside the repository, or where `SOCIALKIT_SPECS` says.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from .lexicons import LexiconValidator
from .openapi import OpenApiValidator
from .violations import SpecViolation

__all__ = [
    "LexiconValidator",
    "OpenApiValidator",
    "SpecViolation",
    "Validator",
    "check_exchange",
    "need_specs",
    "specs_folder",
    "validator",
]


class Validator(Protocol):
    """What every validator offers; both calls raise `SpecViolation` and return nothing."""

    def check_request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raise `SpecViolation` with every problem of this request."""

    def check_response(
        self, method: str, url: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Raise `SpecViolation` with every problem of the answer to this request."""


def check_exchange(checker: Validator, answer: httpx.Response) -> None:
    """Check one finished httpx exchange: first its request, then its answer.

    The request body is read again, which everything but a one-way stream allows.
    """
    request = answer.request
    checker.check_request(request.method, str(request.url), request.headers, request.read())
    checker.check_response(
        request.method, str(request.url), answer.status_code, answer.headers, answer.content
    )


def specs_folder() -> Path:
    """Where the descriptions should be: `SOCIALKIT_SPECS`, else `shared/specs` beside the repository."""
    return Path(os.environ.get("SOCIALKIT_SPECS") or Path(__file__).parents[3] / "shared/specs")


def need_specs() -> Path:
    """The folder of the descriptions; skips the running test, loudly, when it is absent."""
    folder = specs_folder()
    if not folder.is_dir():
        pytest.skip(f"PLATFORM DESCRIPTIONS ARE ABSENT: {folder} is no folder; set SOCIALKIT_SPECS")
    return folder


def validator(platform: str) -> Validator:
    """The validator of a platform, read once; skips the test without descriptions."""
    return _load(platform, need_specs())


@functools.cache
def _load(platform: str, folder: Path) -> Validator:
    if platform == "bluesky":
        return LexiconValidator(folder / "bluesky/lexicons")
    return OpenApiValidator(platform, folder)
