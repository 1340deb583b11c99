"""X's older words in the words of its current description.

X says "tweet" or "post" for one thing: a call in one dialect is answered in the same dialect, and only the
newer one is described.
"""

from __future__ import annotations

from typing import Any

PARAMETERS = {"tweet.fields": "post.fields"}
NAMES = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "most_recent_tweet_id": "most_recent_post_id",
    "note_tweet": "note_post",
    "pinned_tweet_id": "pinned_post_id",
    "referenced_tweets": "referenced_posts",
    "referenced_tweets.id": "referenced_posts",
    "retweet_count": "repost_count",
    "tweet_count": "post_count",
    "tweets": "posts",
}
EXPANSIONS_ONLY = {
    "post.fields": {"author_id", "in_reply_to_user_id", "referenced_posts"},
    "user.fields": {"most_recent_post_id", "pinned_post_id"},
}

Query = list[tuple[str, str]]


def current_query(query: Query) -> Query:
    """The same query in the current words, without the fields that became expansions."""
    if not is_older(query):
        return query
    translated = [_current(PARAMETERS.get(name, name), value) for name, value in query]
    return [(name, value) for name, value in translated if value]


def current_answer(value: Any) -> Any:
    """The same JSON answer with its keys in the current words."""
    if isinstance(value, list):
        return [current_answer(item) for item in value]
    if isinstance(value, dict):
        return {NAMES.get(name, name): current_answer(item) for name, item in value.items()}
    return value


def is_older(query: Query) -> bool:
    """Whether a call with this query is in the older dialect; so is one that names no fields."""
    return all(name != "post.fields" for name, _ in query)


def _current(name: str, value: str) -> tuple[str, str]:
    if name != "expansions" and not name.endswith(".fields"):
        return name, value
    words = [NAMES.get(word, word) for word in value.split(",")]
    return name, ",".join(word for word in words if word not in EXPANSIONS_ONLY.get(name, ()))
