"""What the tests of X share: the account, its ids, plans, and answers as X words them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from socialkit import Post
from socialkit.adapters import base
from socialkit.adapters.x import X
from socialkit.model import Identity
from socialkit.plan import TargetPlan

from .fakes import NOW, FakeCall, answer, plan

OWN = Identity("x", "https://api.x.com", "7", "brand")
ENTERPRISE = X(token="t", access="enterprise")
FACTS = base.AccountFacts(OWN, facts={"username": "brand", "subscription_type": "None"})
SRT = b"1\n00:00:00,000 --> 00:00:01,000\nAhoy\n"


def born(moment: datetime, number: int = 0) -> str:
    """The id X gives to a post of that moment."""
    return str((int(moment.timestamp() * 1000) - 1_288_834_974_657 << 22) + number)


ID = born(NOW)


def call(*answers: Any, facts: base.AccountFacts = FACTS, adapter: X | None = None, **more: Any) -> FakeCall:
    return FakeCall(adapter or X(token="t"), facts, answers, **more)


async def planned(post: Post, adapter: X | None = None, facts: base.AccountFacts = FACTS) -> TargetPlan:
    adapter = adapter or X(token="t")
    return await plan(adapter, post, call(facts=facts, adapter=adapter))


async def only_part(post: Post, adapter: X | None = None) -> base.Part:
    made = await planned(post, adapter)
    assert [str(p) for p in made.problems if p.severity == "error"] == []
    return made.parts[0]


def codes(made: Any, severity: str = "error") -> list[tuple[str, str]]:
    return [(p.field, p.code) for p in made.problems if p.severity == severity and p.field != "media[0].alt"]


def posted(post_id: str = ID) -> base.Response:
    return answer({"data": {"id": post_id, "text": "Ahoy", "edit_history_tweet_ids": [post_id]}}, 201)


def uploaded(media_id: str, **more: Any) -> base.Response:
    data = {"id": media_id, "media_key": f"3_{media_id}", "expires_after_secs": 86_400, **more}
    return answer({"data": data})


def pending(media_id: str, state: str, wait: int | None = None, **more: Any) -> base.Response:
    info = {"state": state} | ({"check_after_secs": wait} if wait is not None else {}) | more
    return uploaded(media_id, processing_info=info)


def own_post(text: str, post_id: str = ID, **more: Any) -> dict[str, Any]:
    at = datetime.fromtimestamp(((int(post_id) >> 22) + 1_288_834_974_657) / 1000, UTC)
    return {"id": post_id, "text": text, "created_at": at.isoformat().replace("+00:00", "Z"), **more}


def listed(*posts: dict[str, Any], **meta: Any) -> base.Response:
    return answer(({"data": list(posts)} if posts else {}) | {"meta": {"result_count": len(posts), **meta}})


def reply(parent: str, *, key: str = "referenced_tweets") -> dict[str, Any]:
    return {key: [{"type": "replied_to", "id": parent}]}


def problem(kind: str, **more: Any) -> dict[str, Any]:
    return {"title": "Forbidden", "type": f"https://api.twitter.com/2/problems/{kind}", "status": 403, **more}


def numbered(code: int, message: str = "Sorry.") -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message}]}


def blank(detail: str, title: str = "Forbidden") -> dict[str, Any]:
    return {"title": title, "detail": detail, "type": "about:blank", "status": 403}


DUPLICATE = "You are not allowed to create a Tweet with duplicate content."
