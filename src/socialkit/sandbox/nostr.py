"""A Nostr relay as far as one signs in: what it says about itself. The account is the key, which no relay knows.

Facts: NIP-01, NIP-11 and NIP-19, read in November 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from .sign_in import SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["NostrBox"]

Json = dict[str, Any]


@attrs.frozen
class Key:
    """Somebody's key: the public half as everybody knows it, the secret half as an app shows it."""

    id: str
    name: str
    secret: str = attrs.field(repr=False)


class NostrBox(SignIn):
    """A relay, and two people whose secret keys are the numbers three and one.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["nostr"]) as box:
    ...     print(box.nostr.identity_of("brand")[:8], box.nostr.address())
    f9308a01 https://relay.example.com
    """

    platform: ClassVar[str] = "nostr"
    title: ClassVar[str] = "Nostr"
    publishes: ClassVar[bool] = False
    hosts = ("relay.example.com",)

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": Key(
                "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
                "Brand",
                "nsec1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqps52s3re",
            ),
            "other": Key(
                "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "Other", f"{1:064x}"
            ),
        }

    def routes(self) -> list[BaseRoute]:
        return [self.route("GET", "/", self.about)]

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        from starlette.responses import PlainTextResponse

        return PlainTextResponse(message or f"{status}", status)

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        return {}

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        return {"key": self.people[username].secret}

    def about(self, request: Request) -> Response:
        """``GET /``: the relay's document for those who ask for it, a line of text for browsers."""
        from starlette.responses import JSONResponse, PlainTextResponse

        if "application/nostr+json" not in request.headers.get("accept", ""):
            return PlainTextResponse("Please use a Nostr client to connect.\n")
        limits = {"max_message_length": 131_072, "max_subscriptions": 20, "max_limit": 500}
        limits |= {"auth_required": False, "payment_required": False, "restricted_writes": False}
        told: Json = {
            "name": "Sandbox relay",
            "description": "",
            "pubkey": "",
            "contact": "",
            "limitation": limits,
        }
        told |= {"supported_nips": [1, 9, 11, 42, 45], "software": "socialkit", "version": "1"}
        headers = {"access-control-allow-origin": "*", "content-type": "application/nostr+json"}
        return JSONResponse(told, headers=headers)
