"""The consent page of a real Bluesky server, walked without a browser, as its own script would."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

API = "/@atproto/oauth-provider/~api"
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}


class ConsentPage:
    """The page at an authorize address, for somebody who knows a password there."""

    def __init__(self, url: str, handle: str, password: str) -> None:
        self.url, self.server = url, "{0.scheme}://{0.netloc}".format(urlsplit(url))
        # The cookies are marked Secure: a jar would not send them over plain http, which this loopback server speaks.
        self.cookies: dict[str, str] = {}
        self.handle, self.password = handle, password
        self.scope = parse_qs(urlsplit(self._client_id()).query).get("scope", ["atproto"])[0]

    def _client_id(self) -> str:
        return parse_qs(urlsplit(self.url).query)["client_id"][0]

    def allow(self, *, scope: str | None = None) -> str:
        """The callback address after signing in and agreeing."""
        did, bearer = self._sign_in()
        told = self._press("consent", {"did": did, "scope": scope or self.scope}, bearer)
        return self._follow(told["url"])

    def reject(self) -> str:
        """The callback address after saying no."""
        _, bearer = self._sign_in()
        return self._follow(self._press("reject", {}, bearer)["url"])

    def _sign_in(self) -> tuple[str, str]:
        self._keep(httpx.get(self.url, headers=NAVIGATION, timeout=30))
        given = {"username": self.handle, "password": self.password, "locale": "en", "remember": False}
        told = self._press("sign-in", given)
        return told["account"]["did"], told["ephemeralToken"]

    def _press(self, button: str, given: dict[str, Any], bearer: str = "") -> dict[str, Any]:
        headers = {
            "Origin": self.server,
            "Referer": self.url,
            "Sec-Fetch-Mode": "same-origin",
            "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": self.cookies["csrf-token"],
            "Cookie": self._cookie(),
            **({"Authorization": f"Bearer {bearer}"} if bearer else {}),
        }
        answer = httpx.post(f"{self.server}{API}/{button}", json=given, headers=headers, timeout=30)
        assert answer.is_success, f"{button}: {answer.status_code} {answer.text}"
        self._keep(answer)
        found: dict[str, Any] = answer.json()
        return found

    def _follow(self, url: str) -> str:
        headers = {
            **NAVIGATION,
            "Sec-Fetch-Site": "same-origin",
            "Referer": self.url,
            "Cookie": self._cookie(),
        }
        answer = httpx.get(url, headers=headers, timeout=30)
        assert answer.is_redirect, f"{answer.status_code} {answer.text[:300]}"
        return answer.headers["location"]

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def _keep(self, answer: httpx.Response) -> None:
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
