"""The page at ``/``: every timeline as a person would see it, escaped, loading nothing from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ._page_style import ICONS, STYLE
from .state import Entry

if TYPE_CHECKING:
    from .core import PlatformBox, Sandbox

__all__ = ["render"]

_SINGULAR = {"replies": "reply"}
_DIALECTS = {"mastodon": "mastodon", "bluesky": "bluesky", "x": "x"}


def render(box: Sandbox) -> str:
    """The whole page as HTML."""
    with box.lock:
        columns = "".join(_column(platform) for platform in box.boxes.values() if platform.publishes)
        now = f"{box.clock.now():%d %B %Y, %H:%M:%S} UTC"
        faults = len(box.faults.pending())
    planned = f"<p>{faults} fault{'s' * (faults != 1)} planned</p>" if faults else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Sandbox timelines</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><header><h1>Sandbox timelines</h1><p>{now}</p>"
        f"<p>Nothing here has left this machine.</p>{planned}</header><main>{columns}</main></body></html>"
    )


def _column(platform: PlatformBox) -> str:
    entries = platform.timeline()
    title = _text(platform.title or platform.platform)
    count = f"{len(entries)} post{'s' * (len(entries) != 1)}"
    shown = "".join(_articles(platform, entries)) or '<p class="none">No posts yet</p>'
    return (
        f'<section class="{_text(platform.platform)}"><h2>{title} <span>{count}</span></h2>{shown}</section>'
    )


def _articles(platform: PlatformBox, entries: list[Entry]) -> Iterable[str]:
    """The posts in order; one that answers the post right above it goes on with that one's string."""
    above = None
    for entry, depth in _in_threads(platform, entries):
        style = f' class="reply{" next" * (_parent(platform, entry) == above)}" style="--depth: {depth}"'
        yield _article(platform, entry, style if depth else "")
        above = entry.id


def _parent(platform: PlatformBox, entry: Entry) -> str | None:
    return platform.entry_id(entry.reply_to) if entry.reply_to else None


def _in_threads(platform: PlatformBox, entries: list[Entry]) -> Iterable[tuple[Entry, int]]:
    """Newest first, each followed by its replies, the oldest first, with their depth."""
    parents = {entry.id: _parent(platform, entry) for entry in entries}
    replies: dict[str, list[Entry]] = {}
    for entry in entries:
        if (parent := parents[entry.id]) in parents:
            replies.setdefault(str(parent), []).append(entry)
    stack = [(entry, 0) for entry in entries if parents[entry.id] not in parents]
    while stack:
        entry, depth = stack.pop()
        yield entry, depth
        stack += [(reply, depth + 1) for reply in reversed(replies.get(entry.id, []))]


def _article(platform: PlatformBox, entry: Entry, attributes: str) -> str:
    inner = (
        f"{_body(platform, entry)}{_media(platform, entry)}{_card(platform, entry)}{_poll(platform, entry)}"
    )
    if entry.warning:
        inner = f'<details><summary dir="auto">{_text(entry.warning)}</summary>{inner}</details>'
    return (
        f"<article{attributes}>{_who(platform, entry)}{_title(platform, entry)}{inner}{_quote(platform, entry)}"
        f"{_notes(platform, entry)}{_counts(platform, entry)}</article>"
    )


def _who(platform: PlatformBox, entry: Entry) -> str:
    name = platform.display_name(entry.account)
    hue = int(platform.digest("colour", entry.account)[:4], 16) % 360
    initials = "".join(word[0] for word in name.replace(".", " ").split()[:2]).upper() or "?"
    when = f"{entry.created_at:%d %b %H:%M}"
    return (
        f'<div class="who"><span class="face" aria-hidden="true" style="background: hsl({hue} 45% 40%)">'
        f"{_text(initials)}</span><div><b>{_text(name)}</b><small>{_handle(entry.account)}</small></div>"
        f'<time datetime="{entry.created_at.isoformat()}">{when}</time></div>'
    )


def _handle(account: str) -> str:
    """The account as people write it: an id that is no name has no @."""
    return _text(account if ":" in account else f"@{account}")


def _title(platform: PlatformBox, entry: Entry) -> str:
    card = platform.shown_card(entry)
    title = "" if card and card[1] == entry.title else entry.title
    tags = " ".join(f"#{tag}" for tag in getattr(entry, "tags", ()))
    below = f'<p class="tags" dir="auto">{_text(tags)}</p>' if tags else ""
    return f'<h3 dir="auto">{_text(title)}</h3>{below}' if title else ""


def _body(platform: PlatformBox, entry: Entry) -> str:
    return f'<p class="text" dir="auto">{_highlighted(platform, entry.text)}</p>' if entry.text else ""


