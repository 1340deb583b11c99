"""``python -m socialkit demo``: a campaign in the sandbox, told step by step. Needs no key and no network."""

from __future__ import annotations

import sys
import textwrap

from ..client import Client
from ..errors import Refused
from ..model import Image, Post
from ..sandbox import Sandbox, sample_picture
from .display import Display

TEXT = (
    "We ship today. After two winters in the yard the new boat left the harbour this morning, with eleven people, "
    "a dog and a fair wind. She is built from larch, she runs on the sun when the sea is calm, and every plan and "
    "every mistake we made is written down for whoever wants to build the next one. Come and look: "
    "https://example.com/launch #launch #boats"
)
DAY = 86_400


def demo() -> None:
    """Plan, publish, lose an answer, halt, measure; prints what a user would see."""
    with Sandbox(["mastodon", "bluesky", "x"]) as box, box.client(store=":memory:") as client:
        names = list(client.accounts)
        _plan_and_publish(client, names)
        _lose_an_answer(box, client, names[-1])
        _halt(client, names)
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


def _post() -> Post:
    picture = Image(sample_picture(), alt="A small boat with a white sail on a calm sea")
    return Post(TEXT, media=[picture], split=True, language="en")


def _plan_and_publish(client: Client, names: list[str]) -> None:
    _say("1. One post, planned for every account. Nothing is sent yet.")
    plan = client.plan(_post(), names)
    print(plan)
    _say("2. Published: exactly that plan, to all at once.")
    sys.stdout.flush()
    with Display(sys.stdout) as display:
        report = client.publish(plan, idempotency_key="launch", progress=display)
    print(f"\n{report}")
    again = client.publish(plan, idempotency_key="launch")
    print(f"\nThe same call again sends nothing: replayed = {again.replayed}")


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


def _tell(call: str, words: str) -> None:
    for line, text in enumerate(textwrap.wrap(words, 88)):
        print(f"{'' if line else call:<8} {' ' if line else '→'} {text}")


def _halt(client: Client, names: list[str]) -> None:
    _say("4. A stop. It beats everything, in every process on the store.")
    halt = client.halt("all", reason="wrong price in the picture", by="duty officer")
    print(f"halted: {halt.scope}; what can still appear: {len(halt.in_flight) + len(halt.handed_over)} posts")
    try:
        client.publish(Post("Order now, 20 % off"), names[0])
    except Refused as refused:
        _tell("publish", f"refused: {refused}")
    client.resume("all", reason="picture mended", by="duty officer")


def _measure(box: Sandbox, client: Client) -> None:
    _say("5. A day later: one table, comparable numbers; a gap is unknown, never 0.")
    box.clock.advance(DAY)
    receipts = [receipt for report in client.history() for receipt in report.receipts]
    print(client.fetch_metrics(receipts))
