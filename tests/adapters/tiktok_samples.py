"""What the tests of TikTok share: the account, the creator, plans, and answers as TikTok words them."""

from __future__ import annotations

from typing import Any

from media_files import mp4
from socialkit import Image, Post, Video
from socialkit.adapters import base
from socialkit.adapters.tiktok import TikTok, TikTokOptions
from socialkit.model import Identity
from socialkit.plan import TargetPlan

from .fakes import FakeCall, answer, plan

OWN = Identity("tiktok", "https://open.tiktokapis.com", "-000abc", "Brand")
FENCE = base.Fence("upload", "proved", valid_for=3300.0, repeat_after=2.0)
FACTS = base.AccountFacts(OWN, fences=(FENCE,))
VIDEO = Video(mp4(), alt=None)
URL = "https://open-upload.tiktokapis.com/video/?upload_id=7&upload_token=s3cret"
PUBLISH_ID = "v_pub_file~v2-1.123"
CREATOR = {
    "creator_username": "brand",
    "creator_nickname": "Brand",
    "privacy_level_options": ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"],
    "comment_disabled": False,
    "duet_disabled": False,
    "stitch_disabled": False,
    "max_video_post_duration_sec": 300,
}


def ok(data: dict[str, Any] | None = None) -> base.Response:
    return answer({"data": data or {}, "error": {"code": "ok", "message": "", "log_id": "2026"}})


def no(code: str, status: int = 400, message: str = "No.") -> base.Response:
    error = {"code": code, "message": message, "log_id": "20261123ABC"}
    return answer({"data": {}, "error": error}, status)


def opened(publish_id: str = PUBLISH_ID, url: str = URL) -> base.Response:
    return ok({"publish_id": publish_id, "upload_url": url})


def status(state: str, **more: Any) -> base.Response:
    return ok({"status": state, **more})


def stored(code: int = 201, told: str | None = None) -> base.Response:
    headers = {"content-range": told} if told else {}
    return base.Response(code, headers, b"")


def complete(*ids: int) -> base.Response:
    return status("PUBLISH_COMPLETE", publicaly_available_post_id=list(ids))


def call(*answers: Any, **more: Any) -> FakeCall:
    return FakeCall(more.pop("adapter", None) or TikTok(token="t"), FACTS, answers, hears_no=True, **more)


async def planned(post: Post, creator: Any = None, /, **more: Any) -> TargetPlan:
    """The plan; ``creator`` is what creator info answers, False where it must not be asked."""
    asked = [] if creator is False else [creator or ok(CREATOR)]
    asking = call(*asked)
    made = await plan(asking.adapter, post, asking)
    assert not asking.answers or more.get("unread"), "creator info was not asked"
    return made


async def part_of(post: Post, creator: Any = None) -> base.Part:
    made = await planned(post, creator)
    assert [str(p) for p in made.problems if p.severity == "error"] == []
    return made.parts[0]


def codes(made: Any, severity: str = "error") -> list[tuple[str, str]]:
    return [
        (p.field, p.code) for p in made.problems if p.severity == severity and not p.field.endswith(".alt")
    ]


def changes(made: Any) -> set[tuple[str, str]]:
    return {(one.field, one.code) for one in made.changes}


def clip(text: str = "Ahoy", /, options: TikTokOptions | None = None, **fields: Any) -> Post:
    """A post with a video that everybody may see."""
    given = {"media": [VIDEO], "visibility": None if options and options.privacy else "public", **fields}
    post = Post(text, **given)
    return post.variant("tiktok", options) if options else post


def album(text: str = "Ahoy", /, options: TikTokOptions | None = None, count: int = 2, **fields: Any) -> Post:
    """A post with photos."""
    photos = [Image.from_url(f"https://example.com/{n}.jpg") for n in range(count)]
    return clip(text, options, media=photos, **fields)
