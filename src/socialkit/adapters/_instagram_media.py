"""Containers: what is made, unseen, before a post is published, and asked about until it is ready."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import attrs

from .. import errors
from ..flows._meta import VERSION
from ..flows._whoami import as_text, found
from . import base
from ._graph import GraphAdapter, check_upload_address, moment
from ._instagram_rules import LIVES
from .base import Call, Part, PartMedia

CONTAINER = "container"
"""What the container to publish is remembered by."""
NEVER = frozenset({"FINISHED", "ERROR", "EXPIRED"})
"""What a container says that has not been published."""
GONE = frozenset({"100/33", "24/2207006", "24/2207008", "-2/2207020"})
"""Codes of a container that is not there (any more)."""
_SURE = 3
"""How often a container just made is said not to be there before that is believed."""
_QUICK, _SLOW = (1.0, 2.0, 3.0, 5.0), (5.0, 10.0, 20.0, 30.0)
"""Seconds between looks, for pictures and for videos."""


@attrs.frozen
class State:
    """Where a container stands: Instagram's ``status_code`` ("GONE" when there is none), and its words."""

    code: str
    words: str = ""


def path(call: Call, edge: str) -> str:
    """The address of an edge of the account, below the server."""
    return f"/{VERSION}/{call.facts.identity.id}/{edge}"


async def look_at(container: str, call: Call, fields: str = "status_code,status") -> base.Response | None:
    """What is told of a container; None when there is none."""
    try:
        return await call.read("GET", f"/{VERSION}/{container}", params={"fields": fields})
    except (errors.Declined, errors.Unavailable) as error:
        if error.code in GONE:
            return None
        raise


async def state_of(container: str, call: Call) -> State:
    """Where a container stands now."""
    return _state(await look_at(container, call))


def _state(answer: base.Response | None) -> State:
    told = answer.json() if answer is not None else {"status_code": "GONE"}
    return State(str(found(told, "status_code") or ""), str(found(told, "status") or ""))


