"""Fixtures for tests against real servers: each skips, loudly, where its server is not installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .servers import S3, MastodonMock, Pds, missing, run_mastodon_mock, run_pds, run_s3


@pytest.fixture(scope="session")
def pds() -> Iterator[Pds]:
    """A Bluesky PDS without rate limits, shared by the session: use a handle no other test uses."""
    _need("pds")
    with run_pds() as server:
        yield server


@pytest.fixture(scope="session")
def pds_limited() -> Iterator[Pds]:
    """A Bluesky PDS with the reference rate limits on, shared by the session."""
    _need("pds")
    with run_pds(rate_limits=True) as server:
        yield server


@pytest.fixture(scope="session")
def _mastodon() -> Iterator[MastodonMock]:
    _need("mock")
    with run_mastodon_mock() as server:
        yield server


@pytest.fixture
def mastodon(_mastodon: MastodonMock) -> MastodonMock:
    """A mastodon_mock as good as new: `.url`, `.token`, `.fault(...)`."""
    _mastodon.reset()
    return _mastodon


@pytest.fixture(scope="session")
def _mastodon_472() -> Iterator[MastodonMock]:
    _need("mock")
    with run_mastodon_mock("4.7.2") as server:
        yield server


@pytest.fixture
def mastodon_472(_mastodon_472: MastodonMock) -> MastodonMock:
    """The same as `mastodon`, but a release whose idempotency keys can be trusted."""
    _mastodon_472.reset()
    return _mastodon_472


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3-compatible server with one bucket, shared by the session."""
    _need("s3")
    with run_s3() as server:
        yield server


def _need(name: str) -> None:
    if reason := missing(name):
        pytest.skip(reason)
