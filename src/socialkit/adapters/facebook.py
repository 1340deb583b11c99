"""Facebook Pages, through Meta's Graph API.

There is no idempotency key here, and an error after the last request may hide a post that is live. Everything that
carries bytes is done before that request and remembered; a lost answer is settled by the video's own status, or by
looking through the Page's posts, scheduled posts, stories or comments.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import attrs

from .. import errors
from ..flows import Flow
from ..flows._meta import VERSION
from ..flows._whoami import as_text, found, told_id
from ..flows.facebook import FLOWS
from ..metrics import Metrics
from ..model import Identity, Problem, Receipt, Status
from ..rules import Rules
from . import base
from ._facebook_metrics import Reader, metrics_of, page_numbers, page_paths
from ._facebook_plan import FacebookOptions, locale_of, planned
from ._facebook_posts import (
    GONE,
    POST_FIELDS,
    REEL_FIELDS,
    STORIES,
    VIDEO_FIELDS,
    VIDEOS,
    address,
    at,
    id_in,
    is_id,
    is_permalink,
    likeness_of,
    listed,
    media_of,
    own_id,
    receipt_of,
    reel_receipt,
    same_address,
    sent_post,
    sent_video,
    settled,
    squash,
    stage_of,
    story_stands,
    succeeded,
    why_failed,
    within,
    without_due,
)
from ._facebook_rules import RULES
from ._facebook_uploads import memory, photo_form, stage_photo, upload_reel, upload_video
from ._graph import BATCH, GraphAdapter, batch, moment
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Finding, Found, Lost, Part, Sent

_GRAPH, _VIDEOS = "https://graph.facebook.com", "https://graph-video.facebook.com"
_REST = timedelta(minutes=5)
"""How long to rest where Facebook throttles and does not say until when: going on prolongs the block."""
_PAGES = 10
"""Pages of own posts that are looked through for a permalink without an id in it."""


class Facebook(GraphAdapter):
    """One Facebook Page.

    Args:
        token: the Page's own access token (not the person's), with ``Facebook.scopes``.
        server: base URL of the Graph API.
        version: the version of the Graph API; it stands in every path.
        video_server: where videos are uploaded to; Facebook's own host for that, or ``server`` when that is another.
        max_photos: how many pictures a post may have. Meta does not say; third parties stop at 10.

    >>> Facebook("…")
    <Facebook https://graph.facebook.com>
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "facebook"
    title: ClassVar[str] = "Facebook Pages"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[FacebookOptions]] = FacebookOptions
    flows: ClassVar[tuple[Flow, ...]] = FLOWS
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes

    def __init__(
        self,
        token: str | None = None,
        *,
        server: str = _GRAPH,
        version: str = VERSION,
        video_server: str | None = None,
        max_photos: int = 10,
    ) -> None:
        super().__init__(server, base.Credential("bearer", access_token=token))
        if not version.startswith("v") or not version[1:].replace(".", "", 1).isdigit():
            raise errors.ConfigError(f"Facebook: version={version!r} is none; write it as {VERSION!r}")
        if max_photos < 1:
            raise errors.ConfigError(f"Facebook: max_photos={max_photos}; a post has one at least")
        if max_photos != 10 and RULES.images is not None:
            images = attrs.evolve(RULES.images, count=max_photos, animated_count=max_photos)
            self.rules = attrs.evolve(RULES, images=images)  # type: ignore[misc]  # this account's own
        self.version = version
        self.video_server = (video_server or (_VIDEOS if self.server == _GRAPH else self.server)).rstrip("/")

    def node(self, native: str, edge: str = "") -> str:
        """The path of a thing by its id, or of one of its edges."""
        return f"/{self.version}/{native}{edge and '/' + edge}"

    def at(self, call: Call, edge: str) -> str:
        """The path of one of the Page's edges."""
        return self.node(call.facts.identity.id, edge)

    # --- who am I ------------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        """The Page whose token it is; a person has no category, and cannot be published as."""
        params = {"fields": "id,name,username,category,link"}
        try:
            me = (await call.read("GET", self.node("me"), params=params)).json()
        except errors.Declined as error:
            if "nonexisting field" not in str(error):  # whichever of a Page's own fields it names first
                raise
            words = "the token is a person's: give the Page's own, or sign in with socialkit login facebook"
            raise errors.MissingScope(words, status=error.status, code=error.code) from error
        native = told_id(self.platform, me)
        return AccountFacts(
            identity=Identity(
                self.platform, self.server, native, as_text(me.get("username") or me.get("name"))
            ),
            url=me.get("link") or address(None, native),
            software="facebook",
            facts={name: me.get(name) for name in ("name", "username", "category")},
        )

    # --- plan ----------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        part = planned(draft, call.now())
        return await self._answerable(part, draft, call) if part.body["way"] == "comment" else part

    async def _answerable(self, part: Part, draft: Draft, call: Call) -> Part:
        """Comments have two levels: an answer to an answer stands below the comment above it."""
        wanted = str(part.body["parent"])
        if "_" not in wanted or wanted.partition("_")[0] == call.facts.identity.id:
            return part  # a post or a video
        answer = await call.read("GET", self.node(wanted), params={"fields": "id,parent"}, accept=(400,))
        if answer.status != 200 and self.read_error(answer)[0] == "100":
            return part  # another Page's post: it has no such field
        if (node := self._seen(answer)) is None:
            draft.problem("reply_to", "not_found", f"Facebook shows no {wanted!r}")
        above = as_text(found(node, "parent.id"))
        if not is_id(above):
            return part
        draft.change("reply_to", "level", "stands below the comment above it: comments have two levels")
        return attrs.evolve(part, body={**part.body, "parent": above})

    # --- send ----------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        match part.body["way"]:
            case "photo":
                return await self._photo(part, call)
            case "video":
                return await self._video(part, call)
            case "reel" | "video_story":
                return await self._reel(part, call)
            case "photo_story":
                return await self._photo_story(part, call)
            case "comment":
                return await self._comment(part, call)
            case _:
                return await self._feed(part, call)

    async def _feed(self, part: Part, call: Call) -> Sent:
        """A text, a link, or several photos that nobody has seen before."""
        fields, due, photos = dict(part.body["fields"]), part.body.get("due"), list[str]()
        if call.recall("photos used"):
            self._forget(part, call)
        for index, item in enumerate(part.media):
            photos.append(await stage_photo(self, index, item, call, scheduled=due is not None))
        if photos:
            fields["attached_media"] = _json_list(photos)
        asked = {"fields": "id,permalink_url,created_time"}
        try:
            answer = await call.commit("POST", self.at(call, "feed"), params=asked, form=list(fields.items()))
        except errors.Declined:
            self._forget(part, call)
            raise
        except errors.Duplicate:
            call.remember("photos used", True)
            raise
        way = part.body["way"]
        return sent_post(answer.json(), way, due, call.now(), **({"photos": photos} if photos else {}))

    def _forget(self, part: Part, call: Call) -> None:
        """After a refusal the next attempt uploads anew, unless an earlier one may be live with these."""
        if not call.lost:
            call.remember("photos used", None)
            for index, item in enumerate(part.media):
                call.remember(memory(f"photo {index}", item), None)

    async def _photo(self, part: Part, call: Call) -> Sent:
        """One photo: its bytes are the commit. The answer's ``id`` is the photo's, ``post_id`` the post's."""
        form = await photo_form(part.media[0], list(part.body["fields"].items()), call)
        answer = await call.commit("POST", self.at(call, "photos"), multipart=form, timeout=300.0)
        told = answer.json()
        photo, post = str(told["id"]), told.get("post_id")
        if not post:
            call.remember("photo", photo)  # what to look for, should its post not be told either
            post = await self._post_of(photo, call)
        return sent_post({"id": post}, "photo", None, call.now(), photos=[photo])

    async def _post_of(self, photo: str, call: Call) -> str:
        """The post of a photo that is live: not to be told is no refusal."""
        try:
            seen = await call.read("GET", self.node(photo), params={"fields": "page_story_id"})
        except errors.SocialKitError as error:
            raise errors.OutcomeUnknown(
                f"Facebook took the photo and does not name its post: {error}"
            ) from error
        return str(seen.json()["page_story_id"])

    async def _video(self, part: Part, call: Call) -> Sent:
        session = await upload_video(self, part.media[0], call)
        form = [("upload_phase", "finish"), ("upload_session_id", session["session"])]
        form += part.body["fields"].items()
        url = f"{self.video_server}{self.at(call, 'videos')}"
        return await self._finished(part, url, form, str(session["video"]), call)

    async def _reel(self, part: Part, call: Call) -> Sent:
        """A reel, or a video as a story: they are uploaded alike."""
        edge = "video_reels" if part.body["way"] == "reel" else "video_stories"
        video = await upload_reel(self, edge, part.media[0], call)
        form = [("upload_phase", "finish"), ("video_id", video), *part.body["fields"].items()]
        return await self._finished(part, self.at(call, edge), form, video, call)

    async def _finished(
        self, part: Part, url: str, form: list[tuple[str, str]], video: str, call: Call
    ) -> Sent:
        """The end of an upload makes it public."""
        try:
            told = succeeded(await call.commit("POST", url, form=form))
        except errors.Declined:
            if (sent := await self._taken_before(part, video, call)) is not None:
                return sent
            if not call.lost or part.body["way"] == "video_story":
                self._start_anew(part, call)  # a refusal there ends the upload, too
            raise
        return await self._processed(part, video, told, call)

    async def _taken_before(self, part: Part, video: str, call: Call) -> Sent | None:
        """What a refused end made before: an upload ends once, and an earlier answer may be lost."""
        way = part.body["way"]
        try:
            seen = await call.read("GET", self.node(video), params={"fields": VIDEO_FIELDS})
        except errors.SocialKitError:
            return None
        node = seen.json()
        if stage_of(node) not in ("live", "publishing", "scheduled"):
            return None
        if way != "video_story":
            return sent_video(video, way, node, call.now(), part.body.get("due"))
        story, _ = await self._listed_story(video, call)
        return _story(story, way, video, call) if story is not None else _unlisted(node, video, call)

    def _start_anew(self, part: Part, call: Call) -> None:
        for place in ("video", "video_reels", "video_stories"):
            call.remember(memory(place, part.media[0]), None, secret=True)

    async def _processed(self, part: Part, video: str, told: Mapping[str, Any], call: Call) -> Sent:
        """What became of a video that was taken: live, still in the works, or certainly not live."""
        way, due, hidden = part.body["way"], part.body.get("due"), False
        try:
            node = await self._watch(video, call, way, limit=90) if due is None else {}
        except errors.SocialKitError as error:
            node, hidden = {}, error.__dict__.get("code") == GONE
        if stage_of(node) == "failed":
            self._start_anew(part, call)
            raise errors.Declined(f"Facebook could not use the video: {why_failed(node)}")
        if way == "video_story":
            story = _story(told, way, video, call)  # whose post was told, whatever is told of its video
            return story if hidden else story_stands(story, node, call.now())
        return sent_video(video, way, node, call.now(), due)

    async def _watch(self, video: str, call: Call, way: Any, *, limit: float) -> dict[str, Any]:
        """The video's node once its fate is known."""
        seen = await call.poll(
            lambda: call.read("GET", self.node(video), params={"fields": VIDEO_FIELDS}),
            lambda answer: settled(answer.json(), way),
            waits=(2, 3, 5, 10, 20),
            limit=limit,
        )
        node: dict[str, Any] = seen.json()
        return node

    async def _photo_story(self, part: Part, call: Call) -> Sent:
        photo = await stage_photo(self, 0, part.media[0], call)
        try:
            answer = await call.commit("POST", self.at(call, "photo_stories"), form=[("photo_id", photo)])
        except errors.Declined:
            self._forget(part, call)
            raise
        return _story(succeeded(answer), "photo_story", photo, call)

    async def _comment(self, part: Part, call: Call) -> Sent:
        fields = dict(part.body["fields"])
        for item in part.media:
            fields["attachment_id"] = await stage_photo(self, 0, item, call)
        url = self.node(part.body["parent"], "comments")
        asked = {"fields": "id,permalink_url,created_time"}
        answer = await call.commit("POST", url, params=asked, form=list(fields.items()))
        return sent_post(answer.json(), "comment", None, call.now())

    # --- what follows --------------------------------------------------------------------------------------
    async def attach(self, part: Part, sent: Sent, call: Call) -> Sent:
        """Captions and thumbnail (which may be sent twice), then invitations and the first comment (which may not)."""
        missing = list(sent.missing)

        async def tried(what: str, work: Awaitable[Any]) -> None:
            try:
                await work
            except (errors.Halted, errors.Refused):
                raise
            except errors.SocialKitError as error:
                missing.append(f"{what}: {error.message}")

        way, item = part.body["way"], part.media[0] if part.media else None
        if item is not None and way in VIDEOS:
            for caption in item.captions:
                await tried(f"captions {caption.language}", self._caption(sent, caption, call))
            if item.thumbnail is not None:
                await tried("thumbnail", self._thumbnail(sent, item.thumbnail, call))
        if way in STORIES and sent.url is None:
            sent = attrs.evolve(sent, url=await self._story_url(sent, call))
        comment, invited = part.body.get("first_comment"), part.body.get("collaborators") or ()
        if comment and sent.status is Status.PROCESSING:
            sent = await self._awaited(sent, call)
        for target in invited:
            form, url = [("target_id", target)], self.node(str(sent.id), "collaborators")
            await tried(f"invitation of {target}", call.attach("POST", url, form=form))
        if comment:
            form, url = [("message", comment)], self.node(str(sent.id), "comments")
            await tried("first comment", call.attach("POST", url, form=form))
        return attrs.evolve(sent, missing=tuple(missing))

    async def _caption(self, sent: Sent, caption: base.PartMedia, call: Call) -> None:
        locale, blob = locale_of(caption) or "", await call.open(caption)
        name = f"captions.{locale}.srt"
        file = base.Field("captions_file", base.Slice(blob), name, "application/x-subrip")
        fields = [file, base.Field("default_locale", locale)]
        await call.attach("POST", self.node(str(sent.id), "captions"), multipart=fields, repeatable=True)

    async def _thumbnail(self, sent: Sent, picture: base.PartMedia, call: Call) -> None:
        blob = await call.open(picture)
        file = base.Field("source", base.Slice(blob), picture.name, picture.mime)
        fields = [base.Field("is_preferred", "true"), file]
        await call.attach("POST", self.node(str(sent.id), "thumbnails"), multipart=fields, repeatable=True)

    async def _story_url(self, sent: Sent, call: Call) -> str | None:
        """A story's id leads nowhere; its address stands in the list of stories."""
        try:
            async for story in self._list(self.at(call, "stories"), {}, call):
                if str(story.get("post_id")) == sent.id:
                    return as_text(story.get("url"))
        except errors.SocialKitError:
            return None
        return None

    async def _awaited(self, sent: Sent, call: Call) -> Sent:
        """A video is commented on once it is live; where that takes too long, the comment says so itself."""
        try:
            node = await self._watch(str(sent.id), call, sent.raw["way"], limit=900)
        except errors.SocialKitError:
            return sent
        return sent_video(str(sent.id), sent.raw["way"], node, call.now())

    async def check(self, sent: Sent, call: Call) -> Sent | Absent:
        """A video that came to nothing was dropped by Facebook; what is gone may have been deleted by a person."""
        due = sent.raw.get("due")
        if sent.raw.get("way") in (*VIDEOS, "video_story"):
            return await self._check_video(sent, due, call)
        if due is None:
            return sent
        fields = "id,is_published,permalink_url,created_time,scheduled_publish_time"
        answer = await call.read("GET", self.node(str(sent.id)), params={"fields": fields}, accept=(400,))
        node = self._seen(answer)
        if node is None:
            return _given_up(sent, "the scheduled post is gone: it was deleted, or it could not be published")
        if node.get("is_published") is True:
            url = address(node.get("permalink_url"), str(sent.id))
            return Sent(sent.id, url, at(node), missing=sent.missing, raw=without_due(sent.raw))
        told = moment(node.get("scheduled_publish_time")) or moment(due)
        later = call.now() + timedelta(minutes=1)
        return attrs.evolve(sent, look_again_at=max(told or later, later))

    async def _check_video(self, sent: Sent, due: int | None, call: Call) -> Sent | Absent:
        way = sent.raw["way"]
        video = str(sent.raw["media"] if way == "video_story" else sent.id)
        answer = await call.read("GET", self.node(video), params={"fields": VIDEO_FIELDS}, accept=(400,))
        if (node := self._seen(answer)) is None:
            return _given_up(sent, "Facebook does not know the video any more: it was deleted")
        if stage_of(node) == "failed":
            return Absent(f"Facebook could not use the video: {why_failed(node)}; it is not live")
        if way == "video_story":
            now = story_stands(sent, node, call.now())
            told = now.status is Status.PUBLISHED and now.url is None
            return attrs.evolve(now, url=await self._story_url(now, call)) if told else now
        moved = moment(node.get("scheduled_publish_time")) if due is not None else None
        due = int(moved.timestamp()) if moved is not None else due
        return attrs.evolve(sent_video(video, way, node, call.now(), due), missing=sent.missing)

    def _seen(self, answer: base.Response) -> dict[str, Any] | None:
        """The node of an answer, None when there is none; what else Facebook says is raised."""
        if answer.status == 200:
            node: dict[str, Any] = answer.json()
            return node
        if self.read_error(answer)[0] == GONE:
            return None
        raise self.parse_error(answer)

    # --- finding -------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        match lost.part.body["way"]:
            case "video" | "reel":
                return await self._find_video(lost, call)
            case "photo_story" | "video_story":
                return await self._find_story(lost, call)
            case "comment":
                return await self._find_comment(lost, call)
            case _:
                return await self._find_post(lost, call)

    async def _find_video(self, lost: Lost, call: Call) -> Finding:
        """Its own status says whether it was published."""
        video = call.recall("video")
        if video is None:
            return CannotTell("the video's id was not kept")
        answer = await call.read("GET", self.node(str(video)), params={"fields": VIDEO_FIELDS}, accept=(400,))
        if (node := self._seen(answer)) is None:
            return Absent("Facebook knows no such video")
        way, due, stage = lost.part.body["way"], lost.part.body.get("due"), stage_of(node)
        if stage == "failed":
            return Absent(f"Facebook could not use the video: {why_failed(node)}")
        if stage == "waiting" and due is None:
            return Absent("the video is uploaded, and was never published")
        if stage == "waiting" and not (node.get("scheduled_publish_time")):
            return Absent("the video is uploaded, and was never scheduled")
        if stage == "unsure":
            return CannotTell("Facebook does not say yet what became of the video", look_again_in=30.0)
        return Found(sent_video(str(video), way, node, call.now(), due))

    async def _find_story(self, lost: Lost, call: Call) -> Finding:
        """By the medium it was made of. Pages without a story archive may have an empty list whatever is live."""
        way = lost.part.body["way"]
        name = "video" if way == "video_story" else memory("photo 0", lost.part.media[0])
        if (medium := call.recall(name)) is None:
            return CannotTell("the id of the story's medium was not kept")
        story, others = await self._listed_story(str(medium), call)
        if story is not None:
            return Found(_story(story, way, str(medium), call))
        if way == "video_story" and (told := await self._by_status(str(medium), lost, call)) is not None:
            return told
        if not others:
            return CannotTell("the Page's list of stories is empty, which it may be where no archive is kept")
        return Absent("it is not among the Page's stories")

    async def _listed_story(self, medium: str, call: Call) -> tuple[dict[str, Any] | None, bool]:
        """The story of a photo or video, and whether the list has any at all."""
        others = False
        async for story in self._list(self.at(call, "stories"), {}, call):
            if str(story.get("media_id")) == medium:
                return story, True
            others = True
        return None, others

    async def _by_status(self, video: str, lost: Lost, call: Call) -> Finding | None:
        """What a story's video says of itself, where the list has no such story."""
        answer = await call.read("GET", self.node(video), params={"fields": VIDEO_FIELDS}, accept=(400,))
        if (node := self._seen(answer)) is None:
            return Absent("Facebook knows no such video")
        match stage_of(node):
            case "failed":
                return Absent(f"Facebook could not use the video: {why_failed(node)}")
            case "live" if call.now() > lost.until:  # a list that lags would have it by now
                return Found(_unlisted(node, video, call))
            case "live" | "publishing" | "unsure":
                return CannotTell("its video is not waiting any more, and no story is listed", 30.0)
            case _:
                return None

    async def _find_comment(self, lost: Lost, call: Call) -> Finding:
        fields, ours = "id,message,from,created_time,permalink_url", list[dict[str, Any]]()
        params = {"fields": fields, "filter": "stream", "order": "reverse_chronological"}
        wanted, page = squash(lost.part.body["fields"].get("message") or ""), call.facts.identity.id
        unsigned = False
        async for one in self._list(self.node(lost.part.body["parent"], "comments"), params, call):
            if (made := at(one)) is not None and made < lost.since:
                break
            if within(lost, one) and squash(str(one.get("message") or "")) == wanted:
                who = as_text(found(one, "from.id"))
                unsigned = unsigned or who is None
                ours += [one] if who == page else []
        if len(ours) > 1:
            return CannotTell("two comments look exactly like this one")
        if ours and (wanted or not lost.part.media):
            return Found(sent_post(ours[0], "comment", None, call.now()))
        if ours or unsigned:
            return CannotTell("a comment like it is there, but it is not known to be this one")
        return Absent("it is not among the comments")

    async def _find_post(self, lost: Lost, call: Call) -> Finding:
        """Among the published posts, and among the scheduled ones where it is for later."""
        items = lost.part.media if lost.part.body["way"] == "photos" else ()
        photos = [call.recall(memory(f"photo {index}", item)) for index, item in enumerate(items)]
        photos += [photo] if (photo := call.recall("photo")) is not None else []
        due = lost.part.body.get("due")
        if due is None:
            posts = [post async for post in self._since(lost.since, call) if within(lost, post)]
            return _one_of(posts, lost, photos, call, None)
        listed = [post async for post in self._scheduled(call) if _free(post, lost)]
        told = _one_of([post for post in listed if _is_for(post, due)], lost, photos, call, due)
        vague = [post for post in listed if _is_for_some_time(post)]
        if isinstance(told, Absent) and not isinstance(_one_of(vague, lost, photos, call, due), Absent):
            return CannotTell("a post like it is scheduled, and Facebook does not say for when")
        if not isinstance(told, Absent) or call.now().timestamp() < due:
            return told
        late = [post async for post in self._since(lost.since, call) if _free(post, lost)]
        return _one_of(late, lost, photos, call, None)

    async def _since(self, since: datetime, call: Call) -> AsyncIterator[dict[str, Any]]:
        params = {"fields": POST_FIELDS, "limit": "100"}
        async for post in self._list(self.at(call, "published_posts"), params, call):
            if (made := at(post)) is not None and made < since:
                return
            yield post

    def _scheduled(self, call: Call) -> AsyncIterator[dict[str, Any]]:
        params = {"fields": f"{POST_FIELDS},scheduled_publish_time", "limit": "100"}
        return self._list(self.at(call, "scheduled_posts"), params, call)

    async def _list(self, url: str, params: Mapping[str, str], call: Call) -> AsyncIterator[dict[str, Any]]:
        """The entries of a list, every page: by its cursors, never by the address it names."""
        query, seen = dict(params), set[str]()
        while True:
            body = (await call.read("GET", url, params=query)).json()
            for one in listed(body):
                yield one
            after = as_text(found(body, "paging.cursors.after"))
            if not found(body, "paging.next") or after is None or after in seen:
                return
            seen.add(after)
            query["after"] = after

    # --- edit and delete -----------------------------------------------------------------------------------
    async def edit(self, receipt: Receipt, part: Part, call: Call) -> Sent:
        """Text, title of a video, place and tags; the moment of a scheduled post. Media and link stay as they are."""
        fields, way = part.body["fields"], receipt.raw.get("way", "feed")
        wanted = _edited(fields, receipt, part, call)
        answer = await call.attach(
            "POST", self.node(own_id(receipt)), form=list(wanted.items()), repeatable=True
        )
        succeeded(answer)
        raw = {**receipt.raw, "way": way}
        if "scheduled_publish_time" in wanted:
            raw["due"] = part.body["due"]
        return Sent(receipt.id, receipt.url, receipt.published_at, raw=raw)

    async def delete(self, receipt: Receipt, call: Call) -> None:
        """Facebook says the same of what is gone and of what it does not let go: what cannot be read is gone."""
        url = self.node(own_id(receipt))
        answer = await call.attach("DELETE", url, accept=(400, 404), repeatable=True)
        if answer.status < 300:
            succeeded(answer)
            return
        refusal = self.parse_error(answer)
        if self.read_error(answer)[0] != GONE:
            raise refusal
        fields = {"fields": "post_id" if receipt.kind == "story" else "id"}
        seen = await call.read("GET", url, params=fields, accept=(400, 404))
        if seen.status < 300 or self.read_error(seen)[0] != GONE:
            raise refusal

    # --- read ----------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        """One request for up to 50 things. A metric Facebook does not know costs two more, and only its own number."""
        reader = Reader(call, f"/{self.version}/", self.parse_error)
        now = call.now()
        return [metrics_of(row, now) for row in await reader.rows(receipts)]

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        """Followers now; with a period, how often and to how many people the Page's content was shown in it."""
        page, end = call.facts.identity.id, min(until or call.now(), call.now())
        asked = page_paths(page, since, end) if since is not None else []
        paths = [f"{page}?fields=followers_count,fan_count", *(path for _, path in asked)]
        told: list[base.Response | None] = []
        for start in range(0, len(paths), BATCH):
            told += await batch(paths[start : start + BATCH], call, f"/{self.version}/")
        node = told[0].json_or_none() if told[0] is not None and told[0].status == 200 else None
        if node is None:
            raise self.parse_error(told[0]) if told[0] else errors.Unavailable("Facebook did not answer")
        numbers, missing = page_numbers(asked, told[1:], self.parse_error)
        why = "numbers of the Page belong to a period: give since=" if since is None else "not told"
        missing = dict.fromkeys(("impressions", "reach", "video_views"), why) | missing
        followers = node.get("followers_count")
        if followers is None:
            missing["followers"] = "Facebook did not say"
        if since is not None and "reach" not in numbers:
            missing["reach"] = "people are not added up over more than 90 days"
        values: dict[str, Any] = {"followers": followers, **numbers}
        return Metrics(
            platform=self.platform,
            identity=call.facts.identity,
            url=call.facts.url,
            missing={name: words for name, words in missing.items() if values.get(name) is None},
            raw=node,
            fetched_at=call.now(),
            **values,
        )

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        """Posts and reels, newest first: Facebook lists them apart."""
        window = {"limit": str(max(1, min(100, limit)))}
        window |= {"since": str(int(since.timestamp()))} if since is not None else {}
        window |= {"until": str(int(until.timestamp()) + 1)} if until is not None else {}
        owner, given = call.facts.identity, set[str | None]()
        posts = self._list(self.at(call, "published_posts"), window | {"fields": POST_FIELDS}, call)
        reels = self._list(self.at(call, "video_reels"), window | {"fields": REEL_FIELDS}, call)
        receipts = _merged(_receipts(posts, owner), _reels(reels, owner))
        async for receipt in receipts:
            made = receipt.published_at
            if since is not None and made is not None and made < since:
                return
            if receipt.id in given or (until is not None and made is not None and made > until):
                continue
            given.add(receipt.id)
            yield receipt

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """A permalink or an id. One whose address holds no id is looked for among the Page's own latest posts."""
        native = id_in(reference, call.facts.identity)
        if native is None:
            return await self._by_address(reference, call)
        if "_" not in native:
            return await self._video_or_photo(reference, native, call)
        page = native.partition("_")[0] == call.facts.identity.id
        fields = POST_FIELDS if page else "id,message,created_time,permalink_url,from"
        answer = await call.read("GET", self.node(native), params={"fields": fields}, accept=(400,))
        if (node := self._seen(answer)) is None:
            raise errors.ConfigError(f"{reference!r} is no post that Facebook shows")
        if page:
            return receipt_of(node, call.facts.identity)
        author = as_text(found(node, "from.id")) or ""
        url = address(node.get("permalink_url"), native)
        owner = Identity(self.platform, self.server, author)
        return Receipt(owner, native, url, at(node), node.get("message"), "reply", raw={"way": "comment"})

    async def _video_or_photo(self, reference: str, native: str, call: Call) -> Receipt:
        fields = "id,description,created_time,permalink_url,post_id"
        answer = await call.read("GET", self.node(native), params={"fields": fields}, accept=(400,))
        owner = call.facts.identity
        if answer.status == 200:
            receipt = reel_receipt(answer.json(), owner)
            reel = "/reel/" in (receipt.url or "")
            raw = {**receipt.raw, "way": "reel" if reel else "video"}
            return attrs.evolve(receipt, kind="reel" if reel else "post", raw=raw)
        photo = await call.read(
            "GET", self.node(native), params={"fields": "id,page_story_id"}, accept=(400,)
        )
        if photo.status != 200 and not str(self.read_error(photo)[0]).startswith("100"):
            raise self.parse_error(photo)
        node = photo.json() if photo.status == 200 else None
        if not node or not is_id(as_text(node.get("page_story_id"))):
            raise errors.ConfigError(f"{reference!r} is nothing that Facebook shows")
        return await self.resolve(str(node["page_story_id"]), call)

    async def _by_address(self, reference: str, call: Call) -> Receipt:
        if not is_permalink(reference):
            raise errors.ConfigError(f"{reference!r} is no post on Facebook; give its permalink or id")
        for edge, fields in (("published_posts", POST_FIELDS), ("video_reels", REEL_FIELDS)):
            count, params = 0, {"fields": fields, "limit": "100"}
            async for node in self._list(self.at(call, edge), params, call):
                if same_address(node.get("permalink_url"), reference):
                    make = receipt_of if edge == "published_posts" else reel_receipt
                    return make(node, call.facts.identity)
                if (count := count + 1) >= 100 * _PAGES:
                    break
        raise errors.ConfigError(f"{reference!r} is not among the Page's latest posts")

    def owns(self, permalink: str) -> bool:
        return is_permalink(permalink)

    # --- the wire ------------------------------------------------------------------------------------------
    def read_error(self, response: base.Response) -> tuple[str | None, str]:
        """The envelope of the Graph API, or that of the host that takes the bytes of reels."""
        told = found(response.json_or_none(), "debug_info")
        if isinstance(told, Mapping):
            return as_text(told.get("type")), str(told.get("message") or "")
        return super().read_error(response)

    def says_no(self, response: base.Response) -> bool:
        return super().says_no(response) or isinstance(found(response.json_or_none(), "debug_info"), Mapping)

    def parse_error(self, response: base.Response) -> errors.SocialKitError:
        error = super().parse_error(response)
        wants = found(response.json_or_none(), "error.error_data")
        if isinstance(error, errors.Declined) and isinstance(wants, Mapping):
            offsets = [str(wants.get(name, "")) for name in ("start_offset", "end_offset")]
            if all(offset.isdigit() for offset in offsets):
                error.__dict__["wants"] = {name: wants[name] for name in ("start_offset", "end_offset")}
        throttled = isinstance(error, errors.RateLimited) and not self.read_limits(response)
        if isinstance(error, errors.RateLimited) and throttled and error.retry_at is None:
            error.retry_at = response.received_at and response.received_at + _REST
        return error


