"""Other people's clients, where they are installed, pointed at a served sandbox."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs

T = TypeVar("T")
MISSING = "not installed"
_DISTRIBUTIONS = {
    "mastodon": "Mastodon.py",
    "googleapiclient": "google-api-python-client",
    "linkedin_api": "linkedin-api-client",
    "threads_client": "threads-client",
    "tiktok_api_client": "tiktok-api-client",
}


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


@attrs.frozen
class Rival(Generic[T]):
    """Who does the same work, how (``make`` takes an account's credentials), and what there is to say of it."""

    module: str
    make: Callable[[dict[str, Any]], T]
    words: str = ""

    @property
    def there(self) -> bool:
        return peer(self.module) is not None

    @property
    def label(self) -> str:
        said = f"{label(self.module)}{self.words and f', {self.words}'}"
        return said if self.there else f"{said} {MISSING}"


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
        """Sends what is meant for the platform's host to another server, if one is named."""

        def send(self, request: Any, **how: Any) -> Any:  # type: ignore[override]
            if server:
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


def graph_api(given: dict[str, Any], *, timeout: float | None = None) -> Any:
    """Meta's own client; its uploader of videos speaks to a Page instead of an ad account."""
    business = peer("facebook_business")
    assert business is not None

    class PageApi(business.FacebookAdsApi):  # type: ignore[misc, name-defined]
        def call(self, method: str, path: Any, *more: Any, **how: Any) -> Any:
            how.pop("url_override", None)  # it sends pieces of videos to a host of their own
            steps = (
                path
                if isinstance(path, str)
                else tuple("videos" if one == "advideos" else one for one in path)
            )
            return super().call(method, steps, *more, **how)

    session = business.FacebookSession(access_token=given["token"], timeout=timeout)
    session.GRAPH = given["server"]
    return PageApi(session)


def linkedin_client(given: dict[str, Any], *, timeout: float | None = None) -> Any:
    """LinkedIn's own client: ``client(name, path, ...)`` calls that method with token and version."""
    restli = peer("linkedin_api.clients.restli.client")
    assert restli is not None
    made = restli.RestliClient()
    made.session.mount("https://", _elsewhere(given["server"], timeout))

    def call(name: str, path: str, **how: Any) -> Any:
        return getattr(made, name)(
            resource_path=path, access_token=given["token"], version_string="202609", **how
        )

    call.session = made.session  # type: ignore[attr-defined]
    return call


def pinterest_api(given: dict[str, Any], part: str) -> Any:
    """A part of the SDK made from Pinterest's description."""
    sdk = peer("pinterestsdk")
    assert sdk is not None
    settings = sdk.Configuration(host=f"{given['server']}/v5", access_token=given["token"])
    return getattr(sdk, f"{part}Api")(sdk.ApiClient(settings))


def reddit_client(given: dict[str, Any], *, timeout: float | None = None) -> Any:
    """A PRAW client; files go over HTTP, as nobody here has a certificate."""
    praw = peer("praw")
    assert praw is not None
    from requests.adapters import HTTPAdapter

    class Plain(HTTPAdapter):
        def send(self, request: Any, **how: Any) -> Any:  # type: ignore[override]
            request.url = request.url.replace("https://", "http://", 1)
            return super().send(request, **how)

    made = praw.Reddit(
        client_id=given["client_id"],
        client_secret=given["client_secret"],
        refresh_token=given["refresh_token"],
        redirect_uri="http://127.0.0.1:8910/callback",
        user_agent="test:bench:1 (by u/brand)",
        reddit_url=given["server"],
        oauth_url=f"{given['server']}/",
        check_for_updates=False,
    )
    made._core.requestor._http.mount("https://127.0.0.1", Plain())
    made._core.requestor._http.mount("http://", _elsewhere("", timeout))
    return made


def tiktok_client(given: dict[str, Any], *, timeout: float | None = None) -> Any:
    """A tiktok-api-client whose requests to TikTok go to the sandbox."""
    found = importlib.util.find_spec("tiktok_api_client.main")
    assert found is not None
    assert found.loader is not None
    main = importlib.util.module_from_spec(found)  # a copy of our own: it calls the module of requests
    found.loader.exec_module(main)
    import requests

    session = requests.Session()
    session.mount("https://open.tiktokapis.com", _elsewhere(given["server"], timeout))
    session.mount("http://", _elsewhere("", timeout))
    session.exceptions = requests.exceptions  # type: ignore[attr-defined]
    main.requests = session  # type: ignore[attr-defined]
    made = main.TikTok(given["client_key"], given["client_secret"], "https://example.com/callback/")
    made.token_data = {"access_token": given["token"], "refresh_token": given["refresh_token"]}
    return made


def signed(given: dict[str, Any], *, timeout: float = 600.0) -> Any:
    """An httpx client with the account's token: what people write by hand."""
    import httpx

    headers = {"authorization": f"Bearer {given['token']}"}
    return httpx.Client(base_url=given["server"], headers=headers, timeout=timeout, trust_env=False)
