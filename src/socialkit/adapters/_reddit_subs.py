"""What a subreddit allows and asks for, and what of it a post breaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import attrs

from ..rules import measured
from ._reddit_posts import told_error
from ._reddit_rules import AGENT_HINT, FLAIR, GALLERY, SCOPE_HINT
from .base import Call, Draft

_MISSING = (301, 302, 400, 403, 404)
"""A private, banned or unknown subreddit; profiles have no post requirements."""


_CLIENTS = {"blocked": AGENT_HINT, "insufficient_scope": SCOPE_HINT}
"""A 403 that says nothing of the subreddit: what to do about it."""


@attrs.frozen(eq=False)
class Subreddit:
    """What Reddit tells of the place a post goes to; what it does not tell is not checked."""

    name: str
    about: Mapping[str, Any] = attrs.field(factory=dict)
    asks: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def is_profile(self) -> bool:
        return self.name.casefold().startswith("u_")


async def subreddit_of(name: str, draft: Draft, call: Call) -> Subreddit:
    """The subreddit's settings and requirements; that nobody may see it is a Problem."""
    about = await call.read("GET", f"/r/{name}/about", params={"raw_json": "1"}, accept=_MISSING)
    found, told = Subreddit(name), about.json_or_none()
    if (hint := _CLIENTS.get(told_error(about)[0] or "") if about.status == 403 else None) is not None:
        draft.problem(
            "options.subreddit", "unread", f"Reddit does not show r/{name} to this client", hint=hint
        )
        return found
    if (
        about.status == 200 and isinstance(told, dict) and told.get("kind") == "t5"
    ):  # else it led to the search
        found = Subreddit(name, told.get("data") or {})
    elif not found.is_profile:
        reason = told.get("reason") if about.status >= 400 and isinstance(told, dict) else None
        words = f"r/{name} is {reason}" if reason else f"there is no r/{name}, or it is not to be seen"
        draft.problem("options.subreddit", "not_found", words, hint="check its spelling, without r/")
        return found
    asks = await call.read(
        "GET", f"/api/v1/{name}/post_requirements", params={"raw_json": "1"}, accept=_MISSING
    )
    listed = asks.json_or_none() if asks.status == 200 else None
    return attrs.evolve(found, asks=listed if isinstance(listed, dict) else {})


# --- who may post there, and what -------------------------------------------------------------------------
_KINDS = {
    "image": ("allow_images", "pictures"),
    "gallery": ("allow_galleries", "galleries"),
    "video": ("allow_videos", "videos"),
    "poll": ("allow_polls", "polls"),
}


def check_access(place: Subreddit, draft: Draft) -> None:
    """Whether the account may post there at all."""
    about, field = place.about, "options.subreddit"
    own = f"u_{draft.facts.identity.name}".casefold()
    if place.is_profile and place.name.casefold() != own:
        draft.problem(
            field, "not_yours", f"{place.name} is somebody else's profile; None is the account's own"
        )
    if about.get("user_is_banned"):
        draft.problem(field, "banned", f"the account is banned from r/{place.name}")
    closed = about.get("subreddit_type") in ("restricted", "private") or about.get("restrict_posting")
    moderates = about.get("user_is_moderator")
    if closed and about.get("user_is_contributor") is False and not (moderates or place.is_profile):
        hint = "ask its moderators to approve the account"
        draft.problem(field, "restricted", f"only approved users may post to r/{place.name}", hint=hint)


def check_kind(place: Subreddit, kind: str, silent: bool, draft: Draft) -> None:
    """Whether the subreddit takes that kind of post."""
    setting, noun = _KINDS.get(kind, ("", ""))
    if kind == "video" and silent:
        setting, noun = "allow_videogifs", "silent videos"
    if setting and place.about.get(setting) is False:
        draft.problem("poll" if kind == "poll" else "media", "not_allowed", f"r/{place.name} takes no {noun}")
    taken = place.about.get("submission_type")
    if taken == "link" and kind in ("self", "poll", "inline"):
        hint = "give the post a link, a picture or a video"
        draft.problem("text", "not_allowed", f"r/{place.name} takes no text posts", hint=hint)
    if taken == "self" and kind not in ("self", "poll", "inline"):
        field = "link" if kind == "link" else "quote" if kind == "crosspost" else "media"
        draft.problem(field, "not_allowed", f"r/{place.name} takes text posts only")


