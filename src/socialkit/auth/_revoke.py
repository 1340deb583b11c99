"""Ending a sign-in at the platform, by the request its flow describes. What is not valid any more is ended."""

from __future__ import annotations

from typing import Any

import attrs

from ..adapters.base import Call, Credential, Response
from ..errors import AuthError, ReauthNeeded, SocialKitError
from ..flows import CodeFlow, DeviceFlow, Flow, PasswordFlow, Revocation, addresses, at
from ..flows._whoami import as_text, filled, found
from ._answers import REFUSALS, Refusal, error_of, read_token
from ._oauth2 import ACCEPT, app_basic, identified

_ENDED = frozenset(
    {
        "190",
        "account_inactive",
        "invalid_auth",
        "invalid_grant",
        "invalid_token",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
"""Codes that say the token is not valid, which is what was wanted."""
_ABSENT = (404, 410)


async def revoke(flow: Flow, credential: Credential, server: str, call: Call) -> None:
    """End the sign-in; what is not valid any more counts as ended.

    Errors: Unavailable and RateLimited when nobody can say, AuthError when the platform refused to.
    """
    way = flow.revocation
    assert way is not None, "the engine asks flows that have one"
    if isinstance(flow, CodeFlow) and flow.bound:
        from . import _dpop

        await _dpop.revoke(flow, credential, server, call)
        return
    tokens = [(name, value) for name in way.sends if (value := getattr(credential, name))]
    if way.sends == ("access_token",) and not tokens and not way.name:
        tokens = [("access_token", "")]
    ending = _Ending(flow, way, credential, server, call)
    for name, token in tokens:
        await ending.end(name, token)


@attrs.frozen
class _Ending:
    """The requests that end one sign-in."""

    flow: Flow
    way: Revocation
    credential: Credential
    server: str
    call: Call

    async def end(self, name: str, token: str) -> None:
        if (mark := await self.mark() if self.way.look else "") is None:
            return
        *others, last = self.urls(mark)
        for url in others:
            response = await self.ask(url, name, token)
            if response.status not in _ABSENT:
                self.check(response)
                return
        self.check(await self.ask(last, name, token))

    async def ask(self, url: str, name: str, token: str) -> Response:
        return await (self.with_name(url, name, token) if self.way.name else self.signed(url, token))

    async def mark(self) -> str | None:
        """What ``{found}`` stands for; None when the sign-in is not valid any more."""
        url = at(self.way.look, self.flow, self.server)
        answer = await self.call.read(
            "GET", url, credential=self.credential, headers=ACCEPT, accept=(401, *_ABSENT)
        )
        return as_text(found(answer.json_or_none(), self.way.found)) if answer.status < 400 else None

    def urls(self, mark: str) -> tuple[str, ...]:
        told = self.credential.extra.get("revocation_endpoint")
        if told:
            return (told,)
        url = filled(self.way.url, self.credential, self.flow.title, found=mark)
        return addresses(url, self.flow, self.server)

    async def with_name(self, url: str, name: str, token: str) -> Response:
        """The token as a parameter, with the app's proof where it is wanted."""
        fields = [(self.way.name, token)] + ([("token_type_hint", name)] if self.way.hint else [])
        proof, headers = self.proof() if self.way.client else ([], dict(ACCEPT))
        where: Any = (
            {"params": fields + proof} if self.way.method in ("GET", "DELETE") else {"form": fields + proof}
        )
        return await self.call.prepare(
            self.way.method, url, **where, headers=headers, auth=False, accept=REFUSALS
        )

    def proof(self) -> tuple[list[tuple[str, str]], dict[str, str]]:
        held, flow = self.credential, self.flow
        if isinstance(flow, CodeFlow | DeviceFlow):
            return identified(flow, held.client_id, held.client_secret)
        assert isinstance(flow, PasswordFlow) or held.client_id, "only apps prove themselves"
        return [], {**ACCEPT, **app_basic(held.client_id, held.client_secret)}

    async def signed(self, url: str, token: str) -> Response:
        """The request signed with the credential, or with another of its tokens in the access token's place."""
        credential = attrs.evolve(self.credential, access_token=token) if token else self.credential
        return await self.call.prepare(
            self.way.method,
            url,
            credential=credential,
            headers={**ACCEPT, **self.flow.headers},
            accept=REFUSALS,
        )

    def check(self, response: Response) -> None:
        """Raise what the answer means, unless the sign-in is over."""
        error = error_of(response.json_or_none())
        if response.status < 300 and error is None:
            return
        if response.status in _ABSENT or (error is not None and error[0] in _ENDED):
            return
        if not self.way.client and response.status == 401:
            return
        raise self.refused(response)

    def refused(self, response: Response) -> SocialKitError:
        told = read_token(response, secrets=self.credential.secrets())
        assert isinstance(told, Refusal)
        error = told.as_renewal(self.flow.title, self.credential.client_id)
        words = f"{self.flow.title}: the sign-in could not be ended at the platform: {told}"
        if isinstance(error, ReauthNeeded | AuthError):
            return AuthError(words, status=told.status, code=told.code, said=told.said)
        return type(error)(
            words, **{k: v for k, v in vars(error).items() if k in ("status", "code", "said", "retry_at")}
        )
