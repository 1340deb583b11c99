"""The page at ``/``: every timeline as a person would see it, escaped, loading nothing from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .state import Entry

if TYPE_CHECKING:
    from .core import PlatformBox, Sandbox

__all__ = ["render"]

_DIALECTS = {"mastodon": "mastodon", "bluesky": "bluesky", "x": "x"}
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5c6675; --line: #d9dee6; --card: #ffffff;
  --ground: #f2f4f8;
  --link: #2156b8; --tint: #eef3fc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf0; --soft: #9aa4b2; --line: #343c48;
  --card: #1d232c;
  --ground: #12161c; --link: #8ab4ff; --tint: #242d3a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; align-items: baseline;
  padding: 1rem 1.2rem; }
header h1 { font-size: 1.2rem; margin: 0; }
header p { margin: 0; color: var(--soft); font-size: .9rem; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1rem;
  padding: 0 1.2rem 2rem; align-items: start; }
section { width: 100%; max-width: 40rem; justify-self: center; }
section > h2 { font-size: 1rem; margin: .2rem 0 .6rem; display: flex; justify-content: space-between; }
section > h2 span, .none { color: var(--soft); font-weight: normal; font-size: .9rem; }
.none { border: 1px dashed var(--line); border-radius: .7rem; padding: 1.2rem; text-align: center;
  margin: 0; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
  padding: .8rem .9rem;
  margin-bottom: .7rem; overflow-wrap: anywhere; }
article.reply { margin-left: calc(min(var(--depth), 3) * 1.1rem); border-left: 3px solid var(--line); }
.who { display: flex; gap: .6rem; align-items: center; }
.face { flex: none; width: 2.4rem; height: 2.4rem; border-radius: 50%; display: grid;
  place-items: center; color: #fff;
  font-weight: 600; font-size: .9rem; }
.who b, .who small { display: block; line-height: 1.25; }
small, .counts, figcaption, .note { color: var(--soft); font-size: .85rem; }
.who time { margin-left: auto; align-self: start; color: var(--soft); font-size: .85rem;
  white-space: nowrap; }
.text { white-space: pre-wrap; margin: .6rem 0 0; }
.text a, .tag { color: var(--link); text-decoration: none; }
h3 { margin: .6rem 0 0; font-size: 1.05rem; }
details { margin-top: .6rem; border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .7rem;
  }
summary { cursor: pointer; font-weight: 600; }
.media { display: grid; gap: .4rem; margin-top: .6rem; grid-template-columns: repeat(auto-fit,
  minmax(min(100%, 9rem), 1fr)); }
figure { margin: 0; }
.media img, .video { width: 100%; border-radius: .5rem; display: block; border: 1px solid var(--line);
  background: var(--tint); }
.media img { max-height: 24rem; min-height: 6rem; object-fit: cover; }
.video { aspect-ratio: 16 / 9; display: grid; place-items: center; color: var(--soft);
  text-align: center; font-size: .9rem; }
figcaption { margin-top: .2rem; }
figcaption b { font-size: .7rem; border: 1px solid currentColor; border-radius: .25rem;
  padding: 0 .25rem; margin-right: .3rem; }
.poll { list-style: none; margin: .6rem 0 0; padding: 0; display: grid; gap: .3rem; }
.poll li { border: 1px solid var(--line); border-radius: .5rem; padding: .25rem .6rem; display: flex;
  gap: .6rem;
  justify-content: space-between; background: linear-gradient(to right, var(--tint) var(--share),
  transparent var(--share)); }
blockquote { margin: .6rem 0 0; border: 1px solid var(--line); border-radius: .5rem;
  padding: .5rem .7rem; }
.counts { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .6rem 0 0; }
.note { margin: .5rem 0 0; font-style: italic; }
"""


def render(box: Sandbox) -> str:
    """The whole page as HTML."""
    with box.lock:
        columns = "".join(_column(platform) for platform in box.boxes.values())
        now = f"{box.clock.now():%d %B %Y, %H:%M:%S} UTC"
        faults = len(box.faults.pending())
    planned = f"<p>{faults} fault{'s' * (faults != 1)} planned</p>" if faults else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Sandbox timelines</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><header><h1>Sandbox timelines</h1><p>{now}</p>"
        f"<p>Nothing here has left this machine.</p>{planned}</header><main>{columns}</main></body></html>"
    )


def _column(platform: PlatformBox) -> str:
    entries = platform.timeline()
    title = _text(platform.title or platform.platform)
    count = f"{len(entries)} post{'s' * (len(entries) != 1)}"
    shown = "".join(_article(platform, entry, depth) for entry, depth in _in_threads(entries))
    shown = shown or '<p class="none">No posts yet</p>'
    return f"<section><h2>{title} <span>{count}</span></h2>{shown}</section>"


