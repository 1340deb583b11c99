"""What tests of Pinterest share: an account, its boards, calls with scripted answers, pins as Pinterest shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from media_files import png
from socialkit import Image, Post
from socialkit.adapters import base
from socialkit.adapters.pinterest import Pinterest
from socialkit.model import Identity, Receipt
from socialkit.plan import TargetPlan

from .fakes import NOW, FakeCall, Scripted, answer, plan

ID = "813744226420795884"
BOARD = "549755885175"
OWN = Identity("pinterest", "https://api.pinterest.com", "2783136121146311751", "brand")
FACTS = base.AccountFacts(OWN, facts={"username": "brand", "account_type": "BUSINESS"})
PINNER = base.AccountFacts(OWN, facts={"username": "brand", "account_type": "PINNER"})
BOARDS = [{"id": BOARD, "name": "Boats"}, {"id": "549755885176", "name": "Harbour"}]
SECTIONS = [{"id": "5110000000000000001", "name": "Sails"}]
PICTURE = Image(png(40, 60), alt="A boat")


def listed(*items: dict[str, Any], bookmark: str | None = None) -> base.Response:
    return answer({"items": list(items), "bookmark": bookmark})


def call(
    *answers: Scripted, facts: base.AccountFacts = FACTS, board: str | int | None = "Boats", **options: Any
) -> FakeCall:
    return FakeCall(Pinterest(token="pina_s3cret", board=board), facts, answers, **options)


async def planned(post: Post, *answers: Scripted, board: str | None = "Boats", **options: Any) -> TargetPlan:
    """The plan of a post; the boards are there."""
    asking = call(*(answers or (listed(*BOARDS),)), board=board, **options)
    return await plan(asking.adapter, post, asking)


async def part_of(post: Post, *answers: Scripted, **options: Any) -> base.Part:
    made = await planned(post, *answers, **options)
    assert not made.errors, made.errors
    return made.parts[0]


def pin(pin_id: str = ID, at: datetime = NOW, **fields: Any) -> dict[str, Any]:
    """A pin as Pinterest shows it."""
    shown = {
        "id": pin_id,
        "created_at": at.strftime("%Y-%m-%dT%H:%M:%S"),
        "title": None,
        "description": "We ship",
        "link": None,
        "alt_text": None,
        "creative_type": "REGULAR",
        "board_id": BOARD,
        "board_section_id": None,
        "is_owner": True,
        "pin_metrics": None,
    }
    return {**shown, **fields}


def receipt(pin_id: str = ID, at: datetime | None = NOW, kind: str | None = "REGULAR", **raw: Any) -> Receipt:
    url = f"https://www.pinterest.com/pin/{pin_id}/"
    return Receipt(OWN, pin_id, url, at, "We ship", raw={"creative_type": kind, **raw})


def codes(problems: Any) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in problems]
