"""The repositories of the Bluesky sandbox: records written, read and deleted, and the blobs they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import attrs

from .bluesky_accounts import Accounts, Json, Person, Row
from .bluesky_records import (
    BadRecord,
    Check,
    array,
    blobs_in,
    maybe,
    no_fractions,
    obj,
    raw_cid,
    record_cid,
    text,
    tid,
    union,
    validate,
)
from .bodies import Upload
from .core import Entry, body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["POST", "FeedPost", "Repo", "Stored", "part", "parts", "quoted"]

POST = "app.bsky.feed.post"
GATES = ("app.bsky.feed.threadgate", "app.bsky.feed.postgate")
RECORD_BYTES = 1_000_000
_ONE_PER_SUBJECT = ("app.bsky.feed.like", "app.bsky.feed.repost", "app.bsky.graph.follow")
_WRITE = "com.atproto.repo.applyWrites#"
_PLACE: dict[str, Check] = {"collection": text("nsid"), "rkey": text("record-key")}
_SWAPS: dict[str, Check] = {"swapCommit": text("cid"), "swapRecord": maybe(text("cid"))}
_REPO: dict[str, Check] = {"repo": text("at-identifier"), **_SWAPS}
_CREATE = obj("repo collection record", record=obj(""), **_PLACE, **_REPO)
_PUT = obj("repo collection rkey record", record=obj(""), **_PLACE, **_REPO)
_DELETE = obj("repo collection rkey", **_PLACE, **_REPO)
_ONE_WRITE = union(
    closed=True,
    com_atproto_repo_applyWrites__create=obj("collection value", value=obj(""), **_PLACE),
    com_atproto_repo_applyWrites__update=obj("collection rkey value", value=obj(""), **_PLACE),
    com_atproto_repo_applyWrites__delete=obj("collection rkey", **_PLACE),
)
_APPLY = obj("repo writes", writes=array(_ONE_WRITE), **_REPO)
_UNSET: Any = object()


@attrs.define(eq=False)
class FeedPost(Entry):
    """A post: its entry id is the record key.

    ``indexed`` is (CID, record) as the AppView first saw it: what is put over it later never shows there.
    """

    did: str = ""
    uri: str = ""
    cid: str = ""
    record: Json = attrs.field(factory=dict)
    indexed: tuple[str, Json] = ("", {})
    gates: frozenset[str] = frozenset()


@attrs.frozen
class Stored:
    """A record that is no post."""

    did: str
    collection: str
    rkey: str
    cid: str
    record: Json
    at: datetime

    @property
    def uri(self) -> str:
        return f"at://{self.did}/{self.collection}/{self.rkey}"


@attrs.frozen
class Write:
    """One write, checked: what is to be where. ``record`` None deletes."""

    collection: str
    rkey: str
    record: Json | None = None
    cid: str = ""
    status: str | None = None


class Repo(Accounts):
    """Records by address; posts among them are the timeline's entries."""

    index_lag = 1.0
    """Seconds until the AppView knows a new post."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.records: dict[str, Stored] = {}
        self._last_micros = 0
        self._swept_at = self.now()

    def repo_table(self) -> list[Row]:
        """The calls of this file."""
        repo = "com.atproto.repo."
        return [
            ("POST", f"{repo}createRecord", "pds", self.create_record),
            ("POST", f"{repo}putRecord", "pds", self.put_record),
            ("POST", f"{repo}deleteRecord", "pds", self.delete_record),
            ("POST", f"{repo}applyWrites", "pds", self.apply_writes),
            ("POST", f"{repo}uploadBlob", "pds", self.upload_blob),
            ("GET", f"{repo}getRecord", "any", self.get_record),
            ("GET", f"{repo}listRecords", "pds", self.list_records),
            ("GET", f"{repo}describeRepo", "pds", self.describe_repo),
            ("GET", "com.atproto.sync.getBlob", "pds", self.get_blob),
        ]

    def new_id(self) -> str:
        self._last_micros = max(self._last_micros + 1, int(self.now().timestamp() * 1_000_000))
        return tid(self._last_micros, 0)

    def twin_of(self, entry: Entry) -> Entry:
        twin = cast(FeedPost, super().twin_of(entry))
        uri = f"at://{twin.did}/{POST}/{twin.id}"
        return attrs.evolve(
            twin, uri=uri, url=_permalink(uri), visible_at=entry.visible_at, gates=frozenset()
        )

    # looking -------------------------------------------------------------------------------------

    def post(self, uri: str) -> FeedPost | None:
        """The live post at that address, indexed yet or not."""
        for key in (uri.rpartition("/")[2], uri):
            found = cast("FeedPost | None", self.find(key))
            if found is not None and found.uri == uri:
                return found
        return None

    def posts(self) -> list[FeedPost]:
        """What the AppView knows, newest first."""
        return cast("list[FeedPost]", self.listed())

    def at(self, uri: str) -> tuple[str, Json] | None:
        """(CID, record) at that address, as the account's server has it."""
        if f"/{POST}/" in uri:
            found = self.post(uri)
            return (found.cid, found.record) if found else None
        stored = self.records.get(uri)
        return (stored.cid, stored.record) if stored else None

    def stored(self, collection: str) -> list[Stored]:
        """Every record of a collection that holds no posts, oldest first."""
        return [one for one in self.records.values() if one.collection == collection]

    def about(self, collection: str, uri: str) -> list[Stored]:
        """Likes or reposts of a post."""
        return [one for one in self.stored(collection) if _subject(one.record) == uri]

    # one record ----------------------------------------------------------------------------------

    def create_record(self, request: Request) -> Response:
        """``createRecord``: under a key that is taken it fails with a bare 500, as the real server does."""
        person, given = self._writer(request, _CREATE)
        write = self._checked(given, given.get("rkey") or self.new_id(), given["record"])
        self._swap_commit(person, given)
        uri = _address(person, write)
        if self.at(uri) is not None:
            raise self.refuse("", status=500)
        if given.get("validate") is not False:
            self._drop_same_subject(person, write)
        return self._done(person, write, self._apply(person, [write]))

    def put_record(self, request: Request) -> Response:
        """``putRecord``: the same content again changes nothing and has no commit in its answer."""
        person, given = self._writer(request, _PUT)
        write = self._checked(given, given["rkey"], given["record"])
        before = self.at(_address(person, write))
        if before is not None and before[0] == write.cid:
            return self._done(person, write, None)
        self._swap_commit(person, given)
        if self.keys_honoured:
            self._swap_record(before, given.get("swapRecord", _UNSET))
        return self._done(person, write, self._apply(person, [write]))

    def delete_record(self, request: Request) -> Response:
        """``deleteRecord``: what is not there is deleted as well."""
        from starlette.responses import JSONResponse

        person, given = self._writer(request, _DELETE)
        write = Write(given["collection"], given["rkey"])
        before = self.at(_address(person, write))
        if before is None:
            return JSONResponse({})
        self._swap_commit(person, given)
        self._swap_record(before, given.get("swapRecord") or _UNSET)
        return JSONResponse({"commit": self._apply(person, [write])})

    def apply_writes(self, request: Request) -> Response:
        """``applyWrites``: all or nothing."""
        from starlette.responses import JSONResponse

        person, given = self._writer(request, _APPLY)
        writes: list[Json] = given["writes"]
        if len(writes) > 200:
            raise self.refuse("Too many writes. Max: 200")
        checked = [self._one_of_many(given, one, index) for index, one in enumerate(writes)]
        self._swap_commit(person, given)
        self._no_clash(person, writes, checked)
        commit = self._apply(person, checked)
        results = [self._result(person, op, one) for op, one in zip(writes, checked, strict=True)]
        return JSONResponse({"commit": commit, "results": results})

    def _one_of_many(self, given: Json, write: Json, index: int) -> Write:
        if write["$type"] == f"{_WRITE}delete":
            return Write(write["collection"], write["rkey"])
        one = {**given, "collection": write["collection"]}
        rkey = write.get("rkey") or self.new_id()
        return self._checked(one, rkey, write["value"], at=f"$.writes[{index}].record")

    def _no_clash(self, person: Person, writes: list[Json], checked: list[Write]) -> None:
        """A create over a record, or an update or delete of none, ends the whole batch in a 500."""
        there: dict[str, bool] = {}
        for op, write in zip(writes, checked, strict=True):
            uri = _address(person, write)
            exists = there.get(uri, self.at(uri) is not None)
            if exists == (op["$type"] == f"{_WRITE}create"):
                raise self.refuse("", status=500)
            there[uri] = write.record is not None

    def _result(self, person: Person, op: Json, write: Write) -> Json:
        if write.record is None:
            return {"$type": f"{_WRITE}deleteResult"}
        made = {"uri": _address(person, write), "cid": write.cid}
        status = {"validationStatus": write.status} if write.status else {}
        return {"$type": f"{op['$type']}Result", **made, **status}

    # checks --------------------------------------------------------------------------------------

    def _writer(self, request: Request, check: Check) -> tuple[Person, Json]:
        """Who writes, and the request; only to their own repository, and only while the account is on."""
        person = self.user(request)
        given = self.given(request, check, limit=RECORD_BYTES)
        owner = self.person(given["repo"])
        if owner is None:
            raise self.refuse("Account not found", "AccountNotFound", 403)
        if owner.state == "deactivated":
            raise self.refuse("Account is deactivated", "AccountDeactivated", 401)
        if owner is not person:
            raise self.refuse("", status=401)
        return person, given

    def _checked(self, given: Json, rkey: str, record: Json, at: str = "$.record") -> Write:
        """The write after every check that looks at the record alone and at its blobs."""
        collection = given["collection"]
        if record.setdefault("$type", collection) != collection:
            raise self.refuse(f"Invalid $type: expected {collection}, got {record['$type']}")
        try:
            no_fractions(record, at)
            status = validate(record, rkey, wanted=given.get("validate"), at=at)
            write = Write(collection, rkey, record, record_cid(record), status)
        except BadRecord as error:
            raise self.refuse(str(error)) from None
        self._check_blobs(record, given["repo"])
        return write

    def _check_blobs(self, record: Json, repo: str) -> None:
        owner = self.person(repo)
        for blob in blobs_in(record):
            link = blob.get("ref")
            cid = link.get("$link") if isinstance(link, dict) else None
            kept = self.media.get(str(cid))
            if kept is None or owner is None or owner.did not in kept["owners"]:
                raise self.refuse(f"Could not find blob: {cid}", "BlobNotFound")
            if kept["used"]:
                continue  # a blob that a record refers to is not looked at again
            for name, code in (("mimeType", "InvalidMimeType"), ("size", "InvalidSize")):
                if blob.get(name) != kept[name]:
                    words = f"Referenced {name.capitalize()} does not match stored blob."
                    raise self.refuse(f"{words} Expected: {kept[name]}, Got: {blob.get(name)}", code)

    def _swap_commit(self, person: Person, given: Json) -> None:
        if given.get("swapCommit") and given["swapCommit"] != person.commit:
            raise self.refuse(f"Commit was at {person.commit}", "InvalidSwap")

    def _swap_record(self, before: tuple[str, Json] | None, wanted: Any) -> None:
        """``wanted`` is the CID that must be there now, None for no record."""
        now = before[0] if before else None
        if wanted is not _UNSET and wanted != now:
            raise self.refuse(f"Record was at {now or 'null'}", "InvalidSwap")

    def _drop_same_subject(self, person: Person, write: Write) -> None:
        """A like, repost or follow takes the place of an earlier one of the same thing."""
        if write.collection not in _ONE_PER_SUBJECT or write.record is None:
            return
        subject = _subject(write.record)
        for one in self.stored(write.collection):
            if one.did == person.did and _subject(one.record) == subject:
                del self.records[one.uri]

    # doing ---------------------------------------------------------------------------------------

    def _apply(self, person: Person, writes: list[Write]) -> Json:
        """Do the writes; gives the commit. Its CID is of a small stand-in, not of a whole signed tree."""
        for write in writes:
            for blob in blobs_in(write.record):
                self.media[blob["ref"]["$link"]]["used"] = True
            if write.record is None:
                self._delete(person, write)
            elif write.collection == POST:
                self._put_post(person, write)
            else:
                self._put_other(person, write)
        person.rev = self.new_id()
        person.commit = record_cid({"did": person.did, "version": 3, "rev": person.rev})
        return {"cid": person.commit, "rev": person.rev}

    def _put_post(self, person: Person, write: Write) -> None:
        uri, record = _address(person, write), cast(Json, write.record)
        before = self.post(uri)
        if before is not None:
            fields = _fields(record, self.media)
            self.change(before, cid=write.cid, record=record, edited_at=self.now(), **fields)
            return
        key = write.rkey if self._free(write.rkey, uri) else uri
        self.entries.pop(key, None)
        made = FeedPost(
            id=key,
            account=person.handle,
            created_at=self.now(),
            url=_permalink(uri),
            key=write.rkey,
            visible_at=self.now() + timedelta(seconds=self.index_lag),
            did=person.did,
            uri=uri,
            cid=write.cid,
            record=record,
            indexed=(write.cid, record),
            **_fields(record, self.media),
        )
        self.add(made)

    def _free(self, rkey: str, uri: str) -> bool:
        """Whether no other account has a post under that key."""
        there = cast("FeedPost | None", self.entries.get(rkey))
        return there is None or there.uri == uri

    def _put_other(self, person: Person, write: Write) -> None:
        made = Stored(
            person.did, write.collection, write.rkey, write.cid, cast(Json, write.record), self.now()
        )
        self.records.pop(made.uri, None)
        self.records[made.uri] = made
        self._tell_gate(person, write)

    def _delete(self, person: Person, write: Write) -> None:
        uri = _address(person, write)
        post = self.post(uri) if write.collection == POST else None
        if post is not None:
            self.remove(post)
        self.records.pop(uri, None)
        self._tell_gate(person, write)

    def _tell_gate(self, person: Person, write: Write) -> None:
        """A gate of a post is a change of that post."""
        post = self.post(f"at://{person.did}/{POST}/{write.rkey}")
        if write.collection in GATES and post is not None:
            one = {write.collection}
            self.change(post, gates=post.gates - one if write.record is None else post.gates | one)

    def _done(self, person: Person, write: Write, commit: Json | None) -> Response:
        from starlette.responses import JSONResponse

        made: Json = {"uri": _address(person, write), "cid": write.cid}
        if commit is not None:
            made["commit"] = commit
        if write.status:
            made["validationStatus"] = write.status
        return JSONResponse(made)

    # reading -------------------------------------------------------------------------------------

    def get_record(self, request: Request) -> Response:
        """``getRecord``: what the account's own server has, at once."""
        from starlette.responses import JSONResponse

        person = self.person(self.asked(request, "repo"))
        collection, rkey = self.asked(request, "collection"), self.asked(request, "rkey")
        did = person.did if person else self.asked(request, "repo")
        uri = f"at://{did}/{collection}/{rkey}"
        found = self.at(uri) if person else None
        if found is None or request.query_params.get("cid") not in (None, found[0]):
            raise self.refuse(f"Could not locate record: {uri}", "RecordNotFound")
        return JSONResponse({"uri": uri, "cid": found[0], "value": found[1]})

    def list_records(self, request: Request) -> Response:
        """``listRecords``: by record key, highest first."""
        from starlette.responses import JSONResponse

        person = self._repo_of(request)
        collection = self.asked(request, "collection")
        limit = self.number(request, "limit", 50, 1, 100)
        onward = request.query_params.get("reverse") == "true"
        cursor = request.query_params.get("cursor")
        rows = sorted(self._in(person, collection), key=lambda row: row[0], reverse=not onward)
        if cursor:
            rows = [row for row in rows if (row[0] > cursor if onward else row[0] < cursor)]
        page = rows[:limit]
        shown = [
            {"uri": f"at://{person.did}/{collection}/{rkey}", "cid": cid, "value": record}
            for rkey, cid, record in page
        ]
        return JSONResponse({"records": shown, **({"cursor": page[-1][0]} if page else {})})

    def _repo_of(self, request: Request) -> Person:
        name = self.asked(request, "repo")
        person = self.person(name)
        if person is None:
            raise self.refuse(f"Could not find repo: {name}")
        return person

    def _in(self, person: Person, collection: str) -> Iterator[tuple[str, str, Json]]:
        if collection == POST:
            for entry in self.entries.values():
                post = cast(FeedPost, entry)
                if post.did == person.did and post.deleted_at is None:
                    yield post.uri.rpartition("/")[2], post.cid, post.record
        for one in self.records.values():
            if one.did == person.did and one.collection == collection:
                yield one.rkey, one.cid, one.record

    def describe_repo(self, request: Request) -> Response:
        """``describeRepo``."""
        from starlette.responses import JSONResponse

        person = self._repo_of(request)
        kinds = {one.collection for one in self.records.values() if one.did == person.did}
        kinds |= {POST for entry in self.entries.values() if cast(FeedPost, entry).did == person.did}
        return JSONResponse(
            {
                "handle": person.handle,
                "did": person.did,
                "didDoc": self.did_document(person),
                "collections": sorted(kinds),
                "handleIsCorrect": True,
            }
        )

    # blobs ---------------------------------------------------------------------------------------

    def upload_blob(self, request: Request) -> Response:
        """``uploadBlob``: the bytes decide the type where they tell one, else the header does."""
        from starlette.responses import JSONResponse

        person = self.user(request)
        read = body(request)
        declared = request.headers.get("content-type")
        if not declared:
            raise self.refuse("Request encoding (Content-Type) required but not provided")
        upload = read.upload if read.upload is not None else _whole(read.raw)
        if upload.size > self.blob_limit:
            raise self.refuse("request entity too large", status=413)
        mime = upload.kind.mime or declared.partition(";")[0].strip()
        return JSONResponse({"blob": self.keep_blob(person, upload, mime)})

    def keep_blob(self, person: Person, upload: Upload, mime: str) -> Json:
        """Store what was uploaded for the account; gives the reference to it."""
        return self.keep_bytes(person, upload.sha256, upload.size, mime, upload.data)

    def keep_bytes(self, person: Person, sha256: str, size: int, mime: str, data: bytes | None) -> Json:
        """The same, told by digest; ``data`` is None for what was too large to keep."""
        cid = raw_cid(sha256)
        kept = self.media.setdefault(
            cid, {"id": cid, "mimeType": mime, "mime": mime, "size": size, "owners": {}, "used": False}
        )
        kept["data"] = data
        kept["owners"][person.did] = self.now()
        return {"$type": "blob", "ref": {"$link": cid}, "mimeType": kept["mimeType"], "size": size}

    def collect_blobs(self) -> None:
        """Blobs no record refers to are gone an hour after their upload; looked for once a minute."""
        if self.now() - self._swept_at < timedelta(minutes=1):
            return
        self._swept_at = self.now()
        due = self.now() - timedelta(hours=1)
        old = [one for one in self.media.values() if any(at <= due for at in one["owners"].values())]
        used = self._referenced() if old else set()
        for kept in old:
            kept["owners"] = {
                did: at for did, at in kept["owners"].items() if at > due or (did, kept["id"]) in used
            }
            if not kept["owners"]:
                del self.media[kept["id"]]

    def _referenced(self) -> set[tuple[str, str]]:
        live = (cast(FeedPost, one) for one in self.entries.values() if one.deleted_at is None)
        records = [(post.did, post.record) for post in live]
        records += [(one.did, one.record) for one in self.records.values()]
        return {(did, str(blob["ref"]["$link"])) for did, record in records for blob in blobs_in(record)}

    def get_blob(self, request: Request) -> Response:
        """``com.atproto.sync.getBlob``: the bytes, where they were small enough to keep."""
        from starlette.responses import Response

        kept = self.media.get(self.asked(request, "cid"))
        if kept is None or self.asked(request, "did") not in kept["owners"] or kept["data"] is None:
            raise self.refuse("Blob not found", "BlobNotFound")
        headers = {
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
        }
        return Response(kept["data"], media_type=kept["mimeType"], headers=headers)


