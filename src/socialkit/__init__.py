"""One post, many social platforms: plan it, publish it once, measure it.

Every name below is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .adapters.bluesky import Bluesky
    from .adapters.devto import DevTo
    from .adapters.facebook import Facebook
    from .adapters.instagram import Instagram
    from .adapters.linkedin import LinkedIn
    from .adapters.mastodon import Mastodon
    from .adapters.pinterest import Pinterest
    from .adapters.reddit import Reddit
    from .adapters.threads import Threads
    from .adapters.tiktok import TikTok
    from .adapters.x import X
    from .adapters.youtube import YouTube
    from .auth import Account, App, Login
    from .client import AsyncClient, Client
    from .errors import (
        AuthError,
        ConfigError,
        Declined,
        Denied,
        Duplicate,
        Halted,
        Held,
        IdentityClash,
        InvalidPost,
        KeyReused,
        LoginFailed,
        MissingScope,
        OutcomeUnknown,
        PlatformError,
        PublishErrors,
        RateLimited,
        ReauthNeeded,
        Refused,
        SocialKitError,
        ThreadPartlyPosted,
        Unavailable,
    )
    from .gate import Gate, Halt, Verdict
    from .media_host import MediaHost, S3MediaHost
    from .metrics import Metrics, MetricsTable
    from .model import (
        Captions,
        Change,
        File,
        Identity,
        Image,
        Link,
        Outcome,
        Poll,
        Post,
        Problem,
        Progress,
        Receipt,
        Report,
        Status,
        Video,
    )
    from .plan import Plan
    from .signin import SignIn
    from .store import Store, TokenStore

__all__ = [
    "Account",
    "App",
    "AsyncClient",
    "AuthError",
    "Bluesky",
    "Captions",
    "Change",
    "Client",
    "ConfigError",
    "Declined",
    "Denied",
    "DevTo",
    "Duplicate",
    "Facebook",
    "File",
    "Gate",
    "Halt",
    "Halted",
    "Held",
    "Identity",
    "IdentityClash",
    "Image",
    "Instagram",
    "InvalidPost",
    "KeyReused",
    "Link",
    "LinkedIn",
    "Login",
    "LoginFailed",
    "Mastodon",
    "MediaHost",
    "Metrics",
    "MetricsTable",
    "MissingScope",
    "Outcome",
    "OutcomeUnknown",
    "Pinterest",
    "Plan",
    "PlatformError",
    "Poll",
    "Post",
    "Problem",
    "Progress",
    "PublishErrors",
    "RateLimited",
    "ReauthNeeded",
    "Receipt",
    "Reddit",
    "Refused",
    "Report",
    "S3MediaHost",
    "SignIn",
    "SocialKitError",
    "Status",
    "Store",
    "ThreadPartlyPosted",
    "Threads",
    "TikTok",
    "TokenStore",
    "Unavailable",
    "Verdict",
    "Video",
    "X",
    "YouTube",
    "__version__",
]

_HOMES = {
    "auth": ("Account", "App", "Login"),
    "client": ("AsyncClient", "Client"),
    "gate": ("Gate", "Halt", "Verdict"),
    "media_host": ("MediaHost", "S3MediaHost"),
    "metrics": ("Metrics", "MetricsTable"),
    "model": (
        "Captions", "Change", "File", "Identity", "Image", "Link", "Outcome", "Poll", "Post", "Problem",
        "Progress", "Receipt", "Report", "Status", "Video",
    ),
    "plan": ("Plan",),
    "signin": ("SignIn",),
    "store": ("Store", "TokenStore"),
}  # fmt: skip


def _home(name: str) -> str:
    """The module a public name lives in: as listed, else an adapter's, else the errors'."""
    for module, names in _HOMES.items():
        if name in names:
            return f"socialkit.{module}"
    from .registry import class_home

    return class_home(name) or "socialkit.errors"


if not TYPE_CHECKING:  # a checker that sees this would believe every name

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'socialkit' has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_home(name)), name)
        return value


def __dir__() -> list[str]:
    return list(__all__)
