"""What the tests of Threads share: the account, plans, and answers as Threads words them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from socialkit import Post
from socialkit.adapters import base
from socialkit.adapters.threads import Threads
from socialkit.model import Identity
from socialkit.plan import TargetPlan

from .fakes import NOW, FakeCall, answer, plan

API = "https://graph.threads.net"
OWN = Identity("threads", API, "17841405793187219", "brand")
FENCE = base.Fence("container", "proved", valid_for=85_800.0, repeat_after=2.0)
FACTS = base.AccountFacts(OWN, url="https://www.threads.net/@brand", fences=(FENCE,))
MEDIA, CONTAINER = "18050000000000101", "17973876641000001"
PUBLISH = f"/v1.0/{OWN.id}/threads_publish"
URL = "https://www.threads.net/@brand/post/Dabc1"


def call(*answers: Any, adapter: Threads | None = None, **more: Any) -> FakeCall:
    options = {"facts": FACTS, "hears_no": True} | more
    return FakeCall(adapter or Threads("t0ken"), options.pop("facts"), answers, **options)


async def planned(
    post: Post, *answers: Any, adapter: Threads | None = None, quota: base.Response | None = None
) -> TargetPlan:
    asking = call(quota or used(0), *answers, adapter=adapter)
    return await plan(asking.adapter, post, asking)


async def only_part(post: Post, *answers: Any, adapter: Threads | None = None) -> base.Part:
    made = await planned(post, *answers, adapter=adapter)
    assert codes(made) == []
    return made.parts[0]


def codes(made: Any, severity: str = "error") -> list[tuple[str, str]]:
    return [
        (one.field, one.code)
        for one in made.problems
        if one.severity == severity and not one.field.endswith(".alt")
    ]


def refused(code: int, subcode: int | None = None, words: str = "No.", **more: Any) -> base.Response:
    status = more.pop("status", 400)
    told = {"message": words, "type": "OAuthException", "code": code, "is_transient": False, **more}
    return answer({"error": told | ({"error_subcode": subcode} if subcode else {})}, status)


GONE = refused(100, 33, "Unsupported request", type="THApiException")
LOST = refused(24, 4279009, "The requested resource does not exist", error_user_title="Medium nicht gefunden")


def made(number: int = 1) -> base.Response:
    return answer({"id": str(int(CONTAINER) - 1 + number)})


def stands(status: str = "FINISHED", why: str | None = None) -> base.Response:
    return answer({"id": CONTAINER, "status": status} | ({"error_message": why} if why else {}))


def published(media: str = MEDIA, **more: Any) -> base.Response:
    return answer({"id": media, **more})


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


def own_post(text: str = "Ahoy", media: str = MEDIA, at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {
        "id": media,
        "text": text,
        "timestamp": stamp(at),
        "permalink": f"https://www.threads.net/@brand/post/D{media[-4:]}",
        "shortcode": f"D{media[-4:]}",
        "username": "brand",
        "media_type": "TEXT_POST",
        "is_quote_post": False,
        **more,
    }


def listed(*posts: dict[str, Any], after: str | None = None) -> base.Response:
    paging = {"paging": {"cursors": {"before": "b"} | ({"after": after} if after else {})}}
    return answer({"data": list(posts)} | (paging if posts else {}))


def used(posts: int, replies: int = 0) -> base.Response:
    return answer(
        {
            "data": [
                {
                    "quota_usage": posts,
                    "config": {"quota_total": 250, "quota_duration": 86400},
                    "reply_quota_usage": replies,
                    "reply_config": {"quota_total": 1000, "quota_duration": 86400},
                }
            ]
        }
    )


def steps(asking: FakeCall) -> list[str]:
    """Kind of step, method and last word of the path of each request."""
    return [f"{one.step} {one.method} {one.path.rpartition('/')[2]}" for one in asking.asked]
