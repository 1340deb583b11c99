"""To JSON and back: nothing lost, nothing coerced, every fault has its place, no path leads out."""

import contextlib
import io
import json
import os
from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialkit import errors
from socialkit._convert import dump, load, load_post, plain, structure
from socialkit.adapters import base
from socialkit.errors import (
    ConfigError,
    Declined,
    InvalidPost,
    PublishErrors,
    RateLimited,
    ThreadPartlyPosted,
)
from socialkit.gate import Halt
from socialkit.metrics import Metrics
from socialkit.model import (
    SCHEMA,
    Captions,
    File,
    Identity,
    Image,
    Link,
    Outcome,
    Poll,
    Post,
    Problem,
    Receipt,
    Report,
    Video,
)
from socialkit.plan import Plan, TargetPlan
from socialkit.rules import ImageRule, Rules, TextRule

DIR = "/srv/files"
ME = Identity("mastodon", "https://example.social", "42")
AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)

# --- strategies ---------------------------------------------------------------------------------------------
texts = st.text(max_size=30)
maybe_text = st.none() | texts
paths = st.text("abc-_é", min_size=1, max_size=8).map(lambda name: f"{DIR}/{name}.bin")
images = st.builds(
    Image,
    paths,
    alt=maybe_text,
    focus=st.none() | st.tuples(st.floats(-1, 1), st.integers(-1, 1)),
    thumbnail=st.none() | st.builds(Image, paths),
)
media = st.one_of(
    images,
    st.builds(Image.from_url, texts.map(lambda end: f"https://example.com/{end}")),
    st.builds(
        Video, paths, captions=st.lists(st.builds(Captions, paths, texts), max_size=2), thumbnail=images
    ),
    st.builds(File, paths, name=maybe_text),
)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=6,
)
times = st.none() | st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1))  # noqa: DTZ001
identities = st.builds(Identity, texts, texts, texts)
receipts = st.builds(
    Receipt,
    identities,
    maybe_text,
    url=maybe_text,
    published_at=times,
    parts=st.lists(st.builds(Receipt, identities, texts), max_size=2),
    raw=st.dictionaries(texts, jsons, max_size=2),
)
polls = st.builds(Poll, st.lists(texts, max_size=4), seconds=st.integers(), multiple=st.booleans())
plain_fields = {
    "text": texts,
    "media": st.lists(media, max_size=2),
    "link": st.none() | st.builds(Link, texts, title=maybe_text, thumbnail=st.none() | images),
    "title": maybe_text,
    "tags": st.lists(st.text("abc", max_size=4), max_size=3),
    "poll": st.none() | polls,
    "split": st.booleans(),
    "reply_to": st.none() | texts | receipts,
    "visibility": st.sampled_from([None, "public", "unlisted", "followers", "direct", "private"]),
}
posts = st.builds(Post, **plain_fields, thread=st.lists(st.builds(Post, **plain_fields), max_size=2))
changes = st.fixed_dictionaries({}, optional={name: st.none() | kind for name, kind in plain_fields.items()})


@given(posts, changes)
def test_a_post_survives_json(post, fields):
    post = post.variant("sky", **fields)
    assert load_post(json.loads(json.dumps(post.to_dict(), allow_nan=False)), DIR) == post


@given(receipts)
def test_a_receipt_survives_json(receipt):
    assert Receipt.from_dict(json.loads(json.dumps(receipt.to_dict()))) == receipt


@given(st.binary(max_size=3) | jsons | st.dictionaries(st.sampled_from([*attrs.fields_dict(Post)]), jsons))
def test_anything_else_is_a_config_error_or_a_post(data):
    for body in (data, {"schema": SCHEMA, "type": "post", **data} if isinstance(data, dict) else data):
        with contextlib.suppress(ConfigError):
            assert isinstance(load_post(body, DIR), Post)