# --- helpers ----------------------------------------------------------------------------------------------
def _json_list(photos: Sequence[str]) -> str:
    return "[" + ",".join(f'{{"media_fbid":"{photo}"}}' for photo in photos) + "]"


def _story(told: Mapping[str, Any], way: Any, medium: str, call: Call) -> Sent:
    """A story by the id of its post; its address stands only in the list of stories."""
    raw = {"way": way, "media": medium}
    return Sent(str(told["post_id"]), as_text(told.get("url")), at(told, call.now()), raw=raw)


def _unlisted(node: Mapping[str, Any], video: str, call: Call) -> Sent:
    """A story that only its video tells of."""
    words = "id: the story is live, and the Page's list of stories does not have it"
    raw = {"way": "video_story", "media": video}
    return Sent(None, published_at=at(node, call.now()), missing=(words,), raw=raw)


def _given_up(sent: Sent, words: str) -> Sent:
    return attrs.evolve(sent, look_again_at=None, missing=(*sent.missing, words))


def _is_for(post: Mapping[str, Any], due: int) -> bool:
    told = moment(post.get("scheduled_publish_time"))
    return told is not None and abs(told.timestamp() - due) < 2


def _is_for_some_time(post: Mapping[str, Any]) -> bool:
    return moment(post.get("scheduled_publish_time")) is None


