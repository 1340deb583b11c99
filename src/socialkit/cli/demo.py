"""``python -m socialkit demo``: a campaign in the sandbox, told step by step. Needs no key and no network."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .._render import Table
from ..client import Client
from ..errors import Refused
from ..model import Image, Post, Status, Video
from ..plan import TargetPlan
from ..sandbox import Sandbox, sample_photo, sample_video
from .display import Display

TEXT = (
    "We ship today. After two winters in the yard the new boat left the harbour this morning, with eleven people, "
    "a dog and a fair wind. She is built from larch, she runs on the sun when the sea is calm, and every plan and "
    "every mistake we made is written down for whoever wants to build the next one. Come and look: "
    "https://example.com/launch #launch #boats"
)
WORDS = "We ship today: the new boat left the harbour this morning. https://example.com/launch"
TITLE = "The new boat left the harbour"
PLATFORMS = (
    "bluesky",
    "facebook",
    "instagram",
    "linkedin",
    "mastodon",
    "pinterest",
    "reddit",
    "threads",
    "tiktok",
    "x",
    "youtube",
)
SHOWN = ("impressions", "reach", "likes", "comments", "shares", "saves", "clicks", "video_views")
DAY = 86_400


def demo() -> None:
    """Plan, publish a campaign, lose an answer, halt, measure; prints what a user would see."""
    with (
        TemporaryDirectory() as folder,
        Sandbox(PLATFORMS) as box,
        box.client(store=":memory:") as client,
    ):
        _campaign(client, Path(folder))
        _lose_an_answer(box, client, "x")
        _halt(client, "mastodon")
        _measure(box, client)
    _say(
        "Next",
        "python -m socialkit sandbox   serves all this on your machine, with a page of the timelines;\n"
        "docs/getting-started.md       shows the same with your own accounts.",
    )


def _say(title: str, text: str = "") -> None:
    print(f"\n── {title} {'─' * (96 - len(title))}")
    if text:
        print(text)


def _posts(folder: Path) -> dict[str, Post]:
    """A campaign: words, a picture, a video."""
    photo, video = folder / "boat.jpg", folder / "boat.mp4"
    photo.write_bytes(sample_photo())
    video.write_bytes(sample_video())
    picture = Image(photo, alt="A small boat with a white sail on a calm sea")
    film = Video(video, alt="The boat sails past the pier")
    shown: Any = {"title": TITLE, "visibility": "public"}
    return {
        "text": Post(TEXT, title=TITLE, split=True),
        "picture": Post(WORDS, media=[picture], **shown),
        "video": Post(WORDS, media=[film], **shown),
    }


def _campaign(client: Client, folder: Path) -> None:
    _say("1. A campaign for eleven platforms: words, a picture, a video. Nothing is sent yet.")
    posts = _posts(folder)
    plans = {name: client.plan(post, PLATFORMS) for name, post in posts.items()}
    for name, plan in plans.items():
        print(f"\n{name}: {sum(not one.errors for one in plan.targets)} of {len(plan.targets)} take it")
        for target in plan.targets:
            for words in _told(target):
                _tell(target.account, words, width=12)
    _say("2. Published: exactly those plans, to all that take them, all at once.")
    sys.stdout.flush()
    for name, plan in plans.items():
        with Display(sys.stdout) as display:
            report = client.publish(
                plan, idempotency_key=name, skip_invalid=True, errors="return", progress=display
            )
        print(f"\n{name}")
        for account, outcome in report.items():
            if outcome.status is not Status.INVALID:
                _tell(account, f"{outcome.status}: {outcome.url}", width=12)
    again = client.publish(plans["video"], idempotency_key="video")
    print(f"\nThe last call again sends nothing: replayed = {again.replayed}")


def _told(target: TargetPlan) -> list[str]:
    """What is wrong for an account; else what is sent differently from what was given."""
    if target.errors:
        return [f"not sent: {one.field}: {one.message}" for one in target.errors]
    return [f"{one.field}: {one.message}" for one in target.changes]


def _lose_an_answer(box: Sandbox, client: Client, name: str) -> None:
    _say(f"3. An answer is lost on purpose: {name} stores the post, then the line goes dead.")
    post = Post("Sea trials went well. More tomorrow.")
    box.fault("dropped-after", platform=name)
    box.fault("listed-late", platform=name, seconds=30)
    report = client.publish(post, name, idempotency_key="trials", errors="return", wait=0)
    _tell("publish", f"{report[name].status}: {report[name].error or report[name].url}")
    box.clock.advance(60)
    settled = client.settle("trials")
    _tell("settle", f"a minute later, {settled[name].status}: {settled[name].url}")
    again = client.publish(post, name, idempotency_key="trials")
    copies = sum(entry.text == post.text for entry in box.timeline(name))
    status, replayed = again[name].status, again[name].replayed
    _tell("publish", f"{status}, replayed = {replayed}; copies on the timeline: {copies}")


def _tell(call: str, words: str, width: int = 8) -> None:
    lines = [part for one in words.splitlines() for part in textwrap.wrap(one.strip(), 96 - width)]
    for line, text in enumerate(lines):
        print(f"{'' if line else call:<{width}} {' ' if line else '→'} {text}")


def _halt(client: Client, name: str) -> None:
    _say("4. A stop. It beats everything, in every process on the store.")
    halt = client.halt("all", reason="wrong price in the picture", by="duty officer")
    coming = len(halt.in_flight) + len(halt.handed_over)
    print(f"halted: {halt.scope}; what can still appear: {coming or 'nothing'}")
    try:
        client.publish(Post("Order now, 20 % off"), name)
    except Refused as refused:
        _tell("publish", f"refused: {refused}")
    client.resume("all", reason="picture mended", by="duty officer")


def _measure(box: Sandbox, client: Client) -> None:
    _say("5. Three days later: one table, comparable numbers; a gap is unknown, never 0.")
    box.clock.advance(3 * DAY)
    made = [(report.key, receipt) for report in client.history() for receipt in report.receipts]
    table = client.fetch_metrics([receipt for _, receipt in made])
    rows = [
        [key, row.platform, *(getattr(row, name) for name in SHOWN)]
        for (key, _), row in zip(made, table, strict=True)
    ]
    print(Table(("post", "platform", *SHOWN), rows, unknown="–"))
