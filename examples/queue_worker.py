"""Tasks for a job queue (Celery, RQ, Dramatiq, ...): plain functions over JSON, to be wrapped by its decorator.

Queues deliver a job twice when a worker dies half-way. Here that does no harm: the key is made when the job is
queued, so the second delivery finds what the first one did, and posts nothing again.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from socialkit import Client, Outcome, Post, RateLimited, Unavailable

Job = dict[str, Any]


def make_job(post: Post, to: list[str]) -> Job:
    """What goes into the queue: JSON. Media are paths below a folder that the workers can read."""
    return {"key": str(uuid.uuid4()), "post": post.to_dict(), "to": to}


def publish_job(client: Client, job: Job, files: str, now: datetime | None = None) -> float | None:
    """Do the job; the seconds after which the queue should deliver it again, None when that would not help.

    InvalidPost and KeyReused (several accounts: in PublishErrors) are raised: a person must mend the post.
    """
    post = Post.from_dict(job["post"], files=files)
    report = client.publish(post, job["to"], idempotency_key=job["key"], errors="return")
    now = now or datetime.now(UTC)
    waits = [(moment - now).total_seconds() for one in report.outcomes if (moment := again_at(one, now))]
    return max(1.0, *waits) if waits else None


def again_at(outcome: Outcome, now: datetime) -> datetime | None:
    """When the same call may do more for this account; None when it is done, or only a person can."""
    if outcome.ok:
        return None
    if isinstance(outcome.error, RateLimited | Unavailable):
        return outcome.error.retry_at or now + timedelta(minutes=1)
    return outcome.look_again_at  # the answer was lost: the next delivery looks before it sends


def settle_job(client: Client) -> int:
    """For every few minutes: look for posts whose fate is unknown, send nothing. How many are still open."""
    return len(client.settle().unsettled)