def _free(post: Mapping[str, Any], lost: Lost) -> bool:
    return str(post.get("id")) not in lost.claimed


def _one_of(
    posts: Sequence[dict[str, Any]], lost: Lost, photos: Sequence[Any], call: Call, due: int | None
) -> Finding:
    """The one post that is what was lost; several, or a likely one, are no answer."""
    judged = [(likeness_of(post, lost, photos), post) for post in posts]
    same = [post for likeness, post in judged if likeness == "same"]
    if len(same) > 1:
        return CannotTell("two posts look exactly like this one")
    if same:
        ids = [one for _, one in media_of(same[0])]
        more: dict[str, Any] = {"photos": ids} if ids else {}
        return Found(sent_post(same[0], lost.part.body["way"], due, call.now(), **more))
    if any(likeness == "alike" for likeness, _ in judged):
        return CannotTell("a post like it is there, but its pictures are not known to be these")
    return Absent("it is not among the Page's own posts")


def _edited(fields: Mapping[str, str], receipt: Receipt, part: Part, call: Call) -> dict[str, str]:
    """The form of an edit; what cannot be changed is a Problem."""
    way, scheduled = receipt.raw.get("way", "feed"), "due" in receipt.raw and "due" in part.body
    text = fields.get("message") or fields.get("description") or fields.get("caption") or ""
    wanted = {"description" if way in VIDEOS else "message": text}
    if way in VIDEOS and (title := part.body.get("title") or fields.get("title")):
        wanted["name"] = title
    kept = {"message", "description", "caption", "title", "video_state"}
    if way not in (*VIDEOS, "comment"):
        wanted |= {name: fields[name] for name in ("place", "tags") if name in fields}
        kept |= {"place", "tags"}
    if scheduled:
        wanted["scheduled_publish_time"] = fields["scheduled_publish_time"]
        kept |= {"scheduled_publish_time", "published", "unpublished_content_type"}
    refused = [("media", "the media of a post stay as they are; leave them out")] if part.media else []
    refused += [(name, "cannot be changed afterwards") for name in fields if name not in kept]
    refused += [(name, "follows a new post only") for name in _FOLLOWING if name in part.body]
    if receipt.kind == "story":
        refused = [("", "a story cannot be edited; delete it and publish anew")]
    if refused:
        raise errors.InvalidPost([Problem(call.account, field, "fixed", words) for field, words in refused])
    return wanted


_FOLLOWING = ("first_comment", "collaborators")


async def _receipts(nodes: AsyncIterator[dict[str, Any]], owner: Identity) -> AsyncIterator[Receipt]:
    async for node in nodes:
        yield receipt_of(node, owner)


async def _reels(nodes: AsyncIterator[dict[str, Any]], owner: Identity) -> AsyncIterator[Receipt]:
    async for node in nodes:
        if node.get("published") is not False:
            yield reel_receipt(node, owner)


async def _merged(*lists: AsyncIterator[Receipt]) -> AsyncIterator[Receipt]:
    """Several lists as one, newest first; what has no time comes as it stands."""
    heads = [(one, await anext(one, None)) for one in lists]
    while any(head is not None for _, head in heads):
        live = [(index, head) for index, (_, head) in enumerate(heads) if head is not None]
        index, newest = max(live, key=lambda pair: _when(pair[1]))
        yield newest
        heads[index] = (heads[index][0], await anext(heads[index][0], None))


def _when(receipt: Receipt) -> float:
    return receipt.published_at.timestamp() if receipt.published_at else float("inf")
