"""An editorial calendar in a CSV file, published by a cron job: ``python calendar_job.py calendar.csv``.

Columns: ``key, at, to, text, image, alt``. ``at`` is ISO 8601 with its offset, ``to`` holds account names of
``socialkit.toml``, separated by spaces. Run it every minute: a row is published once, because its key is.
"""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from socialkit import Client, Image, Post, Report, SocialKitError

LATEST = timedelta(hours=6)
"""A row that is older is left alone: better silent than absurdly late."""


def due(calendar: Path, now: datetime) -> list[dict[str, str]]:
    """The rows whose time has come."""
    with calendar.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if timedelta(0) <= now - datetime.fromisoformat(row["at"]) < LATEST]


def post_of(row: dict[str, str], folder: Path) -> Post:
    media = [Image(str(folder / row["image"]), alt=row["alt"] or None)] if row["image"] else []
    return Post(row["text"], media=media, split=True)


def run(client: Client, calendar: Path, now: datetime) -> list[Report | SocialKitError]:
    """Publish what is due, then look for answers that were lost earlier. One bad row stops no other."""
    done: list[Report | SocialKitError] = []
    for row in due(calendar, now):
        try:
            post = post_of(row, calendar.parent)
            done.append(client.publish(post, row["to"].split(), idempotency_key=row["key"], errors="return"))
        except SocialKitError as error:  # the row itself is wrong: too long, no such account
            done.append(error)
    client.settle()
    return done


def main(calendar: str) -> int:
    with Client.from_config() as client:
        done = run(client, Path(calendar), datetime.now(UTC))
    for one in done:
        print(one)
    return int(any(isinstance(one, SocialKitError) or not one.ok for one in done))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
