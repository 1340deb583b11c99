"""OAuth 2.0 for devices (RFC 8628): the person types a short code on another device, and we ask until it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from ..adapters.base import Call, Credential, Response
from ..errors import ConfigError, LoginFailed, OutcomeUnknown, Unavailable
from ..flows import DeviceFlow, at
from ..flows._whoami import as_text, found
from . import _oauth2
from ._answers import REFUSALS, Token, error_of, read_token, seconds_of
from ._login import App, Asked, Login

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL = 5.0
"""Seconds between two questions where the answer names none, and what "slow down" adds."""
_LIVES = 900.0

renew = _oauth2.renew


async def begin(flow: DeviceFlow, app: App | None, draft: Login, call: Call) -> Asked:
    """The code the person types, and where."""
    app = _given(flow, app, draft)
    form = [("client_id", app.client_id), ("scope", flow.scope_separator.join(draft.scopes))]
    url = at(flow.device_url, flow, draft.server)
    answer = await call.prepare("POST", url, form=form, headers=_oauth2.ACCEPT, auth=False, accept=REFUSALS)
    body = answer.json_or_none()
    device, user = as_text(found(body, "device_code")), as_text(found(body, "user_code"))
    page = as_text(found(body, "verification_uri_complete|verification_uri|verification_url"))
    if answer.status >= 400 or not (device and user and page):
        raise _oauth2.no_token(answer, draft.platform, filter(None, (app.client_secret,)))
    interval = seconds_of(found(body, "interval")) or _INTERVAL
    lives = seconds_of(found(body, "expires_in")) or _LIVES
    kept = {"device_code": device, "interval": str(interval), "client_id": app.client_id}
    return Asked(url=page, user_code=user, secrets=kept, expires_in=lives)


def _given(flow: DeviceFlow, app: App | None, login: Login) -> App:
    if app is None or not app.client_id:
        raise ConfigError(
            f"{login.platform}: {flow.title} needs a developer app: App(client_id, client_secret)"
        )
    return app


async def finish(
    flow: DeviceFlow, app: App | None, login: Login, told: Mapping[str, str], call: Call
) -> Credential:
    """Waits until the person agreed: LoginFailed "denied" when they said no, "expired" when the code ended first."""
    app = _given(flow, app, login)
    asking = _Asking(flow, app, login, call, float(login.secrets["interval"]))
    limit = 2 * (login.expires_at - call.now()).total_seconds() + 600
    response = await call.poll(asking.look, asking.over, waits=asking.waits(), limit=limit)
    hidden = tuple(filter(None, (app.client_secret, login.secrets["device_code"])))
    token = read_token(response, secrets=hidden)
    if isinstance(token, Token):
        return _oauth2.credential_of(flow, token, app, call)
    if asking.waiting(response) or token.code == "expired_token":
        raise LoginFailed(f"{login.platform}: nobody typed the code in time; begin again", reason="expired")
    if token.code in ("access_denied", "authorization_declined"):
        raise LoginFailed(f"{login.platform}: the person said no", reason="denied", code=token.code)
    raise token.as_login(login.platform)


@attrs.define
class _Asking:
    """The question that is repeated, and how long to wait before the next one."""

    flow: DeviceFlow
    app: App
    login: Login
    call: Call
    interval: float

    async def look(self) -> Response:
        """One answer; a question that never arrived counts as one that says to wait longer."""
        proof, headers = _oauth2.identified(self.flow, self.app.client_id, self.app.client_secret)
        form = [("grant_type", GRANT), ("device_code", self.login.secrets["device_code"]), *proof]
        url = at(self.flow.token_url, self.flow, self.login.server)
        try:
            response = await _oauth2.send("POST", url, form, headers, self.call)
        except OutcomeUnknown as lost:
            words = f"{self.login.platform}: the answer that holds the token was lost; begin again"
            raise LoginFailed(words, reason="lost") from lost
        except Unavailable:
            response = Response(503, {})
        if self.code(response) == "slow_down" or self.busy(response):
            self.interval += _INTERVAL
        return response

    def over(self, response: Response) -> bool:
        """Whether there is no use in asking again: it is decided, or the code ends before the next question."""
        left = (self.login.expires_at - self.call.now()).total_seconds()
        return not self.waiting(response) or left <= self.interval

    def waiting(self, response: Response) -> bool:
        return self.code(response) in ("authorization_pending", "slow_down") or self.busy(response)

    @staticmethod
    def busy(response: Response) -> bool:
        return response.status == 429 or response.status >= 500

    @staticmethod
    def code(response: Response) -> str:
        error = error_of(response.json_or_none())
        return error[0] if error else ""

    def waits(self) -> Iterator[float]:
        """How long to wait, as it stands after the last answer."""
        while True:
            yield self.interval