# --- the envelope -------------------------------------------------------------------------------------------
class TestEnvelope:
    def test_holds_schema_and_type_and_leaves_defaults_out(self):
        assert Post("hello").to_dict() == {"schema": 1, "type": "post", "text": "hello"}

    def test_a_newer_schema_is_refused_with_the_way_out(self):
        with pytest.raises(ConfigError, match=r"schema 2.*upgrade"):
            load_post({"schema": 2, "type": "post", "text": "hello"})

    def test_another_type_is_refused(self):
        with pytest.raises(ConfigError, match=r"\$.type: expected 'post', got 'receipt'"):
            load_post(Receipt(ME, "1").to_dict())

    @pytest.mark.parametrize("schema", [None, "1", True, 0, 1.0])
    def test_a_wrong_schema_is_refused(self, schema):
        with pytest.raises(ConfigError, match=r"\$.schema: expected 1"):
            load_post({"schema": schema, "type": "post"})

    def test_the_class_may_be_asked_instead(self):
        assert Post.from_dict(Post("hello").to_dict()) == Post("hello")
        with pytest.raises(TypeError):
            Post.from_dict(Post("hello").to_dict(), DIR)  # files= is a keyword


# --- strictness ---------------------------------------------------------------------------------------------
def wrong(**fields):
    with pytest.raises(ConfigError) as caught:
        load_post({"schema": 1, "type": "post", **fields}, DIR)
    return str(caught.value).removeprefix("this is no post:").strip()


