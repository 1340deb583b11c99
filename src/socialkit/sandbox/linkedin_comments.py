"""Comments on LinkedIn: plain words with attributes, under a post or under another comment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from . import linkedin_schema as schema
from .core import Answer, Entry
from .linkedin_posts import Posts

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["Comments"]

Json = dict[str, Any]
COMMENT = re.compile(r"urn:li:comment:\((urn:li:\w+:\d+),(\d+)\)")
_WRITE = {
    "member": ("w_member_social", "w_member_social_feed"),
    "page": ("w_organization_social", "w_organization_social_feed"),
}
_READ = (
    "r_member_social",
    "r_member_social_feed",
    "r_organization_social",
    "r_organization_social_feed",
)


class Comments(Posts):
    """The part of the box that keeps comments, and says whether a post takes more of them."""

    def comment_routes(self) -> list[BaseRoute]:
        """Everything in this file."""
        under = "/rest/socialActions/{urn}/comments"
        return [
            self.route("POST", under, self.comment),
            self.route("GET", under, self.list_comments),
            self.route("POST", f"{under}/{{id}}", self.edit_comment),
            self.route("DELETE", f"{under}/{{id}}", self.delete_comment),
            self.route("GET", "/rest/socialMetadata/{urn}", self.show_metadata),
            self.route("POST", "/rest/socialMetadata/{urn}", self.set_comments_state),
        ]

    def comment(self, request: Request) -> Response:
        """``POST /rest/socialActions/{urn}/comments``."""
        from starlette.responses import JSONResponse

        target = self.find(self.path_urn(request))
        given = self.checked(request, schema.COMMENT)
        actor = self.author(request, "socialActions.CREATE", str(given.get("actor")), **_WRITE)
        if target is None:
            raise self.missing(request.path_params["urn"])
        self._check_comment(given, target)
        under = COMMENT.fullmatch(target.id)
        post = under[1] if under else target.id
        number = self.new_urn("comment").rpartition(":")[2]
        entry = Entry(f"urn:li:comment:({post},{number})", actor, given["message"]["text"], self.now())
        entry.reply_to, entry.url = target.id, f"https://www.linkedin.com/feed/update/{post}/"
        entry.media = [
            self.kept(self.usable(str(one["entity"]["image"]), actor, "/content"), {})
            for one in given.get("content") or ()
        ]
        entry.extras = {"kind": "comment", "given": given, "post": post, "number": number}
        self.add(entry)
        headers = {"x-restli-id": number} if self.says_ids else {}
        return JSONResponse(self.comment_json(entry) if self.says_ids else {}, 201, headers)

    def _check_comment(self, given: Json, target: Entry) -> None:
        self._check_words(given["message"].get("text"))
        under = COMMENT.fullmatch(target.id)
        if given.get("object") != (under[1] if under else target.id):
            raise self.invalid("/object", "INVALID_VALUE", "object is not the post the comment goes under")
        if under and given.get("parentComment") != target.id:
            raise self.invalid(
                "/parentComment", "MISSING_FIELD", "parentComment is the comment that is answered"
            )
        if target.extras.get("comments") == "CLOSED":
            raise Answer(self.error(403, "ACCESS_DENIED", "Comments are closed on this post"))

    def _check_words(self, text: Any) -> None:
        if not isinstance(text, str) or not text:
            raise self.invalid("/message/text", "MISSING_FIELD", "a comment has a text")
        self._check_text("/message/text", text, 1250)

    def comment_json(self, entry: Entry) -> Json:
        """The comment as it is answered and listed."""
        given, made = entry.extras["given"], int(entry.created_at.timestamp() * 1000)
        parent = {"parentComment": entry.reply_to} if COMMENT.fullmatch(entry.reply_to or "") else {}
        content = {"content": given["content"]} if given.get("content") else {}
        return {
            "id": entry.extras["number"],
            "commentUrn": entry.id,
            "actor": entry.account,
            "message": {"text": entry.text, "attributes": given["message"].get("attributes", [])},
            "created": {"actor": entry.account, "time": made},
            "object": entry.extras["post"],
            **parent,
            **content,
        }

    def answers_to(self, urn: str) -> list[Entry]:
        """The comments that answer a post or comment, newest first."""
        kind = "comment"
        return [one for one in self.listed() if one.reply_to == urn and one.extras.get("kind") == kind]

    def list_comments(self, request: Request) -> Response:
        """``GET /rest/socialActions/{urn}/comments``."""
        from starlette.responses import JSONResponse

        urn = self.path_urn(request)
        self.caller(request, "socialActions.GET_ALL", *_READ)
        page, paging = self.paging(request, self.answers_to(urn))
        return JSONResponse({"paging": paging, "elements": [self.comment_json(one) for one in page]})

    def _one(self, request: Request, resource: str) -> Entry | None:
        """The comment the path names, if its author asks."""
        urn = f"urn:li:comment:({self.path_urn(request)},{request.path_params['id']})"
        actor = self.query(request).get("actor")
        if not isinstance(actor, str):
            raise self.invalid("/actor", "MISSING_FIELD", "actor is required")
        self.author(request, resource, actor, **_WRITE)
        entry = self.find(urn)
        if entry is not None and entry.account != actor:
            raise self.forbid(request, resource)
        return entry

    def edit_comment(self, request: Request) -> Response:
        """``POST …/comments/{id}?actor=`` with ``X-RestLi-Method: PARTIAL_UPDATE``."""
        from starlette.responses import Response

        if request.headers.get("x-restli-method", "").upper() != "PARTIAL_UPDATE":
            raise Answer(self.error(405, message="Method not allowed"))
        entry = self._one(request, "socialActions.PARTIAL_UPDATE")
        if entry is None:
            raise self.missing("the comment")
        change = self.checked(request, schema.COMMENT_CHANGE)["patch"]["message"]["$set"]
        self._check_words(change.get("text"))
        self.change(entry, text=change["text"], edited_at=self.now())
        return Response(b"", 204)

    def delete_comment(self, request: Request) -> Response:
        """``DELETE …/comments/{id}?actor=``."""
        from starlette.responses import Response

        entry = self._one(request, "socialActions.DELETE")
        if entry is not None:
            self.remove(entry)
        return Response(b"", 204)

    # what is told about a post ---------------------------------------------------------------------

    def show_metadata(self, request: Request) -> Response:
        """``GET /rest/socialMetadata/{urn}``: reactions and comments."""
        from starlette.responses import JSONResponse

        urn = self.path_urn(request)
        self.caller(request, "socialMetadata.GET", *_READ)
        entry = self.find(urn)
        if entry is None:
            raise self.missing(urn)
        likes, count = self.growth(entry, likes=20)["likes"], len(self.answers_to(urn))
        reactions = {"LIKE": {"reactionType": "LIKE", "count": likes}}
        summary = {"count": count, "topLevelCount": count}
        state = entry.extras.get("comments", "OPEN")
        told = {
            "entity": urn,
            "reactionSummaries": reactions,
            "commentSummary": summary,
            "commentsState": state,
        }
        return JSONResponse(told)

    def set_comments_state(self, request: Request) -> Response:
        """``POST /rest/socialMetadata/{urn}``: opens and closes the comments."""
        from starlette.responses import JSONResponse

        urn = self.path_urn(request)
        if request.headers.get("x-restli-method", "").upper() != "PARTIAL_UPDATE":
            raise Answer(self.error(405, message="Method not allowed"))
        entry = self.find(urn)
        if entry is None:
            raise self.missing(urn)
        self.author(request, "socialMetadata.PARTIAL_UPDATE", entry.account, **_WRITE)
        state = self.checked(request, schema.STATE)["patch"]["$set"].get("commentsState")
        if state not in ("OPEN", "CLOSED"):
            raise self.invalid("/commentsState", "INVALID_VALUE", "OPEN or CLOSED")
        self.change(entry, extras={**entry.extras, "comments": state})
        return JSONResponse({"value": {"entity": urn, "commentsState": state}})
