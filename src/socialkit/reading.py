"""Reading back: receipts and permalinks to rows, in the largest batches, all accounts at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from .accounts import foreseen, unexpected
from .call import BoundCall
from .errors import ConfigError, SocialKitError
from .metrics import NUMBERS, Metrics, MetricsTable, batches, error_row, single_posts, thread_row
from .model import Receipt, Report

if TYPE_CHECKING:
    from .accounts import Account, Target, Targets
    from .client import AsyncClient

What = Report | Receipt | str | Iterable[Receipt | str]


async def fetch_metrics(client: AsyncClient, what: What, given: Target | None) -> MetricsTable:
    """Rows in the order of what was given. Every failure is a row's own."""
    client._check_open()
    receipts = await asyncio.gather(*(_receipt(client, one, given) for one in _listed(what)))
    wanted: dict[Account, list[Receipt]] = {}
    for account, receipt in receipts:
        if isinstance(receipt, Receipt) and account is not None:
            wanted.setdefault(account, []).extend(single_posts([receipt]))
    tables = await asyncio.gather(*(_rows(account, many) for account, many in wanted.items()))
    rows = {key: row for table in tables for key, row in table.items()}
    return MetricsTable([_row(account, one, rows, client) for account, one in receipts])


def _listed(what: What) -> list[Receipt | str]:
    if isinstance(what, Report):
        return list(what.receipts)
    return [what] if isinstance(what, Receipt | str) else list(what)


async def _receipt(
    client: AsyncClient, one: Receipt | str, given: Target | None
) -> tuple[Account | None, Receipt | SocialKitError]:
    try:
        if isinstance(one, Receipt):
            account = await client._accounts.of_receipt(one, given)
            if one.id is not None or one.url is None:
                return account, one
            one = one.url
        else:
            account = (
                client._accounts.named(given) if given is not None else client._accounts.of_permalink(one)
            )
        await account.ready()
        return account, await account.adapter.resolve(one, BoundCall(account))
    except SocialKitError as error:
        return None, error
    except Exception as error:
        return None, SocialKitError(f"{one}: unexpected {type(error).__name__}: {error}")


def _key(account: Account, receipt: Receipt) -> tuple[str, str | None]:
    return account.name, receipt.id


async def _rows(account: Account, receipts: list[Receipt]) -> dict[tuple[str, str | None], Metrics]:
    unique = list({receipt.id: receipt for receipt in receipts if receipt.id is not None}.values())
    size = account.adapter.rules.metrics_batch
    done = await asyncio.gather(*(_batch(account, batch) for batch in batches(unique, size)))
    rows = [row for batch in done for row in batch]
    return {_key(account, receipt): row for receipt, row in zip(unique, rows, strict=True)}


async def _batch(account: Account, batch: Sequence[Receipt]) -> list[Metrics]:
    now = account.machinery.clock.now()
    try:
        await account.ready()
        rows = await account.adapter.fetch_metrics(batch, BoundCall(account))
        if len(rows) != len(batch):
            raise SocialKitError(f"{account.name}: {len(rows)} rows came back for {len(batch)} posts")
    except Exception as error:
        rows = [error_row(receipt, _ours(account, error), now) for receipt in batch]
    return [attrs.evolve(row, account=account.name, missing=_reasons(row, account, "a post")) for row in rows]


def _reasons(row: Metrics, account: Account, of: str) -> dict[str, str]:
    """Why each number that is not there is missing: the adapter's reasons, and that its platform has no such number."""
    words = f"{account.adapter.title or account.adapter.platform} does not tell it of {of}"
    reasons = {name: words for name in NUMBERS if getattr(row, name) is None}
    if of == "a post" and "followers" in reasons:
        reasons["followers"] = "an account has followers: fetch_account_metrics() tells them"
    return reasons | row.missing


def _row(
    account: Account | None,
    one: Receipt | SocialKitError,
    rows: dict[tuple[str, str | None], Metrics],
    client: AsyncClient,
) -> Metrics:
    if account is None or not isinstance(one, Receipt):
        error = one if isinstance(one, SocialKitError) else ConfigError("no account for this post")
        return Metrics(error=error, fetched_at=client._clock.now())
    own = [rows.get(_key(account, single)) or _nameless(account, single) for single in single_posts([one])]
    return thread_row(own) if one.parts else own[0]


def _nameless(account: Account, receipt: Receipt) -> Metrics:
    error = ConfigError("the platform never told this post's id; give its permalink", account=account.name)
    return error_row(receipt, error, account.machinery.clock.now())


def _ours(account: Account, error: Exception) -> SocialKitError:
    return error if isinstance(error, SocialKitError) else unexpected(account, error)


async def fetch_account_metrics(
    client: AsyncClient, to: Targets, *, since: datetime | None, until: datetime | None
) -> MetricsTable:
    accounts = client._accounts.targets(to)
    return MetricsTable(await asyncio.gather(*(_account_row(a, since, until) for a in accounts)))


async def _account_row(account: Account, since: datetime | None, until: datetime | None) -> Metrics:
    try:
        await account.ready()
        row = await account.adapter.fetch_account_metrics(BoundCall(account), since=since, until=until)
    except Exception as error:
        now, told = account.machinery.clock.now(), _ours(account, error)
        why: dict[str, str] = dict.fromkeys(NUMBERS, told.message.partition("\n")[0])
        return Metrics(
            account=account.name, platform=account.adapter.platform, error=told, fetched_at=now, missing=why
        )
    missing = _reasons(row, account, "an account")
    if (since or until) and not account.adapter.rules.account_history:
        missing = {**missing, "period": "the platform tells only the present numbers, not those of a period"}
    return attrs.evolve(row, account=account.name, missing=missing)


async def fetch_posts(
    client: AsyncClient,
    to: Targets,
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> list[Receipt]:
    accounts = client._accounts.targets(to) if limit > 0 else []
    lists = await asyncio.gather(*(_posts(account, since, until, limit) for account in accounts))
    return [receipt for receipts in lists for receipt in receipts]


async def _posts(
    account: Account, since: datetime | None, until: datetime | None, limit: int
) -> list[Receipt]:
    found = []
    with foreseen(account):
        await account.ready()
        pages = account.adapter.fetch_posts(BoundCall(account), since=since, until=until, limit=limit)
        async for receipt in pages:
            found.append(receipt)
            if len(found) >= limit:
                break
    return found