class TestStrict:
    @pytest.mark.parametrize(
        ("fields", "fault"),
        [
            ({"text": 3}, "$.text: expected str, got int"),
            ({"text": None}, "$.text: expected str, got null"),
            ({"sensitive": "no"}, "$.sensitive: expected bool, got str"),
            ({"sensitive": 1}, "$.sensitive: expected bool, got int"),
            ({"poll": {"options": ["a"], "seconds": "3"}}, "$.poll.seconds: expected int, got str"),
            ({"poll": {"options": ["a"], "seconds": 3.0}}, "$.poll.seconds: expected int, got float"),
            ({"poll": {"options": ["a"], "seconds": True}}, "$.poll.seconds: expected int, got bool"),
            ({"poll": {"options": "abc"}}, "$.poll.options: expected list, got str"),
            ({"poll": {"options": ["a", 2]}}, "$.poll.options[1]: expected str, got int"),
            ({"poll": {}}, "$.poll.options: missing"),
            ({"poll": []}, "$.poll: expected an object, got list"),
            ({"tags": {"a": 1}}, "$.tags: expected list, got object"),
            ({"visibility": "secret"}, "$.visibility: expected one of 'public', 'unlisted'"),
            ({"quote": 5}, "$.quote: expected Receipt or str, got int"),
            ({"quote": {"id": "1"}}, "$.quote.identity: missing"),
            ({"txt": "hello"}, "$.txt: unknown field"),
            ({"media": [{"source": "a.jpg"}]}, "$.media[0].type: expected one of 'image', 'video', 'file'"),
            ({"media": [{"type": "gif", "source": "a"}]}, "$.media[0].type: expected one of"),
            ({"media": [{"type": "image"}]}, "$.media[0].source: missing"),
            (
                {"media": [{"type": "file", "source": "a", "focus": [0, 0]}]},
                "$.media[0].focus: unknown field",
            ),
            (
                {"media": [{"type": "image", "source": "a", "focus": [0]}]},
                "$.media[0].focus: expected a list of 2",
            ),
            ({"media": [{"type": "image", "source": "a", "focus": [0, 9]}]}, "$.media[0]: focus is (x, y)"),
            ({"media": [{"type": "image", "source": 3}]}, "$.media[0].source: expected a path"),
            (
                {"media": [{"type": "image", "source": {"url": "file:///x"}}]},
                "$.media[0].source.url: expected http",
            ),
            ({"thread": [{"thread": [{}]}]}, "$: a part of a thread has no thread"),
            ({"variants": [{"fields": {"text": "a"}}]}, "$.variants[0].target: missing"),
            ({"variants": [{"target": "x", "fields": {"zz": 1}}]}, "$.variants[0].fields.zz: unknown field"),
            (
                {"variants": [{"target": "x", "fields": {"text": 1}}]},
                "$.variants[0].fields.text: expected str",
            ),
            (
                {"variants": [{"target": "x", "options": {}}]},
                "$.variants[0].options.platform: expected str, got null",
            ),
            ({"variants": [{"target": "x", "options": {"platform": "nowhere"}}]}, "no platform 'nowhere'"),
            ({"variants": "x"}, "$.variants: expected list, got str"),
        ],
    )
    def test_a_wrong_value_is_named_with_its_place(self, fields, fault):
        assert fault in wrong(**fields)

    def test_all_faults_come_together(self):
        lines = wrong(text=1, tags=[1, 2], poll={"options": [], "seconds": "x"}, nonsense=1).splitlines()
        assert [line.strip().partition(": ")[0] for line in lines] == [
            "$.text",
            "$.tags[0]",
            "$.tags[1]",
            "$.poll.seconds",
            "$.nonsense",
        ]

    def test_values_stay_out_of_the_message(self):
        assert "hunter2" not in wrong(poll="hunter2", sensitive="hunter2")

    def test_depth_is_bounded(self):
        deep = {}
        for _ in range(5000):
            deep = {"thread": [deep]}
        assert "nested too deep" in wrong(**deep)

    @pytest.mark.parametrize("at", ["2026-03-01T12:00:00", "yesterday", "", 1772366400])
    def test_times_have_a_zone(self, at):
        data = {**Receipt(ME, "1").to_dict(), "published_at": at}
        with pytest.raises(ConfigError, match=r"\$.published_at: expected an ISO 8601 time"):
            Receipt.from_dict(data)

    def test_times_of_other_zones_become_utc(self):
        data = {**Receipt(ME, "1").to_dict(), "published_at": "2026-03-01T14:30:00+02:00"}
        assert Receipt.from_dict(data).published_at == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
        assert Receipt.from_dict(data).published_at.tzinfo is UTC

    def test_numbers_json_cannot_hold_are_refused_both_ways(self):
        with pytest.raises(ConfigError, match=r"raw\.score: nan"):
            Receipt(ME, "1", raw={"score": float("nan")}).to_dict()
        with pytest.raises(ConfigError, match=r"\$.raw\.score: inf"):
            Receipt.from_dict({**Receipt(ME, "1").to_dict(), "raw": {"score": float("inf")}})

    def test_an_int_where_a_float_may_be_stays_an_int(self):
        problem = Problem("sky", "text", "too_long", "too long", limit=300, actual=312.5)
        twin = structure(Problem, plain(problem))
        assert (type(twin.limit), type(twin.actual)) == (int, float)


# --- what cannot be written ---------------------------------------------------------------------------------
class TestUnwritable:
    def test_bytes_and_open_files_are_named_by_medium(self):
        post = Post(
            "x",
            media=[Image("a.jpg"), Image(b"123"), Video(io.BytesIO(b""), thumbnail=Image(b"1"))],
            thread=[Post("y", media=[Video("v.mp4", captions=[Captions(b"12", "en")])])],
        ).variant("sky", media=[File(b"1")])
        with pytest.raises(ConfigError) as caught:
            post.to_dict()
        places = [line.strip().partition(": ")[0] for line in str(caught.value).splitlines()[1:]]
        assert places == [
            "media[1]",
            "media[2]",
            "media[2].thumbnail",
            "thread[0].media[0].captions[0]",
            "variants[0].fields.media[0]",
        ]
        assert "3 bytes in memory" in str(caught.value)

    def test_a_credential_is_never_written_and_never_shown(self):
        secret = base.Credential("bearer", access_token="hunter2")
        for value in (secret, Receipt(ME, "1", raw={"credential": secret}), {"deep": [secret]}):
            with pytest.raises(ConfigError, match="token store") as caught:
                plain(value)
            assert "hunter2" not in str(caught.value)

    def test_a_naive_time_is_refused(self):
        with pytest.raises(ConfigError, match="published_at: a time without a time zone"):
            Receipt(ME, "1", published_at=datetime(2026, 1, 1)).to_dict()  # noqa: DTZ001

    @pytest.mark.parametrize("raw", [{"a": {1: 2}}, {"a": object()}, {"a": b"x"}, {"a": 1j}])
    def test_raw_answers_hold_json_only(self, raw):
        with pytest.raises(ConfigError, match=r"raw\.a"):
            Receipt(ME, "1", raw=raw).to_dict()

    def test_a_time_in_raw_becomes_text(self):
        assert plain({"at": AT}) == {"at": "2026-03-01T12:30:15.123456Z"}


