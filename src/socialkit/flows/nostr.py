"""How one signs in on Nostr: with the secret key, which is the account itself."""

from __future__ import annotations

from . import Ask, KeyFlow

FLOWS = (
    KeyFlow(
        name="key",
        title="Secret key",
        kind="none",  # each event is signed, not the requests
        asks=(
            Ask(
                name="key",
                words="Secret key",
                shape=r"nsec1[02-9ac-hj-np-z]{58}|[0-9a-f]{64}",
                hint="nsec1… or 64 hexadecimal digits, from your Nostr app; the server is your relay's address "
                "(write wss://relay.example.com as https://relay.example.com)",
            ),
        ),
        fills={"key": "secret"},
        derives="nostr",
        scopes={"identify": (), "publish": (), "metrics": (), "replies": (), "delete": (), "messages": ()},
        source="NIP-01, NIP-11, NIP-19, 2026-11-23",
    ),
)
