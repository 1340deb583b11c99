"""The media of a plan: what they are, whether the platform takes them, and the smallest change that makes it."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterable
from typing import Any, Literal

import attrs

from .. import text as texts
from .._shelf import Shelf, source_text, with_text
from ..adapters.base import PartMedia
from ..model import Captions, Image, Medium, Post, Remote, Video
from ..rules import ImageRule, Rules, VideoRule, measured
from ._notes import Notes

_MEND = {
    "wide per high": "crop it",
    "pixels": "scale it",
    "pixels on the shorter side": "scale it",
    "pixels on the longer side": "scale it",
    "s long": "make another cut",
    "frames per second": "encode it anew",
}
"""What brings a measure into its range."""


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _allowed(low: float, high: float | None) -> str:
    if high is None:
        return f"at least {_number(low)} are asked for"
    return f"{_number(low)} to {_number(high)} are allowed" if low else f"at most {_number(high)} are allowed"


class MediaPlanner:
    """Plans the media of one account's post; remembers where the bytes come from."""

    def __init__(self, notes: Notes, rules: Rules, shelf: Shelf, *, hosted: bool = False) -> None:
        self.notes, self.rules, self.shelf = notes, rules, shelf
        self.hosted = hosted
        self._digests: dict[int, str] = {}
        self.sources: dict[str, Medium | Captions] = {}

    async def media(self, post: Post, index: int) -> tuple[PartMedia, ...]:
        """The post's media as they will be sent, each checked; the counts and mixtures too."""
        if not post.media:
            return ()
        items = []
        for position, medium in enumerate(post.media):
            place = self.notes.place(index, f"media[{position}]")
            if (item := await self._one(medium, place)) is not None:
                items.append(item)
        self._check_counts(items, self.notes.place(index, "media"))
        return tuple(items)

    async def _look(self, medium: Medium | Captions, place: str) -> tuple[Any, Any] | None:
        from ..media import MediaError

        try:
            facts, blob = await self.shelf.inspect(medium)
        except MediaError as error:
            self.notes.problem(place, "unreadable", str(error))
            return None
        self._remember(medium, facts.digest)
        return facts, blob

    def _remember(self, medium: Medium | Captions, digest: str) -> None:
        self._digests[id(medium)] = digest
        self.sources[digest] = medium

    def described(self, medium: Medium | Captions | None) -> Any:
        """What the author gave, as JSON: the bytes by their digest, wherever they lie, and the words about them."""
        if medium is None:
            return None
        told = [type(medium).__name__, self._digests.get(id(medium))]
        if isinstance(medium, Captions):
            return [*told, medium.language, medium.label]
        about = [getattr(medium, name, None) for name in ("alt", "focus", "name")]
        captions = [self.described(one) for one in getattr(medium, "captions", ())]
        return [*told, *about, captions, self.described(medium.thumbnail)]

    async def _one(self, medium: Medium, place: str) -> PartMedia | None:
        if (rule := self._by_url(medium)) is not None:
            return await self._linked(medium, rule, place)
        if (looked := await self._look(medium, place)) is None:
            return None
        facts, blob = looked
        item = with_text(_item(facts, medium.source), medium)
        if facts.kind in ("image", "gif"):
            self._check_thumbnail(medium, place)
            item = await self._picture(item, facts, blob, place)
        elif facts.kind == "video":
            item = await self._video(item, medium, place)
        else:
            if not (self.rules.files and self.rules.files.thumbnail):
                self._check_thumbnail(medium, place)
            self._check_file(item, place)
        return item

    def _check_thumbnail(self, medium: Medium, place: str) -> None:
        if medium.thumbnail is not None:
            words = "is not sent: only videos have a thumbnail of their own"
            self.notes.change(f"{place}.thumbnail", "not_carried", words)

    def _by_url(self, medium: Medium) -> ImageRule | VideoRule | None:
        """The rule of a medium the platform fetches from an address that is given, or is missing."""
        kinds = ((Image, self.rules.images), (Video, self.rules.video))
        rule = next((rule for kind, rule in kinds if isinstance(medium, kind)), None)
        if rule is None or not rule.by_url:
            return None
        lasting = isinstance(rule, ImageRule) and rule.permanent
        return rule if isinstance(medium.source, Remote) or lasting or not self.hosted else None

    async def _linked(self, medium: Medium, rule: ImageRule | VideoRule, place: str) -> PartMedia | None:
        """A medium the platform fetches by itself, and what belongs to a video."""
        if (item := self._address(medium, rule, place)) is None:
            return None
        self._check_alt(item, rule.alt_limit, rule, place)
        if isinstance(rule, ImageRule):
            self._check_focus(item, rule, place)
            self._check_thumbnail(medium, place)
        return item if isinstance(rule, ImageRule) else await self._with_extras(item, medium, rule, place)

    def _address(self, medium: Medium, rule: ImageRule | VideoRule, place: str) -> PartMedia | None:
        """Where the platform fetches a medium: all there is to know of it."""
        kind: Literal["image", "video"] = "image" if isinstance(medium, Image) else "video"
        if not isinstance(medium.source, Remote):
            words = (
                f"{self.notes.title} takes {'pictures' if kind == 'image' else 'videos'} only as public URLs"
            )
            hint = f"put it on the web and give {type(medium).__name__}.from_url(...)"
            if not (isinstance(rule, ImageRule) and rule.permanent):
                hint += ", or give the client a media_host="
            self.notes.problem(place, "by_url", words, hint=hint)
            return None
        url = medium.source.url
        digest = hashlib.sha256(url.encode()).hexdigest()
        self._remember(medium, digest)
        mime = mimetypes.guess_type(url.partition("?")[0])[0] or f"{kind}/*"
        return with_text(PartMedia(kind, mime, 0, digest, source_text(medium.source)), medium)

    def _check_file(self, item: PartMedia, place: str) -> None:
        if (rule := self.rules.files) is None:
            self.notes.lacks(place, f"{item.mime} files are not taken", "leave it out")
            return
        self._check_type(item, rule.types, place)
        self._check_size(item, 0, rule.max_bytes, place)

    async def thumbnail(
        self,
        medium: Medium,
        place: str,
        *,
        max_bytes: int,
        max_side: int | None,
        types: frozenset[str],
    ) -> PartMedia | None:
        """A picture that is nice to have: what cannot be had is a Change, not a Problem."""
        from ..media import Fitted, MediaError, fit

        try:
            facts, blob = await self.shelf.inspect(medium)
        except MediaError as error:
            self.notes.change(place, "left_out", f"no picture: {error}")
            return None
        rule = ImageRule(count=1, max_bytes=max_bytes, types=types, max_side=max_side)
        self._remember(medium, facts.digest)
        done = await fit(facts, blob, rule)
        if done is not None and not isinstance(done, Fitted):
            self.notes.change(place, "left_out", f"no picture: {done}")
            return None
        item = with_text(_item(facts, medium.source), medium)
        return self._fitted(item, done, place) if done else item

    async def _picture(self, item: PartMedia, facts: Any, blob: Any, place: str) -> PartMedia:
        from ..media import Fitted, fit

        rule = self.rules.images
        if rule is None:
            self.notes.lacks(place, "pictures are not taken", "leave it out")
            return item
        self._check_alt(item, rule.alt_limit, rule, place)
        self._check_focus(item, rule, place)
        done = await fit(facts, blob, rule)
        if done is not None and not isinstance(done, Fitted):
            self.notes.problem(place, "too_large", str(done), limit=rule.max_bytes, actual=facts.size)
        item = self._fitted(item, done, place) if isinstance(done, Fitted) else item
        self._check_shape(item, rule, place)
        return item

    def _check_focus(self, item: PartMedia, rule: ImageRule, place: str) -> None:
        if item.focus is not None and not rule.focus:
            self.notes.change(
                f"{place}.focus",
                "not_carried",
                f"is not sent: pictures are cropped by machine on {self.notes.title}",
            )

    def _check_shape(self, item: PartMedia, rule: ImageRule | VideoRule, place: str) -> None:
        """Sides and their ratio: nothing is cropped or stretched here."""
        if not (item.width and item.height):
            return
        ratio, shorter = item.width / item.height, min(item.width, item.height)
        self._check_range(ratio, rule.min_ratio or 0, rule.max_ratio, "wide per high", place)
        self._check_range(shorter, rule.min_side or 0, None, "pixels on the shorter side", place)

    def _fitted(self, item: PartMedia, done: Any, place: str) -> PartMedia:
        new = done.facts
        self.notes.change(place, "fitted", done.words, before=item.size, after=new.size)
        self.shelf.keep(new.digest, done.blob)
        self.sources[new.digest] = self.sources[item.digest]
        return attrs.evolve(
            item,
            mime=new.mime,
            size=new.size,
            digest=new.digest,
            width=new.width,
            height=new.height,
            edit=done.edit,
            name=new.name,
        )

    async def _video(self, item: PartMedia, medium: Medium, place: str) -> PartMedia:
        rule = self.rules.video
        if rule is None:
            self.notes.lacks(place, "videos are not taken", "leave it out")
            return item
        self._check_video(item, rule, place)
        self._check_alt(item, rule.alt_limit, rule, place)
        return await self._with_extras(item, medium, rule, place)

    async def _with_extras(self, item: PartMedia, medium: Medium, rule: VideoRule, place: str) -> PartMedia:
        """The video with its captions and its thumbnail."""
        captions = medium.captions if isinstance(medium, Video) else ()
        return attrs.evolve(
            item,
            captions=await self._captions(captions, rule, place),
            thumbnail=await self._video_thumbnail(medium.thumbnail, rule, place),
        )

    async def _video_thumbnail(self, picture: Image | None, rule: VideoRule, place: str) -> PartMedia | None:
        if picture is None:
            return None
        if not rule.thumbnail:
            words = f"is not sent: the frame is chosen by machine on {self.notes.title}"
            self.notes.change(f"{place}.thumbnail", "not_carried", words)
            return None
        self._check_cover(picture, f"{place}.thumbnail")
        if rule.thumbnail_by_url and (isinstance(picture.source, Remote) or not self.hosted):
            return self._address(picture, rule, f"{place}.thumbnail")
        limits: Any = {"max_bytes": rule.thumbnail_max_bytes, "types": rule.thumbnail_types}
        return await self.thumbnail(picture, f"{place}.thumbnail", max_side=None, **limits)

    def _check_cover(self, picture: Image, place: str) -> None:
        if picture.alt:
            words = "is not sent: a video has no second description for its thumbnail"
            self.notes.change(f"{place}.alt", "not_carried", words)
        if picture.focus is not None:
            self.notes.change(f"{place}.focus", "not_carried", "is not sent: it is shown whole")

    async def _captions(
        self, captions: Iterable[Captions], rule: VideoRule, place: str
    ) -> tuple[PartMedia, ...]:
        given = tuple(captions)
        if given and not rule.captions:
            self.notes.lacks(f"{place}.captions", "captions are not taken", "leave them out")
            return ()
        if len(given) > rule.captions:
            words, hint = (
                f"{len(given)} captions; at most {rule.captions} on {self.notes.title}",
                "leave some out",
            )
            limits: Any = {"limit": rule.captions, "actual": len(given), "hint": hint}
            self.notes.problem(f"{place}.captions", "count", words, **limits)
            return ()
        items = []
        for index, one in enumerate(given):
            field = f"{place}.captions[{index}]"
            if (looked := await self._look(one, field)) is None:
                continue
            facts, _ = looked
            if rule.captions_max_bytes and facts.size > rule.captions_max_bytes:
                limit = rule.captions_max_bytes
                self.notes.problem(field, "too_large", measured(facts.size, limit, "utf8"), limit=limit)
            items.append(with_text(_item(facts, one.source), one))
        return tuple(items)

    def _check_video(self, item: PartMedia, rule: VideoRule, place: str) -> None:
        self._check_type(item, rule.types, place)
        self._check_size(item, rule.min_bytes, rule.max_bytes, place)
        if item.seconds is not None:
            self._check_range(item.seconds, rule.min_seconds, rule.max_seconds, "s long", place)
        self._check_shape(item, rule, place)
        if item.width and item.height:
            self._check_range(item.width * item.height, 0, rule.max_pixels, "pixels", place)
            longer = max(item.width, item.height)
            self._check_range(longer, 0, rule.max_side, "pixels on the longer side", place)
        if item.fps is not None:
            self._check_range(item.fps, rule.min_fps or 0, rule.max_fps, "frames per second", place)
        if rule.codecs and (strange := [one for one in item.codecs if one not in rule.codecs]):
            allowed = ", ".join(sorted(rule.codecs))
            words = f"{', '.join(strange)} is not taken"
            self.notes.problem(place, "codec", words, hint=f"encode it anew: {allowed}")

    def _check_type(self, item: PartMedia, types: frozenset[str], place: str) -> None:
        if item.mime not in types:
            hint = f"allowed are {', '.join(sorted(types))}"
            self.notes.problem(place, "type", f"{item.mime} is not taken", hint=hint)

    def _check_size(self, item: PartMedia, least: int, most: int, place: str) -> None:
        if item.size > most:
            words = measured(item.size, most, "utf8")
            limits: Any = {"limit": most, "actual": item.size, "hint": "make a smaller file of it"}
            self.notes.problem(place, "too_large", words, **limits)
        elif item.size < least:
            words = f"{item.size:,} bytes; at least {least:,} are asked for on {self.notes.title}"
            self.notes.problem(place, "too_small", words, limit=least, actual=item.size)

    def _check_range(self, value: float, low: float, high: float | None, unit: str, place: str) -> None:
        if value < low or (high is not None and value > high):
            limit = high if value > low else low
            words = f"{_number(value)} {unit}; {_allowed(low, high)} on {self.notes.title}"
            self.notes.problem(place, "range", words, limit=limit, actual=value, hint=_MEND[unit])

    def _check_alt(self, item: PartMedia, limit: int | None, rule: ImageRule | VideoRule, place: str) -> None:
        field = f"{place}.alt"
        if not item.alt:
            hint = "describe it for people who cannot see it"
            self.notes.problem(field, "missing", "no alt text", hint=hint, severity="warning")
        elif limit is not None and (actual := texts.length(item.alt, rule.alt_unit)) > limit:
            words = measured(actual, limit, rule.alt_unit)
            self.notes.problem(field, "too_long", words, limit=limit, actual=actual, hint="shorten it")

    def _check_counts(self, items: list[PartMedia], place: str) -> None:
        pictures = [item for item in items if item.kind in ("image", "gif")]
        videos = [item for item in items if item.kind == "video"]
        files = [item for item in items if item.kind == "file"]
        moving = [item for item in pictures if item.animated]
        if (images := self.rules.images) is not None:
            self._check_count(len(pictures), images.count, "pictures", place)
            self._check_count(len(moving), images.animated_count, "animated pictures", place)
            if moving and images.animated_alone and len(items) > 1:
                self.notes.problem(
                    place, "mixed", f"an animated picture stands alone in a post on {self.notes.title}"
                )
        if (rule := self.rules.video) is not None:
            self._check_count(len(videos), rule.count, "videos", place)
        if (taken := self.rules.files) is not None:
            self._check_count(len(files), taken.count, "files", place)
            if files and taken.alone and len(items) > len(files):
                self.notes.problem(place, "mixed", f"a file stands alone in a post on {self.notes.title}")
        if pictures and videos and not self.rules.mixed_media:
            self.notes.problem(
                place, "mixed", f"a post has pictures or a video on {self.notes.title}, not both"
            )

    def _check_count(self, actual: int, limit: int, noun: str, place: str) -> None:
        if actual > limit:
            hint = "move the rest to a thread" if self.rules.thread else "leave some out"
            words = f"{actual} {noun}; at most {limit} in one post on {self.notes.title}"
            self.notes.problem(place, "count", words, limit=limit, actual=actual, hint=hint)


def _item(facts: Any, source: Any) -> PartMedia:
    return PartMedia(
        kind=facts.kind,
        mime=facts.mime,
        size=facts.size,
        digest=facts.digest,
        source=source_text(source),
        name=facts.name,
        width=facts.width,
        height=facts.height,
        seconds=facts.seconds,
        fps=facts.fps,
        codecs=facts.codecs,
        animated=facts.animated,
    )