# --- where files may lie ------------------------------------------------------------------------------------
def media_at(source, kind="image", **fields):
    return {"schema": 1, "type": "post", "media": [{"type": kind, "source": source, **fields}]}


class TestFiles:
    @pytest.fixture
    def files(self, tmp_path):
        (tmp_path / "inside").mkdir()
        (tmp_path / "inside" / "hero.jpg").write_bytes(b"x")
        (tmp_path / "secret.txt").write_text("hunter2")
        return tmp_path / "inside"

    def test_a_relative_path_is_taken_below_the_directory(self, files):
        assert load_post(media_at("hero.jpg"), files).media[0].source == str(files / "hero.jpg")

    def test_an_absolute_path_inside_is_taken(self, files):
        assert load_post(media_at(str(files / "hero.jpg")), files).media[0].source == str(files / "hero.jpg")

    @pytest.mark.parametrize(
        "path",
        [
            "../secret.txt",
            "a/../../secret.txt",
            "/etc/passwd",
            ".",
            "",
            "..",
            "../inside-not/x",
            "a\0b",
            "link",
        ],
    )
    def test_a_path_out_of_the_directory_is_refused(self, files, path):
        (files / "link").symlink_to(files.parent / "secret.txt")
        with pytest.raises(ConfigError, match=r"\$.media\[0\].source"):
            load_post(media_at(path), files)

    def test_a_directory_with_a_similar_name_is_not_inside(self, files):
        with pytest.raises(ConfigError, match="leads out"):
            load_post(media_at(f"{files}-other/x.jpg"), files)

    def test_a_link_that_stays_inside_is_followed(self, files):
        (files / "link.jpg").symlink_to("hero.jpg")
        assert load_post(media_at("link.jpg"), files).media[0].source == str(files / "hero.jpg")

    def test_a_link_to_a_directory_outside_is_refused(self, files):
        (files / "out").symlink_to(files.parent)
        with pytest.raises(ConfigError, match="leads out"):
            load_post(media_at("out/secret.txt"), files)

    def test_the_directory_may_itself_be_a_link(self, files):
        link = files.parent / "link"
        link.symlink_to(files)
        assert load_post(media_at("hero.jpg"), link).media[0].source == str(files / "hero.jpg")

    def test_without_a_directory_local_paths_are_refused(self):
        with pytest.raises(ConfigError, match="files=DIR"):
            load_post(media_at("hero.jpg"))

    @pytest.mark.parametrize("place", ["thumbnail", "captions", "variant", "thread"])
    def test_no_place_is_forgotten(self, files, place):
        bad = {"type": "image", "source": "../secret.txt"}
        data = {
            "thumbnail": media_at("hero.jpg", thumbnail=bad),
            "captions": media_at("v.mp4", "video", captions=[{"source": "../secret.txt", "language": "en"}]),
            "variant": {
                "schema": 1,
                "type": "post",
                "variants": [{"target": "x", "fields": {"media": [bad]}}],
            },
            "thread": {"schema": 1, "type": "post", "thread": [{"media": [bad]}]},
        }
        with pytest.raises(ConfigError, match="leads out"):
            load_post(data[place], files)

    def test_a_url_needs_no_directory(self):
        post = Post("x", media=[Image.from_url("https://example.com/a.jpg")])
        assert Post.from_dict(post.to_dict()) == post

    def test_a_url_written_as_a_path_is_refused(self, files):
        with pytest.raises(ConfigError, match=r'write a URL as \{"url"'):
            load_post(media_at("https://example.com/a.jpg"), files)

    def test_the_directory_is_forgotten_afterwards(self, files):
        load_post(media_at("hero.jpg"), files)
        assert structure(Post, {"media": [{"type": "image", "source": "../x"}]}).media[0].source == "../x"

    def test_the_working_directory_plays_no_part(self, files, monkeypatch):
        monkeypatch.chdir(os.sep)
        assert load_post(media_at("hero.jpg"), files).media[0].source == str(files / "hero.jpg")


