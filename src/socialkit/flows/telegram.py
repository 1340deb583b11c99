"""How bots sign in to Telegram: with the token @BotFather gave."""

from __future__ import annotations

from . import Ask, KeyFlow, Whoami

FLOWS = (
    KeyFlow(
        name="bot_token",
        title="Bot token from @BotFather",
        server="https://api.telegram.org",
        setup="https://t.me/BotFather",
        kind="none",  # the token stands in the path
        asks=(
            Ask(
                name="bot_token",
                words="Bot token",
                shape=r"\d+:[\w-]{35}",
                hint="write /newbot or /mybots to @BotFather; it looks like 123456789:AA…",
            ),
        ),
        fills={"bot_token": "access_token"},
        scopes={"identify": (), "publish": (), "metrics": (), "replies": (), "delete": (), "messages": ()},
        whoami=Whoami(url="/bot{access_token}/getMe", id="result.id", name="result.username"),
        source="core.telegram.org/bots/api and the server's source, 2026-11-23",
    ),
)
