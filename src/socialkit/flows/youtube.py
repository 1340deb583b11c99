"""Signing in to YouTube: Google's accounts, with a callback or with a code typed on another device.

Revoking ends everything the person ever gave to the whole Google Cloud project, Google Business included. A refresh
token dies when the person revokes it, after six months without use, as the oldest of more than 100 of one person and
client, and after 7 days while the consent screen is in "Testing".
"""

from . import CodeFlow, DeviceFlow, Flow, Renewal, Whoami
from ._google import AUTHORIZE_URL, LIVES, OFFLINE, REVOCATION, TOKEN_URL

__all__ = ["FLOWS"]

_SCOPE = "https://www.googleapis.com/auth/"
_READ, _ALL = f"{_SCOPE}youtube.readonly", f"{_SCOPE}youtube"
_UPLOAD, _SPEAK = f"{_SCOPE}youtube.upload", f"{_SCOPE}youtube.force-ssl"
_ANALYTICS = f"{_SCOPE}yt-analytics.readonly"

_API = "https://www.googleapis.com"
_WHO = Whoami(
    url=f"{_API}/youtube/v3/channels",
    params={"part": "id,snippet", "mine": "true"},
    id="items.0.id",
    name="items.0.snippet.title",
)
_IMPLIED = {_ALL: (_READ, _UPLOAD), _SPEAK: (_READ, _UPLOAD)}
_SOURCE = "Google: OAuth 2.0 for installed apps, for TVs and devices; YouTube Data API discovery document; 2026-11-23"

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="oauth2",
        title="Google account in the browser",
        server=_API,
        setup=(
            "console.cloud.google.com: enable the YouTube Data API v3, make an OAuth client of the type Desktop app "
            "(any loopback port) or Web application (the exact address). While the consent screen is in Testing a "
            "sign-in lasts 7 days. Logging out ends all that was given to the project, for every account of the person"
        ),
        scopes={
            "identify": (_READ,),
            "publish": (_UPLOAD, _READ),
            "metrics": (_READ, _ANALYTICS),
            "replies": (_SPEAK,),
            "delete": (_SPEAK,),
        },
        implied=_IMPLIED,
        rotation="none",
        whoami=_WHO,
        revocation=REVOCATION,
        authorize_url=AUTHORIZE_URL,
        token_url=TOKEN_URL,
        pkce="S256",
        authorize_params=OFFLINE,
        redirect="loopback",
        renewal=Renewal(),
        lives=LIVES,
        source=_SOURCE,
    ),
    DeviceFlow(
        name="device",
        title="Code typed on another device",
        server=_API,
        setup=(
            "console.cloud.google.com: an OAuth client of the type TVs and Limited Input devices. It can publish, "
            "measure and delete; comments and captions need the sign-in in the browser"
        ),
        scopes={
            "identify": (_READ,),
            "publish": (_ALL,),
            "metrics": (_READ,),
            "delete": (_ALL,),
        },
        implied=_IMPLIED,
        rotation="none",
        whoami=_WHO,
        revocation=REVOCATION,
        device_url="https://oauth2.googleapis.com/device/code",
        token_url=TOKEN_URL,
        renewal=Renewal(),
        source=_SOURCE,
    ),
)