# --- errors -------------------------------------------------------------------------------------------------
def through_json(error):
    outcome = Outcome("sky", "bluesky", "failed", error=error)
    report = Report("launch-1", [outcome])
    return Report.from_dict(json.loads(json.dumps(report.to_dict())))["sky"].error


class TestErrors:
    @pytest.mark.parametrize("name", [n for n in errors.__all__ if n not in ("InvalidPost", "PublishErrors")])
    def test_comes_back_as_its_own_class(self, name):
        error = getattr(errors, name)("what happened", account="sky")
        twin = through_json(error)
        assert type(twin) is type(error)
        assert (str(twin), vars(twin)) == (str(error), vars(error))

    def test_brings_its_details_with_their_types(self):
        error = RateLimited("slow", status=429, code="E1", retry_at=AT, request_id="r", next_step="wait")
        assert vars(through_json(error)) == vars(error)

    def test_brings_receipts_problems_and_halts(self):
        live = (Receipt(ME, "1", published_at=AT),)
        assert through_json(ThreadPartlyPosted("half", receipts=live, next_index=1)).receipts == live
        problem = Problem("sky", "text", "too_long", "too long", limit=300)
        assert through_json(InvalidPost([problem], code="stale")).problems == (problem,)
        halt = Halt("h1", "all", "wrong price", "duty officer", AT, tokens=("all",), handed_over=live)
        assert through_json(errors.Halted("stopped", halt=halt)).halt == halt

    def test_only_known_details_are_written(self):
        error = Declined("no", report=Report("k", []), token="hunter2", response={"authorization": "hunter2"})
        written = json.dumps(plain(Outcome("sky", "bluesky", "failed", error=error)))
        assert "hunter2" not in written
        assert "report" not in written

    def test_somebody_elses_error_comes_back_as_the_nearest_of_ours(self):
        class MyDeclined(Declined):
            pass

        assert type(through_json(MyDeclined("no"))) is Declined

    @pytest.mark.parametrize(
        ("data", "fault"),
        [
            ({"type": "OSError", "message": "x"}, "error.type: no error class of socialkit"),
            ({"type": "_rebuild", "message": "x"}, "error.type: no error class of socialkit"),
            ({"type": "PublishErrors", "message": "x"}, "error.type: no error class of socialkit"),
            ({"type": "Declined"}, "error.message: missing"),
            ({"type": "Declined", "message": "x", "args": []}, "error.args: unknown field"),
            (
                {"type": "Declined", "message": "x", "details": {"halt": 1}},
                "error.details.halt: unknown field",
            ),
            (
                {"type": "Declined", "message": "x", "details": {"status": "4"}},
                "error.details.status: expected int",
            ),
            ("Declined", "error: expected an object, got str"),
        ],
    )
    def test_wrong_data_builds_no_error(self, data, fault):
        outcome = {"account": "sky", "platform": "x", "status": "failed", "error": data}
        with pytest.raises(ConfigError) as caught:
            Report.from_dict({"schema": 1, "type": "report", "key": "k", "outcomes": [outcome]})
        assert fault in str(caught.value)

    def test_a_group_is_no_outcome(self):
        with pytest.raises(ConfigError):
            through_json(PublishErrors("two", [Declined("no")]))