@attrs.define
class Containers:
    """Makes the containers of one part, or finds them again."""

    adapter: GraphAdapter
    part: Part
    call: Call
    page: bool

    async def ready(self) -> str | None:
        """The id of the container to publish, ready for it; None when it turns out to be published.

        A new one is made only where the one before can never have been published.
        """
        known = self.call.recall(CONTAINER)
        if known is None:
            await self._check_quota()
            return await self._made()
        state = await self._settled(str(known), sure=True)
        if state.code == "FINISHED":
            return str(known)
        if state.code == "PUBLISHED":
            if self.call.lost:
                raise errors.OutcomeUnknown("Instagram says that it has published the post already")
            return None
        if self.call.lost and state.code not in NEVER:
            raise errors.Unavailable("Instagram does not say what became of the container that was published")
        self.call.remember(CONTAINER, None)
        self._forget()
        return await self._made()

    async def _made(self) -> str:
        """A container, made twice where Instagram says that another one may do better."""
        try:
            return await self._build()
        except errors.Unavailable as error:
            if not error.__dict__.get("anew"):
                raise
        return await self._build()

    async def _build(self) -> str:
        if self.part.body["kind"] == "carousel":
            container = await self._carousel()
        else:
            container = await self._item(0, self.part.body["request"])
        self.call.remember(CONTAINER, container)
        state = await self._settled(container)
        if state.code != "FINISHED":
            self.call.remember(CONTAINER, None)
            self._forget()
            raise self._failed(state)
        return container

    async def _carousel(self) -> str:
        """The children, all ready, in one container."""
        children = [await self._item(index, {}) for index in range(len(self.part.media))]
        for index, child in enumerate(children):
            state = await self._settled(child, index)
            if state.code != "FINISHED":
                self._forget(index)
                raise self._failed(state, index)
        parent = {"media_type": "CAROUSEL", "children": ",".join(children)}
        return self._id_of(await self._create(self.part.body["request"] | parent))

    async def _item(self, index: int, request: Mapping[str, Any]) -> str:
        """The container of one medium, from this or an earlier process."""
        item, name = self.part.media[index], self._name(index)
        if (known := self.call.recall(name)) is not None:
            return str(known)
        params = {**request, **self.part.body["items"][index]}
        if item.thumbnail is not None and self.part.body["kind"] == "reel":
            params["cover_url"] = await self.call.host(item.thumbnail)
        if self.page and item.kind == "video" and not _is_address(item):
            container = await self._uploaded(index, item, params)
        else:
            params["video_url" if item.kind == "video" else "image_url"] = await self.call.host(item)
            container = self._id_of(await self._create(params))
        self.call.remember(name, container, expires_in=LIVES)
        return container

    def _name(self, index: int) -> str:
        return f"item {index} {self.part.media[index].digest[:16]}"

    def _forget(self, *indexes: int) -> None:
        """The containers of these media (of all, without one named) are of no use any more."""
        for index in indexes or range(len(self.part.media)):
            self.call.remember(self._name(index), None)
            self.call.remember(f"upload {index}", None, secret=True)

    async def _create(self, params: Mapping[str, Any]) -> base.Response:
        form = [(name, _written(value)) for name, value in params.items()]
        return await self.call.prepare("POST", path(self.call, "media"), form=form, timeout=120.0)

    def _id_of(self, answer: base.Response) -> str:
        if (container := as_text(found(answer.json(), "id"))) is None:
            raise errors.Unavailable("Instagram made a container and did not say which")
        return container

    # --- a video, uploaded ----------------------------------------------------------------------------------
    async def _uploaded(self, index: int, item: PartMedia, params: Mapping[str, Any]) -> str:
        """The container of a video whose bytes are sent. A later process goes on where they stopped."""
        name = f"upload {index}"
        session: Any = self.call.recall(name)
        start = await self._transferred(str(session["id"]), item) if session is not None else 0
        if session is None or start is None or session["digest"] != item.digest:
            answer = await self._create({**params, "upload_type": "resumable"})
            session = {"id": self._id_of(answer), "uri": as_text(found(answer.json(), "uri"))}
            check_upload_address(session["uri"], self.adapter.server)
            session["digest"] = item.digest
            self.call.remember(name, session, secret=True)
            start = 0
        await self._stream(session, start, item)
        return str(session["id"])

    async def _stream(self, session: Mapping[str, Any], start: int, item: PartMedia) -> None:
        """The bytes from ``start``; where the stream breaks off, from where Instagram has them."""
        blob, token = await self.call.open(item), (await self.call.signed_by()).access_token
        while start < item.size:
            headers = {"authorization": f"OAuth {token}", "offset": str(start), "file_size": str(item.size)}
            rest: Any = {"content": base.Slice(blob, start), "auth": False, "cost": 0, "timeout": 1800.0}
            try:
                await self.call.prepare("POST", session["uri"], headers=headers, **rest)
            except errors.PlatformError:
                arrived = await self._transferred(str(session["id"]), item)
                if arrived is None or arrived <= start:
                    raise
                start = arrived
            else:
                return

    async def _transferred(self, container: str, item: PartMedia) -> int | None:
        """Bytes that have arrived; None when the container is of no use any more."""
        answer = await look_at(container, self.call, "status_code,video_status")
        if answer is None or found(answer.json(), "status_code") in ("ERROR", "EXPIRED"):
            return None
        phase = found(answer.json(), "video_status.uploading_phase") or {}
        if phase.get("status") == "complete":
            return item.size
        arrived = phase.get("bytes_transferred") or 0
        return min(int(arrived), item.size)

    # --- waiting --------------------------------------------------------------------------------------------
    async def _settled(self, container: str, index: int | None = None, *, sure: bool = False) -> State:
        """The container's state once it is none of passage. ``sure``: that it is not there is believed at once."""
        missed = [_SURE if sure else 0]

        async def look() -> base.Response:
            answer = await look_at(container, self.call)
            if answer is None:
                missed[0] += 1
                return base.Response(200, {}, b'{"status_code": "GONE"}')
            return answer

        def ready(answer: base.Response) -> bool:
            state = _state(answer)
            return state.code != "IN_PROGRESS" and (state.code != "GONE" or missed[0] > _SURE)

        media = self.part.media if index is None else self.part.media[index : index + 1]
        slow = any(item.kind == "video" for item in media)
        done = await self.call.poll(look, ready, waits=_SLOW if slow else _QUICK, limit=600 if slow else 300)
        return _state(done)

    def _failed(self, state: State, index: int | None = None) -> errors.SocialKitError:
        """The error a container's words mean; they name it by its subcode. ``anew``: it is no answer to a request."""
        if state.code in ("EXPIRED", "GONE"):
            error: errors.SocialKitError = errors.Unavailable(f"the container is {state.code}")
        else:
            error = self._named(state)
        if index is not None:
            place = f"medium {index + 1} ({self.part.media[index].name})"
            error.args = (f"{place}: {error.args[0]}",)
        error.__dict__["anew"] = True
        return error

    def _named(self, state: State) -> errors.SocialKitError:
        named = re.search(r"\b2207[0-9]{3}\b", state.words)
        told = {"message": state.words or f"the container is {state.code}", "code": 0}
        if named is not None:
            told["error_subcode"] = int(named[0])
        return self.adapter.parse_error(base.Response(400, {}, json.dumps({"error": told}).encode()))

    # --- how many posts are left ----------------------------------------------------------------------------
    async def _check_quota(self) -> None:
        """RateLimited when the account has no post left, with the moment one comes free, as far as posts tell."""
        try:
            params = {"fields": "config,quota_usage"}
            told = (
                await self.call.read("GET", path(self.call, "content_publishing_limit"), params=params)
            ).json()
        except (errors.Declined, errors.MissingScope):
            return
        used, total = quota(told)
        if used is None or total is None or used < total:
            return
        words = f"Instagram takes {total} posts in 24 hours from this account, and they are used up"
        raise errors.RateLimited(words, retry_at=await self._frees(total))

    async def _frees(self, total: int) -> Any:
        """When the oldest post of the last 24 hours is older than that; None when the list does not tell."""
        params = {"fields": "id,timestamp", "limit": str(min(total, 100))}
        posts = (
            found((await self.call.read("GET", path(self.call, "media"), params=params)).json(), "data") or ()
        )
        day = timedelta(days=1)
        moments = [
            at for post in posts if (at := moment(post.get("timestamp"))) and at > self.call.now() - day
        ]
        return min(moments) + day if moments else None


def quota(told: Any) -> tuple[int | None, int | None]:
    """(posts of the last 24 hours, how many there may be), as ``content_publishing_limit`` tells.

    >>> quota({"data": [{"quota_usage": 2, "config": {"quota_total": 50, "quota_duration": 86400}}]})
    (2, 50)
    """
    numbers = [found(told, f"data.0.{name}") for name in ("quota_usage", "config.quota_total")]
    used, total = (number if isinstance(number, int) else None for number in numbers)
    return used, total


def _is_address(item: PartMedia) -> bool:
    return item.source.startswith("url:") and item.edit is None


def _written(value: Any) -> str:
    """A value as a field of a form.

    >>> _written(True), _written(0), _written(["crew"])
    ('true', '0', '["crew"]')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
