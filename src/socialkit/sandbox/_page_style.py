"""How the page looks: one stylesheet, with the lines and colours by which people know a platform's timeline."""

from __future__ import annotations

__all__ = ["ICONS", "STYLE"]

_PATHS = {
    "bubble": "M4 5h16v11h-9l-5 4v-4H4z",
    "again": "M7 17V7h9M13 4l3 3-3 3M17 7v10H8M11 20l-3-3 3-3",
    "heart": "M12 20C6 15.5 4 12.5 4 9.5a4.2 4.2 0 0 1 8-2 4.2 4.2 0 0 1 8 2c0 3-2 6-8 10.5z",
    "star": "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.5 9.700l5.9-.8z",
    "bars": "M5 20v-6M10 20V5M15 20V9M20 20v-9",
}
_MEANINGS = {
    "bubble": ("replies", "comments"),
    "again": ("reposts", "boosts"),
    "heart": ("likes", "reactions"),
    "star": ("favourites",),
    "bars": ("views",),
}
ICONS = {
    word: f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{_PATHS[name]}"></path></svg>'
    for name, words in _MEANINGS.items()
    for word in words
}
"""The drawing for a word under a post."""

STYLE = """
:root { color-scheme: light dark; --ink: #16191f; --soft: #5c6675; --line: #d9dee6; --card: #ffffff;
  --ground: #eef1f5; --accent: #2156b8; --tint: #edf1f7; }
.bluesky { --accent: #0a66cc; }
.mastodon { --accent: #5b4bd6; }
.x { --accent: #0b6fb3; --ink: #0f1419; --soft: #536471; --line: #e3e8ec; }
.devto { --accent: #3b49df; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ebf0; --soft: #9aa4b2; --line: #343c48; --card: #1d232c; --ground: #0e1116;
    --accent: #8ab4ff; --tint: #262f3c; }
  .bluesky { --card: #161e27; --line: #2c3a4a; --accent: #5aa9ff; }
  .mastodon { --card: #191b22; --line: #30333f; --tint: #282c37; --accent: #a9a3ff; }
  .x { --card: #000000; --line: #2f3336; --tint: #16181c; --ink: #e7e9ea; --soft: #8b98a5; --accent: #4db5f9; }
  .devto { --card: #171717; --line: #3d3d3d; --tint: #262626; --accent: #9aa3ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; align-items: baseline; padding: 1rem 1.2rem; }
header h1 { font-size: 1.2rem; margin: 0; }
header p { margin: 0; color: var(--soft); font-size: .9rem; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1.2rem;
  padding: 0 1.2rem 2rem; align-items: start; }
section { width: 100%; max-width: 38rem; justify-self: center; color: var(--ink); }
section > h2 { font-size: 1.05rem; margin: 0; padding: .7rem .9rem; display: flex; align-items: baseline;
  justify-content: space-between; background: var(--card); border: 1px solid var(--line);
  border-top: 4px solid var(--accent); border-radius: .7rem .7rem 0 0; }
section > h2 span, .none { color: var(--soft); font-weight: normal; font-size: .9rem; }
.none { background: var(--card); border: 1px solid var(--line); border-top: 0; padding: 1.6rem; margin: 0;
  text-align: center; border-radius: 0 0 .7rem .7rem; }
article { background: var(--card); border: 1px solid var(--line); border-top: 0; padding: .8rem .9rem .7rem;
  overflow-wrap: anywhere; position: relative; }
article:last-child { border-radius: 0 0 .7rem .7rem; }
article.reply:not(.next) { padding-left: 2rem; border-left: 3px solid var(--accent); }
.who { display: flex; gap: .6rem; align-items: center; }
.face { flex: none; width: 2.5rem; height: 2.5rem; border-radius: 50%; display: grid; place-items: center;
  color: #fff; font-weight: 600; font-size: .9rem; }
.who b, .who small { display: block; line-height: 1.25; }
small, .counts, figcaption, .note { color: var(--soft); font-size: .85rem; }
.who time { margin-left: auto; align-self: start; color: var(--soft); font-size: .85rem; white-space: nowrap; }
.text { white-space: pre-wrap; margin: .55rem 0 0; }
.text a, .tag { color: var(--accent); text-decoration: none; }
.text a:hover { text-decoration: underline; }
h3 { margin: .6rem 0 0; font-size: 1.1rem; }
details { margin-top: .6rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--tint);
  padding: .5rem .75rem; }
summary { cursor: pointer; font-weight: 600; }
.media { display: grid; gap: .4rem; margin-top: .6rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 8.5rem), 1fr)); }
figure { margin: 0; }
.media img, .video { width: 100%; border-radius: .75rem; display: block; border: 1px solid var(--line);
  background: var(--tint); }
.media img { max-height: 26rem; min-height: 6rem; object-fit: cover; }
figure:not(:only-child) img { aspect-ratio: 4 / 3; }
.video { aspect-ratio: 16 / 9; display: grid; place-items: center; text-align: center; font-size: .9rem;
  background: #14181e; color: #dfe4ea; }
figcaption { margin-top: .2rem; }
figcaption b { font-size: .7rem; border: 1px solid currentColor; border-radius: .25rem; padding: 0 .25rem;
  margin-right: .3rem; }
.card { display: block; margin-top: .6rem; border: 1px solid var(--line); border-radius: .75rem; overflow: hidden;
  color: inherit; text-decoration: none; }
.card img { width: 100%; max-height: 16rem; object-fit: cover; display: block; }
.card span { display: block; padding: 0 .8rem; }
.card span:first-of-type { padding-top: .55rem; font-weight: 600; }
.card span:last-of-type { padding-bottom: .55rem; color: var(--soft); font-size: .85rem; }
.question { margin: .6rem 0 0; font-weight: 600; }
.poll { list-style: none; margin: .6rem 0 0; padding: 0; display: grid; gap: .3rem; }
.poll li { border: 1px solid var(--line); border-radius: .4rem; padding: .3rem .7rem; display: flex; gap: .6rem;
  justify-content: space-between;
  background: linear-gradient(to right, var(--tint) var(--share), transparent var(--share)); }
blockquote { margin: .6rem 0 0; border: 1px solid var(--line); border-radius: .75rem; padding: .6rem .8rem; }
blockquote .text { margin-top: .25rem; }
.counts { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin: .6rem 0 0; }
.counts > span { display: inline-flex; align-items: center; gap: .35rem; }
.counts svg { width: 1.1rem; height: 1.1rem; fill: none; stroke: currentColor; stroke-width: 1.8;
  stroke-linecap: round; stroke-linejoin: round; }
.counts svg + i { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.counts i { font-style: normal; }
.note { margin: .5rem 0 0; font-style: italic; }

/* the face stands beside the words, name and handle in one line */
.bluesky article, .x article { padding-left: 4rem; }
:is(.bluesky, .x) article > .who { display: block; }
:is(.bluesky, .x) article > .who .face { position: absolute; left: .9rem; top: .8rem; }
:is(.bluesky, .x) .who > div { display: flex; flex-wrap: wrap; gap: 0 .4rem; padding-right: 6.5rem; }
:is(.bluesky, .x) .who time { position: absolute; right: .9rem; top: .8rem; }
:is(.bluesky, .x) .text { margin-top: .15rem; }
.bluesky .counts, .x .counts { justify-content: space-between; max-width: 26rem; }
:is(.bluesky, .x) article.reply:not(.next) { padding-left: 4rem; }
/* a thread is one string of posts */
:is(.bluesky, .x, .mastodon) article:has(+ .next) { border-bottom: 0; }
:is(.bluesky, .x) article:has(+ .next)::after { content: ""; position: absolute; left: 2.1rem; top: 3.6rem;
  bottom: -.5rem; width: 2px; background: var(--line); }
.mastodon article.next::before { content: ""; position: absolute; left: 2.1rem; top: -.55rem; height: 1.1rem;
  width: 2px; background: var(--line); }
.mastodon .face { border-radius: .5rem; }
.x .who b { font-weight: 800; }
/* articles are cards, the title first */
.devto article { margin-top: .6rem; border: 1px solid var(--line); border-radius: .5rem; }
.devto h3 { font-size: 1.5rem; line-height: 1.25; font-weight: 800; }
.devto .text { font-size: .95rem; }
.devto .tags { color: var(--soft); font-size: .9rem; margin: .4rem 0 0; }
"""
