"""What the tests of Instagram share: both accounts, plans, and answers as the Graph API words them."""

from __future__ import annotations

from typing import Any

from socialkit import Post
from socialkit.adapters import base
from socialkit.adapters.instagram import Instagram
from socialkit.model import Identity
from socialkit.plan import TargetPlan

from .fakes import FakeCall, answer, plan

ID, MEDIA, BOX = "17841406338772941", "17889114512354744", "17966279578433554"
API, PAGES = "https://graph.instagram.com", "https://graph.facebook.com"
OWN = Identity("instagram", API, ID, "brand")
FENCE = base.Fence("container", "proved", valid_for=82_800.0, repeat_after=5.0)
FACTS = base.AccountFacts(OWN, fences=(FENCE,), facts={"login": "instagram"})
PAGE_OWN = Identity("instagram", PAGES, ID, "brand")
PAGE_FACTS = base.AccountFacts(PAGE_OWN, fences=(FENCE,), facts={"login": "facebook"})


def adapter(page: bool = False) -> Instagram:
    return Instagram("EAAx", server=PAGES) if page else Instagram("IGAAx")


def call(*answers: Any, page: bool = False, **more: Any) -> FakeCall:
    facts = more.pop("facts", PAGE_FACTS if page else FACTS)
    return FakeCall(adapter(page), facts, answers, **{"hears_no": True, **more})


async def planned(post: Post, *, page: bool = False) -> TargetPlan:
    return await plan(adapter(page), post, call(page=page))


async def only_part(post: Post, *, page: bool = False) -> base.Part:
    made = await planned(post, page=page)
    assert [str(one) for one in made.problems if one.severity == "error"] == []
    return made.parts[0]


async def told(post: Post, *, page: bool = False, severity: str = "error") -> list[tuple[str, str]]:
    """(field, code) of what the plan objects to, alt texts aside."""
    made = await planned(post, page=page)
    return [
        (one.field, one.code)
        for one in made.problems
        if one.severity == severity and (one.code, one.field[-4:]) != ("missing", ".alt")
    ]


def refused(code: int, subcode: int | None = None, words: str = "No.", status: int = 400, **more: Any) -> Any:
    error: dict[str, Any] = {"message": words, "type": "OAuthException", "code": code, **more}
    return answer({"error": error | ({"error_subcode": subcode} if subcode else {})}, status)


def quota(used: int = 0, total: int = 100) -> base.Response:
    return answer(
        {"data": [{"quota_usage": used, "config": {"quota_total": total, "quota_duration": 86400}}]}
    )


def made(container: str = BOX, **more: Any) -> base.Response:
    return answer({"id": container, **more})


def status(code: str = "FINISHED", words: str = "", **more: Any) -> base.Response:
    return answer({"id": BOX, "status_code": code, "status": words or f"{code.capitalize()}: told.", **more})


def seen(
    post: str = MEDIA, caption: str = "Ahoy", at: str = "2026-11-02T09:00:00+0000", **more: Any
) -> dict[str, Any]:
    known = {
        "id": post,
        "caption": caption,
        "media_type": "IMAGE",
        "media_product_type": "FEED",
        "timestamp": at,
    }
    return {**known, "permalink": f"https://www.instagram.com/p/C{post[-9:]}/", **more}


def listed(*posts: dict[str, Any], after: str | None = None) -> base.Response:
    paging = {"paging": {"cursors": {"after": after}, "next": f"{API}/next?after={after}"}} if after else {}
    return answer({"data": list(posts), **paging})
