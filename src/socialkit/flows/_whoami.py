"""Who signed in: the request a flow's :class:`~socialkit.flows.Whoami` describes, and what its answer says.

It reads through the call it is given and no other way, so that accounts and logins ask alike.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import attrs

from ..errors import Declined, LoginFailed, ReauthNeeded, SocialKitError, Unavailable
from ..model import Identity
from . import addresses, at

if TYPE_CHECKING:
    from ..adapters.base import Call, Credential, Response
    from . import Flow, Whoami

__all__ = ["OWNER", "as_text", "as_token", "filled", "found", "identities", "told_id"]

PAGES = 100
"""Pages of a list that are read at most: one that goes on longer repeats itself."""
OWNER = "account"
"""Where ``Credential.extra`` says whose token it is, when one sign-in reached several accounts with a token each."""

_BLANK = re.compile(r"\{(access_token|secret|client_id|id|found)\}")
_EXACT = 2**53
"""Above this a JSON number with a fraction or an exponent may have lost digits."""


async def identities(
    flow: Flow, credential: Credential, server: str, call: Call, *, platform: str, signed: bool = False
) -> list[tuple[Identity, Credential]]:
    """Every account the credential signs in to, at least one, each with the credential to use for it.

    That is the one given, or one with the account's own token (a Facebook Page's), which neither ends nor renews by
    itself. ``signed``: the call signs with the credential given, and renews it; otherwise each request carries it.
    Errors: ReauthNeeded when the platform says no, LoginFailed when no account can be reached, Unavailable when an
    answer does not say what it should.
    """
    who = flow.whoami
    if who is None:
        return [(_known(platform, server, credential, "id"), credential)]
    if credential.extra.get(OWNER):
        if not who.own:
            return [(_known(platform, server, credential, OWNER), credential)]
        who = _own(who)
    asking = _Asking(platform, flow, who, credential, server, call, signed)
    return await (asking.many() if who.each else asking.one())


def found(answer: Any, path: str) -> Any:
    """What stands at a place of a JSON value: names and indexes joined by dots, alternatives by "|"; None if nothing.

    "." is the whole value.

    >>> found({"data": [{"id": 7}]}, "user.id|data.0.id")
    7
    """
    for way in path.split("|"):
        here = answer
        for step in way.strip(".").split(".") if way != "." else ():
            here = _below(here, step)
        if here is not None:
            return here
    return None


def as_text(value: Any) -> str | None:
    """A JSON value as an id: the digits of a number are kept, however many; None when it cannot be one.

    >>> as_text(1500000000000000001), as_text(" 7 "), as_text(True), as_text({})
    ('1500000000000000001', '7', None, None)
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if text.isprintable() and text else None


def as_token(value: Any) -> str | None:
    """A token as it may stand in a header: printable ASCII without spaces; None when it cannot be one."""
    sound = isinstance(value, str) and value.isascii() and value.isprintable() and value and " " not in value
    return value if sound else None


def told_id(platform: str, answer: Any, path: str = "id") -> str:
    """The id of who signed in, as it stands in an answer; Unavailable when none does."""
    if (native := as_text(found(answer, path))) is None:
        raise Unavailable(f"{platform} did not say who signed in: its answer has no {path!r}")
    return native


def filled(text: str, credential: Credential, platform: str, *, quoted: bool = True, found: str = "") -> str:
    """The text with the credential's values in its blanks; one that would lead elsewhere is refused.

    ``found`` is what stands for ``{found}``. ``quoted``: the text is an address, and its values are escaped.
    """
    known = {"id": credential.extra.get(OWNER), "found": found}

    def value(blank: re.Match[str]) -> str:
        name = blank[1]
        held = known[name] if name in known else getattr(credential, name)
        if not held or not held.isprintable() or (quoted and (".." in held or set(held) & set("/\\|"))):
            words = f"{platform}: the {name} is missing, or has not the form of one"
            raise LoginFailed(words, reason="invalid")
        return quote(held, safe=":") if quoted else str(held)

    return _BLANK.sub(value, text)


def _native(answer: Any, path: str) -> str | None:
    """The id at a place; parts joined by "+" in the path are put together with a colon, and all must be there."""
    for way in path.split("|"):
        parts = [as_text(found(answer, part)) for part in way.split("+")]
        if all(parts):
            return ":".join(filter(None, parts))
    return None


def _below(here: Any, step: str) -> Any:
    if isinstance(here, Mapping):
        return here.get(step)
    if isinstance(here, list) and step.isascii() and step.isdigit():
        return here[int(step)] if int(step) < len(here) else None
    return None


def _known(platform: str, server: str, credential: Credential, name: str) -> Identity:
    """Who the credential itself says it is."""
    if not (known := credential.extra.get(name)):
        raise Unavailable(
            f"{platform} did not say who signed in: its answer had no account id; sign in again"
        )
    return Identity(platform, server, known, credential.extra.get("name"))


def _own(who: Whoami) -> Whoami:
    """The question one account of several is asked with its own token: the same fields, without what was around."""
    bare = attrs.evolve(who, method="GET", params={}, each="", token="", proof="")
    return attrs.evolve(bare, url=who.own, id=_last(who.id), name=_last(who.name))


def _last(path: str) -> str:
    return "|".join(way.rpartition(".")[2] for way in path.split("|"))


