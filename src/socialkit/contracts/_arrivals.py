"""Every field and every option on every kind of post: the platform receives something else, or the plan says why not.

Two posts that differ in one thing only are published, each into a sandbox of its own, and the requests compared byte
by byte. So a field that is dropped on the way is found whatever the platform calls it.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import attrs

from ..model import Captions, File, Image, Link, Poll, Post, Video
from . import _samples
from ._bench import TEXT, AdapterSuite

Parent = Literal["reply_to", "quote", ""]
Change = Callable[[Post], Post]
_SRT = b"1\n00:00:00,000 --> 00:00:02,000\nAhoy\n"
_PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
_UNSEEN = (b"authorization", b"dpop", b"idempotency-key", b"content-length", b"user-agent", b"host", b"date")


_ROOTS = re.compile(r"thread|options|(?:thread\[\d+\])?\.?(?:media(?:\[\d+\])?)?")
"""What a note about says nothing of each of its parts."""


@attrs.frozen
class Kind:
    """A kind of post: its fields, and whether it answers or quotes another post of the account."""

    fields: Mapping[str, Any]
    parent: Parent = ""


@attrs.frozen(eq=False)
class Tried:
    """What became of a post: the plan's notes as (field, code, severity), and the requests; None when refused."""

    notes: frozenset[tuple[str, str, str]]
    requests: tuple[Any, ...] | None

    def tells(self, place: str, before: Tried) -> bool:
        """Whether the plan names the field, a part of it, or what it belongs to; or refuses the post for it."""
        wholes = {place[: match.start()] for match in re.finditer(r"[.\[]", place)}
        named = {place, *(whole for whole in wholes if not _ROOTS.fullmatch(whole))}
        return any(
            field in named
            or field.startswith((f"{place}.", f"{place}["))
            or (severity == "error" and (field, code, severity) not in before.notes)
            for field, code, severity in self.notes
            if not (code == "missing" and severity == "warning")
        )


class Wire:
    """Between a client and a sandbox: keeps what was sent, without what differs from one request to the next."""

    def __init__(self, app_for_host: Callable[[str], Any]) -> None:
        self._apps, self.seen = app_for_host, list[Any]()

    def __call__(self, host: str) -> Any:
        app = self._apps(host)

        async def heard(scope: dict[str, Any], receive: Any, send: Any) -> None:
            messages = [await receive()] if scope["type"] == "http" else []
            while messages and messages[-1].get("more_body"):
                messages.append(await receive())
            if messages:
                self._keep(host, scope, b"".join(one.get("body", b"") for one in messages))

            async def again() -> Any:
                return messages.pop(0) if messages else await receive()

            await app(scope, again, send)

        return app and heard

    def _keep(self, host: str, scope: dict[str, Any], body: bytes) -> None:
        headers = {name: value for name, value in scope["headers"] if name not in _UNSEEN}
        told = re.search(rb'boundary="?([^";]+)', headers.get(b"content-type", b""))
        if told:
            body = body.replace(told[1], b"boundary")
            headers[b"content-type"] = b"multipart"
        query = scope.get("query_string", b"")
        self.seen.append((scope["method"], host, scope["path"], query, sorted(headers.items()), body))