def _in_threads(entries: list[Entry]) -> Iterable[tuple[Entry, int]]:
    """Newest first, each followed by its replies, the oldest first, with their depth."""
    ids = {entry.id for entry in entries}
    replies: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.reply_to in ids:
            replies.setdefault(str(entry.reply_to), []).append(entry)
    stack = [(entry, 0) for entry in entries if entry.reply_to not in ids]
    while stack:
        entry, depth = stack.pop()
        yield entry, depth
        stack += [(reply, depth + 1) for reply in reversed(replies.get(entry.id, []))]


def _article(platform: PlatformBox, entry: Entry, depth: int) -> str:
    reply = f' class="reply" style="--depth: {depth}"' if depth else ""
    inner = f"{_body(platform, entry)}{_media(platform, entry)}{_poll(platform, entry)}"
    if entry.warning:
        inner = f"<details><summary>{_text(entry.warning)}</summary>{inner}</details>"
    return (
        f"<article{reply}>{_who(platform, entry)}{_title(entry)}{inner}{_quote(platform, entry)}"
        f"{_notes(platform, entry)}{_counts(platform, entry)}</article>"
    )


def _who(platform: PlatformBox, entry: Entry) -> str:
    name = platform.display_name(entry.account)
    hue = int(platform.digest("colour", entry.account)[:4], 16) % 360
    initials = "".join(word[0] for word in name.replace(".", " ").split()[:2]).upper() or "?"
    when = f"{entry.created_at:%d %b %H:%M}"
    return (
        f'<div class="who"><span class="face" aria-hidden="true" style="background: hsl({hue} 45% 40%)">'
        f"{_text(initials)}</span><div><b>{_text(name)}</b><small>@{_text(entry.account)}</small></div>"
        f'<time datetime="{entry.created_at.isoformat()}">{when}</time></div>'
    )


def _title(entry: Entry) -> str:
    return f"<h3>{_text(entry.title)}</h3>" if entry.title else ""


def _body(platform: PlatformBox, entry: Entry) -> str:
    return f'<p class="text">{_highlighted(platform, entry.text)}</p>' if entry.text else ""


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
    figures = "".join(_figure(platform, medium) for medium in entry.media)
    return f'<div class="media">{figures}</div>' if figures else ""


def _figure(platform: PlatformBox, medium: dict[str, Any]) -> str:
    alt = str(medium.get("alt") or "")
    mime = str(medium.get("mime") or "")
    caption = (
        f"<figcaption><b>ALT</b>{_text(alt)}</figcaption>" if alt else "<figcaption>no alt text</figcaption>"
    )
    if medium.get("data") is not None and mime.startswith("image/"):
        source = f"/media/{_text(platform.platform)}/{_text(str(medium.get('id')))}"
        return f'<figure><img src="{source}" alt="{_text(alt)}" loading="lazy">{caption}</figure>'
    size = f" · {medium['size']:,} bytes" if isinstance(medium.get("size"), int) else ""
    kind = {"video": "▶ Video", "audio": "♪ Sound"}.get(mime.partition("/")[0], "File")
    return f'<figure><div class="video">{kind}{size}</div>{caption}</figure>'


def _poll(platform: PlatformBox, entry: Entry) -> str:
    rows = platform.shown_poll(entry)
    total = sum(votes for _, votes in rows)
    items = [_option(title, votes, 100 * votes // total if total else 0) for title, votes in rows]
    return f'<ul class="poll">{"".join(items)}</ul>' if items else ""


def _option(title: str, votes: int, share: int) -> str:
    return f'<li style="--share: {share}%"><span>{_text(title)}</span><span>{votes}</span></li>'


def _quote(platform: PlatformBox, entry: Entry) -> str:
    if entry.quote is None:
        return ""
    quoted = platform.find(entry.quote)
    if quoted is None:
        return "<blockquote><small>The quoted post is gone</small></blockquote>"
    who = f"<b>{_text(platform.display_name(quoted.account))}</b>"
    return f"<blockquote>{who} <small>@{_text(quoted.account)}</small>{_body(platform, quoted)}</blockquote>"


def _notes(platform: PlatformBox, entry: Entry) -> str:
    notes = list(platform.shown_notes(entry))
    if entry.visibility != "public":
        notes.append(f"visibility: {entry.visibility}")
    if entry.edited_at is not None:
        notes.append(f"edited {entry.edited_at:%d %b %H:%M}")
    if entry.visible_at is not None and entry.visible_at > platform.now():
        wait = (entry.visible_at - platform.now()) // timedelta(seconds=1)
        notes.append(f"lists show it in {wait} s")
    return f'<p class="note">{_text(" · ".join(notes))}</p>' if notes else ""


def _counts(platform: PlatformBox, entry: Entry) -> str:
    counts = platform.shown_counts(entry)
    words = "".join(f"<span>{count:,} {_text(word)}</span>" for word, count in counts.items())
    return f'<p class="counts">{words}</p>' if words else ""


def _text(text: str) -> str:
    return html.escape(text, quote=True)
