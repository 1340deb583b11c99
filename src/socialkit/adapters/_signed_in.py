"""Accounts of platforms that can be signed in to and not published to yet: they know who they are, and no more."""

from __future__ import annotations

from typing import Any, ClassVar

from ..errors import ConfigError, IdentityClash, ReauthNeeded, SocialKitError
from ..flows import Flow
from ..flows._whoami import identities
from ..rules import Rules, TextRule
from .base import AccountFacts, Adapter, Call, Credential, Draft, Part, Response, basic

RULES = Rules(
    text=TextRule(10_000_000, "codepoints"),
    notes=("This version signs in to the platform; it does not publish there yet.",),
)
_CLASSES: dict[str, type[SignedIn]] = {}
_BY_MACHINE = frozenset({"oauth1", "dpop", "ghost", "api-key", "none"})
"""Kinds whose requests the machinery signs, or that stand in the address."""


class SignedIn(Adapter):
    """One account on a platform that nothing is published to yet.

    It says who it is (:meth:`account`), signs requests, and refuses every post while it is planned.

    Args:
        server: the base URL of the platform's API; the platform's own where it has one.

    >>> from socialkit.flows import KeyFlow
    >>> key = KeyFlow(name="key", title="Key", server="https://api.example.com", asks=(), fills={})
    >>> signed_in_class("harbour", "Harbour", (key,))()
    <Harbour https://api.example.com>
    """

    rules: ClassVar[Rules] = RULES

    def __init__(self, server: str | None = None) -> None:
        own = next((flow.server for flow in self.flows if flow.server), None)
        if not (server or own):
            raise ConfigError(f'{type(self).__name__}: say which server, server="https://…"')
        super().__init__(server or own or "", Credential("none"))

    def __reduce__(self) -> tuple[Any, ...]:
        return _revived, (self.platform, type(self).__name__, self.flows, dict(vars(self)))

    async def account(self, call: Call) -> AccountFacts:
        """Who it is, as the flow it signed in by asks; of several accounts the one that signed in."""
        credential = await call.signed_by()
        flow = self._flow_of(credential)
        reached = await identities(flow, credential, self.server, call, platform=self.platform, signed=True)
        told = [identity for identity, _ in reached]
        if self.identity is None or self.identity in told:
            identity = told[told.index(self.identity)] if self.identity else told[0]
            return AccountFacts(identity=identity, scopes=credential.scopes)
        raise IdentityClash(
            f"the credential belongs to {told[0].name or told[0].id} on {self.platform}, but this account is "
            f"{self.identity.name or self.identity.id}; sign in again as that one"
        )

    def says_no(self, response: Response) -> bool:
        body = response.json_or_none()
        return isinstance(body, dict) and body.get("ok") is False

    def parse_error(self, response: Response) -> SocialKitError:
        """A code that means "sign in again" on this platform is cured by a renewal where there is one."""
        error = super().parse_error(response)
        refusals = {code for flow in self.flows if flow.whoami for code in flow.whoami.refusals}
        code = getattr(error, "code", None)
        if code not in refusals:
            return error
        words = f"{self.platform} does not accept the credential: {code}"
        return ReauthNeeded(words, status=response.status, code=code, refreshable=True)

    def _flow_of(self, credential: Credential) -> Flow:
        name = credential.extra.get("flow")
        fits = (flow for flow in self.flows if name in (None, flow.name))
        if (flow := next(fits, None)) is None:
            known = ", ".join(flow.name for flow in self.flows)
            raise ConfigError(f"{self.platform} has no way to sign in called {name!r}; there are: {known}")
        return flow

    async def plan(self, draft: Draft, call: Call) -> Part:
        draft.problem(
            "text",
            "not_published",
            f"this version of socialkit signs in to {self.title}, but does not publish there yet",
            hint="leave this account out",
        )
        return Part(draft.index, {}, draft.post.text)

    def authorize(self, credential: Credential) -> dict[str, str]:
        """Basic, Bot or Bearer, by the credential's kind."""
        if credential.kind in _BY_MACHINE:
            return {}
        if credential.kind == "basic":
            return basic(credential.client_id or "", credential.secret or "")
        if credential.kind == "bot" and credential.access_token:
            return {"authorization": f"Bot {credential.access_token}"}
        return super().authorize(credential)


def signed_in_class(platform: str, name: str, flows: tuple[Flow, ...]) -> type[SignedIn]:
    """The class of such accounts on one platform, made once.

    >>> signed_in_class("harbour", "Harbour", ()) is signed_in_class("harbour", "Harbour", ())
    True
    """
    known = _CLASSES.get(platform)
    if known is None or known.flows != flows:
        title = platform.replace("_", " ").title() if "_" in platform else name
        words = f"One account on {title}: it signs in, and publishes nothing yet."
        body = {"__doc__": words, "platform": platform, "flows": flows, "title": title}
        _CLASSES[platform] = type(name, (SignedIn,), body)
    return _CLASSES[platform]


def _revived(platform: str, name: str, flows: tuple[Flow, ...], state: dict[str, Any]) -> SignedIn:
    """An account that was pickled."""
    cls = signed_in_class(platform, name, flows)
    account = cls.__new__(cls)
    vars(account).update(state)
    return account
