"""Other people's clients, where they are installed, pointed at a served sandbox."""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Any

MISSING = "not installed"
_DISTRIBUTIONS = {"mastodon": "Mastodon.py", "googleapiclient": "google-api-python-client"}


def peer(module: str) -> Any | None:
    """The peer's module; None when it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def label(module: str) -> str:
    """The peer's name with its version."""
    name = _DISTRIBUTIONS.get(module, module)
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return name


def mastodon_client(given: dict[str, Any], **options: Any) -> Any:
    """A Mastodon.py client for the sandbox's credentials."""
    mastodon = peer("mastodon")
    assert mastodon is not None
    return mastodon.Mastodon(access_token=given["token"], api_base_url=given["server"], **options)


def tweepy_client(given: dict[str, Any], *, timeout: float | None = None, **options: Any) -> Any:
    """A tweepy client whose requests to api.twitter.com go to the sandbox."""
    tweepy = peer("tweepy")
    assert tweepy is not None
    client = tweepy.Client(given["token"], **options)
    client.session.mount("https://", _elsewhere(given["server"], timeout))
    return client


def _elsewhere(server: str, timeout: float | None) -> Any:
    from requests.adapters import HTTPAdapter

    class Elsewhere(HTTPAdapter):
        """Sends what is meant for the platform's host to another server."""

        def send(self, request: Any, **how: Any) -> Any:  # type: ignore[override]
            path = "/" + request.url.partition("://")[2].partition("/")[2]
            request.url = f"{server}{path}"
            how["timeout"] = timeout or how.get("timeout")
            return super().send(request, **how)

    return Elsewhere()


def bluesky_client(given: dict[str, Any], *, timeout: float = 30.0) -> Any:
    """A signed-in atproto client."""
    atproto = peer("atproto")
    assert atproto is not None
    client = atproto.Client(f"{given['server']}/xrpc", request=atproto.Request(timeout=timeout))
    client.login(given["handle"], given["app_password"])
    return client


def google_client(given: dict[str, Any], *, timeout: float | None = None) -> Any:
    """Google's own client of the Data API, whose requests go to the sandbox."""
    names = ("googleapiclient.discovery", "google_auth_httplib2", "google.oauth2.credentials", "httplib2")
    discovery, over, credentials, httplib2 = (peer(name) for name in names)
    assert discovery is not None
    assert over is not None
    assert credentials is not None
    assert httplib2 is not None

    class Elsewhere(httplib2.Http):  # type: ignore[misc, name-defined]
        """Sends what is meant for Google to the sandbox; 308 is no redirect there."""

        def request(self, uri: str, *more: Any, **how: Any) -> Any:
            path = uri.partition(".googleapis.com")[2]
            return super().request(f"{given['server']}{path}" if path else uri, *more, **how)

    http = Elsewhere(proxy_info=None, timeout=timeout)
    http.redirect_codes = http.redirect_codes - {308}
    signed = over.AuthorizedHttp(credentials.Credentials(token=given["token"]), http=http)
    return discovery.build("youtube", "v3", http=signed, static_discovery=True, cache_discovery=False)
