"""The words of signing in: the developer app, the login under way, the account that comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from ..adapters.base import Adapter, Credential
from ..errors import ConfigError
from ..flows import Ask
from ..model import Identity

LOGIN_SCHEMA = 1


@attrs.frozen
class App:
    """A developer app: who asks people to sign in.

    Attributes:
        client_id, client_secret: as the platform gave them. OAuth 1.0a calls them consumer key and secret; a Bluesky
            client id is the https address of its metadata document.
        flow: which way to sign in, where a platform has several (``socialkit.flows.<platform>`` lists them).
        private_key: PEM or JWK text of the key a confidential Bluesky client signs with.
        redirect_uri: the callback address the command line uses, where one had to be registered.
        name: what consent pages call the app where it is made on the fly (Mastodon, Misskey, WordPress).

    >>> App("abc", "s3cret")
    App(client_id='abc', flow=None, redirect_uri=None, name='socialkit')
    """

    client_id: str = ""
    client_secret: str | None = attrs.field(default=None, repr=False)
    flow: str | None = None
    private_key: str | None = attrs.field(default=None, repr=False)
    redirect_uri: str | None = None
    name: str = "socialkit"


@attrs.frozen(kw_only=True)
class Login:
    """A sign-in under way: send the person to ``url``, keep the rest until the callback comes.

    It holds secrets: keep :meth:`to_dict` where only your server reads it (a server-side session, your database), not
    in a cookie. It is good once, until ``expires_at``.

    Attributes:
        url: where the person agrees, or finds the key to paste. None where there is no such page.
        user_code: what the person types there (device flow).
        asks: what the person is asked for instead of a callback, or () when the browser comes back by itself.
        state: names this login in the callback. scopes: what is asked for. capabilities: what they are wanted for.

    >>> from socialkit import Client
    >>> with Client() as client:
    ...     login = client.begin_login("telegram")
    >>> login.url, [ask.words for ask in login.asks]
    ('https://t.me/BotFather', ['Bot token'])
    """

    platform: str
    server: str
    flow: str
    url: str | None = attrs.field(repr=False)
    redirect_uri: str
    state: str = attrs.field(repr=False)
    capabilities: tuple[str, ...]
    scopes: tuple[str, ...]
    expires_at: datetime
    asks: tuple[Ask, ...] = ()
    user_code: str | None = None
    secrets: dict[str, str] = attrs.field(factory=dict, repr=False)
    """What only :meth:`Client.finish_login` needs: verifier, keys, the registered app."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe; it holds secrets."""
        from .._convert import plain

        body: Any = plain(self)
        return {"schema": LOGIN_SCHEMA, **body}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Login:
        """The login :meth:`to_dict` was called on; a ConfigError with every wrong place."""
        from .._convert import structure

        if not isinstance(data, Mapping):
            raise ConfigError(f"a login is what to_dict() gave, not {type(data).__name__}")
        schema = data.get("schema", LOGIN_SCHEMA)
        if schema != LOGIN_SCHEMA:
            words = f"this login has schema {schema!r}, this socialkit reads {LOGIN_SCHEMA}: begin the sign-in again"
            raise ConfigError(words)
        return structure(cls, {name: value for name, value in data.items() if name != "schema"})


@attrs.frozen(kw_only=True)
class Asked:
    """What the person has to do, and what the second step must know."""

    url: str | None = None
    secrets: dict[str, str] = attrs.field(factory=dict, repr=False)
    asks: tuple[Ask, ...] = ()
    user_code: str | None = None
    expires_in: float = 600.0


@attrs.frozen(kw_only=True)
class Account:
    """Who signed in. The credential is in the client's token store already, under the identity.

    Attributes:
        adapter: give it to ``plan``, ``publish`` and all other calls; it finds its credential by itself.
        missing_scopes: what was asked for and not granted; () when all was, or the platform does not say.
        others: the other accounts this one sign-in reaches (further Facebook Pages, ...), stored as well.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["telegram"]) as box, box.client() as client:
    ...     login = client.begin_login("telegram")
    ...     account = client.finish_login(login, box.telegram.answers("bot_token"))
    ...     account.identity.name
    'brand_bot'
    """

    adapter: Adapter
    credential: Credential
    identity: Identity
    missing_scopes: tuple[str, ...] = ()
    others: tuple[Account, ...] = ()