# --- what it asks of a post -------------------------------------------------------------------------------
def check_gallery(place: Subreddit, items: Sequence[Mapping[str, str]], draft: Draft) -> None:
    """What moderators ask of galleries. That Reddit enforces it is not recorded, so it only warns."""
    least, most = place.asks.get("gallery_min_items"), place.asks.get("gallery_max_items")
    if (least and len(items) < least) or (most and len(items) > most):
        words = f"{len(items)} pictures; r/{place.name} asks for {least or 2} to {most or GALLERY}"
        draft.problem("media", "count", words, severity="warning")
    for key, name, noun in (("caption", "captions", "alt"), ("outbound_url", "urls", "outbound_urls")):
        policy = place.asks.get(f"gallery_{name}_requirement")
        given = [bool(item[key]) for item in items]
        field = "options.outbound_urls" if noun == "outbound_urls" else "media"
        if policy == "required" and not all(given):
            words = f"r/{place.name} asks for {noun} of every picture"
            draft.problem(field, "required", words, severity="warning")
        if policy == "notAllowed" and any(given):
            draft.problem(field, "not_allowed", f"r/{place.name} takes no {noun}", severity="warning")


def check_requirements(place: Subreddit, title: str, text: str, url: str | None, draft: Draft) -> None:
    """The post requirements that moderators set: lengths, words, patterns, domains."""
    asks = place.asks
    _check_words("title", title, "title", asks, draft)
    policy = asks.get("body_restriction_policy")
    if policy == "required" and not text.strip():
        draft.problem("text", "required", f"r/{place.name} asks for a text")
    if policy == "notAllowed" and text.strip():
        hint = "clear it there with post.variant('reddit', text=None)"
        draft.problem("text", "not_allowed", f"r/{place.name} takes no text beside the title", hint=hint)
    if text.strip():
        _check_words("text", text, "body", asks, draft)
    if url is not None:
        _check_domain(place, url, draft)


def _check_words(field: str, words: str, name: str, asks: Mapping[str, Any], draft: Draft) -> None:
    least, most = asks.get(f"{name}_text_min_length"), asks.get(f"{name}_text_max_length")
    if least and len(words) < least:
        told = f"{len(words)} characters; the subreddit asks for {least}"
        draft.problem(field, "too_short", told, limit=least, actual=len(words))
    if most and len(words) > most:
        told = f"{measured(len(words), most)} there"
        draft.problem(field, "too_long", told, limit=most, actual=len(words), hint="shorten it")
    lower = words.casefold()
    for banned in _texts(asks.get(f"{name}_blacklisted_strings")):
        if banned.casefold() in lower:
            draft.problem(field, "banned_word", f"{banned!r} is not allowed there", hint="take it out")
    needed = _texts(asks.get(f"{name}_required_strings"))
    if needed and not any(one.casefold() in lower for one in needed):
        listed = ", ".join(map(repr, needed))
        draft.problem(field, "required_word", "the subreddit asks for certain words", hint=f"one of {listed}")
    _check_patterns(field, words, _texts(asks.get(f"{name}_regexes")), draft)


def _check_patterns(field: str, words: str, patterns: Sequence[str], draft: Draft) -> None:
    """None matches: a problem. Only some do: a warning, because Reddit does not say whether one is enough."""
    matched = [_matches(pattern, words) for pattern in patterns]
    if not patterns or all(matched):
        return
    listed = ", ".join(pattern for pattern, fits in zip(patterns, matched, strict=True) if not fits)
    hint = f"write it so that it matches {listed}"
    severe = any(matched)
    draft.problem(
        field,
        "pattern",
        "it does not match what the subreddit asks for",
        hint=hint,
        severity="warning" if severe else "error",
    )


def _matches(pattern: str, words: str) -> bool:
    """A pattern that is none in Python cannot be judged, and counts as matched."""
    try:
        return re.search(pattern, words) is not None
    except re.error:
        return True


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values or () if value]


def _check_domain(place: Subreddit, url: str, draft: Draft) -> None:
    host, policy = (urlsplit(url).hostname or "").casefold(), place.asks.get("link_restriction_policy")
    if policy == "blacklist" and _listed(host, place.asks.get("domain_blacklist")):
        draft.problem("link", "domain", f"r/{place.name} takes no links to {host}")
    allowed = _texts(place.asks.get("domain_whitelist"))
    if policy == "whitelist" and not _listed(host, allowed):
        hint = f"it takes links to {', '.join(allowed)}"
        draft.problem("link", "domain", f"r/{place.name} takes no links to {host}", hint=hint)
    if days := place.asks.get("link_repost_age"):
        words = f"r/{place.name} refuses a link that was posted there in the last {days} days"
        draft.problem("link", "repost_age", words, severity="warning")