@attrs.frozen
class _Asking:
    """One question to a platform, and the reading of its answer."""

    platform: str
    flow: Flow
    who: Whoami
    credential: Credential
    server: str
    call: Call
    signed: bool

    async def one(self) -> list[tuple[Identity, Credential]]:
        answer = (await self.first()).json()
        if (item := self.item(answer)) is None:
            raise self.nobody(answer, self.who.id)
        return [item]

    async def many(self) -> list[tuple[Identity, Credential]]:
        """Every item of every page that has an id; what has none is no account."""
        response, seen = await self.first(), set[str]()
        items: dict[Identity, tuple[Identity, Credential]] = {}
        for _ in range(PAGES):
            answer = response.json()
            for item in filter(None, map(self.item, self.listed(answer))):
                items.setdefault(item[0], item)
            told = found(answer, self.who.next) if self.who.next else None
            if not isinstance(told, str) or not told or told in seen:
                break
            seen.add(told)
            response = await self.page(told)
        if not items:
            raise self.empty()
        return list(items.values())

    async def first(self) -> Response:
        """The answer of the first address that knows the question."""
        if self.who.proof:
            await self.each_of(self.who.proof, partial(self.ask, "GET"))
        return await self.each_of(self.who.url, self.question)

    async def each_of(self, text: str, ask: Callable[..., Awaitable[Response]]) -> Response:
        """The answer of the first of several addresses that there is."""
        *others, last = addresses(self.filled(text), self.flow, self.server)
        for url in others:
            response = await ask(url, accept=(404,))
            if response.status != 404:
                return response
        return await ask(last)

    async def question(self, url: str, accept: Iterable[int] = (), after: str = "") -> Response:
        values = {name: self.filled(value, quoted=False) for name, value in self.who.params.items()}
        if after:
            values[self.who.next_name] = after
        if self.who.method == "GET":
            query = {"params": values} if values else {}  # an address may have a query of its own
            return await self.ask("GET", url, accept=accept, **query)
        return await self.ask(self.who.method, url, json=values, accept=accept)

    async def page(self, told: str) -> Response:
        """The next page of a list, by its token or its address."""
        if self.who.next_name:
            url = addresses(self.filled(self.who.url), self.flow, self.server)[0]
            return await self.question(url, after=told)
        return await self.ask("GET", self.same_host(told))

    async def ask(self, method: str, url: str, **request: Any) -> Response:
        given = {**self.flow.headers, **self.who.headers}
        headers = {name: self.filled(value, quoted=False) for name, value in given.items()}
        proof: dict[str, Any] = {} if self.signed else {"credential": self.credential}
        try:
            return await self.call.read(method, url, headers=headers, **proof, **request)
        except Declined as error:
            if error.code is None or error.code not in self.who.refusals:
                raise
            words = f"{self.platform} does not accept the credential: {error.code}; sign in again"
            raise ReauthNeeded(words, status=error.status, code=error.code) from None

    def filled(self, text: str, *, quoted: bool = True) -> str:
        return filled(text, self.credential, self.platform, quoted=quoted)

    def listed(self, answer: Any) -> list[Any]:
        items = found(answer, self.who.each)
        if isinstance(items, list):
            return items
        raise self.nobody(answer, self.who.each)

    def item(self, answer: Any) -> tuple[Identity, Credential] | None:
        who = self.who
        if (native := _native(answer, who.id)) is None:
            return None
        name = as_text(found(answer, who.name)) if who.name else None
        token = as_token(found(answer, who.token)) if who.token else None
        identity = Identity(self.platform, self.server, native, name or self.credential.extra.get("name"))
        return identity, self.credential if token is None else self.owned(native, token)

    def owned(self, native: str, token: str) -> Credential:
        """The credential of one account of several, with its own token."""
        extra = {**self.credential.extra, OWNER: native}
        bare = attrs.evolve(self.credential, refresh_token=None, expires_at=None)
        return attrs.evolve(bare, access_token=token, extra=extra)

    def same_host(self, told: str) -> str:
        """The next page's address; on another host it would be given the credential, and is refused."""
        below = told.startswith(f"{self.server.rstrip('/')}/")
        url = told if below else at(told, self.flow, self.server)
        first = addresses(self.who.url, self.flow, self.server)[0]
        if _origin(url) != _origin(first):
            raise Unavailable(f"{self.platform} names a next page on another host; nothing was sent there")
        return url

    def empty(self) -> SocialKitError:
        words = (
            f"this sign-in reaches no {self.platform} account: nothing in {self.who.each!r} of the answer has "
            f"{self.who.id!r}; sign in again and tick the account on the consent page"
        )
        return LoginFailed(words)

    def nobody(self, answer: Any, field: str) -> SocialKitError:
        """What it means that a field is missing: the platform said no, or something else answered."""
        code = found(answer, "error|error_code|code")
        said = code if isinstance(code, str) and re.fullmatch(r"[\w.-]{1,60}", code) else None
        if said in self.credential.secrets():
            said = None
        if said or found(answer, "ok") is False:
            words = (
                f"{self.platform} did not say who signed in: {said or 'it answered ok=false'}; sign in again"
            )
            return ReauthNeeded(words, code=said)
        return Unavailable(f"{self.platform} did not say who signed in: its answer has no {field!r}")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