def _whole(raw: bytes) -> Upload:
    """A body of a type that the core reads in one piece, as an upload."""
    upload = Upload()
    upload.feed(raw)
    return upload.close()


def _address(person: Person, write: Write) -> str:
    return f"at://{person.did}/{write.collection}/{write.rkey}"


def _permalink(uri: str) -> str:
    did, _, rkey = uri.removeprefix("at://").split("/")
    return f"https://bsky.app/profile/{did}/post/{rkey}"


def _subject(record: Json) -> str:
    subject = record.get("subject")
    return str(subject.get("uri")) if isinstance(subject, dict) else str(subject)


def part(value: Any, name: str) -> Json:
    """The object under that name; empty when there is none (records may be written unchecked)."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def parts(value: Any, name: str) -> list[Json]:
    """The objects in the list under that name."""
    found = value.get(name) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _fields(record: Json, media: dict[str, Json]) -> Json:
    """What the timeline keeps of a record."""
    embed = part(record, "embed")
    labels = (str(label.get("val")) for label in parts(part(record, "labels"), "values"))
    return {
        "text": str(record.get("text", "")),
        "media": list(_shown_media(embed, media)),
        "reply_to": part(part(record, "reply"), "parent").get("uri"),
        "quote": quoted(embed),
        "warning": ", ".join(labels),
    }


def quoted(embed: Json) -> str | None:
    """The address of the record an embed quotes."""
    inner = part(embed, "record")
    uri = inner.get("uri") or part(inner, "record").get("uri")
    return str(uri) if uri else None


def _shown_media(embed: Json, media: dict[str, Json]) -> Iterator[Json]:
    holder = part(embed, "media") or embed
    found = [(one.get("image"), one.get("alt")) for one in parts(holder, "images") + parts(holder, "items")]
    found.append((holder.get("video"), holder.get("alt")))
    found.append((part(holder, "external").get("thumb"), ""))
    for blob, alt in found:
        if isinstance(blob, dict):
            kept = media.get(str(part(blob, "ref").get("$link")), {})
            yield {"id": kept.get("id"), "mime": blob.get("mimeType"), "alt": alt, "data": kept.get("data")}