class ArrivalTests(AdapterSuite):
    """Nothing is dropped silently, on no kind of post."""

    option_values: ClassVar[Mapping[str, Any]] = {}
    """A value for each option whose type does not say what one looks like; None leaves the option out."""
    moot_options: ClassVar[frozenset[str]] = frozenset()
    """Options that mean nothing for most kinds of post: it is enough that they are heard with one."""

    def test_every_field_changes_what_is_sent_or_is_named(self) -> None:
        silent, base = list[str](), dict[str, Tried]()
        for name, kind in self.kinds().items():
            post = self._post(kind)
            base[name] = self.tried(kind, post)
            if base[name].requests is None:
                continue
            self._steady(name, kind, base[name])
            for place, first, then in changes(post):
                before = base[name] if first is post else self.tried(kind, first)
                if self._lost(place, kind, then, before):
                    silent.append(f"{place} of a {name}")
        assert not silent, f"dropped without a word: {', '.join(silent)}"

    def test_every_option_changes_what_is_sent_or_is_named(self) -> None:
        silent, heard = list[tuple[str, str]](), set[str]()
        for name, kind in self.kinds().items():
            post = self._post(kind)
            before = self.tried(kind, post)
            if before.requests is None:
                continue
            for option, values in self.options().items():
                if all(
                    self._lost(f"options.{option}", kind, post, before, {option: value}) for value in values
                ):
                    silent.append((option, name))
                else:
                    heard.add(option)
        lost = [f"{option} of a {name}" for option, name in silent if option not in heard & self.moot_options]
        assert not lost, f"options dropped without a word: {', '.join(lost)}"

    def _lost(
        self, place: str, kind: Kind, post: Post, before: Tried, options: Mapping[str, Any] | None = None
    ) -> bool:
        """Whether the same requests leave, and the plan says nothing."""
        after = self.tried(kind, post, options, unless=lambda tried: tried.tells(place, before))
        return after.requests is not None and after.requests == before.requests

    # --- what is tried ----------------------------------------------------------------------------------------
    def kinds(self) -> dict[str, Kind]:
        """Kinds of post; those the plan refuses are left out."""
        video = Video(_samples.mp4(), alt="The boat")
        return {
            "text": Kind({}),
            "address": Kind({"text": f"{TEXT.format(0)} https://example.com/zqpage"}),
            "link": Kind({"link": "https://example.com/zqlink"}),
            "picture": Kind({"media": [self.picture()]}),
            "gallery": Kind({"media": [self.picture(), self.picture(1)]}),
            "video": Kind({"media": [video]}),
            "upright video": Kind({"media": [attrs.evolve(video, source=_samples.mp4(5, 1080, 1920))]}),
            "document": Kind({"media": [File(_PDF, name="yard.pdf")]}),
            "poll": Kind({"poll": Poll(["yes", "no"], seconds=86_400)}),
            "thread": Kind({"thread": [Post(TEXT.format("second"))]}),
            "reply": Kind({}, "reply_to"),
            "illustrated reply": Kind({"media": [self.picture()]}, "reply_to"),
            "quote": Kind({}, "quote"),
            "bare quote": Kind({"text": ""}, "quote"),
        }

    def options(self) -> dict[str, list[Any]]:
        """Values for every option, none of them its default."""
        cls = self.adapter_class.Options
        hints, plain, found = typing.get_type_hints(cls), cls(), dict[str, list[Any]]()
        for field in attrs.fields(cls):
            if field.name in self.option_values:
                value = self.option_values[field.name]
                found[field.name] = [] if value is None else [value]
                continue
            values = [one for one in _values(hints[field.name]) if one != getattr(plain, field.name)]
            assert values, f"say in option_values what {field.name} looks like: {hints[field.name]}"
            found[field.name] = values
        return {name: values for name, values in found.items() if values}

    def _post(self, kind: Kind) -> Post:
        fields = {"text": TEXT.format(0), **kind.fields}
        return self.post(fields.pop("text"), **fields)

    def tried(
        self,
        kind: Kind,
        post: Post,
        options: Mapping[str, Any] | None = None,
        *,
        unless: Callable[[Tried], bool] = lambda tried: False,
    ) -> Tried:
        """Publish it in a sandbox of its own, unless its plan says enough."""
        from ..client import Client
        from ..sandbox.state import Dropped
        from ..store import MemoryStore
        from ..transport import InProcess

        with self.sandbox() as box:
            wire = Wire(box.app_for_host)
            transport = InProcess(wire, clock=box.clock, dropped=(Dropped,))
            place: Any = {"transport": transport, "clock": box.clock, "media_host": box.files}
            with Client({self.platform: self.account(box)}, store=MemoryStore(), **place) as client:
                client._async._parts.random.seed(7)
                parent = self._parent(client, box) if kind.parent else None
                if parent is not None:
                    post = attrs.evolve(post, **{kind.parent: parent})
                if options:
                    *_, chosen = (self.adapter_class.Options(), *post.resolve("", self.platform)[1])
                    post = post.variant(self.platform, attrs.evolve(chosen, **options))
                planned = _planned(client, post, self.platform)
                if planned.requests is None or unless(planned):
                    return attrs.evolve(planned, requests=None)
                wire.seen.clear()
                client._async._parts.random.seed(7)
                report = client.publish(post, self.platform, idempotency_key="key", errors="return")
                made = [one for one in (parent, report[self.platform].receipt) if one is not None]
                ids = {one for receipt in made for one in (receipt.id, *receipt.part_ids) if one}
                return attrs.evolve(planned, requests=tuple(_without(one, ids) for one in wire.seen))

    def _parent(self, client: Any, box: Any) -> Any:
        sent = client.publish(self.post(TEXT.format("parent")), self.platform, idempotency_key="parent")
        box.clock.advance(10)
        return sent[self.platform].receipt

    def _steady(self, name: str, kind: Kind, once: Tried) -> None:
        twice = self.tried(kind, self._post(kind))
        words = f"the same {name} is sent in other bytes the second time, so that nothing can be compared: let random "
        words += "numbers come from call.random, and the sandbox's ids from what came before"
        assert once.requests == twice.requests, words


def _planned(client: Any, post: Post, platform: str) -> Tried:
    """What the plan says; its requests are None where it refuses the post."""
    plan = client.plan(post, platform)[platform]
    problems = {(one.field, one.code, one.severity) for one in plan.problems}
    notes = frozenset(problems | {(one.field, one.code, "") for one in plan.changes})
    return Tried(notes, None if plan.errors or plan.error else ())


