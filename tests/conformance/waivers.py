"""Where a description is wrong or silent: each entry names the place, the finding it excuses, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Waiver:
    """Excuse the problems matching `problem` on the paths matching `path` (both are regular expressions)."""

    platform: str
    path: str
    problem: str
    reason: str

    def covers_path(self, path: str) -> bool:
        """Whether the waiver speaks of this path."""
        return re.fullmatch(self.path, path) is not None

    def covers_problem(self, problem: str) -> bool:
        """Whether the waiver excuses this finding."""
        return re.search(self.problem, problem) is not None


WAIVERS = (
    Waiver(
        "mastodon",
        r"/api/v1/statuses",
        r"^header parameter Idempotency-Key",
        "described as an object; the text beside it says, rightly, any string",
    ),
    Waiver(
        "mastodon",
        r"/api/v1/statuses",
        r"^body at \$: .* is valid under each of",
        "text, media and poll statuses overlap: a picture with text is two of them",
    ),
    Waiver(
        "mastodon",
        r"/api/v1/statuses",
        r"^answer at \$: .* is valid under each of",
        "a status and a scheduled status are told apart by the request, not by their fields",
    ),
    Waiver(
        "mastodon",
        r"/api/v1/apps",
        r"^form field redirect_uris is a list|^body at \$\.redirect_uris: .* is not of type 'array'",
        "described as a list, which servers take since 4.3; one address as a string works on all of them",
    ),
    Waiver(
        "bluesky",
        r"/xrpc/app\.bsky\.video\.uploadVideo",
        r"^answer at \$: jobStatus is missing",
        "the live service answers with the job itself, without the described wrapper",
    ),
    Waiver(
        "bluesky",
        r"/xrpc/app\.bsky\.video\.uploadVideo",
        r"^unknown parameter (did|name)$",
        "not described, but the service asks for both",
    ),
    Waiver(
        "mastodon",
        r"/api/v1/statuses/[^/]+",
        r"^body has no field media_attributes$|^body at \$\.media_attributes\[\]",
        "described under the form spelling `media_attributes[]`, as strings; servers take objects",
    ),
    Waiver(
        "devto",
        r"/api/articles.*",
        r"^body has no field article\.published_at$",
        "not described; the site's source takes it since it schedules",
    ),
    Waiver(
        "devto",
        r"/api/articles/me/(all|unpublished)",
        r"^answer at \$\[\d+\]\.(published_at|published_timestamp): ",
        "described for published articles; a draft has no moment of publication",
    ),
    Waiver(
        "pinterest",
        r"/v5/(pins|boards)(/.*)?",
        r"^answer at \$(\.items\[\d+\])?\.(created_at|board_pins_modified_at): .* is not a 'date-time'$",
        "recorded answers leave the time zone out (2022-08-11T08:46:16), which means UTC",
    ),
    Waiver(
        "pinterest",
        r"/v5/pins/([0-9]+/)?analytics",
        r"^query parameter metric_types at \$\[\d+\]: .* is valid under each of",
        "described as one of two lists, which overlap: what all pins count is in both",
    ),
)
