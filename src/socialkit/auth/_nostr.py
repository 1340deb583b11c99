"""Nostr's keys: what a person pastes (NIP-19), and the public key that is who they are (BIP-340)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from ..errors import LoginFailed

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_LONGEST = 90
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the curve secp256k1: a private key is a number from 1 to one less."""
_HEX = re.compile(r"[0-9A-Fa-f]{64}")

_OTHERS = {
    "npub": "this is a public key (npub), which anybody may know; paste the private key, which starts with nsec1",
    "nprofile": "this is a public profile (nprofile); paste the private key, which starts with nsec1",
    "ncryptsec": "keys encrypted with a password (ncryptsec, NIP-49) are not supported; decrypt it in the app it is "
    "from and paste the nsec1 key",
    "note": "this is the address of a note; paste the private key, which starts with nsec1",
    "nevent": "this is the address of a note; paste the private key, which starts with nsec1",
}
_SIGNER = "remote signers (bunker, NIP-46) are not supported; paste the private key, which starts with nsec1"


@attrs.frozen
class NostrKey:
    """A private key with what follows from it: 64 hexadecimal digits each, and the public one as people write it.

    >>> NostrKey.read("0" * 63 + "3").npub
    'npub1lycg5qvjtrp3qjf5f7zl382j9x6nrjz9sdhenvyxq8c3808qxmus6gq266'
    """

    secret: str = attrs.field(repr=False)
    public: str
    npub: str

    @classmethod
    def read(cls, pasted: str) -> NostrKey:
        """The key a person pasted, nsec1… or 64 hexadecimal digits; LoginFailed says what it is when it is none."""
        secret = _secret(pasted)
        if not 0 < int.from_bytes(secret) < ORDER:
            raise _invalid("this is no private key: its number is out of range")
        public = public_key(secret)
        return cls(secret.hex(), public.hex(), bech32_encode("npub", to_words(public)))


def public_key(secret: bytes) -> bytes:
    """The x coordinate of the private key's point, 32 bytes (BIP-340)."""
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.derive_private_key(int.from_bytes(secret), ec.SECP256K1())
    return private.public_key().public_numbers().x.to_bytes(32)


def _secret(pasted: str) -> bytes:
    if _HEX.fullmatch(pasted):
        return bytes.fromhex(pasted)
    low = pasted.lower().removeprefix("nostr:")
    if low.startswith(("bunker://", "nostrconnect://")):
        raise _invalid(_SIGNER)
    kind = low.partition("1")[0]
    if kind in _OTHERS:
        raise _invalid(_OTHERS[kind])
    if kind != "nsec":
        raise _invalid("this is no private key; it starts with nsec1, or is 64 hexadecimal digits")
    try:
        _, words = bech32_decode(pasted if pasted.lower() == low else pasted[len("nostr:") :])
        secret = to_bytes(words)
    except ValueError:
        raise _invalid("this nsec key has a typing error, or a part is missing; copy it again") from None
    if len(secret) != 32:
        raise _invalid("this nsec key has not the right length; copy it again")
    return secret


def _invalid(words: str) -> LoginFailed:
    return LoginFailed(words, reason="invalid")


# --- bech32 (BIP-173) -----------------------------------------------------------------------------------------
def bech32_decode(text: str) -> tuple[str, list[int]]:
    """(human-readable part, five-bit words) of a bech32 string; ValueError when it is none.

    >>> bech32_decode("a12uel5l")
    ('a', [])
    """
    if len(text) > _LONGEST or text not in (text.lower(), text.upper()):
        raise ValueError("too long, or in mixed case")
    prefix, one, rest = text.lower().rpartition("1")
    if not one or not prefix or len(rest) < 6 or not all(33 <= ord(letter) <= 126 for letter in prefix):
        raise ValueError("no prefix, no checksum, or a letter that may not be there")
    if not set(rest) <= _VALUE.keys():
        raise ValueError("a letter that may not be there")
    words = [_VALUE[letter] for letter in rest]
    if _checksum([*_expanded(prefix), *words]) != 1:
        raise ValueError("the checksum is wrong")
    return prefix, words[:-6]


def bech32_encode(prefix: str, words: Iterable[int]) -> str:
    """The bech32 string of five-bit words."""
    data = [*words]
    check = _checksum([*_expanded(prefix), *data, *[0] * 6]) ^ 1
    data += [check >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1{''.join(ALPHABET[value] for value in data)}"


def to_words(data: bytes) -> list[int]:
    """Bytes as five-bit words; the last one is filled up with zeros."""
    return _regrouped(data, 8, 5)


def to_bytes(words: Iterable[int]) -> bytes:
    """The bytes of five-bit words; ValueError when what fills up the last word is no row of up to four zeros."""
    data = [*words]
    spare = len(data) * 5 % 8
    if spare >= 5 or (data and data[-1] & (1 << spare) - 1):
        raise ValueError("the last word is not filled up as it must be")
    return bytes(_regrouped(data, 5, 8)[: len(data) * 5 // 8])


def _regrouped(values: Iterable[int], given: int, wanted: int) -> list[int]:
    bits = "".join(f"{value:0{given}b}" for value in values)
    bits += "0" * (-len(bits) % wanted)
    return [int(bits[at : at + wanted], 2) for at in range(0, len(bits), wanted)]


def _expanded(prefix: str) -> list[int]:
    codes = [ord(letter) for letter in prefix]
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _checksum(values: Iterable[int]) -> int:
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit, factor in enumerate(_GENERATOR):
            state ^= factor if top >> bit & 1 else 0
    return state