def _without(request: tuple[Any, ...], ids: set[str]) -> tuple[Any, ...]:
    """The request without the ids of posts, which need not be the same in every sandbox."""
    if not ids:
        return request
    known = sorted(ids | {one.rpartition("/")[2] for one in ids}, key=len, reverse=True)
    pattern = "|".join(re.escape(one) for one in known)
    texts = (part.decode("latin-1") if isinstance(part, bytes) else part for part in request)
    return tuple(re.sub(pattern, "id", text) if isinstance(text, str) else text for text in texts)


# --- posts that differ in one thing -----------------------------------------------------------------------------
def changes(post: Post) -> Iterator[tuple[str, Post, Post]]:
    """(place, the post before, the post after): each pair differs in nothing but what stands at the place."""
    for place, change in _plain(post):
        yield place, post, change(post)
    for index, one in enumerate(post.thread):
        for place, change in _plain(one):
            yield f"thread[{index}].{place}", post, attrs.evolve(post, thread=[change(one)])
    if post.media:
        yield from _of_medium(post)
    if post.link:
        yield from _of_link(post)


def _with(**fields: Any) -> Change:
    return lambda post: attrs.evolve(post, **fields)


def _plain(post: Post) -> Iterator[tuple[str, Change]]:
    yield "title", _with(title="Zqtitle")
    yield "tags", _with(tags=["zqtag"])
    yield "language", _with(language="de")
    yield "content_warning", _with(content_warning="zqwarning")
    yield "sensitive", _with(sensitive=True)
    for one in ("unlisted", "followers", "direct", "private"):
        yield "visibility", _with(visibility=one)
    if post.text:
        yield "text", _with(text=f"{post.text} zqmore")
    if not post.link:
        yield "link", _with(link="https://example.com/zqother")
    if post.poll:
        for fields in (
            {"multiple": True},
            {"hide_totals": True},
            {"seconds": 259_200},
            {"options": ["yes", "zqno"]},
        ):
            place = f"poll.{next(iter(fields))}"
            yield place, _with(poll=attrs.evolve(post.poll, **typing.cast("Any", fields)))


def _picture(**fields: Any) -> Image:
    return Image(_samples.jpeg(640, 360), **fields)


def _captions(language: str = "en-US", label: str | None = None) -> Captions:
    return Captions(_SRT, language, label)


def _of_medium(post: Post) -> Iterator[tuple[str, Post, Post]]:
    first, place = post.media[0], "media[0]"

    def to(**fields: Any) -> Post:
        return attrs.evolve(post, media=[attrs.evolve(first, **fields), *post.media[1:]])

    covered = to(thumbnail=_picture())
    yield f"{place}.alt", post, to(alt="Zqalt")
    for number, other in enumerate(post.media[1:2], 1):
        changed = attrs.evolve(other, alt="Zqalt")
        yield f"media[{number}].alt", post, attrs.evolve(post, media=[first, changed, *post.media[2:]])
    yield f"{place}.thumbnail", post, covered
    if isinstance(first, Image):
        yield f"{place}.focus", post, to(focus=(0.5, 0.5))
    if isinstance(first, File):
        yield f"{place}.name", post, to(name="zqname.pdf")
    if isinstance(first, Video):
        yield f"{place}.thumbnail.alt", covered, to(thumbnail=_picture(alt="Zqalt"))
        yield f"{place}.thumbnail.focus", covered, to(thumbnail=_picture(focus=(0.5, 0.5)))
        spoken, track = to(captions=[_captions()]), f"{place}.captions[0]"
        yield f"{place}.captions", post, spoken
        yield f"{track}.language", spoken, to(captions=[_captions("en-GB")])
        yield f"{track}.label", spoken, to(captions=[_captions(label="Zqlabel")])


def _of_link(post: Post) -> Iterator[tuple[str, Post, Post]]:
    assert post.link is not None
    url = post.link.url

    def to(**fields: Any) -> Post:
        return attrs.evolve(post, link=Link(url, **fields))

    shown = to(thumbnail=_picture())
    yield "link.title", post, to(title="Zqtitle")
    yield "link.description", post, to(description="zqdescription")
    yield "link.thumbnail", post, shown
    yield "link.thumbnail.alt", shown, to(thumbnail=_picture(alt="Zqalt"))
    yield "link.thumbnail.focus", shown, to(thumbnail=_picture(focus=(0.5, 0.5)))


_SIMPLE: dict[Any, list[Any]] = {
    bool: [True, False],
    str: ["zqoption"],
    int: [7],
    float: [0.5],
    datetime: [datetime(2026, 11, 2, 13, tzinfo=UTC)],  # four hours after a sandbox's clock begins
}


def _values(hint: Any) -> list[Any]:
    """Values of a type: every literal, both truths, one text, number or moment; [] when only its author knows."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return list(inner)
    if origin in (typing.Union, types.UnionType):
        return [value for one in inner if one is not type(None) for value in _values(one)]
    if origin is tuple:
        return [(value,) for value in _values(inner[0])[:1]]
    return _SIMPLE.get(hint, [])


__all__: Sequence[str] = ["ArrivalTests", "Kind", "Tried", "changes"]
