"""What the tests of LinkedIn share: both kinds of account, calls, plans, and answers as LinkedIn words them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from socialkit import Post
from socialkit.adapters import base
from socialkit.adapters.linkedin import LinkedIn
from socialkit.model import Identity
from socialkit.plan import TargetPlan

from .fakes import NOW, FakeCall, answer, plan

PAGE = "urn:li:organization:2414183"
ME = "urn:li:person:8sYw-brAnd"
SERVER = "https://api.linkedin.com"
OWN_PAGE = Identity("linkedin", SERVER, PAGE, "Example Shipyard")
OWN = Identity("linkedin", SERVER, "8sYw-brAnd", "Brand")
PAGE_FACTS = base.AccountFacts(OWN_PAGE, facts={"author": PAGE, "roles": ["ADMINISTRATOR"]})
MEMBER_FACTS = base.AccountFacts(OWN, facts={"author": ME})
SHARE, OTHER = "urn:li:share:7001", "urn:li:share:7002"
VIDEO_POST = "urn:li:ugcPost:7003"
COMMENT = "urn:li:comment:(urn:li:share:7001,88)"
SRT = b"1\n00:00:00,000 --> 00:00:01,000\nAhoy\n"


def call(*answers: Any, member: bool = False, **more: Any) -> FakeCall:
    adapter = more.pop("adapter", None) or LinkedIn(token="t", organization=None if member else PAGE)
    facts = more.pop("facts", MEMBER_FACTS if member else PAGE_FACTS)
    return FakeCall(adapter, facts, answers, **more)


async def planned(post: Post, *, member: bool = False, facts: base.AccountFacts | None = None) -> TargetPlan:
    asking = call(member=member, facts=facts or (MEMBER_FACTS if member else PAGE_FACTS))
    return await plan(asking.adapter, post, asking)


async def only_part(post: Post, *, member: bool = False) -> base.Part:
    made = await planned(post, member=member)
    assert [str(p) for p in made.problems if p.severity == "error"] == []
    return made.parts[0]


def codes(made: Any, severity: str = "error") -> list[tuple[str, str]]:
    return [(p.field, p.code) for p in made.problems if p.severity == severity and p.code != "missing"]


def changes(made: Any) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in made.changes]


def made(urn: str | None = SHARE) -> base.Response:
    return answer(status=201, headers={"x-restli-id": urn} if urn else {}, content=b"")


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def own_post(commentary: str, urn: str = SHARE, at: datetime = NOW, **more: Any) -> dict[str, Any]:
    fixed = {"id": urn, "author": PAGE, "commentary": commentary, "lifecycleState": "PUBLISHED"}
    return {**fixed, "createdAt": ms(at), "publishedAt": ms(at), **more}


def listed(*elements: dict[str, Any]) -> base.Response:
    return answer({"paging": {"start": 0, "count": 100, "links": []}, "elements": list(elements)})


def denied(resource: str = "posts.FINDER-author.20260901") -> base.Response:
    words = f"Not enough permissions to access: {resource}"
    return answer({"message": words, "serviceErrorCode": 100, "status": 403}, 403)


def duplicate(urn: str = SHARE) -> base.Response:
    words = f"Duplicate post is detected. Content is a duplicate of {urn}"
    return answer({"status": 422, "code": "DUPLICATE_POST", "message": words}, 422)
