"""Google Business Profile's side of signing in: Google's accounts, and the business accounts a person manages.

Facts: the account management discovery document and Google's OAuth pages, read in November 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .core import Answer
from .google_auth import GOOGLE_HOSTS, SCOPE, GoogleSignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["GoogleBusinessBox"]

_MANAGE = f"{SCOPE}business.manage"
_PAGE = 20


class GoogleBusinessBox(GoogleSignIn):
    """``brand`` manages two accounts, ``other`` one. ``approved`` False: Google has not let the project in yet.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["google_business"]) as box:
    ...     print(box.google_business.identity_of("other"))
    accounts/109375620184756392014
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "google_business"
    title: ClassVar[str] = "Google Business"
    publishes: ClassVar[bool] = False
    hosts = ("mybusiness.googleapis.com", "mybusinessaccountmanagement.googleapis.com", *GOOGLE_HOSTS)
    approved: bool = True

    def address(self, base_url: str | None = None) -> str:
        """Where accounts sign in."""
        return base_url or "https://mybusiness.googleapis.com"

    def identity_of(self, username: str) -> str:
        """The name of the person's first account."""
        return str(self.people[username].businesses[0][0])

    def routes(self) -> list[BaseRoute]:
        """Google's accounts, and ``accounts.list``."""
        return [*self.google_routes(), self.route("GET", "/v1/accounts", self.list_accounts)]

    def list_accounts(self, request: Request) -> Response:
        """``GET /v1/accounts``: what the person owns or manages, 20 a page at most."""
        from starlette.responses import JSONResponse

        grant = self.grant(request, _MANAGE)
        if not self.approved:
            words = "Quota exceeded: the limit of this project is 0 requests per minute."
            raise Answer(self.api_error(429, "rateLimitExceeded", words, "RESOURCE_EXHAUSTED"))
        size, start = self._page(request)
        held = self.people[grant.username].businesses
        answer: dict[str, Any] = {"accounts": [self._account(*one) for one in held[start : start + size]]}
        if start + size < len(held):
            answer["nextPageToken"] = f"p{start + size}"
        return JSONResponse({name: value for name, value in answer.items() if value})

    def _page(self, request: Request) -> tuple[int, int]:
        """(page size, first item)."""
        size = request.query_params.get("pageSize", "0")
        token = request.query_params.get("pageToken", "p0")
        if not size.isdigit() or not token[1:].isdigit() or token[0] != "p":
            raise Answer(self.error(400, message="Request contains an invalid argument."))
        return min(int(size) or _PAGE, _PAGE), int(token[1:])

    def _account(self, name: str, title: str) -> dict[str, str]:
        own = any(name == one.businesses[0][0] for one in self.people.values() if one.businesses)
        return {
            "name": name,
            "accountName": title,
            "type": "PERSONAL" if own else "LOCATION_GROUP",
            **({} if own else {"role": "PRIMARY_OWNER"}),
            "verificationState": "UNVERIFIED",
            "vettedState": "NOT_VETTED",
        }