# --- the other values ---------------------------------------------------------------------------------------
MEDIUM = base.PartMedia(
    "image", "image/png", 3, "sha256:0", "path:hero.png", focus=(0.5, 0.0), edit={"to": "jpeg"}
)
PART = base.Part(
    0, {"text": "hi", "facets": [{"index": {"byteStart": 0}}]}, "hi", media=(MEDIUM,), extras={"card": MEDIUM}
)


@pytest.mark.parametrize(
    "value",
    [
        PART,
        base.Sent("1", "https://example.social/1", AT, "processing", ("alt text",), AT, {"cid": "b"}),
        base.AccountFacts(
            ME, fences=(base.Fence("key", "proved", 3600.0),), facts={"limit": 500}, read_at=AT
        ),
        Metrics(
            account="sky", identity=ME, likes=3, watch_seconds=1.5, parts=[Metrics(likes=1)], fetched_at=AT
        ),
        Rules(
            TextRule(300, "graphemes", also=((3000, "utf8"),)), images=ImageRule(4, 10, frozenset({"b", "a"}))
        ),
        Outcome(
            "sky", "bluesky", "partial", Receipt(ME, "1"), next_index=2, give_up_at=AT + timedelta(days=1)
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_survives_the_journal(value):
    text = json.dumps(plain(value), allow_nan=False)
    assert structure(type(value), json.loads(text)) == value
    assert load(type(value), json.loads(json.dumps(dump(value)))) == value


def test_sets_are_written_in_order_so_that_digests_hold_in_every_process():
    assert plain(frozenset({"b", "c", "a"})) == ["a", "b", "c"]


def test_a_plan_survives_json():
    plan = Plan((TargetPlan("sky", "bluesky", ME, (PART,), content="c", limits="l", error=Declined("no")),))
    twin = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert twin.digest == plan.digest
    assert twin["sky"].parts == plan["sky"].parts
    assert str(twin["sky"].error) == "no"


def test_other_zones_are_written_as_utc():
    east = timezone(timedelta(hours=2))
    assert plain(AT.astimezone(east)) == "2026-03-01T12:30:15.123456Z"


class TestOptions:
    @pytest.fixture
    def options(self, monkeypatch):
        @attrs.frozen
        class BoatOptions(base.Options):
            platform = "boat"
            deck: str = "upper"
            cover: Image | None = None

        class Boat(base.Adapter):
            platform = "boat"
            Options = BoatOptions

        monkeypatch.setattr("socialkit.registry.adapter", {"boat": Boat}.__getitem__)
        return BoatOptions

    def test_are_tagged_by_platform_and_come_back_as_their_class(self, options):
        post = Post("x").variant("boat", options(deck="lower", cover=Image(f"{DIR}/a.jpg")), text="y")
        data = post.to_dict()
        assert data["variants"][0]["options"]["platform"] == "boat"
        assert load_post(json.loads(json.dumps(data)), DIR) == post

    def test_are_read_strictly(self, options):
        data = {"target": "boat", "options": {"platform": "boat", "deck": 3, "mast": 1}}
        fault = wrong(variants=[data])
        assert "$.variants[0].options.deck: expected str, got int" in fault
        assert "$.variants[0].options.mast: unknown field" in fault

    def test_their_media_are_named_too(self, options):
        with pytest.raises(ConfigError, match=r"variants\[0\]\.options\.cover: holds 1 bytes"):
            Post("x").variant("boat", options(cover=Image(b"1"))).to_dict()
