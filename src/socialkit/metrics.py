"""What posts and accounts have reached, in one vocabulary and in tables. ``None`` is unknown, not zero."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, overload

import attrs

from ._clock import to_text
from .errors import ConfigError, PublishErrors, SocialKitError
from .model import Identity, Receipt

COUNTS = (
    "impressions",
    "reach",
    "likes",
    "comments",
    "shares",
    "quotes",
    "saves",
    "clicks",
    "video_views",
    "followers",
)
"""The whole numbers of the vocabulary."""
NUMBERS = (*COUNTS[:-1], "watch_seconds", "followers")
"""Every number of the vocabulary, in the order of the tables."""
SUMMED = frozenset(NUMBERS) - {"reach", "followers"}
"""What the parts of a thread add up to; people reached do not: the same person reads several parts."""


def _tuple(rows: Iterable[Metrics]) -> tuple[Metrics, ...]:
    return tuple(rows)


@attrs.frozen(eq=True, hash=False, kw_only=True)
class Metrics:
    """The numbers of one post (or, without an id, of one account) as one platform told them.

    Attributes:
        account: the account's name. platform, identity, id, url, published_at: as in the receipt.
        impressions: times shown. reach: people who saw it. saves: bookmarks.
        likes: all reactions.
        comments: replies, the thread's own next part included where the platform counts it.
        shares: reposts, quotes included where the platform counts them so. quotes: posts quoting it.
        followers: of the account, at ``fetched_at``.
        missing: why a number is None, by its name.
        error: why the whole row could not be read.
        fetched_at: when it was read, aware UTC.
        as_of: the moment the numbers are of, where the platform says.
        final: True when the platform will not change them any more.
        parts: for a thread, one row per part, the first part too; this row then adds them up.
        raw: what the platform said, for what the vocabulary has no word for.

    >>> Metrics(account="sky", platform="bluesky", id="3k", likes=12).reach is None
    True
    """

    account: str | None = None
    platform: str = ""
    identity: Identity | None = None
    id: str | None = None
    url: str | None = None
    published_at: datetime | None = None
    impressions: int | None = None
    reach: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    quotes: int | None = None
    saves: int | None = None
    clicks: int | None = None
    video_views: int | None = None
    watch_seconds: float | None = None
    followers: int | None = None
    missing: dict[str, str] = attrs.field(factory=dict)
    error: SocialKitError | None = attrs.field(default=None, eq=False)
    fetched_at: datetime | None = None
    as_of: datetime | None = None
    final: bool = False
    parts: tuple[Metrics, ...] = attrs.field(default=(), converter=_tuple)
    raw: dict[str, Any] = attrs.field(factory=dict, repr=False)

    def __hash__(self) -> int:
        return hash((self.identity, self.id, self.fetched_at))

    @classmethod
    def of(cls, receipt: Receipt, **fields: Any) -> Metrics:
        """The row of a receipt's own post, its identity, id, URL and time filled in.

        >>> Metrics.of(Receipt(Identity("x", "https://api.x.com", "7"), "1001"), likes=3).id
        '1001'
        """
        own: dict[str, Any] = {
            "platform": receipt.platform,
            "identity": receipt.identity,
            "id": receipt.id,
            "url": receipt.url,
            "published_at": receipt.published_at,
        }
        return cls(**own | fields)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe, unknown numbers left out."""
        from ._convert import dump

        return dump(self)


# --- from receipts to rows ----------------------------------------------------------------------------------
def single_posts(receipts: Iterable[Receipt]) -> list[Receipt]:
    """One receipt per post on the platform: a thread's first part, then the parts that follow it.

    >>> me = Identity("x", "https://api.x.com", "7")
    >>> [one.id for one in single_posts([Receipt(me, "1", parts=[Receipt(me, "2")]), Receipt(me, "3")])]
    ['1', '2', '3']
    """
    return [one for receipt in receipts for one in (attrs.evolve(receipt, parts=()), *receipt.parts)]


def batches(receipts: Sequence[Receipt], size: int) -> Iterator[Sequence[Receipt]]:
    """The receipts in slices of at most ``size``, in order, none left out.

    >>> me = Identity("x", "https://api.x.com", "7")
    >>> [len(batch) for batch in batches([Receipt(me, str(n)) for n in range(250)], 100)]
    [100, 100, 50]
    """
    step = max(1, size)
    for start in range(0, len(receipts), step):
        yield receipts[start : start + step]


def thread_row(parts: Sequence[Metrics]) -> Metrics:
    """The row of a thread: sums over its parts, unknown as soon as one part is; never a sum of people."""
    first = parts[0]
    sums = {name: _sum(name, parts) for name in sorted(SUMMED)}
    missing = {name: why for name in NUMBERS if (why := _why_missing(name, parts))}
    moments = [part.as_of for part in parts if part.as_of]
    fetched = [part.fetched_at for part in parts if part.fetched_at]
    return attrs.evolve(
        first,
        **sums,
        reach=None,
        missing=missing,
        error=next((part.error for part in parts if part.error), None),
        as_of=min(moments, default=None),
        fetched_at=max(fetched, default=None),
        final=all(part.final for part in parts),
        parts=tuple(parts),
        raw={},
    )


def _sum(name: str, parts: Sequence[Metrics]) -> Any:
    values = [getattr(part, name) for part in parts]
    return None if None in values else sum(values)


def _why_missing(name: str, parts: Sequence[Metrics]) -> str | None:
    for number, part in enumerate(parts, 1):
        if name in part.missing and (name in SUMMED or number == 1):
            return f"part {number}: {part.missing[name]}"
    if name == "reach" and any(part.reach is not None for part in parts):
        return "people reached cannot be added up over the parts of a thread; see parts"
    return None