def _highlighted(platform: PlatformBox, text: str) -> str:
    from socialkit.text import find_entities

    out, at = [], 0
    for entity in find_entities(text, _DIALECTS.get(platform.platform, "x")):  # type: ignore[arg-type]
        out.append(_text(text[at : entity.start]))
        written = _text(text[entity.start : entity.end])
        if entity.kind == "url" and text[entity.start :].startswith(("http://", "https://")):
            out.append(f'<a href="{written}" rel="noreferrer noopener">{written}</a>')
        else:
            out.append(f'<span class="tag">{written}</span>')
        at = entity.end
    return "".join([*out, _text(text[at:])])


def _media(platform: PlatformBox, entry: Entry) -> str:
    if platform.shown_card(entry):
        return ""
    figures = "".join(_figure(platform, medium) for medium in entry.media)
    return f'<div class="media">{figures}</div>' if figures else ""


def _figure(platform: PlatformBox, medium: dict[str, Any]) -> str:
    alt = str(medium.get("alt") or "")
    caption = (
        f'<figcaption dir="auto"><b>ALT</b>{_text(alt)}</figcaption>'
        if alt
        else "<figcaption>no alt text</figcaption>"
    )
    if picture := _picture(platform, medium):
        return f"<figure>{picture}{caption}</figure>"
    size = f" · {medium['size']:,} bytes" if isinstance(medium.get("size"), int) else ""
    kinds = {"video": "▶ Video", "audio": "♪ Sound", "image": "Picture"}
    kind = kinds.get(str(medium.get("mime")).partition("/")[0], "File")
    return f'<figure><div class="video">{kind}{size}</div>{caption}</figure>'


def _picture(platform: PlatformBox, medium: dict[str, Any]) -> str:
    """The picture, where its bytes were kept."""
    if medium.get("data") is None or not str(medium.get("mime")).startswith("image/"):
        return ""
    source = f"/media/{_text(platform.platform)}/{_text(str(medium.get('id')))}"
    return f'<img src="{source}" alt="{_text(str(medium.get("alt") or ""))}" loading="lazy">'


def _card(platform: PlatformBox, entry: Entry) -> str:
    """The link card, as a link where it leads to the web."""
    if (card := platform.shown_card(entry)) is None:
        return ""
    address, title, description = card
    picture = "".join(_picture(platform, medium) for medium in entry.media[-1:])
    host = address.partition("://")[2].partition("/")[0] or address
    lines = "".join(f'<span dir="auto">{_text(line)}</span>' for line in (title, description, host) if line)
    if not address.startswith(("http://", "https://")):
        return f'<div class="card">{picture}{lines}</div>'
    return f'<a class="card" href="{_text(address)}" rel="noreferrer noopener">{picture}{lines}</a>'


def _poll(platform: PlatformBox, entry: Entry) -> str:
    rows = platform.shown_poll(entry)
    total = sum(votes for _, votes in rows)
    items = [_option(title, votes, 100 * votes // total if total else 0) for title, votes in rows]
    question = str((entry.poll or {}).get("question") or "")
    above = (
        f'<p class="question" dir="auto">{_text(question)}</p>' if question not in (entry.text, "") else ""
    )
    return f'{above}<ul class="poll">{"".join(items)}</ul>' if items else ""


def _option(title: str, votes: int, share: int) -> str:
    return f'<li style="--share: {share}%"><span dir="auto">{_text(title)}</span><span>{votes:,}</span></li>'


def _quote(platform: PlatformBox, entry: Entry) -> str:
    if entry.quote is None:
        return ""
    quoted = platform.find(platform.entry_id(entry.quote))
    if quoted is None:
        return "<blockquote><small>The quoted post is gone</small></blockquote>"
    who = f"<b>{_text(platform.display_name(quoted.account))}</b>"
    return f"<blockquote>{who} <small>{_handle(quoted.account)}</small>{_body(platform, quoted)}</blockquote>"


def _notes(platform: PlatformBox, entry: Entry) -> str:
    notes = list(platform.shown_notes(entry))
    if not entry.visibility.lower().startswith("public"):
        notes.append(f"visibility: {entry.visibility}")
    if entry.edited_at is not None:
        notes.append(f"edited {entry.edited_at:%d %b %H:%M}")
    if entry.visible_at is not None and entry.visible_at > platform.now():
        wait = (entry.visible_at - platform.now()) // timedelta(seconds=1)
        notes.append(f"lists show it in {wait} s")
    return f'<p class="note">{_text(" · ".join(notes))}</p>' if notes else ""


def _counts(platform: PlatformBox, entry: Entry) -> str:
    counts = platform.shown_counts(entry)
    words = "".join(_count(word, count) for word, count in counts.items())
    return f'<p class="counts">{words}</p>' if words else ""


def _count(word: str, count: int) -> str:
    """The number with the platform's sign for it; the word stays for those who do not see the sign."""
    spoken = _SINGULAR.get(word, word.removesuffix("s")) if count == 1 else word
    words = _text(f"{count:,} {spoken}")
    return f'<span title="{words}">{ICONS.get(word, "")}{count:,} <i>{_text(spoken)}</i></span>'


def _text(text: str) -> str:
    return html.escape(text, quote=True)