def _listed(host: str, domains: Any) -> bool:
    names = [name.casefold().removeprefix("www.") for name in _texts(domains)]
    return any(host == name or host.endswith(f".{name}") for name in names)


# --- flairs -----------------------------------------------------------------------------------------------
async def flair_of(place: Subreddit, draft: Draft, call: Call) -> dict[str, str]:
    """The request fields of the flair that was asked for, by its id or its words."""
    options = draft.options
    if not (options.flair_id or options.flair or options.flair_text):
        if place.asks.get("is_flair_required"):
            hint = "choose one with Reddit.Options(flair=…)"
            draft.problem("options.flair", "required", f"r/{place.name} asks for a flair", hint=hint)
        return {}
    if not (options.flair_id or options.flair):
        draft.problem(
            "options.flair_text", "without_flair", "own words need a flair: give flair= or flair_id= too"
        )
        return {}
    if options.flair_id and options.flair:
        draft.problem("options.flair", "both", "a flair is chosen by flair= or by flair_id=, not by both")
        return {}
    if (flairs := await _flairs(place, call)) is None:
        return _unlisted(place, draft)
    chosen = _chosen(flairs, draft)
    return _flair_fields(chosen, draft) if chosen is not None else {}


async def _flairs(place: Subreddit, call: Call) -> list[Mapping[str, Any]] | None:
    """The subreddit's flairs, or those its form for new posts offers; None when it shows neither."""
    where, raw = f"/r/{place.name}/api", {"raw_json": "1"}
    listed = await call.read("GET", f"{where}/link_flair_v2", params=raw, accept=_MISSING)
    if listed.status == 200:
        return list(listed.json() or ())
    form = [("api_type", "json"), ("is_newlink", "True")]
    offered = await call.read("POST", f"{where}/flairselector", form=form, params=raw, accept=_MISSING)
    told = offered.json_or_none() if offered.status == 200 else None
    choices = told.get("choices") if isinstance(told, dict) else None
    names = {"id": "flair_template_id", "text": "flair_text", "text_editable": "flair_text_editable"}
    return (
        None if choices is None else [{name: one.get(key) for name, key in names.items()} for one in choices]
    )


def _unlisted(place: Subreddit, draft: Draft) -> dict[str, str]:
    """The list is withheld: an id may be good all the same, words cannot be looked up."""
    id_, words = (
        draft.options.flair_id,
        f"r/{place.name} does not show its flairs (the scope flair is needed)",
    )
    if id_:
        draft.problem("options.flair_id", "unchecked", words, severity="warning")
        own = draft.options.flair_text
        return {"flair_id": id_, **({"flair_text": own} if own else {})}
    draft.problem("options.flair", "unchecked", words, hint="give flair_id=")
    return {}


def _chosen(flairs: Iterable[Mapping[str, Any]], draft: Draft) -> Mapping[str, Any] | None:
    options, open_ = draft.options, [one for one in flairs if not one.get("mod_only")]
    field, wanted = ("flair_id", options.flair_id) if options.flair_id else ("flair", options.flair)
    if options.flair_id:
        found = [one for one in open_ if one.get("id") == wanted]
    else:
        found = [one for one in open_ if str(one.get("text")).strip().casefold() == wanted.strip().casefold()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{one.get('text')!r} ({one.get('id')})" for one in open_) or "none"
    code, words = ("ambiguous", "several flairs read") if found else ("unknown", "there is no flair")
    draft.problem(f"options.{field}", code, f"{words} {wanted!r} there", hint=f"flairs are {listed}")
    return None


def _flair_fields(chosen: Mapping[str, Any], draft: Draft) -> dict[str, str]:
    fields, own = {"flair_id": str(chosen["id"])}, draft.options.flair_text
    if own and not chosen.get("text_editable"):
        draft.problem(
            "options.flair_text",
            "not_editable",
            f"the flair {chosen.get('text')!r} takes no words of your own",
        )
    elif own and len(own) > FLAIR:
        told = measured(len(own), FLAIR)
        draft.problem("options.flair_text", "too_long", told, limit=FLAIR, actual=len(own), hint="shorten it")
    elif own:
        fields["flair_text"] = own
    return fields