def error_row(receipt: Receipt, error: SocialKitError, fetched_at: datetime) -> Metrics:
    """The row of a post that could not be read: every number unknown, and why.

    >>> from datetime import UTC
    >>> me = Identity("x", "https://api.x.com", "7")
    >>> row = error_row(Receipt(me, "1"), SocialKitError("no answer"), datetime(2026, 1, 1, tzinfo=UTC))
    >>> row.likes, row.missing["likes"]
    (None, 'no answer')
    """
    why = error.message.partition("\n")[0]
    missing = dict.fromkeys(NUMBERS, why)
    return Metrics.of(receipt, error=error, fetched_at=fetched_at, missing=missing, account=error.account)


# --- the table ----------------------------------------------------------------------------------------------
_TEXTS = ("account", "platform", "identity", "id", "url")
_MOMENTS = ("published_at", "as_of", "fetched_at")
COLUMNS = (*_TEXTS, "published_at", *NUMBERS, "as_of", "fetched_at", "final", "missing", "error")
"""The columns of every table made from a :class:`MetricsTable`."""


@attrs.frozen(eq=False, repr=False)
class MetricsTable(Sequence[Metrics]):
    """One row per post, in the order asked for; data frames, CSV, and a table in a terminal and a notebook.

    >>> table = MetricsTable([Metrics(account="sky", platform="bluesky", id="3k", likes=12)])
    >>> print(table)
    account  platform  id  likes
    sky      bluesky   3k     12
    >>> table.to_pandas()["reach"].tolist()
    [<NA>]
    """

    rows: tuple[Metrics, ...] = attrs.field(default=(), converter=_tuple)

    @overload
    def __getitem__(self, index: int) -> Metrics: ...
    @overload
    def __getitem__(self, index: slice) -> MetricsTable: ...
    def __getitem__(self, index: int | slice) -> Metrics | MetricsTable:
        return MetricsTable(self.rows[index]) if isinstance(index, slice) else self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def errors(self) -> tuple[SocialKitError, ...]:
        """The errors of the rows that could not be read."""
        return tuple(row.error for row in self.rows if row.error)

    def raise_for_errors(self) -> None:
        """Raise the error when one row could not be read, PublishErrors for several; quiet when all were."""
        errors = self.errors
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise PublishErrors(
                f"{len(errors)} of {len(self.rows)} rows of metrics could not be read", errors
            )

    def _columns(self) -> dict[str, list[Any]]:
        return {name: [_cell(row, name) for row in self.rows] for name in COLUMNS}

    def to_pandas(self) -> Any:
        """A pandas DataFrame: nullable Int64 and Float64 numbers, aware UTC times; unknown is ``<NA>``."""
        pandas = _need("pandas", "pandas")
        columns = self._columns()
        return pandas.DataFrame(
            {name: pandas.array(columns[name], dtype=kind) for name, kind in _dtypes(_PANDAS).items()}
        )

    def to_polars(self) -> Any:
        """A polars DataFrame: Int64, Float64 and UTC times; unknown is null."""
        polars = _need("polars", "polars")
        kinds = {
            "text": polars.String,
            "count": polars.Int64,
            "number": polars.Float64,
            "flag": polars.Boolean,
        }
        return polars.DataFrame(
            self._columns(), schema=_dtypes(kinds | {"moment": polars.Datetime("us", "UTC")})
        )

    def to_arrow(self) -> Any:
        """A pyarrow Table: int64, double and timestamp[us, UTC]; unknown is null."""
        arrow = _need("pyarrow", "polars")
        kinds = {
            "text": arrow.string(),
            "count": arrow.int64(),
            "number": arrow.float64(),
            "flag": arrow.bool_(),
            "moment": arrow.timestamp("us", tz="UTC"),
        }
        return arrow.table(self._columns(), schema=arrow.schema(list(_dtypes(kinds).items())))

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """The table as CSV text with a header, written to ``path`` when one is given; unknown is empty."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([[_csv_cell(_cell(row, name)) for name in COLUMNS] for row in self.rows])
        if path is not None:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(out.getvalue())
        return out.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe, each row with its parts and raw answer."""
        from ._convert import dump

        return dump(self)

    def _table(self) -> Any:
        from ._render import Table

        known = [name for name in NUMBERS if any(getattr(row, name) is not None for row in self.rows)]
        trouble = ["error"] if self.errors else []
        names = ["account", "platform", "id", *known, *trouble]
        return Table(names, [[_cell(row, name) for name in names] for row in self.rows], unknown="–")

    def __str__(self) -> str:
        return str(self._table().text())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return str(self._table().html())


_PANDAS = {
    "text": "string",
    "count": "Int64",
    "number": "Float64",
    "flag": "boolean",
    "moment": "datetime64[us, UTC]",
}


def _dtypes(kinds: dict[str, Any]) -> dict[str, Any]:
    """The type of each column, in a library's own terms."""
    special = {"watch_seconds": "number", "final": "flag"}
    special |= dict.fromkeys(COUNTS, "count") | dict.fromkeys(_MOMENTS, "moment")
    return {name: kinds[special.get(name, "text")] for name in COLUMNS}


def _cell(row: Metrics, name: str) -> Any:
    value = getattr(row, name)
    if name == "identity":
        return value.key if value else None
    if name == "missing":
        return "; ".join(f"{number}: {why}" for number, why in value.items()) or None
    return str(value) if name == "error" and value else value


def _csv_cell(value: Any) -> Any:
    return to_text(value) if isinstance(value, datetime) else value


def _need(module: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise ConfigError(
            f"{module} is not installed: pip install 'socialkit-py[{extra}]' (or use to_csv())"
        ) from None
